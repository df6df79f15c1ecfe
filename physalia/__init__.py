"""Physalia: a cell that stays consistent and available through crashes and partitions, as running code.

`physalia.AsyncClient` and `physalia.Client` are brought in when they are asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from physalia.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:  # a module's attributes are anything
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from physalia import client  # noqa: PLC0415  # brings the transport: --help does without

    return getattr(client, name)

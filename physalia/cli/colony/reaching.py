"""How commands reach a colony: by addresses and keys that are named, or as the colony in a folder has them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput
from physalia.cli.colony.commands import FOLDER, open_colony

if TYPE_CHECKING:
    from physalia.client import AsyncClient, Operator

Folder = Annotated[Path, typer.Option("--folder", help="The colony on this machine, if --at names no other.")]
At = Annotated[
    str | None,
    typer.Option("--at", envvar="PHYSALIA_AT", metavar="URL", help="Its servers: physalia://HOST:PORT,HOST:PORT"),
]
KeysFile = Annotated[
    Path | None, typer.Option("--keys", envvar="PHYSALIA_KEYS", help="The file of keys, for servers that --at names.")
]
Deadline = Annotated[float, typer.Option("--deadline-s", min=0.001, help="How long to try, in seconds.")]


def client(folder: Path, at: str | None, keys: Path | None, deadline_s: float) -> "AsyncClient":
    """A client of the colony. Raises `BadInput`."""
    from physalia.client import AsyncClient  # noqa: PLC0415  # brings the transport

    try:
        if at is not None:
            return AsyncClient(at, keys, deadline_s)
        colony, _ = open_colony(folder)
        return AsyncClient(colony.addresses, colony.ring, deadline_s, caches=colony.caches)
    except ValueError as error:
        raise BadInput(f"{error}".rstrip(".") + ".") from None


def operator(folder: Path, at: str | None, keys: Path | None, deadline_s: float) -> "Operator":
    """An operator of the colony; `at` is NUMBER=HOST:PORT,... Raises `BadInput`."""
    from physalia.client import Operator  # noqa: PLC0415

    try:
        if at is not None:
            return Operator(_numbered(at), keys, deadline_s)
        colony, _ = open_colony(folder)
        return Operator(colony.by_server, colony.operator_ring, deadline_s)
    except ValueError as error:
        raise BadInput(f"{error}".rstrip(".") + ".") from None


def _numbered(text: str) -> dict[int, str]:
    found = {}
    for one in text.split(","):
        number, equals, address = one.partition("=")
        if not equals or not number.isascii() or not number.isdigit():
            raise ValueError(f"--at has {one!r}: expected NUMBER=HOST:PORT, such as 1=127.0.0.1:7400")
        found[int(number)] = address
    return found


__all__ = ["FOLDER", "At", "Deadline", "Folder", "KeysFile", "client", "operator"]

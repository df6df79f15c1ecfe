"""Placement: where a cell may live, which place is the best, and a proof that somebody else can check.

    from physalia.placement import Query, prove

    from physalia.placement.site import format

    from physalia.placement.rules import policy
    answer = prove(format.read(path), policy.default(), Query("server-1-01-01"))

The package knows neither the specifications nor the judges. What is heavy (networkx, z3, highspy) is imported where it
is used, so that importing the package costs little.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from physalia.placement.rules.queries import Query
    from physalia.placement.solver.answer import Answer, prove, query

__all__ = ["Answer", "Query", "prove", "query"]

_HOMES = {
    "Answer": "solver.answer",
    "Query": "rules.queries",
    "prove": "solver.answer",
    "query": "solver.answer",
}


def __getattr__(name: str) -> Any:
    """What the package offers, from the module where it lives, which is only then imported."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

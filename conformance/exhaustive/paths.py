"""Shortest paths of events to a joint state, and the way along such a path, one event after the other."""

from collections.abc import Callable, Iterator
from functools import partial

from conformance.exhaustive.graph import Projected
from conformance.exhaustive.product import Product


class NotPossible(Exception):
    """The event cannot happen here; the message says what can."""


def path_to(product: Product, arrived: Callable[[int, Projected], bool]) -> tuple[str, ...]:
    """The events of a shortest path to the first joint state where `arrived` is true. LookupError if there is none.

    Every joint state on the way was visited before, so that its rows are known.
    """
    came_from = {product.beginning: product.beginning}
    frontier = [(product.beginning, product.first())]
    while frontier:
        following: list[tuple[int, Projected]] = []
        for joint, projected in frontier:
            if arrived(joint, projected):
                return _told(product, came_from, joint)
            for _, target, shift in _moves(product, joint):
                if target not in came_from and (shift < 0 or shift in projected.after):
                    came_from[target] = joint
                    following.append((target, projected if shift < 0 else projected.after[shift]))
        frontier = following
    raise LookupError("no path leads there")


def _moves(product: Product, joint: int) -> Iterator[tuple[Callable[[], str], int, int]]:
    """Every move from a joint state: its words, where it leads, and its shift."""
    for mover in product.movers:
        row = mover.row(joint & mover.mask)
        for (flip, add, shift), happening in zip(row.moves, row.happenings, strict=True):
            yield partial(mover.words, happening), (joint ^ flip) | add, shift


def _told(product: Product, came_from: dict[int, int], joint: int) -> tuple[str, ...]:
    path: list[str] = []
    while came_from[joint] != joint:
        before = came_from[joint]
        path.append(next(words() for words, target, _ in _moves(product, before) if target == joint))
        joint = before
    return tuple(reversed(path))


def follow(product: Product, path: tuple[str, ...]) -> None:
    """Go along the path with every check. Raises `Disagreement` as the exploration does, and `NotPossible`."""
    joint, projected = product.beginning, product.first()
    for event in path:
        product.judge(joint, projected)
        joint, projected = _after(product, joint, projected, event)
    product.judge(joint, projected)


def _after(product: Product, joint: int, projected: Projected, event: str) -> tuple[int, Projected]:
    possible = [(words(), target, shift) for words, target, shift in _moves(product, joint)]
    for words, target, shift in possible:
        if words == event:
            return target, projected if shift < 0 else projected.after[shift]
    raise NotPossible(
        f"{event!r} cannot happen here, or changes nothing; what can: {[words for words, _, _ in possible]}"
    )

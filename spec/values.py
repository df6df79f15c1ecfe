"""Values of TLA+ for which Python has no word of its own: functions over 1..n, and functions over any other set."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

PLACE_0_UNUSED = "place 0 unused"
Function: TypeAlias = Annotated[tuple[V, ...], PLACE_0_UNUSED]
"""A function over 1..n: a tuple whose place 0 is None, so that `f[n]` reads as in TLA+."""


def function(domain: Iterable[int], value: V) -> tuple[V, ...]:
    """[x in domain |-> value], where the domain is 1..n."""
    return (cast("V", None), *(value for _ in domain))


def function_of(values: Iterable[V]) -> tuple[V, ...]:
    """The function that has these values at 1, 2, and so on."""
    return (cast("V", None), *values)


def put(f: tuple[V, ...], x: int, value: V) -> tuple[V, ...]:
    """[f EXCEPT ![x] = value]."""
    return (*f[:x], value, *f[x + 1 :])


class Map(Mapping[K, V], Generic[K, V]):
    """A function over any finite set: an immutable, hashable mapping."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> None:
        self._items = dict(items)
        self._hash = hash(frozenset(self._items.items()))

    def put(self, key: K, value: V) -> "Map[K, V]":
        """The same function with `value` at `key`."""
        return Map({**self._items, key: value})

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: Any) -> bool:
        return self._items == other._items if isinstance(other, Map) else NotImplemented

    def __repr__(self) -> str:
        return f"Map({self._items!r})"

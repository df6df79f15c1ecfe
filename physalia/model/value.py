"""Values: equal when their fields are, fit for sets and keys, and never changed.

That nobody assigns to a field is held by mypy, to which `value` is `attrs.frozen`. At run time it is not: a frozen
class takes nearly three times as long to construct, and a node constructs eight values to vote once.
"""

from typing import TYPE_CHECKING, TypeVar

from attrs import define

T = TypeVar("T")

if TYPE_CHECKING:
    from attrs import frozen as key
    from attrs import frozen as value
else:

    def value(cls: type[T]) -> type[T]:
        """Make a class of values, with slots, of one whose body names the fields."""
        return define(cls, unsafe_hash=True)

    def key(cls: type[T]) -> type[T]:
        """Make a class of values that are in many sets: each remembers its hash."""
        return define(cls, unsafe_hash=True, cache_hash=True)


__all__ = ["key", "value"]

"""Values: equal when their fields are, fit for sets and keys, and never changed.

That nobody assigns to a field is held by mypy, to which all three are `attrs.frozen`. A node constructs eight values to
vote once. So `value` makes them by msgspec, in C: a third of the time of what attrs makes, and a quarter of it to
compare. Nor does Python's collector look at them: a value holds values alone, so it is part of no cycle. msgspec knows
no fields that are compared in a way of their own, and remembers no hashes.
"""

import types
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import msgspec

T = TypeVar("T")

if TYPE_CHECKING:
    from attrs import evolve
    from attrs import frozen as key
    from attrs import frozen as particular
    from attrs import frozen as value
else:

    def value(cls: type[T]) -> type[T]:
        """Make a class of values of one whose body names the fields."""
        body = {name: held for name, held in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        options: dict[str, Any] = {"frozen": True, "gc": False}
        return types.new_class(cls.__name__, (msgspec.Struct,), options, lambda namespace: namespace.update(body))

    def particular(cls: type[T]) -> type[T]:
        """Make a class of values some of whose fields are compared in a way of their own: by `attrs.field(eq=..)`."""
        return attrs.define(cls, unsafe_hash=True)

    def key(cls: type[T]) -> type[T]:
        """Make a class of values that are in many sets: each remembers its hash. Its fields are those of attrs, too."""
        return attrs.define(cls, unsafe_hash=True, cache_hash=True)

    def evolve(one: T, **changes: object) -> T:
        """The same value but for these fields, of whatever kind it is: as `copy.replace` from Python 3.13 on."""
        if isinstance(one, msgspec.Struct):
            return msgspec.structs.replace(one, **changes)
        return attrs.evolve(one, **changes)


__all__ = ["evolve", "key", "particular", "value"]

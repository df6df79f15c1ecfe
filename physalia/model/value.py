"""Values: equal when their fields are, fit for sets and keys, and never changed.

That nobody assigns to a field is held by mypy, to which each of these is `attrs.frozen` or like it. A node constructs
eight values to vote once. So `value` makes them by msgspec, in C: a third of the time of what attrs makes, and a
quarter of it to compare. Nor does Python's collector look at them: a value holds values alone, so it is part of no
cycle.

Whoever writes one down as JSON by msgspec gets a list: the name of its class in small letters, and its fields in order.
Traces are written so (docs/traces.md).
"""

import types
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

import attrs
import msgspec

T = TypeVar("T")

if TYPE_CHECKING:
    from attrs import evolve
    from attrs import frozen as key
    from attrs import frozen as typed
    from attrs import frozen as value

    @dataclass_transform(frozen_default=True, order_default=True)
    def ordered(cls: type[T]) -> type[T]:
        """As below."""

else:

    def _made(cls: type[T], *, order: bool = False, cached: bool = False, **more: object) -> type[T]:
        body = {name: held for name, held in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        options = {"frozen": True, "gc": False, "order": order, "cache_hash": cached}
        options |= {"array_like": True, "tag": cls.__name__.lower(), "tag_field": "is", "forbid_unknown_fields": True}
        return types.new_class(cls.__name__, (msgspec.Struct,), options, lambda space: space.update(body | more))

    def value(cls: type[T]) -> type[T]:
        """Make a class of values of one whose body names the fields."""
        return _made(cls)

    def ordered(cls: type[T]) -> type[T]:
        """Make a class of values that are in order: by the first field, then by the next one."""
        return _made(cls, order=True)

    def typed(cls: type[T]) -> type[T]:
        """Make a class of values whose fields are equal only if their types are too: for Python `True == 1`."""

        def equal(one: object, other: object) -> bool:
            if type(one) is not type(other):
                return False
            pairs = zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True)
            return all(type(mine) is type(its) and mine == its for mine, its in pairs)

        def differ(one: object, other: object) -> bool:
            return not equal(one, other)

        return _made(cls, __eq__=equal, __ne__=differ, __hash__=msgspec.Struct.__hash__)

    def key(cls: type[T]) -> type[T]:
        """Make a class of values that are in many sets: each remembers its hash."""
        return _made(cls, cached=True)

    def evolve(one: T, **changes: object) -> T:
        """The same value but for these fields, of whatever kind it is: as `copy.replace` from Python 3.13 on."""
        if isinstance(one, msgspec.Struct):
            return msgspec.structs.replace(one, **changes)
        return attrs.evolve(one, **changes)


__all__ = ["evolve", "key", "ordered", "typed", "value"]

"""States in words, and what differs between two of them, part by part."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def show(value: Any) -> str:
    """A value in one line, with sets in a fixed order."""
    match value:
        case frozenset() | set():
            return "{" + ", ".join(sorted(show(element) for element in value)) + "}"
        case tuple() if hasattr(value, "_fields"):
            parts = (f"{name}={show(part)}" for name, part in zip(value._fields, value, strict=True))
            return f"{type(value).__name__}({', '.join(parts)})"
        case tuple() if _is_function(value):
            return "[" + ", ".join(f"{place}: {show(part)}" for place, part in enumerate(value[1:], start=1)) + "]"
        case tuple():
            return "<" + ", ".join(show(part) for part in value) + ">"
        case Mapping():
            return "[" + ", ".join(sorted(f"{show(key)}: {show(part)}" for key, part in value.items())) + "]"
        case _:
            return str(value)


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """What differs: `+` and `-` for elements of sets, `old -> new` for the smallest part that changed."""
    if before == after:
        return
    match before, after:
        case frozenset(), frozenset():
            yield from (f"{place}: - {element}" for element in sorted(map(show, before - after)))
            yield from (f"{place}: + {element}" for element in sorted(map(show, after - before)))
        case tuple(), tuple() if hasattr(before, "_fields") and getattr(after, "_fields", ()) == before._fields:
            for name, old, new in zip(before._fields, before, after, strict=True):
                yield from differences(old, new, f"{place}.{name}" if place else name)
        case tuple(), tuple() if len(before) == len(after) and _is_function(before) and _is_function(after):
            for at, (old, new) in enumerate(zip(before, after, strict=True)):
                yield from differences(old, new, f"{place}[{at}]")
        case _:
            yield f"{place}: {show(before)} -> {show(after)}"


def call(name: str, args: Iterable[Any]) -> str:
    """An action with its arguments, such as ``vote(3, 1, 2)``."""
    return f"{name}({', '.join(map(show, args))})"


def _is_function(value: tuple[Any, ...]) -> bool:
    """Whether a tuple is a function over 1..n, whose place 0 is unused."""
    return len(value) > 0 and value[0] is None

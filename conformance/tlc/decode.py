"""TLA+ values become values of the mirror, by the types that its state declares.

TLC prints a function over 1..n like a sequence, a function over strings like a record, and the empty function like the
empty sequence. What was meant is known from the declared type alone, so that nothing is guessed; a value that does not
fit its type is an error.
"""

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from conformance.tlc.values import Function, Value, parse_value, show
from spec.values import PLACE_0_UNUSED, Map, function_of

Decoder = Callable[[Value], Any]


class StateDecoder:
    """Makes states of one type from the texts of their variables. Equal texts are parsed once."""

    def __init__(self, state: type[Any]) -> None:
        self._state = state
        hints = get_type_hints(state, include_extras=True)
        self._decoders = {name: decoder_of(hints[name]) for name in state._fields}
        self._known: dict[str, dict[str, Any]] = {name: {} for name in state._fields}

    def state(self, texts: dict[str, str]) -> Any:
        """A state; ValueError when a variable is missing, is one too many, or does not fit its type."""
        if texts.keys() != self._known.keys():
            raise ValueError(f"the variables are {', '.join(texts)}, and should be {', '.join(self._known)}")
        return self._state._make(self._value(name, texts[name]) for name in self._known)

    def _value(self, name: str, text: str) -> Any:
        known = self._known[name]
        value = known.get(text)
        if value is None:
            try:
                value = known[text] = self._decoders[name](parse_value(text))
            except ValueError as error:
                raise ValueError(f"variable {name}: {error}") from None
        return value


def decoder_of(hint: Any) -> Decoder:
    """What turns a TLA+ value into a value of type `hint`; TypeError for a type that TLA+ has nothing for."""
    origin, args = get_origin(hint), get_args(hint)
    if hint in (int, str, bool):
        return _simple(hint)
    if origin is Annotated and args[1:] == (PLACE_0_UNUSED,):
        return _function(decoder_of(get_args(args[0])[0]))
    if origin is frozenset:
        return _set(decoder_of(args[0]))
    if origin is tuple and args[1:] == (...,):
        return _sequence(decoder_of(args[0]))
    if origin is Map:
        return _map(decoder_of(args[0]), decoder_of(args[1]))
    if origin in (Union, UnionType):
        return _either(args)
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _record(hint)
    raise TypeError(f"no TLA+ value is a {hint}")


def _wrong(value: Value, wanted: str) -> ValueError:
    return ValueError(f"{show(value)} is no {wanted}")


def _simple(hint: type[Any]) -> Decoder:
    def decode(value: Value) -> Any:
        if type(value) is not hint:
            raise _wrong(value, hint.__name__)
        return value

    return decode


def _set(element: Decoder) -> Decoder:
    def decode(value: Value) -> Any:
        if not isinstance(value, frozenset):
            raise _wrong(value, "set")
        return frozenset(map(element, value))

    return decode


def _sequence(element: Decoder) -> Decoder:
    def decode(value: Value) -> Any:
        if not isinstance(value, tuple):
            raise _wrong(value, "sequence")
        return tuple(map(element, value))

    return decode


def _function(element: Decoder) -> Decoder:
    def decode(value: Value) -> Any:
        if isinstance(value, tuple):
            return function_of(map(element, value))
        pairs = dict(value.pairs) if isinstance(value, Function) else {}
        if not pairs or pairs.keys() != set(range(1, len(pairs) + 1)):
            raise _wrong(value, "function over 1..n")
        return function_of(element(pairs[place]) for place in range(1, len(pairs) + 1))

    return decode


def _map(key: Decoder, result: Decoder) -> Decoder:
    def decode(value: Value) -> Any:
        if value == ():
            return Map()
        if not isinstance(value, Function):
            raise _wrong(value, "function")
        return Map((key(argument), result(value_there)) for argument, value_there in value.pairs)

    return decode


def _record(hint: Any) -> Decoder:
    hints = get_type_hints(hint, include_extras=True)
    decoders = {name: decoder_of(hints[name]) for name in hint._fields}

    def decode(value: Value) -> Any:
        parts = dict(value.pairs) if isinstance(value, Function) else {}
        if parts.keys() != decoders.keys():
            raise _wrong(value, f"record of {', '.join(decoders) or 'nothing'}")
        return hint(**{name: decoders[name](parts[name]) for name in decoders})

    return decode


def _either(hints: tuple[Any, ...]) -> Decoder:
    """One of several records, told apart by their fields."""
    decoders = {frozenset(hint._fields): _record(hint) for hint in hints}
    names = " or ".join(hint.__name__ for hint in hints)

    def decode(value: Value) -> Any:
        fields = frozenset(dict(value.pairs)) if isinstance(value, Function) else frozenset()
        if fields not in decoders:
            raise _wrong(value, names)
        return decoders[fields](value)

    return decode

"""What an object may answer: a sequential model, and what the checker may take for granted about its operations.

A model judges one operation at a time, in a state. It also says which operations have nothing to do with each other
(P-compositionality): a history is linearizable exactly if each of its parts is.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from attrs import evolve, frozen

from conformance.histories.history import FALSE, TRUE, Map, Operation, Typed, Value


class Kind(Enum):
    """What an operation does to the state, whatever the state is."""

    READS = "reads"
    """It never changes the state. Where its answer is right, it may as well take effect at once."""
    OVERWRITES = "overwrites"
    """It can always happen, and leads to one and the same state: whatever came right before it left no trace."""
    ADDS = "adds"
    """It can always happen, and its answer says nothing; what it leads to depends on the state."""
    CHANGES = "changes"
    """Anything else."""


class NotLegal(Enum):
    """What a step comes to that cannot happen in that state with that answer."""

    ILLEGAL = "illegal"


ILLEGAL = NotLegal.ILLEGAL


class Malformed(Exception):
    """An operation that the model does not know: the field that is wrong, and what it should be."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


class Model(Protocol):
    """A sequential object. States are values."""

    name: str
    initial: Value

    def admit(self, operation: Operation) -> Operation:
        """The operation with its key in place; raises `Malformed` for one that this object does not have."""

    def parts(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        """Operations that have nothing to do with each other, apart."""

    def kind(self, operation: Operation) -> Kind:
        """What the operation does to any state."""

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """The state after the operation, if its answer is right; one that is open is legal where it does something."""

    def bounds(self, operation: Operation) -> "Bounds | None":
        """The only state in which the operation is legal and the one that it leads to; None if that cannot be said."""

    def may_become(self, state: Value, needed: Value) -> bool:
        """Whether operations whose bounds do not say what they make may lead from one state to the other."""

    def words(self, state: Value) -> str:
        """A state in a few words."""


class Anything(Enum):
    """What an operation needs that is legal in many states, and what one leads to that changes nothing."""

    ANYTHING = "anything"


ANYTHING = Anything.ANYTHING


@frozen
class Bounds:
    """An operation is legal in no state but `needs`, and leads to no other state than `makes`.

    `ANYTHING` needs nothing, or makes nothing, or only what `Model.may_become` says.
    """

    needs: Value | Anything
    makes: Value | Anything


def by_key(operations: Iterable[Operation]) -> Iterable[Sequence[Operation]]:
    """Operations by their key."""
    parts: dict[Value, list[Operation]] = {}
    for operation in operations:
        parts.setdefault(operation.key, []).append(operation)
    return parts.values()


class Register:
    """One value that is read, written and, in a `cas-register`, set if it is what the client expects.

    `cas` asks with [expected, new]. Answered `ok` it took place; answered `ok` with false the register had another
    value than the expected one, which says something about it; a `fail` says nothing. The register is nil at first.
    Operations that name a key speak of the register of that key.
    """

    def __init__(self, name: str, functions: Mapping[str, str]) -> None:
        self.name = name
        self.initial: Value = None
        self.functions = functions

    def admit(self, operation: Operation) -> Operation:
        """See `Model`."""
        known = self.functions.get(operation.f)
        if known is None:
            raise Malformed("f", f"{operation.f} is no operation of a {self.name}; it has {', '.join(self.functions)}")
        asked, answer = operation.asked, operation.answer
        if known == "read":
            _must_ask_for_nothing(self.name, asked)
            asked = None
        elif known == "append" and not isinstance(asked, str | None):
            raise Malformed("value", "what is appended is a text")
        elif known == "cas" and not (isinstance(asked, tuple) and len(asked) == 2):  # noqa: PLR2004
            raise Malformed("value", "a cas asks with [expected, new]")
        elif answer not in (None, TRUE, asked) and (known, answer) != ("cas", FALSE):
            raise Malformed("value", f"a {operation.f} is not answered by {shown(answer)}")
        elif answer != FALSE:
            answer = None
        if (known, asked, answer) == (operation.f, operation.asked, operation.answer):
            return operation
        return evolve(operation, f=known, asked=asked, answer=answer)

    def parts(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        """See `Model`: where operations name keys, each key is an object of its own."""
        return by_key(operations)

    def kind(self, operation: Operation) -> Kind:
        """See `Model`."""
        match operation.f:
            case "read":
                return Kind.READS
            case "write" | "delete":
                return Kind.OVERWRITES
            case "append":
                return Kind.ADDS
            case "cas":
                expected, new = _before_and_after(operation)
                return Kind.READS if operation.answer == FALSE or expected == new else Kind.CHANGES
        return Kind.CHANGES

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """See `Model`."""
        match operation.f:
            case "read":
                return state if operation.answer == state else ILLEGAL
            case "write":
                return operation.asked
            case "delete":
                return None
        expected, new = _before_and_after(operation)
        if operation.answer == FALSE:
            return ILLEGAL if state == expected else state
        return new if state == expected else ILLEGAL

    def bounds(self, operation: Operation) -> Bounds | None:
        """See `Model`."""
        match operation.f:
            case "read":
                return Bounds(operation.answer, ANYTHING)
            case "write":
                return Bounds(ANYTHING, operation.asked)
            case "delete":
                return Bounds(ANYTHING, None)
        if operation.answer == FALSE:
            return Bounds(ANYTHING, ANYTHING)
        return Bounds(*_before_and_after(operation))

    def may_become(self, state: Value, needed: Value) -> bool:
        """See `Model`."""
        del state, needed
        return False

    def words(self, state: Value) -> str:
        """See `Model`."""
        return "nil" if state is None else shown(state)


class Kv(Register):
    """A register for each key; `append` adds to what a key has. Key and value come as `key` and `value`, or as a pair.

    A key that was never put is nil. Stores of texts call it empty, so here an empty text is nil as well.
    """

    def admit(self, operation: Operation) -> Operation:
        """See `Model`: the key is taken out of a pair [key, value] if it has no field of its own."""
        key, asked, answer = operation.key, operation.asked, operation.answer
        if key is not None:
            pass
        elif isinstance(asked, tuple) and len(asked) == 2:  # noqa: PLR2004
            key, asked = asked
            if isinstance(answer, tuple) and len(answer) == 2 and answer[0] == key:  # noqa: PLR2004
                answer = answer[1]
        elif self.functions.get(operation.f) in ("read", "delete") and isinstance(asked, str | int):
            key, asked = asked, None
        else:
            raise Malformed("key", "an operation of a kv names its key, in a field of its own or as [key, value]")
        return super().admit(evolve(operation, key=key, asked=_not_empty(asked), answer=_not_empty(answer)))

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """See `Model`."""
        if operation.f == "append":
            return "".join(one for one in (state, operation.asked) if isinstance(one, str)) or None
        return super().step(state, operation)

    def bounds(self, operation: Operation) -> Bounds | None:
        """See `Model`."""
        if operation.f == "append":
            return Bounds(ANYTHING, ANYTHING)
        return super().bounds(operation)

    def may_become(self, state: Value, needed: Value) -> bool:
        """See `Model`: by appending. What is no text is as good as nothing for it, and leaves nothing behind."""
        if not isinstance(state, str):
            return isinstance(needed, str | None)
        return isinstance(needed, str) and needed.startswith(state)


class Lease:
    """Locks by name (rule R13): nobody acquires one that another holds, and only its holder releases it.

    The holder is the process, unless the operation's value names another. Answered `ok` with false, `acquire` found it
    held by somebody else, and `release` found that the holder was not this one.
    """

    name = "lease"
    initial: Value = None

    def admit(self, operation: Operation) -> Operation:
        """See `Model`."""
        if operation.f not in ("acquire", "release"):
            raise Malformed("f", f"{operation.f} is no operation of a lease; it has acquire, release")
        if operation.answer not in (None, TRUE, FALSE, operation.asked):
            raise Malformed("value", "a lease's operation is answered by nil, true, false, or what it asked for")
        return evolve(operation, asked=operation.process) if operation.asked is None else operation

    def parts(self, operations: Sequence[Operation]) -> Iterable[Sequence[Operation]]:
        """See `Model`: locks of different names have nothing to do with each other."""
        return by_key(operations)

    def kind(self, operation: Operation) -> Kind:
        """See `Model`."""
        return Kind.READS if operation.answer == FALSE else Kind.CHANGES

    def step(self, state: Value, operation: Operation) -> Value | NotLegal:
        """See `Model`."""
        holder, holds = operation.asked, state == (operation.asked,)
        if operation.f == "acquire":
            if operation.answer == FALSE:
                return ILLEGAL if state is None or holds else state
            return (holder,) if state is None else ILLEGAL
        if operation.answer == FALSE:
            return ILLEGAL if holds else state
        return None if holds else ILLEGAL

    def bounds(self, operation: Operation) -> Bounds | None:
        """See `Model`."""
        if operation.answer == FALSE:
            return Bounds(ANYTHING, ANYTHING)
        held = (operation.asked,)
        return Bounds(None, held) if operation.f == "acquire" else Bounds(held, None)

    def may_become(self, state: Value, needed: Value) -> bool:
        """See `Model`."""
        del state, needed
        return False

    def words(self, state: Value) -> str:
        """See `Model`."""
        return f"held by {shown(state[0])}" if isinstance(state, tuple) else "free"


MOST_SHOWN = 200
"""How many characters of a text are shown, and bits of an integer."""


def shown(one: Value) -> str:
    """A value in a few words."""
    if one is None:
        return "nil"
    if isinstance(one, str):
        return f'"{one}"' if len(one) <= MOST_SHOWN else f'"{one[:MOST_SHOWN]}..." ({len(one):,} characters)'
    if isinstance(one, int) and one.bit_length() > MOST_SHOWN:
        return f"{one >> (one.bit_length() - 64):#x}... (an integer of {one.bit_length():,} bits)"
    if isinstance(one, tuple):
        return f"[{', '.join(map(shown, one))}]"
    if isinstance(one, Typed) and isinstance(one.value, frozenset):
        return f"#{{{', '.join(sorted(map(shown, one.value)))}}}"
    if isinstance(one, Map):
        return f"{{{', '.join(sorted(f'{name}: {shown(given)}' for name, given in one.entries))}}}"
    return str(one)


def _must_ask_for_nothing(name: str, asked: Value) -> None:
    """A read of [key, nil] is one of many registers; taken for one of a single register, the verdict would be wrong."""
    if isinstance(asked, tuple) and len(asked) == 2 and asked[1] is None:  # noqa: PLR2004
        why = f"a read of a {name} asks for nothing, and not for {shown(asked)}: with [key, value] the model is kv"
        raise Malformed("value", why)


def _not_empty(given: Value) -> Value:
    if isinstance(given, tuple):
        return tuple(None if one == "" else one for one in given)
    return None if given == "" else given


def _before_and_after(operation: Operation) -> tuple[Value, Value]:
    assert isinstance(operation.asked, tuple)
    expected, new = operation.asked
    return expected, new


_REGISTER = {"read": "read", "write": "write"}
_CAS = {**_REGISTER, "cas": "cas"}
_KV = {**_CAS, "get": "read", "put": "write", "delete": "delete", "append": "append"}

MODELS: Mapping[str, Model] = {
    "register": Register("register", _REGISTER),
    "cas-register": Register("cas-register", _CAS),
    "kv": Kv("kv", _KV),
    "lease": Lease(),
}

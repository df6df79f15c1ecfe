"""What can go wrong with a request, as its client sees it: few errors, each of which says what to do next.

A client library raises these and no others. `Done`, and `Done` without success, are answers; `error` tells which of
them, and of the reasons why nothing was done, is an error. The three ends of a request are done, not done, and unknown:
only `OutcomeUnknown` is the third, and of a request that a session numbers it is safe to ask again (design rule R6).
"""

from typing import Final, assert_never

from physalia.model import Done, Execute, Failed, Reason, Refused


class PhysaliaError(Exception):
    """A request that did not go well. Unless it is `OutcomeUnknown`, this attempt changed nothing."""


class ConditionFailed(PhysaliaError):
    """Not done: a condition did not hold. `failed` has each of them with what was there. Read, decide, ask anew."""

    def __init__(self, failed: tuple[Failed, ...]) -> None:
        super().__init__("; ".join(map(_words, failed)))
        self.failed = failed


class Unavailable(PhysaliaError):
    """Not done: this node does nothing about requests now. Ask another one, or this one later."""


class Closed(Unavailable):
    """Not done: the client was closed, or is of another process or event loop. Make another one, and ask that."""


class Overloaded(Unavailable):
    """Not done: too much is under way (R12). Wait, longer each time and by a random part of that, and ask again."""


class OutcomeUnknown(PhysaliaError):
    """Perhaps done, perhaps done yet. Ask again in the same session, under the same number, and you are told.

    `command` is what to ask again for, if it is one that may be asked for again.
    """

    command: Execute | None = None


class LimitExceeded(PhysaliaError):
    """Not done: the `limit` is `most`, and this would be `size`. Ask for less."""

    def __init__(self, limit: str, size: int, most: int) -> None:
        super().__init__(f"{limit} would be {size}, and may be {'from 1 to' if size < 1 else 'at most'} {most}")
        self.limit = limit
        self.size = size
        self.most = most


class InvalidRequest(PhysaliaError):
    """Not done: this is no request, or one that cannot be carried out on what is there. Do not repeat it as it is."""


class SessionExpired(PhysaliaError):
    """Not done by this attempt: there is no such session any more, or none yet. Open one.

    Of an earlier attempt under the same number this says nothing. Read before you ask for the same thing again.
    """


class WrongCell(PhysaliaError):
    """Not done: the key is another cell's. Look up where it lives, and ask there."""


SHOULD_BE: Final = {
    "key": "a key is a text that UTF-8 can say",
    "value": "a value is bytes, an integer or a boolean",
    "amount": "what is added is an integer, and no boolean",
    "version": "a version is a natural number, 0 for what is not there",
    "type": "a type is bytes, integer or boolean",
    "relation": "a relation is <, <=, >, >= or !=",
    "condition": "it is none of those in physalia.model",
    "operation": "it is none of those in physalia.model",
}
"""What a request should have had, by the name of what is wrong with it."""
_MOST = 64
"""How many bytes of a value an error shows."""


def _words(failed: Failed) -> str:
    condition = failed.condition
    fields = ", ".join(f"{name}={_shown(getattr(condition, name))}" for name in type(condition).__match_args__)
    saw = "nothing" if failed.saw is None else f"{_shown(failed.saw.value)} of version {failed.saw.version}"
    return f"{type(condition).__name__}({fields}) does not hold: there is {saw}"


def _shown(value: object) -> str:
    """A value in a few words: Python writes down no integer of more than 4,300 digits."""
    if isinstance(value, int) and value.bit_length() > 8 * _MOST:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, bytes) and len(value) > _MOST:
        return f"{value[:_MOST]!r}... ({len(value)} bytes)"
    return repr(value)


def error(told: Done | Refused | Reason) -> PhysaliaError | None:
    """The error that an answer or a rejection is to whoever wanted `then`; None if that was done."""
    match told:
        case Done(succeeded=succeeded, failed=failed):
            return None if succeeded else ConditionFailed(failed)
        case Refused():
            return _refused(told)
        case "pipeline full":
            return Overloaded("the pipeline is full")
        case "outcome unknown":
            return OutcomeUnknown("the node does not lead any more")
        case "not the proposer" | "behind" | "stopped" | "not understood" | "session ahead":
            return Unavailable(told)
        case _:
            assert_never(told)


def _refused(told: Refused) -> PhysaliaError:
    about, size, most = told.about, told.size, told.most
    match told.fault:
        case "limit":
            return LimitExceeded(about, size, most)
        case "session expired":
            return SessionExpired(f"there is no session {size}")
        case "number went back":
            return OutcomeUnknown(f"request {size} came after request {most}: nobody knows its answer any more")
        case "number reused":
            return InvalidRequest(f"request {size} of this session was another one")
        case "scan expired":
            return Unavailable("the snapshot of this page is gone: begin the scan again")
        case "invalid":
            return InvalidRequest(f"this is no {about}: {SHOULD_BE.get(about, 'see physalia.model')}")
        case _:
            return InvalidRequest(f"{told.fault}: {about}")

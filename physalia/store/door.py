"""The door: what is no request, or is too large, is refused before it is asked of anybody.

Nothing of this depends on the state, so a client, a server and a proposer come to the same answer. What does depend on
it (a sum that becomes too large, a partition that is full) is refused when the command is applied.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Condition,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
    Operation,
    Put,
    Refused,
    RequestId,
    Slot,
    Transact,
    Transaction,
    Value,
)
from physalia.model.transactions import TYPE_NAMES
from physalia.store.batches import interacts
from physalia.store.limits import LIMITS, Limits
from physalia.store.refusals import Refusal
from physalia.store.values import size_bytes

PAIR: Final = 2
MAX_NUMBER: Final = 2**63 - 1
_RELATIONS: Final = frozenset({"<", "<=", ">", ">=", "!="})
_CONDITIONS: Final = frozenset({Equals, Exists, Absent, HasType, Compare, HasVersion})
_OPERATIONS: Final = frozenset({Put, Delete, Add, Get})


def refusal(command: Execute, limits: Limits = LIMITS) -> Refused | None:
    """Why nobody should be asked for this command, None if it may be asked for."""
    try:
        _check_command(command, limits)
    except Refusal as no:
        return no.refused
    return None


def max_session(command: Execute) -> Slot:
    """The highest slot that the command names as a session: it cannot be judged before that is known."""
    match command.body:
        case Transact(session):
            return session
        case Batch(entries):
            return max(asked.session for _, asked in entries)
    return 0


def _check_command(command: Execute, limits: Limits) -> None:
    _must(type(command.request) is RequestId and is_natural(command.version, 1), "command")
    body = command.body
    if type(body) is Transact:
        _check_request(command.request, body, limits)
    elif type(body) is Batch:
        _check_batch(body.entries, limits)
    else:
        _must(type(body) is OpenSession, "command")


def _check_batch(entries: Sequence[tuple[RequestId, Transact]], limits: Limits) -> None:
    _must(type(entries) is tuple, "batch")
    if not 1 <= len(entries) <= limits.batch_entries:
        raise Refusal(Refused("limit", "batch_entries", len(entries), limits.batch_entries))
    for entry in entries:
        _must(type(entry) is tuple and len(entry) == PAIR, "request")
        request, asked = entry
        _must(type(request) is RequestId and type(asked) is Transact, "request")
        _check_request(request, asked, limits)
    if interacts([asked for _, asked in entries]):
        raise Refusal(Refused("interacting", "batch"))


def _check_request(request: RequestId, asked: Transact, limits: Limits) -> None:
    transaction = asked.transaction
    if not (is_natural(request.number, 1) and is_natural(asked.session, 1)):
        raise _invalid("request")
    if type(transaction) is not Transaction:
        raise _invalid("transaction")
    if_, then, else_ = transaction.if_, transaction.then, transaction.else_
    if not (type(if_) is tuple and type(then) is tuple and type(else_) is tuple):
        raise _invalid("transaction")
    steps = len(if_) + len(then) + len(else_)
    if not 1 <= steps <= limits.transaction_steps:
        raise Refusal(Refused("limit", "transaction_steps", steps, limits.transaction_steps))
    size = 0
    for condition in if_:
        if type(condition) not in _CONDITIONS:
            raise _invalid("condition")
        size += _check_step(condition, limits)
    for operation in (*then, *else_):
        if type(operation) not in _OPERATIONS:
            raise _invalid("operation")
        size += _check_step(operation, limits)
    if size > limits.transaction_bytes:
        raise Refusal(Refused("limit", "transaction_bytes", size, limits.transaction_bytes))


def _check_step(step: Condition | Operation, limits: Limits) -> int:
    """Check one condition or operation; return its size in bytes."""
    key = step.key
    if type(key) is not str:
        raise _invalid("key")
    try:
        size = len(key) if key.isascii() else len(key.encode())
    except UnicodeEncodeError:
        raise _invalid("key") from None
    if not 1 <= size <= limits.key_bytes:
        raise Refusal(Refused("limit", "key_bytes", size, limits.key_bytes))
    check = _CHECKS.get(type(step))
    return size if check is None else size + check(step, limits)


def _check_version(condition: HasVersion, _: Limits) -> int:
    if not is_natural(condition.version, 0):
        raise _invalid("version")
    return 0


def _check_type(condition: HasType, _: Limits) -> int:
    if condition.type not in TYPE_NAMES.values():
        raise _invalid("type")
    return 0


def _check_comparison(condition: Compare, limits: Limits) -> int:
    if condition.relation not in _RELATIONS:
        raise _invalid("relation")
    return _check_value(condition, limits)


def _check_amount(operation: Add, limits: Limits) -> int:
    if type(operation.amount) is not int:
        raise _invalid("amount")
    return _within(operation.amount, limits)


def _check_value(step: Put | Equals | Compare, limits: Limits) -> int:
    if type(step.value) not in TYPE_NAMES:
        raise _invalid("value")
    return _within(step.value, limits)


def _within(value: Value, limits: Limits) -> int:
    size = size_bytes(value)
    if size > limits.value_bytes:
        raise Refusal(Refused("limit", "value_bytes", size, limits.value_bytes))
    return size


_CHECKS: Final[dict[type, Callable[[Any, Limits], int]]] = {
    Put: _check_value,
    Equals: _check_value,
    Compare: _check_comparison,
    Add: _check_amount,
    HasType: _check_type,
    HasVersion: _check_version,
}
"""What else there is to check of a step, beside its key; each returns the size of the value."""


def _invalid(about: str) -> Refusal:
    return Refusal(Refused("invalid", about))


def _must(is_so: bool, about: str) -> None:
    if not is_so:
        raise _invalid(about)


def is_natural(number: int, least: int) -> bool:
    """Whether this is an integer from `least` on that can be said at all; a boolean is none."""
    return type(number) is int and least <= number <= MAX_NUMBER

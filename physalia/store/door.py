"""The door: what is no request, or is too large, is refused before it is asked of anybody.

Nothing of this depends on the state, so a client, a server and a proposer come to the same answer. What does depend on
it (a sum that becomes too large, a partition that is full) is refused when the command is applied.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
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


def refusal(command: Execute, limits: Limits = LIMITS) -> Refused | None:
    """Why nobody should be asked for this command, None if it may be asked for."""
    try:
        _check_command(command, limits)
    except Refusal as no:
        return no.refused
    return None


def max_session(command: Execute) -> Slot:
    """The highest slot that the command names as a session: it cannot be judged before that is known."""
    body = command.body
    if type(body) is Transact:
        return body.session
    return max(asked.session for _, asked in body.entries) if type(body) is Batch else 0


def _check_command(command: Execute, limits: Limits) -> None:
    if not (type(command.request) is RequestId and is_natural(command.version, 1)):
        raise _invalid("command")
    if not _is_name(command.request):
        raise _invalid("request")
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
        _must(type(request) is RequestId and type(asked) is Transact and _is_name(request), "request")
        _check_request(request, asked, limits)
    if interacts([asked for _, asked in entries]):
        raise Refusal(Refused("interacting", "batch"))


def _check_request(request: RequestId, asked: Transact, limits: Limits) -> None:
    number, session, transaction = request.number, asked.session, asked.transaction
    if not (type(number) is type(session) is int and 1 <= number <= MAX_NUMBER and 1 <= session <= MAX_NUMBER):
        raise _invalid("request")
    if type(transaction) is not Transaction:
        raise _invalid("transaction")
    if_, then, else_ = transaction.if_, transaction.then, transaction.else_
    if not (type(if_) is tuple and type(then) is tuple and type(else_) is tuple):
        raise _invalid("transaction")
    steps = len(if_) + len(then) + len(else_)
    if not 1 <= steps <= limits.transaction_steps:
        raise Refusal(Refused("limit", "transaction_steps", steps, limits.transaction_steps))
    size = _steps_bytes(if_, _CONDITIONS, "condition", limits)
    size += _steps_bytes(then, _OPERATIONS, "operation", limits)
    if else_:
        size += _steps_bytes(else_, _OPERATIONS, "operation", limits)
    if size > limits.transaction_bytes:
        raise Refusal(Refused("limit", "transaction_bytes", size, limits.transaction_bytes))


def _steps_bytes(steps: tuple[Any, ...], checks: "_Checks", kind: str, limits: Limits) -> int:
    """Check conditions or operations, of which there is one check for each type; return their size in bytes."""
    total = 0
    for step in steps:
        check = checks.get(type(step))
        if check is None:
            raise _invalid(kind)
        key = step.key
        if type(key) is not str:
            raise _invalid("key")
        size = len(key) if key.isascii() else _encoded_bytes(key)
        if not 1 <= size <= limits.key_bytes:
            raise Refusal(Refused("limit", "key_bytes", size, limits.key_bytes))
        total += size + check(step, limits)
    return total


def _encoded_bytes(key: str) -> int:
    try:
        return len(key.encode())
    except UnicodeEncodeError:
        raise _invalid("key") from None


def _check_no_more(_: Exists | Absent | Delete | Get, __: Limits) -> int:
    return 0


def _check_version(condition: HasVersion, _: Limits) -> int:
    version = condition.version
    if type(version) is int and 0 <= version <= MAX_NUMBER:
        return 0
    raise _invalid("version")


def _check_type(condition: HasType, _: Limits) -> int:
    if condition.type not in TYPE_NAMES.values():
        raise _invalid("type")
    return 0


def _check_comparison(condition: Compare, limits: Limits) -> int:
    if type(condition.relation) is not str or condition.relation not in _RELATIONS:
        raise _invalid("relation")
    return _check_value(condition, limits)


def _check_amount(operation: Add, limits: Limits) -> int:
    if type(operation.amount) is not int:
        raise _invalid("amount")
    return _within(operation.amount, limits)


def _check_value(step: Put | Equals | Compare, limits: Limits) -> int:
    value = step.value
    if type(value) not in TYPE_NAMES:
        raise _invalid("value")
    return _within(value, limits)


def _within(value: Value, limits: Limits) -> int:
    size = size_bytes(value)
    if size > limits.value_bytes:
        raise Refusal(Refused("limit", "value_bytes", size, limits.value_bytes))
    return size


_Checks: TypeAlias = Mapping[type, Callable[[Any, Limits], int]]
"""What else there is to check of a step, beside its key; each returns the size of the value."""

_CONDITIONS: Final[_Checks] = {
    Equals: _check_value,
    Exists: _check_no_more,
    Absent: _check_no_more,
    HasType: _check_type,
    Compare: _check_comparison,
    HasVersion: _check_version,
}
_OPERATIONS: Final[_Checks] = {
    Put: _check_value,
    Delete: _check_no_more,
    Add: _check_amount,
    Get: _check_no_more,
}


def _invalid(about: str) -> Refusal:
    return Refusal(Refused("invalid", about))


def _must(is_so: bool, about: str) -> None:
    if not is_so:
        raise _invalid(about)


def _is_name(request: RequestId) -> bool:
    """Whether a request can be called that: by the name of its client, in letters, and a number."""
    client, number = request.client, request.number
    if not (type(client) is str and type(number) is int and 0 <= number <= MAX_NUMBER):
        return False
    if client.isascii():
        return True
    try:
        client.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_natural(number: int, least: int) -> bool:
    """Whether this is an integer from `least` on that can be said at all; a boolean is none."""
    return type(number) is int and least <= number <= MAX_NUMBER

"""What may be wrong with a request, all of it, in the plain form that the reference has: the door names one of these.

The code stops at what it finds first. Which that is nobody promises: so it is held to name something that is wrong, and
to let in whatever has no fault (R17).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from conformance.plain import plain
from physalia.model import Execute
from physalia.store import Limits
from spec.service.transactions import TYPES, Plain, interact, refused, size

MOST: Final = 2**63 - 1
"""The largest number that can be said."""
RELATIONS: Final = ("<", "<=", ">", ">=", "!=")
VALUED: Final = {"Put": 2, "Equals": 2, "Compare": 3}
"""Where the value stands in what has one."""
CONDITIONS: Final = frozenset({"Equals", "Exists", "Absent", "HasType", "Compare", "HasVersion"})
OPERATIONS: Final = frozenset({"Put", "Delete", "Add", "Get"})


def faults(command: Execute, limits: Limits) -> frozenset[Plain]:
    """Every refusal that the command deserves."""
    return frozenset(_of_command(plain(command), limits))


def highest_session(command: Execute) -> int:
    """The highest session that the command names, 0 for none."""
    _, _, _, body = plain(command)
    match body:
        case ("Transact", session, _):
            return int(session)
        case ("Batch", entries):
            return max(int(asked[1]) for _, asked in entries)
    return 0


def wrongly_merged(requests: Sequence[tuple[Any, Any]], batches: Sequence[Sequence[tuple[Any, Any]]], most: int) -> str:
    """What is wrong with these batches of the requests; empty if they are in order, safe, and as few as that allows."""
    if [one for batch in batches for one in batch] != list(requests):
        return "they are not the requests in their order"
    for number, batch in enumerate(batches):
        if not 1 <= len(batch) <= most:
            return f"batch {number + 1} has {len(batch)} requests, and may have {most}"
        if interact([plain(asked) for _, asked in batch]):
            return f"two of batch {number + 1} interact"
        longer = [*batch, *batches[number + 1][:1]] if number + 1 < len(batches) else []
        if longer and len(batch) < most and not interact([plain(asked) for _, asked in longer]):
            return f"batch {number + 1} could have had one more"
    return ""


def _of_command(command: Plain, limits: Limits) -> Iterator[Plain]:
    _, request, version, body = command
    if not _is_name(request) or not _is_number(version, 1):
        yield refused("invalid", "command")
    elif not _can_be_said(request):
        yield refused("invalid", "request")
    match body:
        case ("OpenSession",):
            return
        case ("Transact", *_) if _is_name(request):
            yield from _of_request(request, body, limits)
        case ("Batch", entries):
            yield from _of_batch(entries, limits)
        case _:
            yield refused("invalid", "command")


def _of_batch(entries: Plain, limits: Limits) -> Iterator[Plain]:
    if not isinstance(entries, tuple):
        yield refused("invalid", "batch")
        return
    if not 1 <= len(entries) <= limits.batch_entries:
        yield refused("limit", "batch_entries", len(entries), limits.batch_entries)
    found: list[Plain] = []
    for entry in entries:
        match entry:
            case (request, ("Transact", *_) as asked) if _is_name(request) and _can_be_said(request):
                found += _of_request(request, asked, limits)
            case _:
                found.append(refused("invalid", "request"))
    yield from found
    if not found and interact([asked for _, asked in entries]):
        yield refused("interacting", "batch")


def _of_request(request: Plain, asked: Plain, limits: Limits) -> Iterator[Plain]:
    (_, _, number), (_, session, transaction) = request, asked
    if not (_is_number(number, 1) and _is_number(session, 1)):
        yield refused("invalid", "request")
    match transaction:
        case ("Transaction", tuple() as conditions, tuple() as then, tuple() as else_):
            yield from _of_transaction(conditions, (*then, *else_), limits)
        case _:
            yield refused("invalid", "transaction")


def _of_transaction(conditions: tuple[Plain, ...], operations: tuple[Plain, ...], limits: Limits) -> Iterator[Plain]:
    steps = len(conditions) + len(operations)
    if not 1 <= steps <= limits.transaction_steps:
        yield refused("limit", "transaction_steps", steps, limits.transaction_steps)
    found: list[Plain] = []
    for step in conditions:
        found += _of_step(step, CONDITIONS, "condition", limits)
    for step in operations:
        found += _of_step(step, OPERATIONS, "operation", limits)
    yield from found
    if not found:
        size_bytes = sum(len(step[1].encode()) + sum(map(size, _values(step))) for step in (*conditions, *operations))
        if size_bytes > limits.transaction_bytes:
            yield refused("limit", "transaction_bytes", size_bytes, limits.transaction_bytes)


def _of_step(step: Plain, kinds: frozenset[str], kind: str, limits: Limits) -> Iterator[Plain]:
    if not isinstance(step, tuple) or step[0] not in kinds:
        yield refused("invalid", kind)
        return
    key = step[1]
    try:
        key_bytes = len(key.encode())
    except (AttributeError, UnicodeEncodeError):
        yield refused("invalid", "key")
    else:
        if not 1 <= key_bytes <= limits.key_bytes:
            yield refused("limit", "key_bytes", key_bytes, limits.key_bytes)
    match step:
        case ("HasVersion", _, version) if not _is_number(version, 0):
            yield refused("invalid", "version")
        case ("HasType", _, name) if name not in TYPES:
            yield refused("invalid", "type")
        case ("Compare", _, relation, _) if not any(relation == one for one in RELATIONS):
            yield refused("invalid", "relation")
        case ("Add", _, amount) if type(amount) is not int:
            yield refused("invalid", "amount")
    for value in _values(step):
        if type(value) not in TYPES.values():
            if step[0] != "Add":
                yield refused("invalid", "value")
        elif size(value) > limits.value_bytes:
            yield refused("limit", "value_bytes", size(value), limits.value_bytes)


def _values(step: Plain) -> tuple[Plain, ...]:
    """The value or the amount in a step, if it has one."""
    return (step[VALUED.get(step[0], 2)],) if step[0] in VALUED or step[0] == "Add" else ()


def _is_name(request: Plain) -> bool:
    return isinstance(request, tuple) and request[:1] == ("RequestId",)


def _can_be_said(request: Plain) -> bool:
    _, client, number = request
    try:
        client.encode()
    except (AttributeError, UnicodeEncodeError):
        return False
    return _is_number(number, 0)


def _is_number(number: Plain, least: int) -> bool:
    return type(number) is int and least <= number <= MOST

"""Random commands for the store: few keys, few sessions, small limits, so that everything meets everything."""

from collections import Counter

from attrs import frozen
from hypothesis import strategies as st

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
    RequestId,
    Transact,
    Transaction,
)
from physalia.model.value import evolve
from physalia.store import Limits

SMALL = Limits(value_bytes=3, answer_bytes=7, partition_bytes=24, sessions=3, snapshots=2, snapshot_changes=6)

keys = st.sampled_from(["a", "b", "ab", "é", "\U0001f600"])
values = st.one_of(
    st.booleans(), st.integers(-2, 2), st.sampled_from([2**16, -(2**23), 2**23 - 1]), st.binary(max_size=3)
)
amounts = st.sampled_from([-1, 0, 1, 2**22, -(2**22)])
conditions = st.one_of(
    st.builds(Equals, keys, values),
    st.builds(Exists, keys),
    st.builds(Absent, keys),
    st.builds(HasType, keys, st.sampled_from(["bytes", "integer", "boolean"])),
    st.builds(Compare, keys, st.sampled_from(["<", "<=", ">", ">=", "!="]), values),
    st.builds(HasVersion, keys, st.integers(0, 12)),
)
operations = st.one_of(
    st.builds(Put, keys, values), st.builds(Delete, keys), st.builds(Add, keys, amounts), st.builds(Get, keys)
)
transactions = st.builds(
    Transaction,
    st.lists(conditions, max_size=1).map(tuple),
    st.lists(operations, max_size=4).map(tuple),
    st.lists(operations, max_size=2).map(tuple),
)


@frozen
class Move:
    """One command of a log, told by what was before it: the session that was opened so many opens ago, and so on."""

    kind: str
    client: str
    session: int
    number: int
    transaction: Transaction
    repeats: bool


moves = st.builds(
    Move,
    st.sampled_from(["open", "do", "do", "do", "do", "batch"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from([1, 1, 1, 2, 3, 4]),
    st.sampled_from([1, 1, 1, 1, 2, 0, 0, -1]),
    transactions,
    st.booleans(),
)


def resolve(moves: list[Move]) -> list[Execute]:
    """The commands that the moves stand for."""
    log: list[Execute] = []
    opened: list[tuple[str, int]] = []
    numbers: Counter[int] = Counter()
    last: dict[int, Transact] = {}

    def request(move: Move) -> tuple[RequestId, Transact]:
        client, session = opened[-move.session :][0]
        number = max(1, numbers[session] + move.number)
        numbers[session] = max(numbers[session], number)
        asked = last.get(session) if move.repeats and move.number < 1 else None
        asked = last[session] = asked or Transact(session, move.transaction)
        return RequestId(move.client if move.session == 4 else client, number), asked

    for move in moves:
        if move.kind == "open":
            opened.append((move.client, len(log) + 1))
            log.append(Execute(RequestId(move.client, move.session), 1, OpenSession()))
        elif move.kind == "do":
            who, asked = request(move)
            log.append(Execute(who, 1, asked))
        else:
            other = evolve(move, session=move.session + 1)
            log.append(Execute(RequestId("batcher", len(log)), 1, Batch((request(move), request(other)))))
    return log


OPENINGS = [Move("open", client, 1, 1, Transaction(), repeats=False) for client in "xy"]
logs = st.lists(moves, min_size=12, max_size=40).map(lambda some: resolve([*OPENINGS, *some]))

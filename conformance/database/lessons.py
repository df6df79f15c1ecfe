"""Snapshots as they come, chunk by chunk: those that are none are refused and counted, and change nothing (R9).

Teachers of these worlds are wrong on purpose: rows are lacking or doubled, a head says what is not so, a chunk is of
another snapshot, or its digest is another one's. What is taken leads to what its rows say.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from conformance.refutation import Refuted
from physalia.cell.image import Landing, digest_of
from physalia.cell.teaching import Transfers
from physalia.model import (
    Ask,
    Chunk,
    Head,
    Item,
    Jury,
    KeptItem,
    KeptMember,
    KeptSession,
    KeptVerdict,
    NodeId,
    NoOp,
    Read,
    RequestId,
    Row,
    Send,
    Take,
    Verdict,
    Volume,
)
from physalia.model.value import evolve
from physalia.store import Limits, Store

ALPHA = 2
PREFIX = 5
EMPTY = Store(limits=Limits(sessions=2), understands=2)
LANDED, WENT_ON, AGAIN = "a snapshot came whole", "more of a snapshot is asked for", "what came already comes again"
WHY = ("nothing new", "another snapshot", "no snapshot", "another digest", "later version")
LESSON_MARKS = (LANDED, WENT_ON, AGAIN, *(f"a lesson is refused: {why}" for why in WHY))
MEMBERS = frozenset({1, 2, 3})
WRONG = 0.5
"""How many snapshots have a fault."""


class Lessons:
    """Some teachers, and one who is taught."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()
        self._transfers = Transfers()
        self._came: dict[NodeId, tuple[int, bytes, tuple[Row, ...]]] = {}
        self._whole: dict[NodeId, tuple[Row, ...]] = {}
        self._refused: Counter[str] = Counter()

    def run(self, commands: int) -> int:
        """So many snapshots are taught. Raises `Refuted`."""
        for _ in range(commands):
            slot = self._random.choice((PREFIX, PREFIX + 1, PREFIX + 1, PREFIX + 2))
            rows = self._rows(slot)
            digest = digest_of(rows) if self._random.random() < 1 - WRONG / 4 else bytes(32)
            teacher, cuts = self._random.choice((1, 2)), sorted(self._random.choices(range(len(rows)), k=2))
            places = [at for at in (0, *cuts) for _ in range(self._random.choice((1, 1, 1, 2, 0)))]
            for first in places:
                last = min((at for at in cuts if at > first), default=len(rows))
                self._teach(teacher, Chunk(slot, digest, first, rows[first:last]))
        return commands

    def _teach(self, teacher: NodeId, chunk: Chunk) -> None:
        step = self._transfers.record(teacher, chunk, PREFIX, ALPHA, EMPTY)
        wanted = self._heard(teacher, chunk)
        sent = tuple(effect for effect in step.effects if isinstance(effect, Send))
        if sent != (() if wanted is None else (Send(teacher, wanted),)):
            raise Refuted("who is taught does not say what it lacks", (f"chunk: {chunk}", f"- {wanted}", f"+ {sent}"))
        if dict(self._transfers.refused) != dict(self._refused):
            raise Refuted(
                "lessons that come to nothing are counted wrongly",
                (f"chunk: {chunk}", f"- {dict(self._refused)}", f"+ {dict(self._transfers.refused)}"),
            )
        landed = {(node, rows[0].slot) for node, rows in self._whole.items() if isinstance(rows[0], Head)}
        if set(self._transfers.due()) != landed:
            raise Refuted("other snapshots may be installed than came", (f"- {landed}", f"+ {self._transfers.due()}"))
        for node, slot in landed:
            there = self._transfers.landing(node, slot)
            if there is None or self._transfers.landing(node, slot + 1) is not None:
                raise Refuted("a snapshot that came is not to be had, or one that did not")
            self._judge_landing(there, self._whole[node])
            self._judge_landing(evolve(there, state=there.state.copy()), self._whole[node])

    def _heard(self, teacher: NodeId, chunk: Chunk) -> Ask | Take | None:
        """What must be said to a chunk."""
        if chunk.slot <= PREFIX:
            self._refuse("nothing new")
            return Ask(PREFIX)
        slot, digest, rows = self._came.get(teacher, (0, b"", ()))
        if (slot, digest) != (chunk.slot, chunk.digest):
            if chunk.first > 0:
                self._refuse("another snapshot")
                return None
            rows = ()
        elif teacher in self._whole or chunk.first > len(rows):
            return None
        elif chunk.first < len(rows):
            self.reached[AGAIN] += 1
            return Take(chunk.slot, len(rows))
        rows = (*rows, *chunk.rows)
        why = wrong(chunk.slot, rows, chunk.digest)
        if why:
            self._came.pop(teacher, None)
            self._whole.pop(teacher, None)
            self._refuse(why)
            return None
        self._came[teacher] = chunk.slot, chunk.digest, rows
        self._whole.pop(teacher, None)
        head = rows[0]
        if isinstance(head, Head) and len(rows) == head.rows:
            self._whole[teacher] = rows
            self.reached[LANDED] += 1
            return None
        self.reached[WENT_ON] += 1
        return Take(chunk.slot, len(rows))

    def _refuse(self, why: str) -> None:
        self._refused[why] += 1
        self.reached[f"a lesson is refused: {why}"] += 1

    def _judge_landing(self, there: Landing, rows: tuple[Row, ...]) -> None:
        """It leads to what its rows say."""
        (head, *others), store = rows, there.state.store
        assert isinstance(head, Head)
        told: tuple[Any, ...] = (
            there.slot, there.last, there.configurations, there.state.volume, there.state.jury,
            store.version, store.slot, dict(there.state.verdicts), store.items.now,
            [(name, s.opened_by, s.used, s.number, s.asked, s.reply) for name, s in store.sessions.table.items()],
            dict(store.sessions.opened), there.state.served,
        )  # fmt: skip
        sessions = [row for row in others if isinstance(row, KeptSession)]
        wanted = (
            head.slot, head.last, head.configurations, head.volume, head.jury, head.version, head.applied,
            {row.command: row.verdict for row in others if isinstance(row, KeptVerdict)},
            {row.key: row.item for row in others if isinstance(row, KeptItem)},
            [(s.name, s.opened_by, s.used, s.number, s.asked, s.reply) for s in sessions],
            {s.opened_by: s.name for s in sessions},
            MEMBERS | {row.node for row in others if isinstance(row, KeptMember)},
        )  # fmt: skip
        if told != wanted:
            raise Refuted("a snapshot leads elsewhere than its rows say", (f"- {wanted}", f"+ {told}"))

    def _rows(self, slot: int) -> tuple[Row, ...]:
        """A snapshot, or something that is none."""
        random, verdict = self._random, Verdict(True, Volume(0, "a", "b"))
        others: list[Row] = [
            *(KeptVerdict(Read(RequestId("r", n)), verdict) for n in range(random.randrange(3))),
            *(KeptMember(n) for n in range(7, 7 + random.randrange(3))),
            *(KeptItem(key, Item(len(key), 1)) for key in ("a", "bb", "ccc")[: random.randrange(4)]),
            *(KeptSession(n, RequestId("s", n), n, 0, None, None) for n in range(1, 1 + random.randrange(3))),
        ]  # fmt: skip
        configurations = tuple(MEMBERS for _ in range(ALPHA + 1))
        head = Head(slot, NoOp(), Volume(1, "c", "d"), Jury(2, MEMBERS), configurations, 1, slot - 1, len(others) + 1)
        if random.random() >= WRONG:
            return head, *others
        slip: Callable[[Head, list[Row]], list[Row]] = random.choice(SLIPS)
        return tuple(slip(head, others))


def wrong(slot: int, rows: tuple[Row, ...], digest: bytes) -> str:
    """Why these rows, the first of a snapshot or all of it, are none; empty as long as they may be one."""
    head = rows[0] if rows else None
    if not isinstance(head, Head) or head.slot != slot or len(rows) > head.rows:
        return "no snapshot"
    if len(rows) < head.rows:
        return ""
    if digest_of(rows) != digest:
        return "another digest"
    if head.version > EMPTY.understands:
        return "later version"
    names = [_name_of(row) for row in rows]
    sessions = sum(isinstance(row, KeptSession) for row in rows)
    is_whole = len(head.configurations) == ALPHA + 1 and all(head.configurations)
    is_one = is_whole and len(set(names)) == len(names) and sessions <= EMPTY.limits.sessions
    return "" if is_one else "no snapshot"


def _name_of(row: Row) -> object:
    match row:
        case KeptVerdict(command):
            return KeptVerdict, command
        case KeptItem(key):
            return KeptItem, key
        case KeptSession(name):
            return KeptSession, name
        case KeptMember(node):
            return KeptMember, node
        case _:
            return Head


def _counted(head: Head, others: list[Row]) -> list[Row]:
    return [evolve(head, rows=len(others) + 1), *others]


SLIPS: tuple[Callable[[Head, list[Row]], list[Row]], ...] = (
    lambda head, others: [evolve(head, rows=len(others)), *others],
    lambda head, others: [evolve(head, slot=head.slot + 1), *others],
    lambda head, others: [evolve(head, version=2), *others],
    lambda head, others: [evolve(head, version=3), *others],
    lambda head, others: [evolve(head, configurations=head.configurations[1:]), *others],
    lambda head, others: [evolve(head, configurations=(*head.configurations, MEMBERS)), *others],
    lambda head, others: [evolve(head, configurations=(*head.configurations[1:], frozenset())), *others],
    lambda head, others: _counted(head, [*others, head]),
    lambda head, others: _counted(head, [*others, *others[:1]]),
    lambda head, others: _counted(head, [*others, *others[-1:]]),
    lambda head, others: _counted(
        head, [*others, *(KeptSession(n, RequestId("t", n), n, 0, None, None) for n in (7, 8, 9))]
    ),
    lambda head, others: [*others, head],
)
"""What makes something else of a snapshot; a version that is understood is no fault."""

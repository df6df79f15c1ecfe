"""The store beside its commands: its door and its scans hold, and are refuted where something is wrong."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest

from conformance.database import campaign, disks, door, lessons, link, pieces
from conformance.database.slips import LIMITS, Slips
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.world import restarting
from physalia.cell import CorruptRecords, Node, compact, image, recovery
from physalia.cell.state import State
from physalia.cell.teaching import Transfers
from physalia.model import (
    Chunk,
    Done,
    DurableRecord,
    Execute,
    NodeId,
    Page,
    Part,
    Refused,
    RequestId,
    Slot,
    Snapshot,
    Step,
    StoreReply,
    Token,
    Transact,
    Transaction,
)
from physalia.model.value import evolve
from physalia.store import Store, batches, refusal

QUICK = Settings(profile=Profile.QUICK)


@pytest.mark.parametrize("name", [*link.PARTS])
def test_a_part_holds_and_reaches_what_it_is_for(name: str) -> None:
    row, failure = link.PARTS[name](QUICK, Silence())
    assert failure is None
    assert row.verdict is Verdict.HOLDS
    assert row.steps == link.RUNS[Profile.QUICK] * link.COMMANDS[name]


@pytest.mark.parametrize("name", [*link.PARTS])
def test_nothing_reached_is_inconclusive(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(link.RUNS, Profile.QUICK, 0)
    row, failure = link.PARTS[name](QUICK, Silence())
    assert row.verdict is Verdict.INCONCLUSIVE
    assert failure is not None


def _lets_all_in(_: Execute, __: object) -> Refused | None:
    return None


def _says_something_else(command: Execute, _: object) -> Refused | None:
    found = refusal(command, LIMITS)
    return None if found is None else evolve(found, about="command")


def _knows_no_limits(command: Execute, _: object) -> Refused | None:
    found = refusal(command, LIMITS)
    return None if found is not None and found.fault == "limit" else found


def _each_alone(requests: list[tuple[RequestId, Transact]], _: int) -> Iterator[tuple[tuple[RequestId, Transact], ...]]:
    return ((request,) for request in requests)


def _all_at_once(
    requests: list[tuple[RequestId, Transact]], most: int
) -> Iterator[tuple[tuple[RequestId, Transact], ...]]:
    return (tuple(requests[at : at + most]) for at in range(0, len(requests), most))


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("refusal", _lets_all_in, "does not say what is wrong"),
        ("refusal", _says_something_else, "does not say what is wrong"),
        ("refusal", _knows_no_limits, "does not say what is wrong"),
        ("refusal", lambda command, _: Refused("invalid", "key"), "refuses what is right|does not say"),
        ("max_session", lambda _: 0, "highest session"),
        ("batches", _each_alone, "could have had one more"),
        ("batches", _all_at_once, "interact"),
        ("batches", lambda requests, most: [*batches(requests, most)][:1], "in their order"),
        ("batches", lambda requests, _: batches(requests, 9), "and may have"),
    ],
)
def test_a_wrong_door_is_refuted(
    name: str, wrong: Callable[..., object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, name, wrong)
    row, failure = link.door(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert any(part in failure.title for part in said.split("|"))


def test_a_door_that_lets_nothing_in_ends_the_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "refusal", lambda command, _: Refused("invalid", "key"))
    _, failure = link.scans(QUICK, Silence())
    assert failure is not None
    assert "the door lets none in" in failure.title


def test_an_exception_is_an_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(_: Execute, __: object) -> None:
        raise KeyError("a")

    monkeypatch.setattr(campaign, "refusal", raises)
    _, failure = link.door(QUICK, Silence())
    assert failure is not None
    assert (failure.verdict, failure.how) == (Verdict.REFUTED, "raised")


class _Now(Store):
    """Its scans show what is there now."""

    def page(self, prefix: str, most_items: int, token: Token | None = None) -> Page | Refused:
        at = None if token is None else Token(self.slot, token.after)
        self.items.snapshot(self.slot)
        return super().page(prefix, most_items, at)


class _Endless(Store):
    """It has no limits."""

    def page(self, prefix: str, most_items: int, token: Token | None = None) -> Page | Refused:
        self.limits = evolve(LIMITS, answer_bytes=1_000)
        page = super().page(prefix, most_items, token)
        self.limits = LIMITS
        return page


class _Unsure(Store):
    """It counts another size."""

    def apply(self, slot: Slot, command: Execute) -> Any:
        reply = super().apply(slot, command)
        self.items.size_bytes += slot % 2
        return reply


class _Forgetful(Store):
    """It says that it does not know what it has just replied."""

    def remembered(self, command: Execute) -> StoreReply | None:
        return None


class _Open(Store):
    """It tells whoever asks what the session was told last."""

    def remembered(self, command: Execute) -> StoreReply | None:
        asked = command.body
        session = self.sessions.table.get(asked.session) if isinstance(asked, Transact) else None
        if session is not None and (session.number, session.asked) == (command.request.number, asked):
            return session.reply
        return super().remembered(command)


class _Roomy(Store):
    """It has room for one byte more."""

    def _transact(self, slot: Slot, transaction: Transaction) -> Done | Refused:
        limits, self.limits = self.limits, evolve(self.limits, partition_bytes=self.limits.partition_bytes + 1)
        try:
            return super()._transact(slot, transaction)
        finally:
            self.limits = limits


class _Stuck(Store):
    """It lets nothing be made smaller that is too large by now."""

    def _transact(self, slot: Slot, transaction: Transaction) -> Done | Refused:
        if self.items.size_bytes > self.limits.partition_bytes:
            return Refused("limit", "partition_bytes", self.items.size_bytes, self.limits.partition_bytes)
        return super()._transact(slot, transaction)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (_Roomy, "a partition is full to the last byte"),
        (_Stuck, "a partition holds more than it may"),
        (_Now, "a page is not what it must be"),
        (_Endless, "a page is not"),
        (_Unsure, "counted wrongly"),
        (_Forgetful, "does not remember what it has just replied"),
        (_Open, "remembers another reply than the log gives"),
    ],
)
def test_a_wrong_scan_is_refuted(wrong: type[Store], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "Store", wrong)
    row, failure = link.scans(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title


def test_who_says_why_it_cannot_be_done_any_more_of_what_was_done_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "verdict", State.answer)
    _, failure = link.scans(QUICK, Silence())
    assert failure is not None
    assert "something else is said than it was told" in failure.title


def test_most_that_is_drawn_is_right_and_nothing_is_without_slips() -> None:
    some, none = (Slips(Random(1), slip) for slip in (0.03, 0.0))  # repeatable, no secret
    right = sum(not door.faults(some.command(), LIMITS) for _ in range(500))
    assert 100 < right < 450
    wrong = [fault for _ in range(500) for fault in door.faults(none.command(), LIMITS)]
    assert {fault[1] for fault in wrong} <= {"limit", "interacting"}


class _TakesAll(Transfers):
    """It looks at no digest."""

    def record(self, teacher: NodeId, chunk: Chunk, prefix: Slot, alpha: int, empty: Store) -> Step:
        return super().record(teacher, evolve(chunk, digest=bytes(32)), prefix, alpha, empty)


class _CountsNothing(Transfers):
    """It refuses in silence."""

    def record(self, teacher: NodeId, chunk: Chunk, prefix: Slot, alpha: int, empty: Store) -> Step:
        step = super().record(teacher, chunk, prefix, alpha, empty)
        self.refused.clear()
        return step


class _AsksNothing(Transfers):
    """It waits for what comes."""

    def record(self, teacher: NodeId, chunk: Chunk, prefix: Slot, alpha: int, empty: Store) -> Step:
        return Step(super().record(teacher, chunk, prefix, alpha, empty).announces, ())


def test_a_state_whose_copy_is_another_one_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies of a state lead to what its rows say, as it does itself."""

    def copy(self: State) -> State:
        copied = kept(self)
        copied.store.version = 1
        return copied

    kept = State.copy
    monkeypatch.setattr(State, "copy", copy)
    _, failure = link.lessons(QUICK, Silence())
    assert failure is not None
    assert "a snapshot leads elsewhere than its rows say" in failure.title


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (_TakesAll, "counted wrongly|does not say what it lacks"),
        (_CountsNothing, "counted wrongly"),
        (_AsksNothing, "does not say what it lacks"),
    ],
)
def test_a_wrong_student_is_refuted(wrong: type[Transfers], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "Transfers", wrong)
    row, failure = link.lessons(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert any(part in failure.title for part in said.split("|"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda rows, most: iter([(0, rows)]), "bytes, and may take"),
        (lambda rows, most: ((at, rows[at : at + 1]) for at in range(len(rows))), "could be of"),
        (lambda rows, most: ((0, some) for _, some in image.pieces(rows, most)), "is said to begin"),
        (lambda rows, most: [*image.pieces(rows, most)][:-1], "in their order"),
    ],
)
def test_a_wrong_cut_is_refuted(wrong: Callable[..., object], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "pieces", wrong)
    row, failure = link.pieces(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title


@pytest.mark.parametrize("wrong", [lambda _: 10, lambda _: 1_000_000, lambda state: image.weight_of(state) // 12])
def test_a_wrong_weight_is_refuted(wrong: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "weight_of", wrong)
    _, failure = link.pieces(QUICK, Silence())
    assert failure is not None
    assert "is said to weigh" in failure.title


class _BelievesAll(Node):
    """Whatever stands on its disk, it starts; from as much of it as makes sense."""

    def __init__(
        self, node_id: NodeId, first_members: frozenset[NodeId], alpha: int, records: Any = (), **more: Any
    ) -> None:
        while True:
            try:
                super().__init__(node_id, first_members, alpha, records, **more)
            except CorruptRecords:
                records = records[:-1]
            else:
                return


class _WaitsForNothing(Node):
    """It says of nothing that its software does not understand it."""

    @property
    def stopped(self) -> str:
        return ""


class _TakesAnyAlpha(Node):
    """It begins with a window of one where it is told to have none."""

    def __init__(self, node_id: NodeId, first_members: frozenset[NodeId], alpha: int, *rest: Any, **more: Any) -> None:
        super().__init__(node_id, first_members, max(alpha, 1), *rest, **more)


class _WantsCompany(Node):
    """It begins no cell that it would be alone in."""

    def __init__(self, node_id: NodeId, first_members: frozenset[NodeId], alpha: int, *rest: Any, **more: Any) -> None:
        super().__init__(node_id, first_members if len(first_members) > 1 else (), alpha, *rest, **more)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (_BelievesAll, "that nobody can have left"),
        (_WaitsForNothing, "does not stop before slot"),
        (_TakesAnyAlpha, "a node of these parameters is made"),
        (_WantsCompany, "a node of these parameters is not made"),
    ],
)
def test_who_starts_from_a_wrong_disk_is_refuted(wrong: type[Node], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "Node", wrong)
    row, failure = link.disks(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title


@pytest.mark.parametrize(
    ("where", "wrong", "said"),
    [
        ("is_image", lambda *_: True, "snapshot of another state"),
        ("Part", type("Other", (), {"__match_args__": ("first", "rows")}), "is begun again after a crash"),
    ],
)
def test_who_believes_any_snapshot_or_no_part_of_one_is_refuted(
    where: str, wrong: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, where, wrong)
    row, failure = link.disks(QUICK, Silence())
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert said in failure.title


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_fold_that_drops_the_parts_of_a_snapshot_is_refuted(
    *, is_whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a snapshot that is whole, or those of one that is yet to come."""

    def lacks_parts(records: Sequence[DurableRecord]) -> list[DurableRecord]:
        fewer = compact(records)
        ends = max((at for at, record in enumerate(fewer) if isinstance(record, Snapshot)), default=-1)
        return [record for at, record in enumerate(fewer) if not isinstance(record, Part) or (at < ends) != is_whole]

    monkeypatch.setattr(restarting, "compact", lacks_parts)
    _, failure = link.disks(QUICK, Silence())
    assert failure is not None
    assert "does not start where a snapshot in parts is begun again" in failure.title

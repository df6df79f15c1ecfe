"""A node put aside and taken back behaves as if nothing had been; and equal keys mean equal behaviour from there on.

Both are audited on random runs, and both audits are shown to find every field that a snapshot shares or a key omits.
"""

import random
from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import deepcopy
from itertools import chain
from typing import cast

import pytest
from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.cell import CorruptRecords, Key, Memory, Node
from physalia.cell.acceptor import Acceptor
from physalia.cell.configuration import Configurations
from physalia.cell.learner import Learner
from physalia.cell.life.leaving import Leaving
from physalia.cell.proposer import Leadership, Proposer
from physalia.cell.reads import Consultation, Reads
from physalia.cell.state import State
from physalia.cell.teaching import Lessons, Transfers
from physalia.model import (
    Action,
    Ask,
    Ballot,
    Campaign,
    Consult,
    Decision,
    Echo,
    Event,
    Learn,
    Leave,
    Prepare,
    Promise,
    Propose,
    Query,
    Receive,
    Refusal,
    Report,
    RequestId,
    Serve,
    Submit,
    Tick,
    Truncate,
)
from tests.conformance.lockstep.broken_cells import break_cell
from tests.conformance.lockstep.faults import FAULTS
from tests.physalia.cell.worlds.node_runs import (
    ALIEN,
    EVERYTHING,
    LATE_MS,
    OLD,
    ONE,
    OUT,
    OWN,
    SWAP,
    TWO,
    MakeNode,
    Run,
    any_event,
    fresh,
    kind,
    runs,
)

PROBES = (*EVERYTHING, Tick(LATE_MS))
PROMISES = 7
"""The place of the promises in a key."""

READS = (12, 13)
"""The places of the reads that wait, and of those that are under way."""


class Differs(AssertionError):
    """Two nodes that ought to behave alike do not."""


def check_restoring(run: Run, chance: random.Random) -> None:
    """One copy lives a life of its own; then the node, a later copy, and one that Python copied live the same one."""
    snapshot, before, reference = run.node.snapshot(), run.node.key(), deepcopy(run.node)
    other = run.fork(snapshot)
    for _ in range(20):
        other.advance(chance)
    other = run.fork(snapshot)
    for _ in range(20):
        event = any_event(run, chance)
        steps = reference.step(event), run.do(event), other.do(event)
        if steps != steps[:1] * 3 or seen(run.node) != seen(reference) or seen(other.node) != seen(reference):
            raise Differs(f"after {event}")
    other.node.restore(snapshot)
    if other.node.key() != before:
        raise Differs("what a copy did changed the snapshot")


def seen(node: Node) -> tuple[object, ...]:
    """Everything that can be seen of a node without a step."""
    return node.due(), node.next_ballot(), node.key()


@given(st.integers(0, 2**32), st.integers(0, 50))
@settings(max_examples=150, deadline=None)
def test_a_restored_node_behaves_as_the_original(seed: int, length: int) -> None:
    chance, run = random.Random(seed), Run()
    for _ in range(length):
        run.advance(chance)
    check_restoring(run, chance)


def test_a_snapshot_of_another_node_is_refused() -> None:
    with pytest.raises(ValueError, match="this is node 2, and the snapshot is of node 1"):
        Node(2, {1, 2, 3}, 2).restore(fresh().snapshot())


def containers() -> Iterator[tuple[type, str]]:
    """Every field of a node's memory that can be changed in place."""
    for role in (
        Acceptor,
        Configurations,
        Consultation,
        Learner,
        Leadership,
        Leaving,
        Lessons,
        Proposer,
        Reads,
        State,
        Transfers,
    ):
        for field in fields(role):
            if str(field.type).startswith(("dict", "set", "list")):
                yield role, field.name


def test_there_are_so_many_containers() -> None:
    assert len(list(containers())) == 17


@pytest.mark.parametrize(("role", "field"), list(containers()))
def test_a_copy_that_shares_a_container_is_found(monkeypatch: pytest.MonkeyPatch, role: type, field: str) -> None:
    honest = role.copy  # type: ignore[attr-defined]

    def sharing(self: object, *others: object) -> object:
        copy = honest(self, *others)
        setattr(copy, field, getattr(self, field))
        return copy

    monkeypatch.setattr(role, "copy", sharing)
    with pytest.raises((Differs, CorruptRecords, LookupError)):
        check_often(random.Random(1))


def check_often(chance: random.Random) -> None:
    for run in runs(100, 40, seed=2):
        if chance.random() < 0.2:
            check_restoring(run, chance)


def test_an_honest_copy_is_not() -> None:
    check_often(random.Random(1))


# Keys

KeyOf = Callable[[Node], Hashable]


def audit(key_of: KeyOf, states: Iterable[Run], make: MakeNode = Node) -> int:
    """Wherever a key is met that was met before, the two nodes are compared; how often they were not the same.

    Raises `Differs` when one step tells them apart.
    """
    met: dict[Hashable, Memory] = {}
    one, other = fresh(make), fresh(make)
    merges = 0
    for run in states:
        now = run.node.snapshot()
        before = met.setdefault(key_of(run.node), now)
        if before != now:
            merges += 1
            compare(one, before, other, now)
    return merges


def compare(one: Node, memory: Memory, other: Node, another: Memory) -> None:
    for probe in PROBES:
        one.restore(memory)
        other.restore(another)
        if (one.due(), one.next_ballot()) != (other.due(), other.next_ballot()):
            raise Differs(f"{one.due()} is due, or {other.due()}")
        if one.step(probe) != other.step(probe) or seen(one) != seen(other):
            raise Differs(f"after {probe}")


def test_equal_keys_mean_equal_behaviour() -> None:
    assert audit(Node.key, runs(150, 40, seed=3)) > 50


def without(part: int, place: int) -> KeyOf:
    def key_of(node: Node) -> Hashable:
        parts = list(node.key())
        parts[part] = parts[part][:place] + parts[part][place + 1 :]
        return tuple(parts)

    return key_of


ELECTED: tuple[Event, ...] = (
    *(Campaign(OWN), Receive(1, Prepare(OWN, 0))),
    *(Receive(sender, Promise(OWN, sender, (), 0)) for sender in (1, 2)),
    *(Submit(ONE), Submit(TWO)),
)
ADOPT = Receive(3, Promise(OWN, 3, (Report(1, OLD, TWO),), 0))
DISPLACED = (Receive(2, Decision(1, SWAP)), Learn(1))
STOP = Receive(2, Refusal(OWN, ALIEN))
READ = (*ELECTED[:4], Query(RequestId("reader", 1)))
ECHOES = tuple(Receive(sender, Echo(OWN, 1, sender)) for sender in (1, 2))
FORGOT = (Receive(2, Decision(1, SWAP)), Learn(1), Receive(2, Decision(2, TWO)), Learn(2), Truncate(2))
GOING = (Receive(2, Decision(1, OUT)), Learn(1))
RARE: list[tuple[Event | None, ...]] = [
    GOING,
    (*GOING, Leave()),
    FORGOT,
    (*FORGOT, Receive(4, Ask(0))),
    (Receive(2, Prepare(ALIEN, 0)), None),
    (Receive(3, Prepare(Ballot(2, 3), 0)), None),
    (*ELECTED, Propose(OWN, 1, ONE), ADOPT, Propose(OWN, 2, TWO)),
    (*ELECTED, ADOPT, Propose(OWN, 1, TWO), Propose(OWN, 2, ONE)),
    (),
    (STOP,),
    (*ELECTED, *DISPLACED),
    (*ELECTED, Propose(OWN, 1, ONE), *DISPLACED),
    READ[:-1],
    READ,
    (*READ, Consult(OWN, 1)),
    (*READ, Consult(OWN, 1), *ECHOES),
    (*READ, Consult(OWN, 1), *ECHOES, Serve(OWN, 1)),
]
"""Runs that differ in nothing but what is promised or proposed, whether they stopped, what is spent, who reads, or whom
they taught.

Random ones take long to get there.
"""


def rare() -> Iterator[Run]:
    for events in RARE:
        run = Run()
        for event in events:
            if event is None:
                run.restart()
            else:
                run.do(event)
        yield run


@pytest.mark.parametrize(
    ("part", "place"), [(part, place) for part in (0, 1) for place in range(len(fresh().key()[part]))]
)
def test_a_key_without_a_field_is_found(part: int, place: int) -> None:
    with pytest.raises(Differs):
        audit(without(part, place), chain(rare(), runs(1000, 40, seed=4)))


def test_a_key_that_forgets_an_order_hides_a_fault() -> None:
    """A proposer that adopts any report depends on which promise came first: only an ordered key sees its states."""
    (fault,) = (fault for fault in FAULTS if fault.name == "a proposer adopts any reported vote")
    make = cast("MakeNode", break_cell(fault))

    def unordered(node: Node) -> Hashable:
        protocol = node.key().protocol
        promises = cast("tuple[Promise, ...]", protocol[PROMISES])
        return *protocol[:PROMISES], frozenset(promises), *protocol[PROMISES + 1 :]

    assert audit(Node.key, runs(150, 40, 7, make), make) > 50
    with pytest.raises(Differs):
        audit(unordered, runs(1000, 40, 7, make), make)


def audit_protocol(part_of: Callable[[Key], Hashable], states: Iterable[Run]) -> int:
    """Nodes that are alike in the protocol's part take the same actions.

    But one may reject what the other takes on, and at a tick give reads up, or begin them again, that the other keeps.
    """
    met: dict[Hashable, Memory] = {}
    one, other = fresh(), fresh()
    merges = 0
    for run in states:
        now = run.node.snapshot()
        before = met.setdefault(part_of(run.node.key()), now)
        if before.key() == now.key():
            continue
        merges += 1
        for probe in PROBES:
            one.restore(before)
            other.restore(now)
            steps = one.step(probe), other.step(probe)
            if any(isinstance(step.announces, Action) for step in steps) and steps[0] != steps[1]:
                raise Differs(f"after {probe}")
            if isinstance(probe, Submit | Query):
                continue
            after = [
                part for place, part in enumerate(zip(one.key().protocol, other.key().protocol, strict=True))
                if not (isinstance(probe, Tick) and place in READS)
            ]  # fmt: skip
            if any(left != right for left, right in after):
                raise Differs(f"after {probe}")
    return merges


def test_alike_in_the_protocol_means_the_same_actions() -> None:
    assert audit_protocol(lambda key: key.protocol, runs(100, 40, seed=5)) > 100


def test_a_part_of_the_protocol_that_is_called_bookkeeping_is_found() -> None:
    for place in range(len(fresh().key().protocol)):
        with pytest.raises(Differs):
            audit_protocol(
                lambda key: key.protocol[:place] + key.protocol[place + 1 :],  # noqa: B023  # used at once
                chain(rare(), runs(1000, 40, seed=8)),
            )


def test_the_runs_meet_everything() -> None:
    chance, met = random.Random(6), set()
    for _ in range(1600):
        run = Run()
        met |= {kind(step) for _ in range(40) if (step := run.advance(chance)) is not None}
    actions = {
        "prepare",
        "promise",
        "propose",
        "vote",
        "decide",
        "learn",
        "consult",
        "echo",
        "serve",
        "truncate",
        "install",
        "erase",
    }
    assert met == actions | {"recorded", "resent", "ignored", "refused", "rejected"}

"""Mixed versions (R5): old nodes, new ones, and some that were rolled back.

A node that comes to a command that it does not understand stops before it, and does nothing more until it is started
with software that understands. It loses nothing by that, and the others go on.
"""

from collections import Counter
from random import Random

import pytest

from physalia.cell import Node
from physalia.model import (
    Action,
    Ask,
    Ballot,
    Campaign,
    Decide,
    Decision,
    Event,
    Execute,
    Flush,
    Get,
    Known,
    Learn,
    Message,
    NodeId,
    OpenSession,
    Prepare,
    Proposal,
    Put,
    Receive,
    Reject,
    RequestId,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    Transact,
    Transaction,
    Unread,
    Vote,
)
from physalia.store import NotUnderstood
from physalia.store import Store as Database
from physalia.wire import decode_command, encode_command
from tests.physalia.cell.worlds.cell_world import World, write

OLD, NEW = 1, 2
OPEN = Execute(RequestId("x", 1), 1, OpenSession())
OF_NEW = Execute(RequestId("x", 1), NEW, Transact(1, Transaction((), (Put("a", 1), Get("a")))))
OF_FUTURE = Execute(RequestId("x", 2), 3, Unread(b"\x93\x09what comes yet"))


class Mixed(World):
    """A world whose nodes run software of the one version or the other."""

    def __init__(self, versions: dict[NodeId, int]) -> None:
        super().__init__(versions, 3)
        self.stops: Counter[NodeId] = Counter()
        self.digests: dict[int, bytes] = {}
        for node, version in versions.items():
            self.start(node, version)

    def start(self, node: NodeId, version: int) -> None:
        """Start the node's software of this version from the node's disk."""
        records = self.disks[node].records
        self.nodes[node] = Node(node, self.first, self.alpha, records, store=Database(understands=version))

    def do(self, node: NodeId, event: Event) -> Step:
        step = super().do(node, event)
        self.stops[node] += step.announces.kind == "stopped" if isinstance(step.announces, Stutter) else 0
        one = self.nodes[node]
        assert self.digests.setdefault(len(one.known), one.digest()) == one.digest()
        return step

    def perform_due(self) -> None:
        while events := [(node, event) for node in self.nodes for event in self.nodes[node].due()]:
            step = self.do(*events[0])
            assert isinstance(step.announces, Action) or step.announces.kind == "stopped"


def known(world: Mixed) -> dict[NodeId, int]:
    return {node: len(one.known) for node, one in world.nodes.items()}


def mixed() -> Mixed:
    """Node 1 is old, and the others, which are new, decided something new."""
    world = Mixed({1: OLD, 2: NEW, 3: NEW})
    world.campaign(2)
    world.settle()
    world.decide(2, OPEN, OF_NEW, write(1))
    return world


def test_an_old_node_stops_before_what_it_does_not_understand_and_the_others_go_on() -> None:
    world = mixed()
    assert known(world) == {1: 1, 2: 3, 3: 3}
    assert "stops before slot 2" in world.nodes[1].stopped
    assert "Start the node with the software that the other nodes have" in world.nodes[1].stopped
    assert world.stops == {1: 1, 2: 0, 3: 0}
    assert world.disks[1].records[-1] == Known(2, OF_NEW)


def test_a_stopped_node_applies_campaigns_votes_answers_and_teaches_no_more() -> None:
    world = mixed()
    node, ballot = world.nodes[1], Ballot(9, 3)
    before = node.key()
    events: list[Event] = [Learn(2), Learn(3), Campaign(node.next_ballot()), Tick(10**9), Decide(ballot, 2)]
    messages: list[Message] = [
        Prepare(ballot, 3),
        Proposal(ballot, 4, write(2)),
        Ask(0),
        Decision(3, write(1)),
        Vote(ballot, 4, 3),
    ]
    for event in (*events, *(Receive(3, message) for message in messages)):
        assert node.step(event) == Step(Stutter("ignored"), ()), event
    assert node.step(Submit(OPEN)) == Step(Stutter("rejected"), (Reject(OPEN.request, "stopped"),))
    assert node.due() == ()
    assert node.key() == before


def test_it_stops_again_when_it_is_started_as_it_is_and_goes_on_with_newer_software() -> None:
    world = mixed()
    why = world.nodes[1].stopped
    world.start(1, OLD)
    assert (world.nodes[1].stopped, len(world.nodes[1].known)) == (why, 1)
    world.start(1, NEW)
    assert (world.nodes[1].stopped, len(world.nodes[1].known)) == ("", 2)
    world.decide(2, write(2, 1))
    assert known(world) == {1: 4, 2: 4, 3: 4}
    assert len({one.digest() for one in world.nodes.values()}) == 1


def test_a_node_that_is_rolled_back_stops_where_the_old_software_understands_no_more() -> None:
    world = mixed()
    votes = dict(world.nodes[3].accepted)
    world.start(3, OLD)
    assert "stops before slot 2" in world.nodes[3].stopped
    assert len(world.nodes[3].known) == 1
    assert world.nodes[3].accepted == votes
    world.start(3, NEW)
    assert (world.nodes[3].stopped, len(world.nodes[3].known)) == ("", 3)


def test_an_old_proposer_that_inherits_it_stops_and_tells_its_clients() -> None:
    """It votes for what it cannot read, and proposes it as it must; but it cannot say what it means."""
    world = Mixed({1: OLD, 2: NEW, 3: OLD})
    world.campaign(2)
    world.settle()
    world.decide(2, OPEN)
    world.submit(2, OF_NEW)
    world.settle(lambda _, to, message: isinstance(message, Vote) or to == 2)
    world.campaign(1)
    world.settle(lambda sender, to, _: 2 in (sender, to))
    assert world.stops == {1: 1, 2: 0, 3: 0}
    assert list(world.nodes[1].known) == [OPEN]


def test_its_waiting_clients_are_told_that_the_outcome_is_unknown() -> None:
    world = Mixed({1: OLD, 2: NEW, 3: NEW})
    world.campaign(1)
    world.settle()
    world.decide(1, OPEN)
    world.submit(1, write(1))
    world.do(1, Receive(2, Decision(2, OF_NEW)))
    step = world.do(1, Learn(2))
    told = (Store(Known(2, OF_NEW)), Flush(), Reject(write(1).request, "outcome unknown"))
    assert step == Step(Stutter("stopped", world.nodes[1].stopped), told)


@pytest.mark.parametrize("command", [OF_NEW, OF_FUTURE])
def test_nobody_who_does_not_understand_it_takes_it_on(command: Execute) -> None:
    world = Mixed({1: OLD, 2: OLD, 3: OLD})
    world.campaign(1)
    world.settle()
    assert world.submit(1, command) == Step(Stutter("rejected"), (Reject(command.request, "not understood"),))


@pytest.mark.parametrize("command", [OF_NEW, OF_FUTURE])
def test_the_store_names_what_it_does_not_understand_and_changes_nothing(command: Execute) -> None:
    store = Database()
    before = store.digest()
    with pytest.raises(NotUnderstood, match="command in slot 7 is of version"):
        store.apply(7, command)
    assert store.digest() == before


def test_what_nobody_can_read_travels_unchanged() -> None:
    assert decode_command(encode_command(OF_FUTURE)) == OF_FUTURE
    assert decode_command(encode_command(OF_NEW)) == OF_NEW


def test_a_campaign_of_mixed_versions() -> None:
    """Nodes are brought up to date and rolled back at any time: no two ever differ, and in the end all know all."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        chance = Random(seed)
        world = Mixed({node: chance.choice((OLD, NEW)) for node in (1, 2, 3)})
        for number in range(1, 30):
            node = chance.choice((1, 2, 3))
            match chance.choice(("new", "old", "campaign", "campaign", *6 * ("ask",))):
                case "new":
                    world.start(node, NEW)
                    seen["new stopped" if world.nodes[node].stopped else "new runs"] += 1
                case "old":
                    world.start(node, OLD)
                    seen["old stopped" if world.nodes[node].stopped else "old runs"] += 1
                case "campaign":
                    world.campaign(node)
                case _:
                    asked = Transact(1, Transaction((), (Put("a", number),)))
                    version = chance.choice((OLD, OLD, NEW))
                    body = asked if number > 9 else OpenSession()
                    for one in world.nodes:
                        world.submit(one, Execute(RequestId("x", number), version, body))
            world.settle(lambda *_: chance.random() < 0.1)  # noqa: B023  # it is called at once
        seen["stops"] += sum(world.stops.values())
        for node in world.nodes:
            world.start(node, NEW)
        for now_ms in range(0, 3_000, 1_000):
            world.campaign(1)
            world.settle()
            world.decide(1, write(seed))
            world.tick(now_ms)
        assert set(known(world).values()) == {len(world.chosen)}
        assert len({one.digest() for one in world.nodes.values()}) == 1
    assert all(seen[what] > 9 for what in ("stops", "new runs", "old stopped", "old runs")), seen
    assert not seen["new stopped"]

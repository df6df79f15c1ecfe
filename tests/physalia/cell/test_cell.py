"""Whole cells: commands decided, changes in force, and nothing lost to loss, duplicates, disorder and crashes."""

import random

import pytest

from physalia.cell.state import State
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Answer,
    Ask,
    Ballot,
    Decision,
    Effect,
    Flush,
    Jury,
    Known,
    Message,
    NodeId,
    NoOp,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Read,
    Reject,
    RequestId,
    Send,
    Store,
    Stutter,
    Tick,
    UsedBallot,
    Verdict,
    Volume,
    Vote,
)
from tests.physalia.cell.worlds.cell_world import Disk, World, change, write


def known(world: World) -> dict[NodeId, int]:
    return {node: len(world.nodes[node].known) for node in world.nodes}


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("alpha", [1, 3])
def test_a_cell_decides_what_it_is_asked_for(size: int, alpha: int) -> None:
    world = World(range(1, size + 1), alpha)
    world.campaign(1)
    world.settle()
    commands = [write(number, expects=number) for number in range(5)]
    world.decide(1, *commands)
    assert known(world) == dict.fromkeys(range(1, size + 1), 5)
    assert world.chosen == commands
    expected = [Verdict(True, Volume(number + 1, f"p{number}", f"r{number}")) for number in range(5)]
    assert world.answers == [Answer(c.request, v) for c, v in zip(commands, expected, strict=True)]


def test_the_steps_of_one_command_in_a_quiet_cell() -> None:
    world = World({1, 2, 3}, 3)
    world.campaign(1)
    world.settle()
    assert [step for step in world.log if step[1] != "recorded"] == [(1, "prepare")] + [
        (node, "promise") for node in (1, 2, 3)
    ]
    world.log.clear()
    world.decide(1, write(1))
    actions = [(1, "propose"), (1, "vote"), (2, "vote"), (3, "vote"), (1, "decide"), (2, "learn"), (3, "learn")]
    assert sorted(step for step in world.log if step[1] not in {"recorded", "ignored"}) == sorted(actions)
    assert {sent[2] for sent in world.sent if isinstance(sent[2], Ask)} == set()


def test_a_pipeline_is_decided_in_order() -> None:
    world = World({1, 2, 3}, 3)
    world.campaign(1)
    world.settle()
    commands = [write(number, expects=number) for number in range(3)]
    for command in commands:
        world.submit(1, command)
    world.submit(1, write(9))
    world.perform_due()
    assert sum(isinstance(message, Proposal) for _, _, message in world.network) == 9
    world.settle()
    assert world.chosen == commands
    assert world.answers[0] == Reject(write(9).request, "pipeline full")


def test_reads_see_the_writes_before_them() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    read = Read(RequestId("reader", 1))
    world.decide(1, write(1), read)
    assert world.answers[-1] == Answer(read.request, Verdict(True, Volume(1, "p1", "r1")))


def test_a_retried_command_is_done_once_whoever_proposes_it() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.decide(1, write(1), write(1))
    world.campaign(2)
    world.settle()
    world.decide(2, write(1))
    assert world.chosen == [write(1)]
    assert world.answers == [Answer(write(1).request, Verdict(True, Volume(1, "p1", "r1")))] * 3


def test_a_new_proposer_finishes_what_the_old_one_began() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.settle()
    world.submit(1, write(1))
    world.settle(drop=lambda _, to, message: to == 1 and not isinstance(message, Proposal))
    world.crash(1)
    assert world.nodes[1].active == NO_BALLOT
    world.campaign(2)
    world.settle()
    assert world.chosen == [write(1)]
    assert known(world) == {1: 1, 2: 1, 3: 1}


def test_a_hole_is_filled_with_the_no_op() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.settle()
    world.submit(1, write(1))
    world.submit(1, write(2))
    world.settle(drop=lambda _, __, message: isinstance(message, Proposal) and message.slot == 1)
    world.campaign(3)
    world.settle()
    assert world.chosen == [NoOp(), write(2)]


def test_duelling_proposers_agree() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.settle()
    world.submit(1, write(1))
    world.campaign(3)
    world.submit(3, write(2))
    world.settle()
    assert world.nodes[1].active == NO_BALLOT
    world.campaign(1)
    world.settle()
    assert set(world.chosen) >= {write(1), write(2)}
    assert len(set(known(world).values())) == 1


def test_a_proposer_that_was_refused_comes_back_above() -> None:
    world = World({1, 2, 3}, 1)
    for _ in range(3):
        world.campaign(3)
    world.settle()
    first = world.nodes[3].active
    low = world.nodes[1].next_ballot()
    assert low > first
    world.crash(1)
    world.settle()
    assert world.campaign(1) > first


def test_a_node_that_restarted_is_silent_for_its_promise_and_the_next_ballot_goes_on() -> None:
    world = World({1, 2, 3}, 1)
    lost = world.campaign(1)
    world.settle(drop=lambda _, __, message: isinstance(message, Promise))
    world.crash(2)
    world.crash(3)
    world.submit(1, write(1))
    for now_ms in (0, 1000, 2000):
        world.tick(now_ms)
        world.settle()
    assert world.chosen == []
    assert world.nodes[1].active == lost
    assert world.campaign(1) > lost
    world.settle()
    assert world.chosen == [write(1)]


def test_lost_messages_are_sent_again_until_everybody_knows_and_then_it_is_quiet() -> None:
    world = World({1, 2, 3}, 3)
    world.campaign(1)
    world.submit(1, write(1))
    chance = random.Random(1)
    for now_ms in range(0, 20_000, 1000):
        world.tick(now_ms)
        world.settle(drop=lambda *_: chance.random() < 0.5)
    world.settle()
    for now_ms in range(20_000, 23_000, 1000):
        world.tick(now_ms)
        world.settle()
    assert known(world) == {1: 1, 2: 1, 3: 1}
    sent = len(world.sent)
    world.tick(30_000)
    assert len(world.sent) == sent


@pytest.mark.parametrize("lost", [Prepare, Promise, Proposal, Vote, Decision], ids=lambda kind: kind.__name__)
def test_each_kind_of_message_may_be_lost_once(lost: type[Message]) -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.settle(drop=lambda _, __, message: isinstance(message, lost))
    world.submit(1, write(1))
    world.settle(drop=lambda _, __, message: isinstance(message, lost))
    for now_ms in (0, 1000, 2000, 3000):
        world.tick(now_ms)
        world.settle()
    assert known(world) == {1: 1, 2: 1, 3: 1}


def test_a_node_that_missed_much_is_taught() -> None:
    world = World({1, 2, 3}, 3)
    world.campaign(1)
    for number in range(300):
        world.submit(1, write(number))
        world.settle(drop=lambda _, to, __: to == 3)
    assert known(world) == {1: 300, 2: 300, 3: 0}
    for now_ms in range(0, 5000, 1000):
        world.tick(now_ms)
        world.settle()
    assert known(world) == {1: 300, 2: 300, 3: 300}


def test_unflushed_knowledge_may_be_lost_and_is_learned_again() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.decide(1, *(write(number) for number in range(4)))
    world.crash(3, keep=1)
    world.crash(1, keep=2)
    assert known(world) == {1: 2, 2: 4, 3: 1}
    world.campaign(1)
    world.settle()
    world.tick(0)
    world.tick(1000)
    world.settle()
    assert known(world) == {1: 4, 2: 4, 3: 4}
    world.crash(1)
    assert known(world)[1] == 4


@pytest.mark.parametrize("alpha", [1, 2, 3])
def test_a_change_is_in_force_exactly_alpha_slots_later(alpha: int) -> None:
    world = World({1, 2, 3}, alpha, spares={4})
    world.campaign(1)
    world.decide(1, change(1, 0, {1, 3, 4}), *(write(number) for number in range(alpha + 1)))
    voters: dict[int, set[NodeId]] = {}
    for sender, _, message in world.sent:
        if isinstance(message, Vote):
            voters.setdefault(message.slot, set()).add(sender)
    assert voters == {slot: {1, 2, 3} if slot <= alpha else {1, 3, 4} for slot in range(1, alpha + 3)}
    assert known(world)[4] == alpha + 2
    assert world.answers[0] == Answer(RequestId("control", 1), Verdict(True, Jury(1, frozenset({1, 3, 4}))))


def test_a_cell_goes_on_without_the_node_that_it_replaced() -> None:
    world = World({1, 2, 3}, 2, spares={4})
    world.campaign(1)
    world.decide(1, change(1, 0, {2, 3, 4}), write(1), write(2))
    gone = {1}
    world.campaign(4)
    world.settle(drop=lambda sender, to, _: bool({sender, to} & gone))
    world.submit(4, write(3))
    world.settle(drop=lambda sender, to, _: bool({sender, to} & gone))
    assert known(world) == {1: 3, 2: 4, 3: 4, 4: 4}
    world.campaign(1)
    assert world.log[-1] == (1, "resent")
    assert world.nodes[1].active != NO_BALLOT


def test_those_who_left_teach_those_who_came_and_never_heard_of_it() -> None:
    world = World({1, 2, 3}, 1, spares={4})
    world.campaign(1)
    world.decide(1, change(1, 0, {1, 2}))
    world.submit(1, change(2, 1, {3, 4}))
    world.settle(drop=lambda _, to, __: to in {3, 4})
    world.crash(1)
    world.crash(2)
    assert known(world) == {1: 2, 2: 2, 3: 1, 4: 0}
    for node in (3, 4):
        world.campaign(node)
        assert world.nodes[node].active == NO_BALLOT
    world.settle()
    world.campaign(1)
    world.settle()
    world.campaign(3)
    world.decide(3, write(1))
    assert world.chosen[-1] == write(1)


def test_a_leader_that_a_change_removed_sends_its_clients_elsewhere() -> None:
    world = World({1, 2, 3}, 1, spares={4})
    world.campaign(1)
    world.decide(1, change(1, 0, {2, 3, 4}))
    world.campaign(2)
    world.decide(2, write(1))
    world.decide(1, write(2))
    assert world.submit(1, write(2)).announces == Stutter("rejected")
    world.decide(2, write(2))
    assert world.chosen[-1] == write(2)


def test_two_pending_changes_fold_in_order() -> None:
    world = World({1, 2, 3}, 3, spares={4, 5})
    world.campaign(1)
    world.settle()
    changes = [change(1, 0, {1, 2, 4}), change(2, 1, {1, 4, 5}), change(3, 0, {3})]
    for command in changes:
        world.submit(1, command)
    world.settle()
    world.decide(1, *(write(number) for number in range(3)))
    told = [answer.verdict for answer in world.answers if isinstance(answer, Answer)]
    verdicts = [verdict.done for verdict in told if isinstance(verdict, Verdict)]
    assert verdicts == [True, True, False, True, False, False]
    proposals = {(message.slot, to) for _, to, message in world.sent if isinstance(message, Proposal)}
    members = {slot: {to for place, to in proposals if place == slot} for slot in range(1, 7)}
    assert members == {1: {1, 2, 3}, 2: {1, 2, 3}, 3: {1, 2, 3}, 4: {1, 2, 4}, 5: {1, 4, 5}, 6: {1, 4, 5}}


@pytest.mark.parametrize("seed", range(40))
def test_any_disorder_agrees_and_goes_on_afterwards(seed: int) -> None:
    """Delay, loss, duplicates, crashes, lost knowledge, rivals and changes; then calm, and everything asked is done."""
    chance = random.Random(seed)
    alpha = 1 + seed % 3
    world = World({1, 2, 3}, alpha, spares={4})
    sets = [{1, 2, 3}, {1, 2, 4}, {2, 3, 4}, {1, 2, 3, 4}]
    number = 0
    for now_ms in range(0, 60_000, 100):
        node = chance.choice(sorted(world.nodes))
        match chance.randrange(20):
            case 0:
                world.crash(node, keep=chance.randint(0, len(world.nodes[node].known)))
            case 1:
                world.campaign(node)
            case 2 | 3:
                number += 1
                is_write = chance.random() < 0.7
                version = chance.randrange(3)
                command = write(number, version) if is_write else change(number, version, chance.choice(sets))
                world.submit(node, command)
            case 4:
                world.do(node, Tick(now_ms))
            case _:
                world.random_step(chance)
    assert number > 20
    calm(world)
    asked = [write(1000 + extra) for extra in range(3)]
    leader = max(world.nodes, key=lambda node: world.nodes[node].active)
    world.decide(leader, *asked)
    assert set(asked) <= set(world.chosen)
    assert_answers_are_those_of_the_log(world)


def calm(world: World) -> None:
    """Nothing is lost any more: every node learns, and one of those who may lead does."""
    world.settle()
    for round_number in range(4):
        for node in world.nodes:
            world.campaign(node)
            world.settle()
            world.tick(100_000 * (round_number + 1) + 1000 * node)
            world.settle()


def assert_answers_are_those_of_the_log(world: World) -> None:
    state = State(Jury(0, world.first))
    for command in world.chosen:
        state.apply(command)
    verdicts = {
        command.request: verdict for command, verdict in state.verdicts.items() if not isinstance(command, NoOp)
    }
    for answer in world.answers:
        if isinstance(answer, Answer):
            assert answer.verdict == verdicts[answer.request]


def test_one_event_has_one_outcome() -> None:
    """The same events lead two nodes through the same steps: nothing is left to time, chance or the order of sets."""
    one, two = World(range(1, 8), 2, spares={8, 9}), World(range(7, 0, -1), 2, spares={9, 8})
    for world in (one, two):
        world.campaign(1)
        world.decide(1, change(1, 0, {9, 3, 8, 1, 7}), write(1), write(2), write(3))
    assert one.sent == two.sent
    assert one.log == two.log


@pytest.mark.parametrize(
    ("effects", "complaint"),
    [
        ([Store(Promised(Ballot(1, 1))), Send(1, Promise(Ballot(1, 1), 2, (), 0)), Flush()], "before"),
        ([Store(UsedBallot(Ballot(1, 2))), Send(1, Prepare(Ballot(1, 2), 0)), Flush()], "before"),
        ([Store(UsedBallot(Ballot(1, 2))), Flush(), Send(1, Promise(Ballot(1, 2), 2, (), 0))], "without a record"),
        ([Send(1, Vote(Ballot(1, 1), 1, 2))], "without a record"),
        ([Send(1, Vote(Ballot(1, 1), 1, 3))], "speaks for another"),
        ([Store(Accepted(Ballot(1, 1), 1, NoOp())), Flush(), Send(1, Vote(Ballot(1, 1), 2, 2))], "without a record"),
        ([Send(1, Proposal(Ballot(1, 2), 1, NoOp()))], "without a record"),
        ([Store(Promised(Ballot(1, 1)))], "never flushed"),
        ([Flush()], "flush of nothing"),
    ],
)
def test_the_disk_of_this_world_sees_what_leaves_too_early(effects: list[Effect], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        list(Disk().carry_out(effects, node=2))


def test_the_disk_of_this_world_lets_knowledge_wait() -> None:
    effects: list[Effect] = [Store(Known(1, NoOp())), Send(1, Decision(1, NoOp()))]
    assert list(Disk().carry_out(effects, node=2)) == effects[1:]


def test_at_rest_nothing_piles_up() -> None:
    world = World({1, 2, 3}, 2)
    world.campaign(1)
    world.decide(1, *(write(number) for number in range(10)))
    for node in world.nodes.values():
        leadership = node._proposer.leadership
        assert (leadership.proposals, leadership.votes, leadership.spent, node._proposer.waiting) == ({}, {}, set(), {})
        assert node._learner.heard == {}
    for _ in range(3):
        world.campaign(1)
        world.settle()
    assert len(world.nodes[1]._proposer.used) == 2

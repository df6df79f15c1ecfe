"""Prepare, Propose and Decide: their guards, what is chosen, and whom they speak to."""

import pytest

from physalia.cell import Node
from physalia.model import (
    NO_BALLOT,
    Action,
    Answer,
    Ask,
    Ballot,
    Campaign,
    Command,
    Decide,
    Decision,
    Event,
    Flush,
    Known,
    Learn,
    Message,
    NoOp,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Receive,
    Refusal,
    Reject,
    Report,
    Send,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    UsedBallot,
    Verdict,
    Volume,
    Vote,
)
from tests.physalia.cell_world import change, ignored, recorded, resent, write

ONE, TWO, THREE, FOUR = write(1), write(2), write(3), write(4)
B = Ballot(1, 1)
OLD, OLDER = Ballot(0, 3), Ballot(0, 2)


def fresh(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3)) -> Node:
    return Node(1, members, alpha, resend_after_ms=100)


def hear(node: Node, message: Message, sender: int) -> Step:
    return node.step(Receive(sender, message))


def promise(node: Node, sender: int, *reports: Report, ballot: Ballot = B, floor: int = 0) -> Step:
    return hear(node, Promise(ballot, sender, reports, floor), sender)


def vote(node: Node, sender: int, slot: int, ballot: Ballot = B) -> Step:
    return hear(node, Vote(ballot, slot, sender), sender)


def leader(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3), ballot: Ballot = B) -> Node:
    """A node that campaigned, and has no promise yet."""
    node = fresh(alpha, members)
    assert node.step(Campaign(ballot)).announces == Action("prepare", (ballot,))
    return node


def elected(alpha: int = 2, members: tuple[int, ...] = (1, 2, 3), reports: tuple[Report, ...] = ()) -> Node:
    """A leader with the promises of 1 and 2."""
    node = leader(alpha, members)
    promise(node, 1)
    promise(node, 2, *reports)
    return node


def proposed(slot: int, value: Command, to: tuple[int, ...] = (1, 2, 3)) -> Step:
    return Step(Action("propose", (B, slot, value)), tuple(Send(node, Proposal(B, slot, value)) for node in to))


def rejected(command: Command, reason: str) -> Step:
    return Step(Stutter("rejected"), (Reject(command.request, reason),))  # type: ignore[union-attr, arg-type]


def learn(node: Node, slot: int, value: Command) -> Step:
    hear(node, Decision(slot, value), 2)
    return node.step(Learn(slot))


# Prepare


def test_a_ballot_is_on_disk_before_it_is_used() -> None:
    node = fresh()
    sent = tuple(Send(member, Prepare(B, 0)) for member in (1, 2, 3))
    assert node.step(Campaign(B)) == Step(Action("prepare", (B,)), (Store(UsedBallot(B)), Flush(), *sent))
    assert (node.active, node.promised) == (B, NO_BALLOT)


def test_prepare_needs_a_ballot_of_ones_own_that_was_never_used() -> None:
    node = fresh()
    assert node.step(Campaign(Ballot(1, 2))) == ignored()
    node.step(Campaign(B))
    assert node.step(Campaign(B)) == ignored()
    hear(node, Prepare(Ballot(1, 2), 0), 2)
    assert node.step(Campaign(B)) == ignored()


def test_prepare_needs_a_ballot_above_the_promise_and_above_the_active_one() -> None:
    node = fresh()
    hear(node, Prepare(Ballot(2, 2), 0), 2)
    assert node.step(Campaign(Ballot(2, 1))) == ignored()
    assert node.step(Campaign(Ballot(5, 1))).announces == Action("prepare", (Ballot(5, 1),))
    assert node.step(Campaign(Ballot(4, 1))) == ignored()
    assert node.active == Ballot(5, 1)
    assert node.step(Campaign(Ballot(6, 1))).announces == Action("prepare", (Ballot(6, 1),))


def test_a_promise_or_a_vote_at_an_unused_ballot_of_ones_own_forbids_it() -> None:
    node = fresh()
    hear(node, Prepare(B, 0), 1)
    assert node.step(Campaign(B)) == ignored()


def test_only_a_member_of_the_first_unknown_slot_prepares() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {2, 3, 4}))
    assert node.step(Campaign(B)).announces == Action("prepare", (B,))
    learn(node, 2, NoOp())
    told = [Send(member, Decision(2, NoOp())) for member in (2, 3, 4)]
    asked = [Send(member, Ask(2)) for member in (2, 3, 4)]
    assert node.step(Campaign(Ballot(2, 1))) == resent(*told, *asked)


def test_an_outsider_that_knows_nothing_asks() -> None:
    assert Node(4, (1, 2, 3), 2).step(Campaign(Ballot(1, 4))) == resent(*(Send(member, Ask(0)) for member in (1, 2, 3)))


def test_every_member_of_the_window_is_asked_with_the_known_prefix() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 3, 4}))
    step = node.step(Campaign(B))
    assert step.effects[2:] == tuple(Send(member, Prepare(B, 1)) for member in (1, 2, 3, 4))


def test_the_next_ballot_is_above_what_was_used_promised_or_refused() -> None:
    node = fresh()
    assert node.next_ballot() == Ballot(1, 1)
    node.step(Campaign(Ballot(3, 1)))
    assert node.next_ballot() == Ballot(4, 1)
    assert hear(node, Refusal(Ballot(3, 1), Ballot(7, 2)), 2) == recorded()
    assert hear(node, Refusal(Ballot(3, 1), Ballot(6, 2)), 3) == recorded()
    assert node.next_ballot() == Ballot(8, 1)
    assert node.active == Ballot(3, 1)
    assert hear(node, Refusal(Ballot(2, 1), Ballot(9, 2)), 2) == ignored()
    assert node.next_ballot() == Ballot(8, 1)
    hear(node, Prepare(Ballot(9, 2), 0), 2)
    assert node.next_ballot() == Ballot(10, 1)


# Promises


def test_promises_count_once_a_node_and_under_its_own_name() -> None:
    node = leader()
    node.step(Submit(ONE))
    assert hear(node, Promise(B, 3, (), 0), 2) == ignored()
    assert promise(node, 2) == recorded()
    assert promise(node, 2) == ignored()
    assert hear(node, Promise(B, 2, (), 0), 1) == ignored()
    assert node.due() == ()
    assert promise(node, 3) == recorded()
    assert node.due() == (Propose(B, 1, ONE),)


def test_promises_of_other_ballots_and_of_strangers_are_ignored() -> None:
    node = leader(ballot=Ballot(2, 1))
    node.step(Submit(ONE))
    assert promise(node, 2) == ignored()
    assert promise(node, 3, ballot=Ballot(3, 1)) == ignored()
    assert promise(node, 4, ballot=Ballot(2, 1)) == ignored()
    assert promise(fresh(), 2) == ignored()
    promise(node, 1, ballot=Ballot(2, 1))
    assert node.due() == ()


def test_promises_do_not_outlive_their_ballot() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Campaign(Ballot(2, 1)))
    assert node.due() == ()
    assert node.step(Propose(B, 1, ONE)) == ignored()
    assert node.step(Propose(Ballot(2, 1), 1, ONE)) == ignored()


# Propose


def test_a_command_is_proposed_to_the_members_of_its_slot() -> None:
    node = elected()
    assert node.step(Submit(ONE)) == recorded()
    assert node.due() == (Propose(B, 1, ONE),)
    assert node.step(Propose(B, 1, ONE)) == proposed(1, ONE)
    assert node.due() == ()


def test_only_what_is_due_is_proposed() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    assert node.step(Propose(Ballot(2, 1), 1, ONE)) == ignored()
    assert node.step(Propose(B, 2, ONE)) == ignored()
    assert node.step(Propose(B, 1, TWO)) == ignored()
    assert node.step(Propose(B, 1, NoOp())) == ignored()
    assert node.step(Propose(B, 1, ONE)) == proposed(1, ONE)
    assert node.step(Propose(B, 1, ONE)) == ignored()
    assert node.step(Propose(B, 2, ONE)) == ignored()
    assert node.step(Propose(B, 2, TWO)) == proposed(2, TWO)


def test_the_window_ends_the_pipeline() -> None:
    node = elected(alpha=1, reports=(Report(1, OLD, ONE), Report(2, OLD, TWO)))
    assert node.step(Propose(B, 1, ONE)) == proposed(1, ONE)
    assert node.due() == ()
    assert node.step(Propose(B, 2, TWO)) == ignored()
    vote(node, 1, 1)
    vote(node, 2, 1)
    node.step(Decide(B, 1))
    assert node.due() == (Propose(B, 2, TWO),)


def test_a_full_pipeline_rejects() -> None:
    node = elected(alpha=2)
    assert node.step(Submit(ONE)) == recorded()
    node.step(Propose(B, 1, ONE))
    assert node.step(Submit(TWO)) == recorded()
    assert node.step(Submit(THREE)) == rejected(THREE, "pipeline full")
    node.step(Propose(B, 2, TWO))
    assert node.step(Submit(THREE)) == rejected(THREE, "pipeline full")
    vote(node, 1, 1)
    vote(node, 2, 1)
    node.step(Decide(B, 1))
    assert node.step(Submit(THREE)) == recorded()
    assert node.step(Submit(FOUR)) == rejected(FOUR, "pipeline full")


def test_adopted_values_fill_the_pipeline_too() -> None:
    node = elected(alpha=2, reports=(Report(1, OLD, FOUR),))
    node.step(Propose(B, 1, FOUR))
    assert node.step(Submit(ONE)) == recorded()
    assert node.step(Submit(TWO)) == rejected(TWO, "pipeline full")


def test_an_idle_node_rejects_and_a_repeated_command_is_remembered_once() -> None:
    node = fresh()
    assert node.step(Submit(ONE)) == rejected(ONE, "not the proposer")
    node.step(Campaign(B))
    assert node.step(Submit(ONE)) == recorded()
    assert node.step(Submit(ONE)) == ignored()
    assert node.step(Submit(NoOp())) == ignored()  # type: ignore[arg-type]
    assert node.step(Submit(TWO)) == recorded()


def test_what_was_asked_outlives_the_ballot() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    node.step(Propose(B, 1, ONE))
    hear(node, Prepare(Ballot(2, 2), 0), 2)
    assert (node.active, node.due()) == (NO_BALLOT, ())
    assert node.step(Submit(ONE)) == rejected(ONE, "not the proposer")
    assert node.step(Submit(THREE)) == rejected(THREE, "not the proposer")
    again = Ballot(3, 1)
    node.step(Campaign(again))
    promise(node, 1, ballot=again)
    promise(node, 3, ballot=again)
    assert node.due() == (Propose(again, 1, ONE),)
    node.step(Propose(again, 1, ONE))
    assert node.due() == (Propose(again, 2, TWO),)


def test_the_vote_with_the_highest_ballot_binds() -> None:
    node = leader()
    node.step(Submit(ONE))
    promise(node, 1, Report(1, OLDER, TWO))
    assert node.due() == ()
    promise(node, 3, Report(1, OLD, THREE))
    assert node.due() == (Propose(B, 1, THREE),)
    promise(node, 2, Report(1, Ballot(0, 1), FOUR))
    assert node.due() == (Propose(B, 1, THREE),)


def test_a_report_binds_in_its_own_slot_only() -> None:
    node = elected(alpha=3, reports=(Report(2, OLD, TWO),))
    node.step(Submit(ONE))
    assert node.due() == (Propose(B, 1, ONE),)
    node.step(Propose(B, 1, ONE))
    assert node.due() == (Propose(B, 2, TWO),)
    node.step(Propose(B, 2, TWO))
    assert node.due() == ()


def test_a_hole_below_a_vote_is_filled_with_the_no_op_but_not_one_above() -> None:
    node = elected(alpha=3, reports=(Report(2, OLD, TWO),))
    assert node.due() == (Propose(B, 1, NoOp()),)
    assert node.step(Propose(B, 1, NoOp())) == proposed(1, NoOp())
    node.step(Propose(B, 2, TWO))
    assert node.due() == ()
    assert node.step(Propose(B, 3, NoOp())) == ignored()


def test_a_promise_counts_only_above_its_floor() -> None:
    node = leader(alpha=2)
    node.step(Submit(ONE))
    promise(node, 1)
    promise(node, 2, Report(1, OLD, TWO), floor=1)
    assert node.due() == ()
    promise(node, 3)
    assert node.due() == (Propose(B, 1, ONE),)


def test_a_vote_in_the_slot_itself_makes_no_hole_of_it() -> None:
    node = leader(alpha=2)
    promise(node, 1)
    promise(node, 2, Report(1, OLD, TWO), floor=1)
    promise(node, 3)
    assert node.due() == ()


def test_a_floor_below_the_slot_does_not_matter() -> None:
    node = leader(alpha=2)
    learn(node, 1, TWO)
    node.step(Submit(ONE))
    promise(node, 1)
    promise(node, 2, floor=1)
    assert node.due() == (Propose(B, 2, ONE),)


def test_a_value_that_another_ballot_displaced_is_not_proposed_again_under_this_one() -> None:
    node = elected(alpha=2)
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    learn(node, 1, TWO)
    assert node.due() == ()
    assert node.step(Submit(THREE)) == recorded()
    assert node.step(Submit(FOUR)) == rejected(FOUR, "pipeline full")
    assert node.due() == (Propose(B, 2, THREE),)


def test_an_adopted_value_is_not_proposed_again_as_a_new_one() -> None:
    node = elected(alpha=2, reports=(Report(1, OLD, ONE),))
    node.step(Propose(B, 1, ONE))
    node.step(Submit(ONE))
    assert node.due() == ()


def test_a_command_that_became_known_is_not_proposed() -> None:
    node = elected(alpha=2)
    node.step(Submit(ONE))
    saw = Verdict(True, Volume(1, "p1", "r1"))
    assert learn(node, 1, ONE) == Step(Action("learn", (1, 1)), (Store(Known(1, ONE)), Answer(ONE.request, saw)))
    assert node.due() == ()
    assert node.step(Submit(ONE)) == resent(Answer(ONE.request, saw))
    assert node.step(Submit(TWO)) == recorded()
    assert node.step(Submit(THREE)) == recorded()


def test_each_slot_has_the_majority_of_its_own_configuration() -> None:
    """After a change at slot 1, alpha 2: slot 2 belongs to {1, 2, 3}, slot 3 to {1, 4, 5}."""
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 4, 5}))
    node.step(Campaign(B))
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    promise(node, 4)
    promise(node, 5)
    assert node.due() == ()
    promise(node, 2)
    assert node.due() == ()
    promise(node, 3)
    assert node.step(Propose(B, 2, ONE)) == proposed(2, ONE)
    assert node.step(Propose(B, 3, TWO)) == proposed(3, TWO, to=(1, 4, 5))


def test_the_majority_that_chose_one_slot_says_nothing_of_the_next_configuration() -> None:
    node = fresh(alpha=2)
    learn(node, 1, change(1, 0, {1, 4, 5}))
    node.step(Campaign(B))
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    promise(node, 2)
    promise(node, 3)
    node.step(Propose(B, 2, ONE))
    assert node.due() == ()
    promise(node, 1)
    assert node.due() == ()
    promise(node, 4, Report(3, OLD, FOUR))
    assert node.due() == (Propose(B, 3, FOUR),)


# Votes and Decide


def test_a_majority_of_votes_decides_and_tells() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    assert vote(node, 1, 1) == recorded()
    assert node.due() == ()
    assert node.step(Decide(B, 1)) == ignored()
    assert vote(node, 3, 1) == recorded()
    assert node.due() == (Decide(B, 1),)
    assert node.step(Decide(Ballot(2, 1), 1)) == ignored()
    decision = Decision(1, ONE)
    effects = (
        Store(Known(1, ONE)),
        Send(2, decision),
        Send(3, decision),
        Answer(ONE.request, Verdict(True, Volume(1, "p1", "r1"))),
    )
    assert node.step(Decide(B, 1)) == Step(Action("decide", (B, 1)), effects)
    assert list(node.known) == [ONE]
    assert node.due() == ()
    assert node.step(Decide(B, 1)) == ignored()


def test_votes_count_once_a_node_and_under_its_own_name() -> None:
    node = elected()
    node.step(Submit(ONE))
    assert vote(node, 2, 1) == ignored()
    node.step(Propose(B, 1, ONE))
    assert hear(node, Vote(B, 1, 3), 2) == ignored()
    assert vote(node, 2, 1) == recorded()
    assert vote(node, 2, 1) == ignored()
    assert hear(node, Vote(B, 1, 2), 1) == ignored()
    assert vote(node, 3, 1, ballot=Ballot(2, 1)) == ignored()
    assert vote(node, 4, 1) == ignored()
    assert vote(node, 3, 2) == ignored()
    assert node.due() == ()


def test_slots_are_decided_in_order() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Submit(TWO))
    node.step(Propose(B, 1, ONE))
    node.step(Propose(B, 2, TWO))
    vote(node, 1, 2)
    vote(node, 2, 2)
    assert node.due() == ()
    assert node.step(Decide(B, 2)) == ignored()
    vote(node, 1, 1)
    vote(node, 2, 1)
    assert node.due() == (Decide(B, 1),)
    node.step(Decide(B, 1))
    assert node.due() == (Decide(B, 2),)


def test_a_slot_that_can_be_decided_and_learned_offers_both() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    vote(node, 1, 1)
    vote(node, 2, 1)
    hear(node, Decision(1, ONE), 2)
    assert node.due() == (Decide(B, 1), Learn(1))
    node.step(Decide(B, 1))
    assert node.due() == ()
    assert vote(node, 3, 1) == ignored()


def test_the_no_op_answers_nobody() -> None:
    node = elected(reports=(Report(2, OLD, TWO),))
    node.step(Propose(B, 1, NoOp()))
    vote(node, 1, 1)
    vote(node, 2, 1)
    assert node.step(Decide(B, 1)).effects == (
        Store(Known(1, NoOp())),
        Send(2, Decision(1, NoOp())),
        Send(3, Decision(1, NoOp())),
    )


def test_a_command_decided_twice_is_answered_with_its_first_verdict() -> None:
    node = fresh()
    learn(node, 1, ONE)
    node.step(Campaign(B))
    promise(node, 1)
    promise(node, 2, Report(2, OLD, ONE))
    node.step(Propose(B, 2, ONE))
    vote(node, 1, 2)
    vote(node, 2, 2)
    answer = Answer(ONE.request, Verdict(True, Volume(1, "p1", "r1")))
    assert node.step(Decide(B, 2)).effects[-1] == answer


@pytest.mark.parametrize("alpha", [1, 2, 3])
def test_a_change_invites_the_new_with_the_old_prefix_and_takes_effect_after_alpha(alpha: int) -> None:
    node = fresh(alpha)
    learn(node, 1, NoOp())
    node.step(Campaign(B))
    promise(node, 1)
    promise(node, 2)
    reform = change(1, 0, {2, 3, 4})
    values: list[Command] = [reform, *(write(number) for number in range(alpha))]
    for slot, value in enumerate(values, start=2):
        assert node.step(Submit(value)) == recorded()  # type: ignore[arg-type]
        if slot == 2 + alpha:
            break
        assert node.step(Propose(B, slot, value)) == proposed(slot, value)
        vote(node, 1, slot)
        vote(node, 2, slot)
        effects = node.step(Decide(B, slot)).effects
        assert (Send(4, Prepare(B, 1)) in effects) == (slot == 2)
        assert [effect for effect in effects if isinstance(effect, Send) and effect.to == 1] == []
        told = {effect.to for effect in effects if isinstance(effect, Send) and isinstance(effect.message, Decision)}
        assert told == {2, 3, 4}
    assert node.due() == ()
    promise(node, 3)
    assert node.due() == (Propose(B, 2 + alpha, values[-1]),)
    assert node.step(Propose(B, 2 + alpha, values[-1])) == proposed(2 + alpha, values[-1], to=(2, 3, 4))
    assert vote(node, 1, 2 + alpha) == ignored()
    vote(node, 4, 2 + alpha)
    assert node.due() == ()
    vote(node, 2, 2 + alpha)
    assert node.due() == (Decide(B, 2 + alpha),)


def test_a_leader_that_learns_of_a_change_invites_the_new() -> None:
    node = elected(alpha=1)
    assert Send(4, Prepare(B, 0)) in learn(node, 1, change(1, 0, {1, 2, 4})).effects
    assert Send(4, Prepare(B, 0)) not in learn(node, 2, NoOp()).effects


# Time


def test_nothing_is_sent_again_before_its_time() -> None:
    node = leader()
    assert node.step(Tick(1000)) == ignored()
    assert node.step(Tick(1099)) == ignored()
    prepares = [Send(member, Prepare(B, 0)) for member in (1, 2, 3)]
    assert node.step(Tick(1100)) == resent(*prepares)
    assert node.step(Tick(1199)) == ignored()
    promise(node, 2)
    assert node.step(Tick(1200)) == resent(prepares[0], prepares[2])


@pytest.mark.parametrize("event", ["propose", "decide", "campaign", "learn"])
def test_an_action_of_the_proposer_is_given_its_time(event: str) -> None:
    node = elected()
    node.step(Submit(ONE))
    if event != "propose":
        node.step(Propose(B, 1, ONE))
        vote(node, 1, 1)
        vote(node, 2, 1)
        hear(node, Decision(1, ONE), 2)
    events: dict[str, Event] = {
        "propose": Propose(B, 1, ONE),
        "decide": Decide(B, 1),
        "campaign": Campaign(Ballot(2, 1)),
        "learn": Learn(1),
    }
    node.step(Tick(0))
    assert isinstance(node.step(events[event]).announces, Action)
    assert node.step(Tick(100)) == ignored()
    assert node.step(Tick(199)) == ignored()
    assert node.step(Tick(200)).announces == Stutter("resent")


def test_what_changes_nothing_does_not_put_a_resend_off() -> None:
    node = leader()
    node.step(Tick(0))
    node.step(Decide(B, 1))
    node.step(Learn(1))
    node.step(Campaign(B))
    assert node.step(Tick(100)).announces == Stutter("resent")


def test_a_proposal_is_sent_again_to_those_who_did_not_vote() -> None:
    node = elected()
    promise(node, 3)
    for command in (ONE, TWO):
        node.step(Submit(command))
    node.step(Propose(B, 1, ONE))
    node.step(Propose(B, 2, TWO))
    vote(node, 2, 1)
    node.step(Tick(0))
    first, second = Proposal(B, 1, ONE), Proposal(B, 2, TWO)
    expected = [Send(1, first), Send(3, first), Send(1, second), Send(2, second), Send(3, second)]
    assert node.step(Tick(100)) == resent(*expected)


def test_the_last_decision_is_sent_again_until_it_is_acknowledged() -> None:
    node = elected()
    promise(node, 3)
    for slot, command in ((1, ONE), (2, TWO)):
        node.step(Submit(command))
        node.step(Propose(B, slot, command))
        vote(node, 1, slot)
        vote(node, 2, slot)
        node.step(Decide(B, slot))
    last = Decision(2, TWO)
    node.step(Tick(0))
    assert node.step(Tick(100)) == resent(Send(2, last), Send(3, last))
    assert hear(node, Ask(1), 3) == resent(Send(3, last))
    assert hear(node, Ask(2), 2) == recorded()
    assert hear(node, Ask(2), 2) == ignored()
    assert hear(node, Ask(2), 9) == ignored()
    assert node.step(Tick(200)) == resent(Send(3, last))
    assert hear(node, Ask(2), 3) == recorded()
    assert hear(node, Ask(1), 3) == resent(Send(3, last))
    assert node.step(Tick(300)) == ignored()
    assert hear(node, Ask(0), 2) == resent(Send(2, Decision(1, ONE)), Send(2, last))


def test_a_leader_that_a_majority_has_left_takes_nothing_on_and_falls_silent() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    higher = Refusal(B, Ballot(2, 2))
    assert hear(node, higher, 2) == recorded()
    assert hear(node, higher, 2) == recorded()
    assert node.step(Submit(TWO)) == recorded()
    assert node.step(Submit(ONE)) == ignored()
    assert hear(node, higher, 9) == recorded()
    node.step(Tick(0))
    assert node.step(Tick(100)).announces == Stutter("resent")
    assert hear(node, higher, 3) == recorded()
    assert node.step(Tick(200)) == ignored()
    assert [node.step(Submit(command)) for command in (ONE, TWO, THREE)] == [
        rejected(command, "not the proposer") for command in (ONE, TWO, THREE)
    ]
    assert node.active == B
    node.step(Campaign(Ballot(3, 1)))
    assert node.step(Submit(ONE)) == ignored()


def test_an_idle_node_sends_nothing_again() -> None:
    node = fresh()
    learn(node, 1, ONE)
    node.step(Tick(0))
    assert node.step(Tick(100)) == ignored()
    assert hear(node, Ask(1), 2) == ignored()

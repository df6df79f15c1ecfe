"""Commands that clients ask for: taken on inside the window, remembered beyond a ballot, rejected when it is full."""

from physalia.model import (
    NO_BALLOT,
    Action,
    Answer,
    Ballot,
    Campaign,
    Decide,
    Known,
    NoOp,
    Prepare,
    Propose,
    Refusal,
    Reject,
    Report,
    Step,
    Store,
    Stutter,
    Submit,
    Tick,
    Verdict,
    Volume,
)
from tests.physalia.cell.worlds.cell_world import ignored, recorded, resent
from tests.physalia.cell.worlds.one_node import (
    FOUR,
    OLD,
    ONE,
    THREE,
    TWO,
    B,
    elected,
    fresh,
    hear,
    learn,
    promise,
    proposed,
    rejected,
    vote,
)


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


def test_a_leader_that_a_majority_has_left_takes_nothing_on_and_falls_silent() -> None:
    node = elected()
    node.step(Submit(ONE))
    node.step(Propose(B, 1, ONE))
    higher = Refusal(B, Ballot(2, 2))
    assert hear(node, higher, 2) == recorded()
    assert hear(node, higher, 2) == ignored()
    assert node.step(Submit(TWO)) == recorded()
    assert node.step(Submit(ONE)) == ignored()
    assert hear(node, higher, 9) == recorded()
    node.step(Tick(0))
    assert node.step(Tick(100)).announces == Stutter("resent")
    doubts = (Reject(ONE.request, "outcome unknown"), Reject(TWO.request, "outcome unknown"))
    assert hear(node, higher, 3) == Step(Stutter("rejected"), doubts)
    assert hear(node, higher, 3) == ignored()
    assert node.step(Tick(200)) == ignored()
    assert [node.step(Submit(command)) for command in (ONE, TWO, THREE)] == [
        rejected(command, "not the proposer") for command in (ONE, TWO, THREE)
    ]
    assert node.active == B
    node.step(Campaign(Ballot(3, 1)))
    assert node.step(Submit(ONE)) == ignored()

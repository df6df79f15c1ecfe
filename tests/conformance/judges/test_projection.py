"""The projection: order of ballots, names of commands, totality, and what a node can have heard."""

from itertools import product
from random import Random

import pytest

from conformance.judges.judged import MAX_ROUND, JudgedCell
from conformance.judges.projection import Names, Projection
from conformance.lockstep.driver import Driver
from conformance.lockstep.moves import Moves
from conformance.lockstep.play import Play
from conformance.refutation import Refuted
from conformance.world.setup import Setup
from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ask,
    Ballot,
    Decision,
    NoOp,
    Promise,
    Read,
    Report,
    RequestId,
    Verdict,
    Volume,
)
from spec import cell as spec

NAMES = Names(3)


def test_ballots_are_numbered_in_their_order_and_owned_by_their_node() -> None:
    ballots = [Ballot(round_, node) for round_, node in product(range(1, 5), range(1, 4))]
    judged = JudgedCell.of({}, frozenset({1, 2, 3}), 1, range(1, 4), 9, NAMES.ballots)
    numbers = [NAMES.ballot(ballot) for ballot in ballots]
    assert numbers == list(range(1, 13))
    assert [judged.owner[number] for number in numbers] == [ballot.node for ballot in ballots]
    highest = NAMES.ballot(Ballot(MAX_ROUND, 3))
    assert judged.owner[highest] == 3
    assert highest + 1 not in judged.owner
    assert NAMES.ballot(NO_BALLOT) == 0


@pytest.mark.parametrize("ballot", [Ballot(1, 0), Ballot(1, 4), Ballot(0, 1), Ballot(-1, 2), Ballot(2**63, 1)])
def test_a_ballot_that_nobody_owns_is_refuted(ballot: Ballot) -> None:
    with pytest.raises(Refuted, match="there can be no ballot"):
        NAMES.ballot(ballot)


def test_messages_keep_all_their_fields() -> None:
    promise = Promise(Ballot(2, 1), 3, (Report(4, Ballot(1, 2), NoOp()),), 0)
    assert NAMES.message(promise, 3) == spec.Promise(4, 3, frozenset({spec.Report(4, 2, "noop")}), 0)
    assert NAMES.message(Decision(2, NoOp()), 3) == spec.Decision(2, "noop", by=3)
    assert NAMES.message(Ask(3), 3) is None


def test_what_is_no_command_has_a_name_that_no_command_has() -> None:
    assert NAMES.command(None) == "no command: None"
    assert NAMES.command(NoOp()) == "noop"


def test_an_answer_to_nobody_has_an_image_too() -> None:
    told = NAMES.told(RequestId("x", 1), Verdict(True, Volume(0, "a", "b")))
    assert told.command.startswith("nobody's")


@pytest.mark.parametrize("seed", range(4))
def test_step_by_step_it_is_what_it_is_as_a_whole(seed: int) -> None:
    setup = Setup.of(4, 3, 2)
    played = Play(setup)
    for happening in Driver(Moves(played.world, 24), Random(seed)).happenings(150):
        played.play(happening)
        whole = Projection(setup, played.judge.names).whole(played.world, played.judge.state)
        assert whole == played.judge.state


def test_a_vote_kept_in_another_slot_is_not_the_vote() -> None:
    played = Play(Setup.of(3, 3, 3))
    node = played.world.nodes[2]
    node.accepted[1] = Accepted(Ballot(1, 1), 2, NoOp())  # type: ignore[index]
    whole = Projection(played.setup, played.judge.names).whole(played.world, played.judge.state)
    assert whole.accepted[2][1] == spec.Accepted(1, "a vote in slot 2")
    with pytest.raises(Refuted, match="a node changed without a step"):
        played.judge.whole()


def test_a_read_is_named_by_all_that_is_in_it() -> None:
    assert NAMES.register(Read(RequestId("x", 1))) == "read(x#1)"
    assert NAMES.requests[RequestId("x", 1)] == "read(x#1)"

"""The link: what it holds, what it refuses, and that it is not content with nothing."""

import pytest
from attrs import evolve

from conformance.histories import link
from conformance.histories.checker import Budget
from conformance.histories.history import TRUE, Map
from conformance.histories.judging import judge
from conformance.histories.known import MODELS
from conformance.histories.reading import parse
from conformance.histories.worlds import Recorder, record
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from conformance.lockstep.campaigns import CAMPAIGNS, troubled
from conformance.refutation import Refuted
from conformance.world.outcomes import Outcome
from conformance.world.setup import Setup
from physalia.cell import Consultation, Node
from physalia.cell.reads import Reads
from physalia.model import Action, Answer, Event, RequestId, Step, Submit, Volume, Write
from physalia.model import Verdict as Told

QUICK = Settings(profile=Profile.QUICK)


def test_the_corpus_has_every_model_both_ways() -> None:
    known = link.corpus()
    assert {one.model for one in known} == set(MODELS)
    for model in MODELS:
        assert {one.verdict for one in known if one.model == model} == {"holds", "refuted"}, model


@pytest.mark.parametrize("known", link.corpus(), ids=lambda one: one.file)
def test_a_history_of_the_corpus_is_judged_as_it_must_be(known: link.Known) -> None:
    judged = link.judge_known(known)
    window = () if judged.window is None else tuple(one.line for one in judged.window.bound)
    assert (judged.verdict, window) == (known.verdict, known.window)


def test_a_wrong_verdict_of_the_corpus_refutes_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    first = link.corpus()[0]
    monkeypatch.setattr(link, "corpus", lambda: (evolve(first, verdict="refuted"),))
    report = link.run(Settings(profile=Profile.QUICK, models=("corpus",)), Silence())
    assert report.verdict is Verdict.REFUTED
    assert "is judged wrongly" in report.failures[0].title


def test_without_an_operation_that_matters_no_history_holds() -> None:
    ((row, failure),) = link.left_out(QUICK, Silence(), Node)
    assert (row.verdict, failure) == (Verdict.HOLDS, None)
    assert row.steps > link.LARGE


@pytest.mark.parametrize(("says", "title"), [(True, "that matters holds"), (False, "that does not is refused")])
def test_a_checker_that_says_one_thing_alone_is_refuted(
    says: bool, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(link, "check", lambda *_: says)
    ((row, failure),) = link.left_out(QUICK, Silence(), Node)
    assert row.verdict is Verdict.REFUTED
    assert failure is not None
    assert title in failure.title


def test_a_part_that_there_is_not_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no part 'nothing'"):
        link.run(Settings(models=("nothing",)), Silence())


@pytest.mark.parametrize("text", ["", '{"process": 0, "type": "invoke", "f": "read"}\n'])
def test_a_history_in_which_nothing_was_answered_is_inconclusive(text: str) -> None:
    model = MODELS["register"]
    assert judge(parse(text, model, "it"), model, Budget()).verdict is Verdict.INCONCLUSIVE


def test_clients_of_a_world_see_what_has_an_explanation() -> None:
    history, _ = record(CAMPAIGNS[0].setups[0], "0/3 nodes, alpha 3/0", 160, troubled, MODELS["store"])
    answers = [one.answer for one in history.operations if isinstance(one.answer, Map)]
    assert sum(answer.get("succeeded") == TRUE for answer in answers) >= 2
    assert judge(history, MODELS["store"], Budget()).verdict is Verdict.HOLDS


class Forgetful(Node):
    """It answers each write at once, as if it were done; the first one that is decided says otherwise."""

    def step(self, event: Event) -> Step:
        step = super().step(event)
        if isinstance(event, Submit) and isinstance(event.command, Write) and self.active.round:
            seen = Volume(event.command.expects + 1, event.command.primary, event.command.replica)
            return Step(step.announces, (Answer(event.command.request, Told(True, seen)), *step.effects))
        return step


def test_clients_who_are_told_what_is_not_so_refute_the_link() -> None:
    report = link.run(Settings(profile=Profile.QUICK, models=("clients",)), Silence(), Forgetful)
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].how == "judged"


def test_two_answers_to_one_request_are_refused() -> None:
    recorder, request = Recorder(), RequestId("c", 1)
    write = Write(request, 0, "x", "y")
    recorder.note(Outcome(1, None, Action("issue", (write,))))
    told = Outcome(1, Submit(write), Action("decide", ()), answers=((request, Told(True, Volume(1, "x", "y"))),))
    recorder.note(told)
    recorder.note(told)
    with pytest.raises(Refuted, match="answered twice, and differently"):
        recorder.note(
            Outcome(1, Submit(write), Action("decide", ()), answers=((request, Told(False, Volume(0, "", ""))),))
        )
    with pytest.raises(Refuted, match="who asked nothing"):
        Recorder().note(told)


def test_a_campaign_whose_clients_see_nothing_is_inconclusive() -> None:
    setup = Setup.of(3, 3, 3)
    history, _ = record(setup, "x", 0, lambda _moves, _random, _length: iter(()), MODELS["store"])
    assert not any(not one.is_open for one in history.operations)
    assert judge(history, MODELS["store"], Budget()).verdict is Verdict.INCONCLUSIVE


def test_a_read_that_nobody_confirmed_is_seen_on_a_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the code does there is a step of every kind that there may be: only its clients see that it is wrong."""

    def vouched(self: Reads, read: Consultation) -> bool:
        return read.round.ballot == self.proposer.active and read.slot <= self.proposer.learner.prefix

    walks = Settings(profile=Profile.QUICK, models=("walks",))
    monkeypatch.setattr(Reads, "is_vouched", vouched)
    report = link.run(walks, Silence())
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].title.startswith("walks: MCReads")
    assert report.failures[0].how == "judged"


def test_clients_in_scenarios_of_hypothesis_are_judged() -> None:
    chosen = Settings(profile=Profile.QUICK, models=("hypothesis",))
    report = link.run(chosen, Silence(), Forgetful)
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].title.startswith("Hypothesis: ")

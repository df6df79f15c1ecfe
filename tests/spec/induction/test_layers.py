"""The layers are proved, and a layer that is broken is not: by which query, and why."""

from collections.abc import Mapping
from functools import cache

import pytest
import z3
from attrs import evolve

from conformance.induction.tie.formulas import names_in
from spec.induction.formulas.kernel import Becomes, Refinement, State, Step, Term, action, axiom, invariant, safety
from spec.induction.layers.ballots import Ballots
from spec.induction.layers.disk import KEPT_PROMISE, KEPT_VOTES, Disk
from spec.induction.layers.outbox import Outbox
from spec.induction.layers.stack import LAYERS, system_of, with_what_they_stand_on
from spec.induction.layers.vocabulary import And, Not, Or, exists, forall, member
from spec.induction.proving import solve as solving
from spec.induction.proving.prove import Proof, prove, worst
from spec.induction.proving.queries import Kind, initiation, queries_of
from spec.induction.proving.solve import Effort, Outcome, as_smtlib, solve
from spec.induction.proving.witnesses import failings, firings, two_slots


@cache
def proofs() -> Mapping[str, Proof]:
    found: dict[str, Proof] = {}
    for name, floor in LAYERS.items():
        found[name] = prove(system_of(name), found.get(floor.on))
    return found


def refuted(proof: Proof) -> set[str]:
    return {name for name, answer in proof.asked.items() if answer.outcome is Outcome.REFUTED}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_proved(name: str) -> None:
    proof = proofs()[name]
    system = proof.system
    assert proof.outcome is Outcome.PROVED
    kinds = [answer.query.kind for answer in proof.answers]
    assert kinds.count(Kind.INITIATION) == len(system.invariants)
    assert kinds.count(Kind.CONSECUTION) == len(system.invariants) * len(system.actions)
    assert kinds.count(Kind.SAFETY) == len(system.safety)


def test_each_query_is_asked_once() -> None:
    asked = [name for proof in proofs().values() for name in proof.asked]
    assert len(asked) == len(set(asked)) >= 400
    for proof in proofs().values():
        for name, answer in proof.inherited.items():
            layer = answer.origin.split("/")[0]
            assert name not in proof.asked
            assert proofs()[layer].asked[answer.origin].outcome is Outcome.PROVED
            assert answer.used <= answer.query.premises.keys()


def test_an_inherited_answer_is_the_one_that_asking_would_give() -> None:
    inherited = [*proofs()["truncation"].inherited.values()][::25]
    assert len(inherited) > 20
    assert {solve(answer.query, Effort()).outcome for answer in inherited} == {Outcome.PROVED}


def test_each_step_is_held_against_the_whole_action_that_it_refines() -> None:
    system = system_of("outbox")
    refines = system.refinement
    assert refines is not None
    above = refines.above
    asked = {answer.query.about for answer in proofs()["outbox"].answers if answer.query.kind is Kind.REFINEMENT}
    expected: set[tuple[str, ...]] = {("init", name) for name in above.relations}
    for act in system.actions:
        becomes = refines.becomes.get(act)
        if becomes is None:
            expected |= {(act, "nothing", name) for name in above.relations}
        else:
            expected |= {(act, becomes.name, name) for name in above.relations}
            expected |= {(act, becomes.name, "guard", name) for name in above.actions[becomes.name].guard}
    assert asked == expected


# Broken layers.


class NoPhaseOne(Ballots):
    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term) -> Step:
        return super().propose(s, b, i, v, j=j, x=x, q=q, c=c).without("all_left")


class SentBeforeDurable(Disk):
    @action(KEPT_PROMISE, KEPT_VOTES)
    def crash(self, s: State, n: Term, *, kept_promise: Term, kept_votes: Term) -> Step:
        return super().crash(s, n, kept_promise=kept_promise, kept_votes=kept_votes).without("votes_sent")


class AnyOrder(Outbox):
    @action()
    def vote(self, s: State, n: Term, b: Term, i: Term, *, e: Term, v: Term) -> Step:  # type: ignore[override]
        return super().vote(s, n, b, i, e=e, v=v).where(order=s.outbox(n, e))


class Wishful(Ballots):
    @invariant
    def nothing_is_chosen(self, s: State) -> z3.BoolRef:
        return forall(lambda i, v: Not(s.chosen(i, v)))


class NobodyAnswers(Disk):
    """A conjunct of the layer below has another meaning under the same name."""

    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term) -> Step:
        return super().propose(s, b, i, v, j=j, x=x, q=q, c=c).where(all_left=z3.BoolVal(val=True))


class Idle(Outbox):
    def refinement(self) -> Refinement:
        return Refinement(above=Ballots().system(), becomes={"vote": Becomes("vote")})


@pytest.mark.parametrize(
    ("layer", "below", "by"),
    [
        (NoPhaseOne, "", "nophaseone/propose/proposals_safe"),
        (SentBeforeDurable, "ballots", "sentbeforedurable/crash/votes_are_durable"),
        (NobodyAnswers, "ballots", "nobodyanswers/propose/proposals_safe"),
        (AnyOrder, "disk", "anyorder/vote/outbox_not_left"),
        (Wishful, "", "wishful/choose/nothing_is_chosen"),
        (Idle, "disk", "idle/refinement/promise/nothing/left"),
    ],
)
def test_a_broken_layer_is_refuted(layer: type[Ballots], below: str, by: str) -> None:
    proof = prove(layer().system(), proofs().get(below))
    assert proof.outcome is Outcome.REFUTED
    assert by in refuted(proof)


def test_an_action_that_is_broken_inherits_nothing_that_it_broke() -> None:
    whole, broken = proofs()["disk"], prove(SentBeforeDurable().system(), proofs()["ballots"])
    assert refuted(broken) <= {name.replace("disk/", "sentbeforedurable/") for name in whole.asked}
    assert broken.inherited


def test_a_false_beginning_is_refuted() -> None:
    class Begun(Ballots):
        def init(self) -> Mapping[str, object]:  # type: ignore[override]
            return {**super().init(), "proposals": lambda *_: z3.BoolVal(val=True)}

    answers = [solve(query, Effort()) for query in initiation(Begun().system())]
    assert "begun/initiation/nothing_at_bot" in {a.query.name for a in answers if a.outcome is Outcome.REFUTED}


# What is not decided in time is no pass.


def test_out_of_time_is_unknown_and_never_a_pass() -> None:
    hard = next(query for query in queries_of(system_of("leaving")) if query.name == "leaving/choose/prefix_leads_to")
    answer = solve(hard, Effort(timeout_s=0.001))
    assert answer.outcome is Outcome.UNKNOWN
    assert "with a limit of 0.001 s" in answer.reason
    assert worst([Outcome.PROVED, answer.outcome]) is Outcome.UNKNOWN
    assert worst([Outcome.REFUTED, answer.outcome]) is Outcome.REFUTED
    assert worst([]) is Outcome.UNKNOWN


def test_without_a_time_the_limit_is_work_and_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = next(query for query in queries_of(system_of("leaving")) if query.name == "leaving/choose/prefix_leads_to")
    assert solve(hard, Effort()).outcome is Outcome.PROVED
    monkeypatch.setattr(solving, "WORK", 1_000)
    answer = solve(hard, Effort())
    assert answer.outcome is Outcome.UNKNOWN
    assert "with a limit of 1,000 units of work" in answer.reason


def test_a_script_reproduces_its_query() -> None:
    for name, said in (("ballots/vote/proposals_safe", "unsat"), ("nophaseone/propose/proposals_safe", "sat")):
        system = Ballots().system() if said == "unsat" else NoPhaseOne().system()
        query = next(query for query in queries_of(system) if query.name == name)
        script = as_smtlib(query)
        assert script.startswith(f"; query: {name}\n")
        again = z3.Solver()
        again.from_string(script)
        assert str(again.check()) == said


# Not vacuous.


@pytest.mark.parametrize("name", LAYERS)
def test_every_action_fires(name: str) -> None:
    assert {witness.outcome for witness in firings(system_of(name), Effort())} == {Outcome.PROVED}


@pytest.mark.parametrize("name", LAYERS)
def test_what_an_action_chooses_has_an_effect(name: str) -> None:
    """What a crash keeps of a relation is what becomes of it; else nothing would ever be lost there."""
    for act in system_of(name).actions.values():
        sorts = {relation: kind.sorts for relation, kind in system_of(name).relations.items()}
        places = {relation: [z3.Const(f"p{at}", sort) for at, sort in enumerate(sorts[relation])] for relation in sorts}
        effects = [update(*places[relation]) for relation, update in act.updates.items()]
        chosen = {term.name() for term in act.witnesses.values() if not z3.is_const(term)}
        assert chosen <= frozenset[str]().union(*map(names_in, effects)), act.name


def test_an_action_that_cannot_fire_is_seen() -> None:
    class Stuck(Ballots):
        @action()
        def leave(self, s: State, n: Term, b: Term) -> Step:
            return super().leave(s, n, b).where(never=z3.BoolVal(val=False))

    fired = {witness.name: witness.outcome for witness in firings(Stuck().system(), Effort())}
    assert fired["stuck/fires/leave"] is Outcome.REFUTED
    assert fired["stuck/fires/vote"] is Outcome.PROVED


@pytest.mark.parametrize("name", ["ballots", "outbox", "leaving"])
def test_two_slots_are_decided_under_disjoint_configurations(name: str) -> None:
    witness = two_slots(system_of(name))
    assert witness is not None
    assert witness.outcome is Outcome.PROVED
    assert witness.run is not None
    assert [step.action for step in witness.run.steps].count("choose") == 2


@pytest.mark.parametrize("name", LAYERS)
def test_every_claim_can_fail(name: str) -> None:
    on = LAYERS[name].on
    found = list(failings(system_of(name), Effort(), system_of(on) if on else None))
    assert found
    assert {witness.outcome for witness in found} == {Outcome.PROVED}


def test_a_claim_that_says_nothing_is_seen() -> None:
    class Empty(Ballots):
        @safety
        def one_value_chosen(self, s: State) -> z3.BoolRef:
            return forall(lambda i, v: Or(s.chosen(i, v), Not(s.chosen(i, v))))

    found = {witness.name: witness.outcome for witness in failings(Empty().system(), Effort())}
    assert found["empty/can_fail/one_value_chosen"] is Outcome.REFUTED
    assert found["empty/can_fail/agreement"] is Outcome.PROVED


def test_an_axiom_that_forbids_disjoint_configurations_is_refuted() -> None:
    class OneJury(Ballots):
        @axiom
        def majorities_meet(self) -> z3.BoolRef:
            return forall(lambda q, r: exists(lambda n: And(member(n, q), member(n, r))))

    witness = two_slots(evolve(OneJury().system(), name="ballots"))
    assert witness is not None
    assert witness.outcome is Outcome.REFUTED
    assert witness.name.endswith("as axiom majorities_meet forbids")


def test_a_run_that_cannot_be_is_seen() -> None:
    class Frozen(Ballots):
        @action()
        def extend(self, s: State, k: Term, j: Term, x: Term, v: Term, y: Term) -> Step:
            return super().extend(s, k, j, x, v, y).where(never=z3.BoolVal(val=False))

    witness = two_slots(evolve(Frozen().system(), name="ballots"))
    assert witness is not None
    assert witness.outcome is Outcome.REFUTED


def test_a_layer_brings_what_it_stands_on() -> None:
    assert with_what_they_stand_on(("reads",)) == ("ballots", "disk", "knowledge", "reads")
    assert with_what_they_stand_on(("outbox", "disk")) == ("ballots", "disk", "outbox")
    assert with_what_they_stand_on(()) == tuple(LAYERS)

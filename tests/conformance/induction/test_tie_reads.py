"""The layers `knowledge` and `reads` and the cell are one relation but for what is declared; what is wrong is found."""

from typing import Any

import pytest
import z3
from attrs import fields

from conformance.induction.tie.consulting import read_reads
from conformance.induction.tie.declared import (
    ANSWERED_AGAIN,
    ANY_REPLY,
    HEARD,
    KEPT_MORE,
    LOST_DISK,
    NO_POLICY,
    NOT_TAUGHT,
    TAUGHT,
    TOLD,
    WRITTEN_AGAIN,
)
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.knowing import read_knowledge
from conformance.induction.tie.model import Mismatch, Tie, TiedModel
from conformance.induction.tie.recalled import recalling
from conformance.induction.tie.scope import TIED, is_taken_below
from conformance.induction.tie.weakened import weakened_guards
from conformance.links import Profile, Verdict
from conformance.manifest import load_manifest
from spec.cell_properties import CellProperties
from spec.commands import Node
from spec.induction.attacks.breaking import forgetting, instead, without
from spec.induction.attacks.replay_reads import (
    ReadsByRefusals,
    ReadsDespiteReports,
    ReadsWithOldEchoes,
    ReadsWithoutEchoes,
)
from spec.induction.formulas.kernel import Action, System
from spec.induction.layers.stack import system_of
from spec.machine import explore
from spec.models import FOUNDERS, MODELS, REPLACE, SWAP
from spec.service.reads import Reads

READS = {"knowledge": read_knowledge, "reads": read_reads}


def alone(kind: type[Reads] = Reads, rounds: int = 1) -> Reads:
    """Node 1 leads, decides a slot, and reads; node 3 answers it."""
    return kind(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=1, max_slot=1,
        owner={1: 1}, audience={1: frozenset({1, 3})}, learners=frozenset({3}), max_reads={1: rounds},
    )  # fmt: skip


def crashing() -> Reads:
    """Node 1 leads, reads and crashes; nobody tells it what it forgets."""
    return Reads(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=1, max_slot=1,
        owner={1: 1}, audience={1: frozenset({1, 3})}, learners=frozenset(), mortals=frozenset({1}), max_reads={1: 1},
    )  # fmt: skip


def changed() -> Reads:
    """Slot 1 replaces node 1, which leads and reads on: members of the next slot must vouch for it."""
    return Reads(
        content=REPLACE, first=FOUNDERS, alpha=1, early=frozenset(REPLACE), nodes=range(1, 5), max_ballot=1, max_slot=1,
        owner={1: 1}, audience={1: frozenset({1, 2, 4})}, learners=frozenset(), max_reads={1: 1},
    )  # fmt: skip


def overtaken(kind: type[Reads] = Reads) -> Reads:
    """Node 1 leads and reads; node 2 leads later and asks the same node 3, which is a member with node 1 alone."""
    return kind(
        content=SWAP, first=frozenset({1, 3}), alpha=1, early=frozenset(), nodes=range(1, 4), max_ballot=2, max_slot=1,
        owner={1: 1, 2: 3}, audience={1: frozenset({1, 3}), 2: frozenset({3})}, learners=frozenset(),
        max_reads={1: 1, 2: 0},
    )  # fmt: skip


def tied(layer: str, machine: Any, system: System | None = None) -> Tie:
    return Tie.explored("model", Formulas(system or system_of(layer), READS[layer](machine)))


def run(layer: str, machine: Any, system: System | None = None) -> TiedModel:
    return tied(layer, machine, system).run("Cell")


def first(found: TiedModel) -> Mismatch:
    assert found.verdict is Verdict.REFUTED
    return found.mismatches[0]


# As they are.


@pytest.mark.parametrize(
    ("model", "states", "edges"), [("MCCellChangeIssued", 53, 90), ("MCCellNewcomer", 126, 187)]
)  # fmt: skip
def test_knowledge_and_models_are_one_relation(model: str, states: int, edges: int) -> None:
    found = run("knowledge", MODELS[model])
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert (found.states, found.edges) == (states, edges)
    assert found.taken["believe"] == found.taken["choose"] + found.taken.get("learn", 0)
    assert found.exceptions.keys() == {NO_POLICY, ANY_REPLY, KEPT_MORE, LOST_DISK, TAUGHT, WRITTEN_AGAIN, HEARD}


def test_what_a_crash_takes_was_chosen_all_the_same() -> None:
    """A proposer decides, nobody has heard of it, and it forgets: one state of the model is two."""
    model = MODELS["MCCellPipeline"]
    found = explore(recalling(model), invariants=())  # type: ignore[type-var]
    decided: dict[Any, set[int]] = {}
    for *variables, first_decided in map(found.state, range(found.distinct)):
        decided.setdefault(tuple(variables), set()).add(len(first_decided))
    assert len(decided) == load_manifest().model("MCCellPipeline").distinct
    assert {0, 1} in decided.values()


@pytest.mark.parametrize("machine", [MODELS["MCCellLateAnswer"], alone(), crashing()])
def test_what_is_remembered_changes_no_graph(machine: CellProperties) -> None:
    """Left out, the states and the labelled steps are those of the model."""

    def graph(one: Any) -> tuple[set[Any], set[Any]]:
        found = explore(one, invariants=(), record=True)
        states = [tuple(found.state(n))[: len(variables)] for n in range(found.distinct)]
        steps = zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True)
        return set(states), {(states[source], found.steps[step], states[target]) for source, step, target in steps}

    (beginning,) = machine.init()
    variables = beginning._fields
    assert graph(recalling(machine)) == graph(machine)


@pytest.mark.parametrize("machine", [alone(), crashing(), overtaken(), changed()])
def test_reads_and_models_are_one_relation(machine: Reads) -> None:
    found = run("reads", machine)
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert {"ask", "echo", "serve", "acknowledge"} <= found.taken.keys()
    assert {TOLD, ANSWERED_AGAIN, NO_POLICY} <= found.exceptions.keys()


def test_every_action_is_taken_but_those_that_are_declared() -> None:
    taken = run("reads", alone()).taken.keys() | run("reads", crashing()).taken.keys()
    assert system_of("reads").actions.keys() - taken == NOT_TAUGHT.keys()


@pytest.mark.slow
def test_two_proposers_that_read_are_tied() -> None:
    found = run("reads", MODELS["MCReads"])
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert (found.states, found.edges, found.guards) == (2_991, 12_526, 1_265_595)


def test_models_are_chosen() -> None:
    def names(layer: str) -> list[set[str]]:
        return [{model.name for model in TIED[layer].models(load_manifest(), profile)} for profile in Profile]

    quick = {"MCCellLateAnswer", "MCCellChangeIssued", "MCCellFailedChange", "MCCellNewcomer"}
    default = quick | {"MCCellNewcomerAlpha2", "MCCellTwoChanges"}
    deep = default | {"MCCellSpare", "MCCellPipeline", "MCCellSharedCrash", "MCCellContest"}
    assert names("knowledge") == [quick, default, deep]
    assert names("reads") == [set(), {"MCReads"}, {"MCReads", "MCReadsTwice", "MCReadsCrash"}]


# Formulas that are wrong.


@pytest.mark.parametrize(
    ("layer", "act", "relation"),
    [
        ("knowledge", "choose", "knows"), ("knowledge", "choose", "chosen"), ("knowledge", "learn", "knows"),
        ("reads", "choose", "first_ballot"), ("reads", "choose", "first_quorum"),
        ("reads", "acknowledge", "acknowledged"), ("reads", "ask", "reading"), ("reads", "ask", "acknowledged_at"),
        ("reads", "echo", "echoed"), ("reads", "serve", "served"),
    ],
)  # fmt: skip
def test_an_update_that_is_forgotten_is_named(layer: str, act: str, relation: str) -> None:
    found = first(run(layer, alone() if layer == "reads" else learning(), forgetting(act, relation)(system_of(layer))))
    assert found.kind == "step"
    assert found.reason.startswith(f"what it makes of {relation} is not so: ")


def learning() -> CellProperties:
    """Node 1 decides, and node 3 learns."""
    return CellProperties(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=1, max_slot=1,
        owner={1: 1}, audience={1: frozenset({1, 3})}, learners=frozenset({3}),
    )  # fmt: skip


@pytest.mark.parametrize("relation", ["knows", "believes"])
def test_a_crash_that_takes_no_knowledge_is_refused(relation: str) -> None:
    found = first(run("reads", crashing(), forgetting("crash", relation)(system_of("reads"))))
    assert (found.kind, found.action) == ("step", "crash")
    assert found.reason.startswith(f"what it makes of {relation} is not so: ")


def test_who_believes_more_than_it_knows_is_refused() -> None:
    found = first(run("knowledge", learning(), without("believe", "known")(system_of("knowledge"))))
    assert (found.kind, found.action) == ("derived", "believe")


def test_weakened_guards_pass_the_edges_and_are_caught() -> None:
    found = {(one.action, one.conjunct): one for one in weakened_guards([tied("reads", alone())], "reads")}
    caught = {
        ("ask", "fresh"), ("ask", "highest_known"), ("ask", "highest_proposed"), ("echo", "arrived"),
        ("echo", "promised"), ("serve", "arrived"), ("serve", "applied"), ("serve", "at_least"), ("serve", "echoed"),
        ("acknowledge", "applied"), ("choose", "voted"), ("learn", "chosen"),
    }  # fmt: skip
    for one in caught:
        assert found[one].accepted, one
        assert found[one].caught, one


def test_who_acts_on_what_it_does_not_know_is_caught() -> None:
    found = {
        (one.action, one.conjunct): one for one in weakened_guards([tied("knowledge", MODELS["MCCellChangeIssued"])])
    }
    for one in (("choose", "open"), ("propose", "open"), ("choose", "window"), ("propose", "window")):
        assert found[one].caught, one


@pytest.mark.parametrize("conjunct", ["stands", "promised"])
def test_a_promise_that_need_not_stand_is_caught(conjunct: str) -> None:
    found = first(run("reads", overtaken(), without("echo", conjunct)(system_of("reads"))))
    assert (found.kind, found.action) == ("guard", "echo")


def test_a_read_that_is_answered_once_is_refused() -> None:
    """Everything is proved of it; but what is declared must be just so."""

    def once(system: System, act: Action) -> Any:
        return z3.And(act.guard["applied"], z3.Not(system.state().served(act.parameters["t"], act.parameters["i"])))

    found = first(run("reads", alone(), instead("serve", "applied", once)(system_of("reads"))))
    assert (found.kind, found.action) == ("guard", "serve")
    assert found.reason == f"it asks for more than what is declared ({ANSWERED_AGAIN})"


# Cells that are wrong.


class Forgetful(Reads):
    """A read notes nothing of what was proposed."""

    def highest(self, s: Any, b: int) -> int:
        return len(s.known[self.owner[b]])


class CountsByTheFirst(CellProperties):
    """Whatever was decided, the first members count."""

    def members_of(self, s: Any, n: Node, i: int) -> frozenset[Node]:
        return self.first


def of_kind(kind: type[Any], machine: Any) -> Any:
    return kind(**{field.name: getattr(machine, field.name) for field in fields(type(machine))})


def test_who_counts_by_what_it_does_not_know_is_refused() -> None:
    found = first(run("knowledge", of_kind(CountsByTheFirst, MODELS["MCCellChangeRefines"])))
    assert found.kind == "step"


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        (overtaken(ReadsByRefusals), ("step", "echo")),
        (alone(ReadsWithoutEchoes), ("step", "serve")),
        (alone(ReadsWithOldEchoes, rounds=2), ("step", "serve")),
        (alone(Forgetful), ("step", "consult")),
    ],
)
def test_a_cell_that_is_wrong_is_refused(machine: Reads, says: tuple[str, str]) -> None:
    found = first(run("reads", machine))
    assert (found.kind, found.action) == says


@pytest.mark.slow
def test_a_vote_that_is_no_matter_is_refused() -> None:
    wrong = of_kind(ReadsDespiteReports, MODELS["MCReads"])
    found = first(run("reads", wrong))
    assert (found.kind, found.action) == ("step", "serve")


def test_only_an_action_that_is_the_same_in_the_layer_below_is_compared_there() -> None:
    taken = {layer: {act for act in system_of(layer).actions if is_taken_below(layer, act)} for layer in TIED}
    assert {"crash", "learn", "believe", "write_vote"} <= taken["reads"]
    # The first time, it is noted by whom.
    assert not {"choose", "ask", "echo", "serve", "acknowledge"} & taken["reads"]
    # A crash empties the outbox, and takes knowledge.
    assert "crash" not in taken["outbox"] | taken["knowledge"]
    assert not taken["ballots"]

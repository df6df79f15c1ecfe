"""The layers with disks and the cell are one relation but for what is declared, and whatever is wrong is found."""

from typing import Any

import pytest
import z3
from attrs import evolve

from conformance.induction.tie.crashes import read_disk, read_outbox
from conformance.induction.tie.declared import (
    ANY_ORDER,
    ANY_REPLY,
    BEHIND,
    KEPT_MORE,
    LATER,
    LOST_DISK,
    NO_EDGE,
    NO_LOST_DISK,
    NO_POLICY,
    WRITTEN_AGAIN,
)
from conformance.induction.tie.disks import Disks
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.model import Mismatch, Tie, TiedModel
from conformance.induction.tie.scope import TIED, read_disks
from conformance.induction.tie.weakened import weakened_guards
from conformance.links import Profile, Verdict
from conformance.manifest import load_manifest
from spec import cell
from spec.cell_properties import CellProperties
from spec.commands import Node
from spec.induction.attacks.breaking import forgetting, instead, without
from spec.induction.attacks.replay import CellLosesPromises, CellLosesVotes
from spec.induction.formulas.kernel import Action, System
from spec.induction.layers.stack import system_of
from spec.induction.layers.vocabulary import And, Implies, Not, forall
from spec.machine import action
from spec.models import FOUNDERS, MODELS, SWAP
from spec.outbox import Messages, flushed
from spec.values import put

READS = {"disk": read_disk, "outbox": read_outbox}
BOTH = pytest.mark.parametrize("layer", READS)


def contest(kind: type[CellProperties] = CellProperties) -> CellProperties:
    """Node 1 may hear of a vote under ballot 1 or 2 before it is asked for a promise, and crashes."""
    return kind(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=2, max_slot=1,
        owner={1: 2, 2: 3}, audience={1: frozenset({1, 2}), 2: frozenset({1, 3})}, learners=frozenset(),
        mortals=frozenset({1}),
    )  # fmt: skip


def unasked() -> CellProperties:
    """Node 1 may vote for what nodes 2 and 3 promised, and crash in between."""
    return CellProperties(
        content=SWAP, first=FOUNDERS, alpha=1, early=frozenset(SWAP), nodes=range(1, 4), max_ballot=1, max_slot=1,
        owner={1: 2}, learners=frozenset(), mortals=frozenset({1}),
    )  # fmt: skip


def tied(layer: str, machine: Any, system: System | None = None) -> Tie:
    return Tie.explored("model", Formulas(system or system_of(layer), READS[layer](machine)))


def run(layer: str, machine: Any, system: System | None = None) -> TiedModel:
    return tied(layer, machine, system).run("Cell")


def disks_of(found: Tie) -> Disks:
    machine = found.reading.machine
    assert isinstance(machine, cell.Cell)
    return Disks(machine)


def first(found: TiedModel) -> Mismatch:
    assert found.verdict is Verdict.REFUTED
    return found.mismatches[0]


# As they are.


@BOTH
@pytest.mark.parametrize(
    ("model", "states", "edges"), [("MCCellPipeline", 779, 2149), ("MCCellSharedCrash", 1262, 3757)]
)
def test_layers_and_models_are_one_relation(layer: str, model: str, states: int, edges: int) -> None:
    found = run(layer, MODELS[model])
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert (found.states, found.edges) == (states, edges)
    assert found.states == load_manifest().model(model).distinct
    assert system_of(layer).actions.keys() - found.taken.keys() == NO_EDGE.keys()
    declared = {
        "disk": {NO_POLICY, WRITTEN_AGAIN, ANY_REPLY, KEPT_MORE, LOST_DISK},
        "outbox": {NO_POLICY, LATER, BEHIND, KEPT_MORE, LOST_DISK},
    }[layer]
    assert found.exceptions.keys() - {ANY_ORDER} == declared
    # Two votes of a node wait at a time where alpha is 2.
    assert (ANY_ORDER in found.exceptions) == ((layer, model) == ("disk", "MCCellPipeline"))
    assert found.exceptions[LOST_DISK] == len(MODELS[model].nodes) * states  # type: ignore[attr-defined]


@BOTH
def test_a_step_of_a_node_that_never_crashes_is_two(layer: str) -> None:
    """There are changes in it, and replies that are cut at the prefix that the proposer knows."""
    found = run(layer, MODELS["MCCellNewcomer"])
    assert found.verdict is Verdict.HOLDS, found.mismatches
    assert found.taken["write_vote"] == found.taken["vote"] > 0
    assert found.taken["write_promise"] == found.taken["promise"] > 0
    assert found.taken.keys() & {"crash", "choose", "extend"} == {"choose", "extend"}


def test_a_disk_that_counts_as_lost_is_a_lost_disk() -> None:
    found = Tie.explored("model", Formulas(system_of("disk"), read_disks(MODELS["MCLivesRenew"])))  # type: ignore[arg-type]
    ran = found.run("Lives")
    assert ran.verdict is Verdict.HOLDS, ran.mismatches
    assert (ran.states, ran.taken["lose"]) == (2936, 958)
    assert ran.taken.keys() == system_of("disk").actions.keys() - {"crash"}
    weak = {one.action: one for one in weakened_guards([found], "disk", lambda _, conjunct: conjunct != NO_LOST_DISK)}
    assert all(weak[act].caught for act in ("write_promise", "promise", "write_vote"))
    # What was lost includes all that was written: there is no vote to be sent, and nothing that a crash could keep.
    assert not any(weak[act].caught for act in ("vote", "crash"))
    broken = forgetting("lose", "accepted")(system_of("disk"))
    again = Tie.explored("model", Formulas(broken, read_disks(MODELS["MCLivesRenew"])))  # type: ignore[arg-type]
    assert first(again.run("Lives")).reason.startswith("what it makes of accepted is not so: ")


def test_what_a_reply_leaves_out_is_read_off_what_was_sent() -> None:
    """Ballot 2 is prepared by who knows slot 1: the replies say nothing of it, and the layer's do."""
    reading = tied("disk", MODELS["MCCellNewcomer"])
    disks, found = disks_of(reading), reading.found
    cut = 0
    for state in map(found.state, range(found.distinct)):
        for reply in state.promises:
            told = disks.told(state, reply)
            assert reply.accepted - {r for r in reply.accepted if r.ballot == reply.ballot} <= told
            assert all(any(w == (r.ballot, r.slot, reply.node) for w in state.votes) for r in told)
            cut += told > reply.accepted
    assert cut > 0


def test_records_are_named_in_the_order_of_writing_and_keep_their_names() -> None:
    found = tied("outbox", MODELS["MCCellPipeline"])
    disks = disks_of(found)
    longest = 0
    for source, name, args, target in found.edges():
        before, after = (disks.waiting(found.found.state(n), 1) for n in (source, target))
        assert after == sorted(set(after))
        longest = max(longest, len(after))
        if name == "flush" and args == (1,):
            assert after in (before, before[1:])
        elif name == "crash":
            assert after == []
        else:
            assert after[: len(before)] == before
    assert longest == 2


def test_models_in_which_nodes_crash_are_chosen() -> None:
    small, lives = {"MCCellLateAnswer", "MCCellPipeline", "MCCellSharedCrash"}, {"MCLivesRenew"}
    large = {"MCCellChangeCrash", "MCCellCrashAlpha2", "MCCellContestCrash"}

    def names(layer: str) -> list[set[str]]:
        return [{model.name for model in TIED[layer].models(load_manifest(), profile)} for profile in Profile]

    assert names("disk") == [small, small | lives, small | lives | large | {"MCLivesRetire"}]
    assert names("outbox") == [small, small, small | {"MCCellChangeCrash"}]


# Formulas that are wrong.


@BOTH
@pytest.mark.parametrize(
    ("act", "relation"),
    [
        ("write_promise", "promised"), ("promise", "answered"), ("promise", "reports"), ("write_vote", "accepted"),
        ("write_vote", "promised"), ("vote", "votes"), ("crash", "accepted"), ("crash", "promised"),
    ],
)  # fmt: skip
def test_an_update_that_is_forgotten_is_named(layer: str, act: str, relation: str) -> None:
    # A vote raises the promise of whoever was not asked for one.
    machine = unasked() if (act, relation) == ("write_vote", "promised") else contest()
    found = first(run(layer, machine, forgetting(act, relation)(system_of(layer))))
    assert found.kind == "step"
    assert found.reason.startswith(f"what it makes of {relation} is not so: ")


@pytest.mark.parametrize("act", ["write_promise", "promise", "write_vote", "vote", "crash"])
def test_an_outbox_that_is_forgotten_is_named(act: str) -> None:
    found = first(run("outbox", contest(), forgetting(act, "outbox")(system_of("outbox"))))
    assert found.reason.startswith("what it makes of outbox is not so: ")


@pytest.mark.parametrize("conjunct", ["promise_sent", "promise_written", "votes_sent", "votes_written", "one_record"])
def test_a_crash_that_keeps_too_little_or_too_much_is_found(conjunct: str) -> None:
    found = first(run("disk", unasked(), without("crash", conjunct)(system_of("disk"))))
    assert (found.kind, found.action) == ("guard", "crash")
    assert found.reason == "it holds, and there is no edge"


@pytest.mark.parametrize(("act", "conjunct"), [("promise", "order"), ("vote", "order"), ("write_vote", "once")])
def test_an_outbox_that_is_in_no_order_is_found(act: str, conjunct: str) -> None:
    found = first(run("outbox", MODELS["MCCellPipeline"], without(act, conjunct)(system_of("outbox"))))
    assert (found.kind, found.action) == ("guard", act)


def test_weakened_guards_pass_the_edges_and_are_caught() -> None:
    found = {(one.action, one.conjunct): one for one in weakened_guards([tied("disk", contest())], "disk")}
    assert all(one.accepted for one in found.values())
    for act, conjunct in [
        ("propose", "all_left"), ("propose", "highest"), ("propose", "proposed"), ("write_vote", "not_left"),
        ("write_promise", "nothing_higher"), ("vote", "durable"), ("crash", "votes_sent"), ("crash", "promise_sent"),
    ]:  # fmt: skip
        assert found[act, conjunct].caught, (act, conjunct)
    assert not any(one.caught for (_, conjunct), one in found.items() if conjunct == NO_LOST_DISK)


def test_a_crash_that_comes_only_when_nothing_waits_is_refused() -> None:
    """Everything is proved of it."""

    def nothing_waits(system: System, act: Action) -> Any:
        s, n = system.state(), act.parameters["n"]
        sent = forall(lambda b, i, v: Implies(s.accepted(n, b, i, v), s.votes(n, b, i, v)))
        return And(act.guard["one_record"], sent)

    found = first(run("disk", contest(), instead("crash", "one_record", nothing_waits)(system_of("disk"))))
    assert (found.kind, found.action) == ("step", "crash")
    assert found.reason == "its guard would hold without one_record"


def test_a_node_that_waits_for_its_flush_before_it_writes_is_refused() -> None:
    """Everything is proved of it."""

    def nothing_waits(system: System, act: Action) -> Any:
        return forall(lambda f: Not(system.state().outbox(act.parameters["n"], f)))

    found = first(
        run("outbox", MODELS["MCCellPipeline"], instead("write_vote", "order", nothing_waits)(system_of("outbox")))
    )
    assert found.action in ("vote", "write_vote")
    assert found.kind in ("step", "guard")


def test_what_is_declared_must_be_just_so() -> None:
    def unsent(system: System, act: Action) -> Any:
        return And(act.guard["durable"], Not(system.state().left(*act.parameters.values())))

    found = first(run("disk", contest(), instead("promise", "durable", unsent)(system_of("disk"))))
    assert (found.kind, found.action) in {("guard", "promise"), ("step", "promise")}
    with_nothing = evolve(system_of("disk").actions["lose"], guard={"never": z3.BoolVal(val=False)})
    system = system_of("disk")
    found = first(run("disk", unasked(), evolve(system, actions={**system.actions, "lose": with_nothing})))
    assert found.reason == f"it asks for more than what is declared ({LOST_DISK})"


# Cells that are wrong.


class ReportsNothing(CellProperties):
    """A reply leaves out every vote."""

    def store(self, s: cell.State, n: Node, record: Any, messages: Messages) -> dict[str, Any]:
        silent = frozenset(m._replace(accepted=frozenset()) for m in messages.promises)
        return super().store(s, n, record, messages._replace(promises=silent))


class FlushesLastFirst(CellProperties):
    """What was written last leaves first."""

    @action(n="nodes")
    def flush(self, s: cell.State, n: Node) -> cell.State | None:
        if not s.queue[n]:
            return None
        *rest, entry = s.queue[n]
        disk = put(s.disk, n, flushed(s.disk[n], entry.records))
        return s._replace(queue=put(s.queue, n, tuple(rest)), disk=disk, **self.send(s, entry.sends))


@pytest.mark.parametrize(
    ("kind", "layer", "says"),
    [
        (ReportsNothing, "disk", ("step", "flush")),
        (CellLosesVotes, "disk", ("step", "crash")),
        (CellLosesPromises, "disk", ("step", "crash")),
        (FlushesLastFirst, "outbox", ("step", "flush")),
    ],
)
def test_a_cell_that_is_wrong_is_refused(kind: type[CellProperties], layer: str, says: tuple[str, str]) -> None:
    found = first(run(layer, contest(kind)))
    assert (found.kind, found.action) == says

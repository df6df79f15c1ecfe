"""The real code through everything in tiny scopes: it holds, and what the link is for makes it refuse.

Each fault is one of the code, put into a package beside the real one; keys and clones that lie are faults too.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from conformance.exhaustive import product as product_module
from conformance.exhaustive import rows as rows_module
from conformance.exhaustive.audits import Untrue, audit
from conformance.exhaustive.graph import Graph
from conformance.exhaustive.link import run
from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.product import Disagreement, NeverTaken, Product
from conformance.exhaustive.scopes import SCOPES, Network, Scope, scope
from conformance.exhaustive.telling import Finding, finding, keep, replay
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from conformance.wording import UnreadableWords
from physalia.cell import Node
from spec.cell import Cell
from spec.models import MODELS
from tests.conformance.lockstep.broken_cells import Fault, break_cell

ROOT = Path(__file__).parents[3]
TWO = scope("MCCellTwoBallotsRefines", Profile.QUICK)
TWO_BROADCAST = scope("MCCellTwoBallotsRefines", Profile.QUICK, Network.BROADCAST)
TWO_CHATTER = scope("MCCellTwoBallotsRefines", Profile.QUICK, chatter=True)
TWO_TICKS = scope("MCCellTwoBallotsRefines", Profile.QUICK, ticks=True)
NEWCOMER = scope("MCCellNewcomer", Profile.QUICK)
ISSUED = scope("MCCellChangeIssued", Profile.QUICK)
CRASH = scope("MCCellSharedCrash", Profile.QUICK, audience={1: {1, 3}, 2: set()})
ALL_HEAR = scope("MCCellTwoBallots", Profile.QUICK, audience={1: {1, 2, 3}, 2: set()})
HOLDING = (TWO, TWO_BROADCAST, TWO_CHATTER, TWO_TICKS, NEWCOMER, ISSUED, CRASH, ALL_HEAR)


@frozen
class Case:
    """A fault, the scope in which it is looked for, and what is said of it."""

    fault: Fault
    scope: Scope
    said: str


def _case(name: str, module: str, old: str, new: str, where: Scope, said: str) -> Case:
    return Case(Fault(name, module, old, new), where, said)


_VOTE = "effects = (Store(accepted), Flush(), Send(ballot.node, vote))"
_PREPARED = "effects = (Store(UsedBallot(ballot)), Flush(), *sends(invited, self.leadership.prepare))"
_RECORD = "            return IGNORED\n        leadership.promises[sender] = promise\n"
_ACCEPT = "        if self._proposer.fall_idle_below(self.promised):\n"
_MAJORITY = "        if not is_majority(majority, members):\n            return None\n"
_REFUSED = "        self.leadership.refused.add(sender)\n"

ANSWERS_ITSELF = Fault(
    "answers-itself", "node", _ACCEPT,
    "        step = Step(step.announces, tuple("
    "type(one)(self.node_id, one.message) if hasattr(one, 'to') else one for one in step.effects))\n" + _ACCEPT,
)  # fmt: skip
MISDELIVERED = Fault(
    "other-ballots-count", "proposer", "if promise.node != sender or promise.ballot != self.active:",
    "if promise.node != sender or promise.ballot < self.active or self.active == NO_BALLOT:",
)  # fmt: skip

CASES = (
    # the first demand
    _case("decides-early", "proposer",
          "return votes is not None and is_majority(votes, self.learner.configurations.members(slot))",
          "return bool(votes)", TWO, "the code takes decide(1, 1), which the specification does not allow here"),
    _case("forgets-promise", "recovery",
          "            acceptor.promised = ballot\n            acceptor.answered = ballot\n",
          "            acceptor.answered = ballot\n", CRASH,
          "after crash(1, 0) the code is not where the specification is"),
    _case("never-invites", "proposer", "return sends(newcomers, leadership.prepare)", "return []", NEWCOMER,
          "after decide(1, 1) the code is not where the specification is"),
    _case("sends-to-all", "proposer",
          "effects = sends(self.learner.configurations.members(slot), Proposal(ballot, slot, value))",
          "effects = sends(self.leadership.invited, Proposal(ballot, slot, value))", NEWCOMER,
          "after propose(1, 2, swap) the code is not where the specification is"),
    _case("no-flush", "acceptor", _VOTE, "effects = (Store(accepted), Send(ballot.node, vote))", TWO,
          "lets something out before what it stored is safe"),
    _case("stores-late", "acceptor", _VOTE, "effects = (Send(ballot.node, vote), Store(accepted), Flush())", TWO,
          "after it has sent what that may be needed for"),
    # the second demand
    _case("rejects-moves", "proposer", "if self.load() >= self.learner.configurations.alpha:",
          "if command.request.client == 'move' or self.load() >= self.learner.configurations.alpha:", TWO,
          "the specification can take propose(1, 1, move), and the code never does"),
    # the third demand
    _case("never-promises-again", "node",
          "step = self._accept(self._acceptor.promise(message)) if sender == message.ballot.node else IGNORED",
          "step = self._accept(self._acceptor.promise(message)) if not self._acceptor.accepted else IGNORED", TWO,
          "the specification allows promise(3, 2) here, and the code does not"),
    _case("waits-for-all", "proposer", _MAJORITY,
          "        if len(majority) < len(members):\n            return None\n", TWO,
          "the specification allows propose(1, 1, swap) here, and the code does not, whatever it hears"),
    _case("one-ballot-a-life", "proposer", "if ballot.node != self.node or ballot in self.used:",
          "if ballot.node != self.node or ballot in self.used or self.learner.known:", NEWCOMER,
          "the specification allows prepare(2) here, and the code does not"),
    # what is due is what acts
    _case("due-too-little", "node", "        if slot in learner.heard:\n            events.append(Learn(slot))",
          "        if slot in learner.heard and self.promised.round < 1:\n            events.append(Learn(slot))",
          CRASH, "acts on an event that it did not say was due"),
    _case("raises-if-not-due", "learner",
          "        if slot not in self.heard:\n            return IGNORED, None\n", "", TWO,
          "node 1 raised KeyError: 1"),
    _case("due-raises", "node", "        slot = learner.first_unknown\n",
          "        slot = learner.first_unknown // (1 - len(learner.heard))\n", CRASH,
          "asked what is due, raised ZeroDivisionError"),
    # what there is to say
    _case("unknown-ballot", "proposer", _PREPARED,
          "effects = (Store(UsedBallot(ballot)), Flush(), *sends(invited, Prepare(Ballot(9, self.node), 0)))", TWO,
          "which there is not in this scope"),
    _case("unknown-node", "proposer", _PREPARED,
          "effects = (Store(UsedBallot(ballot)), Flush(), *sends({9}, self.leadership.prepare))", TWO,
          "sends to a node that there is not"),
    _case("not-encodable", "proposer", _PREPARED,
          "effects = (Store(UsedBallot(ballot)), Flush(), *sends(invited, Prepare(ballot, -1)))", TWO,
          "the codec refuses what node 1 sends"),
    # the two kinds of network
    Case(ANSWERS_ITSELF, TWO, "the specification allows propose(1, 1, swap) here, and the code does not"),
    Case(MISDELIVERED, TWO_BROADCAST, "which the specification does not allow here"),
    # the receipt rule
    _case("order-matters", "proposer", _RECORD,
          _RECORD.replace("        leadership.promises[sender]",
                          "        if any(sender < node for node in leadership.promises):\n"
                          "            leadership.promises.clear()\n        leadership.promises[sender]"),
          TWO, "forgets what it heard"),
    _case("late-promise-wipes", "proposer", _RECORD,
          _RECORD + "        for voters in leadership.votes.values():\n            voters.clear()\n",
          ALL_HEAR, "forgets what it heard"),
    _case("refusal-wipes", "proposer", _REFUSED,
          _REFUSED + "        for voters in self.leadership.votes.values():\n            voters.clear()\n",
          TWO_CHATTER, "forgets what it heard"),
    # the audits
    _case("key-counts-voters", "memory",
          "tuple((slot, frozenset(voters)) for slot, voters in leadership.votes.items()),",
          "tuple((slot, len(voters)) for slot, voters in leadership.votes.items()),", TWO,
          "audit: the key of node 1 takes two states for one"),
    _case("clone-shares-votes", "proposer", "{slot: voters.copy() for slot, voters in self.votes.items()},",
          "self.votes.copy(),", TWO, "audit: a node that was never cloned comes to another state"),
    _case("clone-forgets-rounds", "proposer", "self.leadership.copy(), self.waiting.copy(), self.heard_round)",
          "self.leadership.copy(), self.waiting.copy(), 0)", TWO_CHATTER,
          "audit: a node that was never cloned comes to another state"),
)  # fmt: skip


def explore(where: Scope, make_node: MakeExplorable = Node) -> tuple[Product, Finding | None]:
    product = Product(where, Graph(where.machine), make_node)
    try:
        product.explore()
        audit(product, seed=1)
    except (Disagreement, NeverTaken, Untrue) as wrong:
        return product, finding(product, wrong)
    return product, None


@pytest.mark.parametrize("where", HOLDING, ids=lambda where: where.name)
def test_the_code_is_the_specification_in_a_tiny_scope(where: Scope) -> None:
    product, found = explore(where)
    assert found is None, found
    graph = product.graph
    assert len(graph.projected) == graph.found.distinct < product.found.states
    for state in graph.projected.values():
        assert state.taken == state.outside | state.internal
    shown = {graph.found.number(product.project(joint)) for joint in (product.beginning,)}
    assert shown == {0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault.name)
def test_a_fault_is_found_and_replayed(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken: MakeExplorable = break_cell(case.fault)  # type: ignore[assignment]
    _, found = explore(case.scope, broken)
    assert found is not None
    assert case.said in found.title
    text = (keep(found, tmp_path).parent / "scenario.txt").read_text(encoding="utf-8")
    assert replay(text, broken, HOLDING) == 1
    assert found.title.removeprefix("audit: ")[:30] in capsys.readouterr().out
    assert replay(text, Node, HOLDING) == 0


@pytest.mark.parametrize(
    ("fault", "blind", "sees"), [(ANSWERS_ITSELF, TWO_BROADCAST, TWO), (MISDELIVERED, TWO, TWO_BROADCAST)]
)
def test_each_kind_of_network_shows_what_the_other_hides(fault: Fault, blind: Scope, sees: Scope) -> None:
    broken: MakeExplorable = break_cell(fault)  # type: ignore[assignment]
    assert explore(blind, broken)[1] is None
    assert explore(sees, broken)[1] is not None


def test_a_key_that_lies_where_nothing_else_differs_is_found_by_the_twins_alone() -> None:
    """The reports come in one order or the other, a proposer takes the last, and the key leaves the order out."""
    where = next(one for one in SCOPES if one.model == "MCCellThreeBallots")

    class Coarse(break_cell(LAST_REPORT)):  # type: ignore[misc]
        def key(self) -> object:
            protocol, bookkeeping = super().key()
            return *(frozenset(part) if isinstance(part, tuple) else part for part in protocol), bookkeeping

    product = Product(where, Graph(where.machine), Coarse)
    product.explore()
    with pytest.raises(Untrue, match="takes two states for one"):
        audit(product, seed=1)


LAST_REPORT = Fault(
    "last-report", "proposer", "return max(reports, key=lambda report: report.ballot).value",
    "return reports[-1].value",
)  # fmt: skip


def test_the_shortest_path_is_told() -> None:
    """A vote of three decides: one ballot, one value, one vote, and what must be heard for each."""
    _, found = explore(TWO, break_cell(CASES[0].fault))  # type: ignore[arg-type]
    assert found is not None
    assert found.path[0] == "node 1 campaign 1.1"
    assert found.path[-1] == "node 1 decide 1.1 slot 1"
    assert found.lines[0].startswith("first false guard: is_majority(")
    kinds = [line.split()[4 if line.startswith("deliver") else 2] for line in found.path]
    heard = ["prepare", "prepare", "promise", "promise", "proposal", "vote"]
    assert sorted(kinds) == sorted(["campaign", "submit", "propose", "decide", *heard])


def test_the_script_replays_on_the_installed_cell(tmp_path: Path) -> None:
    where = SCOPES[0]
    found = Finding(where, "nothing was wrong", ("node 1 campaign 1.1", "deliver 1 -> 3 prepare 1.1 prefix 0"), ())
    script = keep(found, tmp_path)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "holds: 2 events\n"), done.stderr


def test_an_event_that_cannot_happen_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(f"scope {TWO.name}\nnode 1 campaign 7.1\n", Node, HOLDING) == 0
    assert "'node 1 campaign 7.1' cannot happen here" in capsys.readouterr().out
    with pytest.raises(UnreadableWords, match="a scenario starts with a line such as"):
        replay("scope of nothing\n", Node, HOLDING)


def test_the_link_tells_what_it_found(tmp_path: Path) -> None:
    settings = Settings(profile=Profile.QUICK)
    report = run(settings, Silence(), Node, tmp_path, (TWO, NEWCOMER))
    assert (report.verdict, report.models, not report.failures) == (Verdict.HOLDS, 2, True)
    assert report.states == sum(row.states for row in report.rows) > 195 + 126
    broken: MakeExplorable = break_cell(CASES[0].fault)  # type: ignore[assignment]
    report = run(settings, Silence(), broken, tmp_path, (TWO, NEWCOMER))
    assert (report.verdict, report.models) == (Verdict.REFUTED, 1)
    (failure,) = report.failures
    assert failure.title.startswith("MCCellTwoBallotsRefines addressed: the code takes decide(1, 1)")
    assert Path(failure.replay.removeprefix("python ")).is_file()
    assert any(line.startswith(f"{failure.events:4}  ") for line in failure.lines)
    assert not any(line.startswith(f"{failure.events + 1:4}  ") for line in failure.lines)


def test_a_scope_with_more_local_states_than_numbers_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rows_module, product_module):
        monkeypatch.setattr(module, "FIELD_BITS", 4)
    report = run(Settings(profile=Profile.QUICK), Silence(), scopes=(TWO,))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.failures[0].title.endswith("node 1 has more than 16 local states; nothing was shown")


def test_a_scope_that_there_is_not_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no scope of a model 'MCCellNowhere'"):
        run(Settings(models=("MCCellNowhere",)), Silence())


def test_nodes_that_crash_have_no_chatter() -> None:
    with pytest.raises(ValueError, match="nodes that crash have no chatter"):
        scope("MCCellSharedCrash", Profile.QUICK, chatter=True)


def test_the_scopes_are_of_models_and_have_names_of_their_own() -> None:
    assert len({one.name for one in SCOPES}) == len(SCOPES)
    assert all(isinstance(MODELS[one.model], Cell) for one in SCOPES)
    kinds = {(one.network, one.profile) for one in SCOPES}
    assert {(Network.ADDRESSED, Profile.QUICK), (Network.BROADCAST, Profile.QUICK)} <= kinds


_SAME = """
from tests.conformance.exhaustive.test_exhaustive import CASES, explore
from tests.conformance.lockstep.broken_cells import break_cell
print(explore(CASES[0].scope, break_cell(CASES[0].fault))[1].text())
"""


def test_the_same_path_is_told_whatever_python_does_with_sets() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _SAME], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(told) == 1
    assert "node 1 decide 1.1 slot 1" in told.pop()

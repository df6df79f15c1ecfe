"""Mechanical faults: what a tool makes of a text, who is drawn, what counts as a kill, and a draw of forty."""

import json
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve

from conformance.links import BadInput, Silence, Verdict
from conformance.lockstep.shrink import Finding
from conformance.mutants.mechanical import (
    ask,
    campaign,
    glance,
    kept,
    listed,
    pool,
    python_faults,
    tla_faults,
    trying,
)
from conformance.mutants.mechanical.ask import Answer
from conformance.mutants.mechanical.campaign import Matrix
from conformance.mutants.mechanical.fault import Fault
from conformance.mutants.mechanical.trying import Outcome, Status
from conformance.refutation import How, Refuted
from conformance.world.scenario import Scenario
from conformance.world.setup import Setup

ROOT = Path(__file__).resolve().parents[3]

CODE = '''"""A text, 1 < 2."""

LIMIT = 8
CHOSEN_MS = 200
CHOSEN_BYTES = 1 << 22
NAME = "x"


@frozen(eq=True)
class Some:
    first: int = 0

    def __init__(self) -> None:
        self.known = [0]
        self.renew()

    def type_ok(self) -> bool:
        return self.first > 0

    def take(self, wanted: int = 3) -> int:
        """Another text."""
        if wanted < self.first and wanted in self.known:
            return 0
        if not self.ready:
            raise ValueError(f"{wanted + 1} is too much")
        self.first = wanted + 1
        self.keep(wanted, self.first)
        assert wanted > 0
        assert_never(wanted)
        return min(wanted for wanted in self.known if wanted > 2)
'''
MADE = {
    "8 => (9)", "8 => (7)",
    "wanted < self.first => (wanted <= self.first)", "wanted < self.first => (not wanted < self.first)",
    "wanted in self.known => (wanted not in self.known)",
    "without `wanted < self.first`", "without `wanted in self.known`",
    "wanted < self.first and wanted in self.known => (wanted < self.first or wanted in self.known)",
    "if wanted < self.first and wanted in self.known: return 0 => nothing",
    "0 => (1)",
    'if not self.ready: raise ValueError(f"{wanted + 1} is too much") => nothing', "not self.ready => (self.ready)",
    "self.first = wanted + 1 => nothing", "wanted + 1 => (wanted - 1)", "wanted + 1 => (wanted)",
    "1 => (2)", "1 => (0)",
    "self.keep(wanted, self.first) => nothing", "self.renew() => nothing",
    "self.keep(wanted, self.first) => (self.keep(self.first, wanted))",
    "without `wanted > 2`", "wanted > 2 => (wanted >= 2)", "wanted > 2 => (not wanted > 2)", "2 => (3)", "2 => (1)",
    "min(wanted for wanted in self.known if wanted > 2) => (max((wanted for wanted in self.known if wanted > 2)))",
}  # fmt: skip

MODULE = r"""---- MODULE Some ----
\* Who may: a < b.
May(n) == n \in Nodes /\ a < b

Act(n) ==
  /\ May(n)                    \* not for all
  /\ \A m \in sent : m.n # n
  /\ x + 1 <= y
  /\ x' = [x EXCEPT ![n] = @ + 1]
  /\ UNCHANGED <<y>>

TypeOK == x < y
====
"""


def test_every_slip_of_python_is_made_and_texts_are_left_alone() -> None:
    faults = python_faults.faults_of("some.py", CODE)
    assert {fault.what for fault in faults} == MADE
    assert len({fault.name for fault in faults}) == len(faults)
    for fault in faults:
        for text in (fault.put_into(CODE), fault.put_in_and_marked(CODE, "seen()")):
            assert text != CODE
            compile(text, "some.py", "exec")


def test_every_slip_of_a_guard_is_made_and_next_states_are_left_alone() -> None:
    made = {(fault.where, fault.what) for fault in tla_faults.faults_of("some.tla", MODULE)}
    assert made >= {
        ("Act", r"/\ May(n) => /\ TRUE"),
        ("Act", r"/\ May(n) => /\ ~ (May(n))"),
        ("Act", r"/\ x + 1 <= y => /\ x + 1 < y"),
        ("Act", r"/\ x + 1 <= y => /\ x <= y"),
        ("Act", r"/\ \A m \in sent : m.n # n => /\ \A m \in sent : m.n = n"),
        ("Act", r"/\ \A m \in sent : m.n # n => /\ \E m \in sent : m.n # n"),
        ("May", r"May(n) == n \in Nodes /\ a < b => May(n) == n \notin Nodes /\ a < b"),
        ("May", r"May(n) == n \in Nodes /\ a < b => May(n) == n \in Nodes \/ a < b"),
    }
    assert {where for where, _ in made} == {"Act", "May"}
    assert not [what for _, what in made if "x'" in what or "UNCHANGED" in what or "not for all" in what]


def test_every_room_has_faults_and_every_fault_somebody_to_ask() -> None:
    for room in pool.ROOMS:
        faults = pool.faults_of(room)
        assert len(faults) > 5 * room.share
        assert len({fault.name for fault in faults}) == len(faults)
        for file in {fault.file for fault in faults}:
            asks = pool.asks_of(file)
            assert asks, f"nobody is asked about {file}"
            assert {one.partition(":")[0] for one in asks} <= set(ask.KINDS)


def test_a_claim_is_put_to_the_twins_with_which_it_must_fall() -> None:
    asks = pool.asks_of("spec/cell_properties.py", "CellProperties.votes_kept")
    assert "tlc: MCCellSharedCrash vote-leaves-before-its-flush" in asks
    assert "tlc: MCCellSharedCrash vote-leaves-before-its-flush" not in pool.asks_of("spec/cell_properties.py")


def test_other_states_though_they_are_as_many_are_looked_for_in_several_graphs() -> None:
    asks = pool.asks_of("spec/service/clients.py", "Clients.remembered")
    assert len([one for one in asks if one.startswith("graph: ")]) == pool.MOST_GRAPHS
    assert "graph: MCClientsNodes" in asks, "in no other model a table chooses which session it forgets"


def test_the_draw_follows_from_the_seed() -> None:
    cell = pool.ROOMS[0]
    assert campaign._shuffled(cell, 1) == campaign._shuffled(cell, 1) != campaign._shuffled(cell, 2)
    assert set(campaign._shuffled(cell, 1)) == set(pool.faults_of(cell))
    assert sum(campaign._share(room, 40) for room in pool.ROOMS) == 40


def test_what_is_drawn_elsewhere_stays_when_one_file_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = pool.ROOMS[0]
    drawn, file = campaign._shuffled(cell, 1), "physalia/cell/reads.py"
    others = [fault for fault in drawn if fault.file != file]
    monkeypatch.setattr(pool, "faults_of", lambda _: [*pool.faults_in(file)[9:], *sorted(others, key=str)])
    changed = campaign._shuffled(cell, 1)
    assert len(changed) == len(drawn) - 9
    assert [fault for fault in changed if fault.file != file] == others


ACCIDENT = Answer(ask="lockstep: a", verdict=Verdict.REFUTED, title="raised", how=How.RAISED)
KILL = Answer(ask="exhaustive", verdict=Verdict.REFUTED, title="wrong", how=How.JUDGED, events=7)
HELD = Answer(ask="histories", verdict=Verdict.HOLDS, title="holds")
BROKE = Answer(ask="graph: M", verdict=Verdict.ERROR, title="the link broke")
CUT = Answer(ask="long", verdict=Verdict.INCONCLUSIVE, title="cut after 25 s of processor time")
FAULT = evolve(python_faults.faults_of("some.py", CODE)[0])


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([HELD, KILL], Status.KILLED),
        ([ACCIDENT, BROKE, KILL], Status.KILLED),
        ([ACCIDENT, HELD], Status.ACCIDENT),
        ([HELD, BROKE], Status.BROKEN),
        ([HELD, HELD], Status.SURVIVED),
        ([HELD, CUT, HELD], Status.SURVIVED),
        ([CUT, HELD, CUT], Status.TIMEOUT),
    ],
)
def test_only_what_was_judged_kills(answers: list[Answer], status: Status) -> None:
    outcome = trying._outcome(FAULT, answers, {"reached": True, "processor_s": 1.0})
    assert outcome.status is status


def test_a_survivor_says_whether_anybody_came_there() -> None:
    unreached = trying._outcome(FAULT, [HELD], {"reached": False, "processor_s": 1.0})
    assert (unreached.status, unreached.reached) == (Status.SURVIVED, False)
    assert unreached.note == "nobody who was asked comes there"


def _matrix(**counts: int) -> Matrix:
    outcomes = [
        (FAULT, Outcome(name=FAULT.name, status=Status[name.upper()])) for name, count in counts.items()
        for _ in range(count)
    ]  # fmt: skip
    return Matrix(seed=0, rooms={"physalia/cell": 100}, outcomes=tuple(outcomes), seconds=1.0)


def test_nine_of_ten_must_be_killed_and_one_of_ten_may_be_listed() -> None:
    assert _matrix(killed=9, survived=1).verdict is Verdict.HOLDS
    assert _matrix(killed=270, survived=30).verdict is Verdict.HOLDS
    assert _matrix(killed=269, survived=31).verdict is Verdict.REFUTED
    assert _matrix(killed=8, accident=1, broken=1).verdict is Verdict.REFUTED
    assert _matrix(killed=9, equivalent=1, build_failed=50).verdict is Verdict.HOLDS
    assert _matrix(killed=8, equivalent=2).verdict is Verdict.REFUTED
    assert _matrix(build_failed=3).verdict is Verdict.INCONCLUSIVE
    assert _matrix(killed=9, equivalent=1, build_failed=50).applied == 9


def test_a_smaller_draw_may_show_fewer_by_chance_and_named_faults_may_not() -> None:
    assert _matrix(killed=31, survived=9).verdict is Verdict.HOLDS
    assert _matrix(killed=30, survived=10).verdict is Verdict.REFUTED
    assert evolve(_matrix(killed=31, survived=9), rooms={}).verdict is Verdict.REFUTED
    assert _matrix(killed=26, survived=3).verdict is Verdict.REFUTED


def test_a_survivor_that_is_not_listed_is_new() -> None:
    survived = _matrix(killed=9, survived=1)
    assert (survived.new, survived.verdict) == ([FAULT.name], Verdict.HOLDS)
    strict = evolve(survived, no_new=True)
    assert strict.verdict is Verdict.REFUTED
    known = evolve(strict, known={FAULT.name: "nobody looks"})
    assert (known.new, known.verdict) == ([], Verdict.HOLDS)
    assert evolve(_matrix(killed=9, equivalent=1, build_failed=1), no_new=True).verdict is Verdict.HOLDS


def test_the_matrix_is_as_its_schema_says() -> None:
    told = json.loads(json.dumps(_matrix(killed=3, accident=1, equivalent=1, build_failed=1).as_json()))
    schema = json.loads((ROOT / "docs" / "mutants-mechanical.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(told, schema)
    assert (told["applied"], told["killed_by_link"], told["accidents"]) == (4, 3, 1)


def test_what_is_listed_as_none_is_a_fault_that_there_is() -> None:
    for name, reason in (*listed.equivalent().items(), *listed.survivors().items()):
        assert campaign.named(name).name == name
        assert len(reason) > 20
    assert not listed.equivalent().keys() & listed.survivors().keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[equivalent", "no list of"),
        ("equivalent = 3", "something else"),
        ('[[equivalent]]\nfault = "f"\n', "needs a fault and a reason"),
        ('[[equivalent]]\nfault = "f"\nreason = ""\n', "needs a fault and a reason"),
        ('[[equivalent]]\nfault = "f"\nreason = "r"\nwhy = "w"\n', "needs a fault and a reason"),
        ('[[equivalent]]\nfault = "f"\nreason = "r"\n[[equivalent]]\nfault = "f"\nreason = "r"\n', "twice"),
    ],
)
def test_a_malformed_list_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        listed.read(text, "equivalent")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_outcomes_are_kept_until_something_changes_that_they_depend_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill depends on its link alone, and what nobody killed on all that were asked."""
    versions: dict[str, str] = {}
    monkeypatch.setattr(kept, "matters_to", lambda link: versions.get(link, "this one"))
    file = kept.Kept(tmp_path / "runs" / "seed-0.jsonl")
    with pytest.raises(BadInput, match="without --resume"):
        file.resume()
    file.begin()
    kept._matters_to.cache_clear()
    fault, other = pool.faults_in("physalia/cell/acceptor.py")[:2]
    killed = Outcome(name=fault.name, status=Status.KILLED, link="glance", note="n", events=3, processor_s=0.5)
    survived = Outcome(name=other.name, status=Status.SURVIVED)
    file.add(fault, killed)
    file.add(other, survived)
    with file.path.open("a", encoding="utf-8") as cut_short:
        cut_short.write('{"key": "b", "sta')
    for changed, holds in (("placement", [killed, survived]), ("histories", [killed, None]), ("lockstep", [None] * 2)):
        versions[changed] = "another"
        assert _found(file.path, fault, other) == holds
        versions.clear()
    assert _found(file.path, fault, other) == [killed, survived]
    assert _found(file.path, fault, other, most_asks=2) == [killed, None]
    kept._matters_to.cache_clear()


def _found(path: Path, *faults: Fault, most_asks: int | None = None) -> list[Outcome | None]:
    kept._matters_to.cache_clear()
    file = kept.Kept(path, most_asks)
    file.resume()
    return [file.get(fault) for fault in faults]


def test_a_name_that_there_is_not_is_refused() -> None:
    for name in ("nothing", "physalia/cell/acceptor.py Acceptor.promise: 1 => 2"):
        with pytest.raises(BadInput, match="there is no mechanical fault"):
            campaign.named(name)


def _fault(file: str, what: str) -> Fault:
    return next(fault for fault in pool.faults_in(file) if fault.what == what)


def test_a_fault_is_killed_one_that_changes_nothing_survives_and_one_without_types_is_none(tmp_path: Path) -> None:
    """Also after a fault was in the same file: what was compiled of that is not believed."""
    file = "physalia/cell/acceptor.py"
    wrong = _fault(file, "self.voted_under(slot) < ballot => (self.voted_under(slot) <= ballot)")
    harmless = evolve(wrong, after="(ballot > self.voted_under(slot))")
    untyped = evolve(wrong, after='(ballot > "x")')
    broken = evolve(wrong, after="((ballot > )")
    asks = ["exhaustive: MCCellTwoBallotsRefines"]
    with trying.bench(tmp_path / "types") as bench:
        assert [bool(bench.refusal(one)) for one in (wrong, harmless, untyped, broken)] == [False, False, True, True]
        tried = [bench.try_out(one, asks) for one in (harmless, wrong, harmless)]
    assert [outcome.status for outcome in tried] == [Status.SURVIVED, Status.KILLED, Status.SURVIVED]
    assert all(outcome.reached for outcome in tried)
    assert tried[1].events > 0


def test_a_fault_that_tla_cannot_be_read_with_is_none(tmp_path: Path) -> None:
    wrong = _fault("tla/Store.tla", r"/\ c \in DOMAIN contents.verdicts => /\ TRUE")
    unreadable = evolve(wrong, after=r"\A x \notin DOMAIN contents.verdicts : TRUE")
    unknown = evolve(wrong, after="NobodyDefinedThis")
    with trying.bench(tmp_path / "types") as bench:
        assert bench.refusal(wrong) == ""
        assert "notin" in bench.refusal(unreadable)
        assert "NobodyDefinedThis" in bench.refusal(unknown)


def test_nobody_refutes_the_project_as_it_is(tmp_path: Path) -> None:
    """Whoever is asked first about a file of the specification or the journal holds without a fault."""
    wrong = _fault("tla/Store.tla", r"/\ c \in DOMAIN contents.verdicts => /\ TRUE")
    nothing = evolve(wrong, after=r"c \in DOMAIN contents.verdicts")
    with trying.bench(tmp_path / "types") as bench:
        for file in ("spec/store.py", "tla/Store.tla", "physalia/journal/marks.py"):
            outcome = bench.try_out(nothing, pool.asks_of(file)[:2])
            assert (outcome.status, outcome.note) == (Status.SURVIVED, "nobody refutes it")


def test_whoever_refutes_the_project_as_it_is_kills_nothing(tmp_path: Path) -> None:
    """A fault is a part of the project here."""
    file = "physalia/cell/acceptor.py"
    wrong = _fault(file, "self.voted_under(slot) < ballot => (self.voted_under(slot) <= ballot)")
    asked = "exhaustive: MCCellTwoBallotsRefines"
    killed = Outcome(name="a", status=Status.KILLED, link=asked)
    with trying.bench(tmp_path / "types") as bench:
        assert bench.refutes_without_a_fault(asked) == ""
        with bench._with(wrong, marked=False):
            assert bench.refutes_without_a_fault(asked)
            tried = campaign._Controls().judge(bench, killed)
        assert campaign._Controls().judge(bench, killed) is killed
    assert tried.status is Status.BROKEN
    assert "it refutes the project as it is" in tried.note


@pytest.mark.slow
def test_most_of_a_draw_of_forty_is_refuted_by_whoever_is_asked_first(tmp_path: Path) -> None:
    matrix = campaign.run(1, 40, Silence(), runs=tmp_path, most_asks=3)  # as continuous integration does, with fewer
    assert matrix.applied == 40
    lost = [f"{one.status}: {fault.name}" for fault, one in matrix.outcomes if one.status is not Status.KILLED]
    assert matrix.counted()[Status.KILLED] > 20, lost
    again = campaign.run(1, 40, Silence(), resume=True, runs=tmp_path, most_asks=3)
    assert again.outcomes == matrix.outcomes


@pytest.mark.parametrize(("raised", "how"), [(5, How.JUDGED), (10_000, How.RAISED)])
def test_a_glance_passes_over_an_exception_for_what_is_judged(
    raised: int, how: How, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    def drive(setup: Setup, *_: object, **__: object) -> Finding:
        runs.append(setup)
        return Finding(Scenario(setup, ()), Refuted("wrong", how=How.RAISED if len(runs) <= raised else How.JUDGED))

    monkeypatch.setattr(glance, "drive", drive)
    report = glance.glance(["readers"], ask._settings())
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].how == how
    campaigns = len(glance.short_campaigns())
    assert len(runs) == min(raised + 1, glance.MORE_RUNS + (campaigns - 1) * glance.RUNS)

"""The kill matrix can fail: a mutant that survives, does not apply, does not build or breaks its killer is no kill."""

import json
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve

from conformance.links import BadInput, Profile, Silence, Verdict
from conformance.lockstep.campaigns import CAMPAIGNS
from conformance.mutants.copies import Killers, Status, a_copy, judgement_of
from conformance.mutants.entries import Mutant, catalogue, read
from conformance.mutants.matrix import KillMatrix, Outcome, patience_s, run
from tests import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]

HALF = Mutant(
    name="half-a-quorum",
    family="A",
    fault="half of the members are a majority",
    killer="graph",
    model="MCBallotsTwoBallots",
    file="spec/commands.py",
    replace="2 * len(some & members) > len(members)",
    with_="2 * len(some & members) >= len(members) - 1",
)
HARMLESS = evolve(HALF, name="harmless", with_="len(members) < 2 * len(some & members)")
ABSENT = evolve(HALF, name="absent", replace="2 * len(nobody)")
NO_PYTHON = evolve(HALF, name="no-python", with_="2 * len(some & members")
NO_ANSWER = evolve(HALF, name="no-answer", with_="1 / 0")
NO_CHANGE = evolve(HALF, name="no-change", with_=HALF.replace)


@pytest.fixture(scope="module")
def matrix() -> KillMatrix:
    return run([HALF, HARMLESS, ABSENT, NO_PYTHON, NO_ANSWER, NO_CHANGE], Silence())


def test_only_a_refuted_mutant_is_killed(matrix: KillMatrix) -> None:
    assert {outcome.mutant.name: outcome.status for outcome in matrix.outcomes} == {
        "half-a-quorum": Status.KILLED,
        "harmless": Status.SURVIVED,
        "absent": Status.NOT_APPLIED,
        "no-python": Status.BUILD_FAILED,
        "no-answer": Status.ERROR,
        "no-change": Status.NOT_APPLIED,
    }


def test_a_survivor_refutes_the_suite(matrix: KillMatrix) -> None:
    assert matrix.verdict is Verdict.REFUTED
    assert evolve(matrix, outcomes=matrix.outcomes[:1]).verdict is Verdict.HOLDS
    assert evolve(matrix, outcomes=matrix.outcomes[::2]).verdict is Verdict.ERROR
    assert evolve(matrix, outcomes=()).verdict is Verdict.INCONCLUSIVE


def test_the_matrix_is_as_its_schema_says(matrix: KillMatrix) -> None:
    printed = json.loads(json.dumps(matrix.as_json()))
    jsonschema.validate(printed, json.loads((ROOT / "docs" / "mutants.schema.json").read_text(encoding="utf-8")))
    assert (printed["applied"], printed["killed"], printed["survived"]) == (3, 1, 1)


def test_a_kill_says_whether_a_step_was_judged_or_an_accident_happened() -> None:
    """And a killer that breaks kills nothing."""
    kills = {}
    for how in ("judged", "raised", "not-started"):
        failure = {"title": "t", "verdict": "refuted", "lines": [], "replay": "", "how": how, "events": 7}
        printed = json.dumps({"verdict": "refuted", "links": [{"failures": [failure]}]})
        kills[how] = Outcome(mutant=HALF, judgement=judgement_of(1, printed, ""), seconds=1.0)
        assert (kills[how].status, kills[how].judgement.events) == (Status.KILLED, 7)
    assert [how for how, outcome in kills.items() if outcome.is_accident] == ["raised", "not-started"]
    told = KillMatrix(outcomes=tuple(kills.values()), seconds=3.0).as_json()
    assert (told["killed"], told["accidents"], told["verdict"]) == (1, 2, "refuted")
    assert [one["how"] for one in told["mutants"]] == ["judged", "raised", "not-started"]
    assert judgement_of(4, json.dumps({"verdict": "error", "links": []}), "").status is Status.ERROR


def test_a_killer_that_refutes_everything_kills_nothing() -> None:
    impossible = evolve(HALF, model="MCNoSuchModel")
    (outcome,) = run([impossible], Silence()).outcomes
    assert outcome.status is Status.ERROR
    assert outcome.judgement.note.startswith("its killer does not hold without it")


def test_the_catalogue_has_faults_of_all_kinds_for_every_link() -> None:
    mutants = catalogue()
    killers = {"tlc", "graph", "induction", "exhaustive", "lockstep", "crash-points", "histories", "placement",
               "blast-radius", "shell", "traces"}  # fmt: skip
    assert {mutant.killer for mutant in mutants} == killers
    for family in "ABCEFG":
        assert sum(mutant.family == family for mutant in mutants) >= 4


@pytest.mark.parametrize("mutant", [mutant for mutant in catalogue() if mutant.file], ids=lambda mutant: mutant.name)
def test_every_substitution_applies(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.replace) == 1
    compile(text.replace(mutant.replace, mutant.with_), mutant.file, "exec")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[mutant", "no list of"),
        ("", "no list of"),
        ("mutant = 3", "no list of"),
        ('mutant = ["x"]', "no list of"),
        ("[mutant]\nname = 'x'", "no list of"),
        ('[[mutant]]\nname = "x"', "mutant x"),
        ('[[mutant]]\nname = "x"\nfamily = "A"\nfault = "f"\nkiller = "tlc"\ncolour = "red"\n', "colour"),
        ('[[mutant]]\nname = "x"\nfamily = "A"\nfault = "f"\nkiller = "magic"\ntwin = "t"\n', "no killer 'magic'"),
        ('[[mutant]]\nname = "x"\nfamily = "A"\nfault = "f"\nkiller = "tlc"\n', "either a twin or a file"),
    ],
)
def test_a_malformed_catalogue_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=r"^some\.toml") as caught:
        read(text, "some.toml")
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_killer_has_many_times_what_it_takes_without_a_mutant() -> None:
    """A machine that is ten times slower gives it ten times as long."""
    assert patience_s(300.0) == 10 * patience_s(30.0) == 6_000.0
    assert patience_s(0.1) == 120.0


def test_a_killer_that_is_cut_has_killed_nothing() -> None:
    matrix = run([HALF], Silence(), time_s=0.05)
    (outcome,) = matrix.outcomes
    assert outcome.status is Status.TIMEOUT
    assert "give it more with --killer-time" in outcome.judgement.note
    assert matrix.verdict is Verdict.INCONCLUSIVE


def test_two_mutants_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in two files, since a name is how a mutant is asked for."""
    monkeypatch.setattr("conformance.mutants.entries.read", lambda text, file: (HALF,))
    with pytest.raises(BadInput, match=f"two mutants are called {HALF.name}"):
        catalogue()


LEAVES_A_FOLDER = """
import os, signal, sys, tempfile
print(tempfile.mkdtemp(prefix="left-behind-"), file=sys.stderr, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killer_leaves_goes_with_its_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killer that is killed itself, as an interrupt does, cannot clear its temporary folders away."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with a_copy() as root:
        (root / "physalia" / "cli" / "__main__.py").write_text(LEAVES_A_FOLDER, encoding="utf-8")
        judgement = Killers().judge(root, ["verify"], PATIENCE_S)
        assert judgement.status is Status.ERROR
        assert "left-behind-" in judgement.note
        assert str(root) in judgement.note
    assert not list(tmp_path.iterdir())


def test_whoever_must_kill_a_fault_of_limits_meets_it() -> None:
    """Each that the lockstep kills names a mark that a campaign of its quick profile must reach."""
    wanted = {mark for campaign in CAMPAIGNS if Profile.QUICK in campaign.amounts for mark in campaign.marks}
    limits = [one for one in catalogue() if one.name.startswith("limits-") and one.killer == "lockstep"]
    assert len(limits) > 20
    assert {mutant.name: mutant.mark for mutant in limits if mutant.mark not in wanted} == {}

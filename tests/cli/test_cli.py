"""The command line: exit codes, one sentence for bad input, JSON as the schemas say, and nothing heavy too early."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from conformance import beside
from conformance import verify as chain
from conformance.links import LINKS, Failure, Link, LinkReport, Progress, Row, Settings, Verdict
from conformance.manifest import load_manifest
from physalia.cli import run
from tests import PATIENCE_S
from tests.conformance.tlc.small_specifications import MANIFEST, specify
from tests.processes import ends

ROOT = Path(__file__).parents[2]
HEAVY = ("z3", "hypothesis", "networkx", "highspy", "rich", "numpy", "spec", "msgspec")


def physalia(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "physalia.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small specifications in the place of the project's."""
    specify(tmp_path, checks="INVARIANTS Small Witnesses")
    (tmp_path / "manifest.toml").write_text(MANIFEST.format(distinct=34, generated=57, depth=7), encoding="utf-8")
    monkeypatch.setattr("conformance.manifest.tla_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [["--help"], ["verify", "--help"], ["spec", "--help"], ["spec", "tlc", "--help"]])
def test_help_brings_nothing_heavy(command: list[str]) -> None:
    script = (
        "import sys, physalia.cli; code = physalia.cli.run(sys.argv[1:]);"
        "print(code, *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    code, *imported = done.stderr.split()
    assert code == "0"
    assert "Usage: physalia" in done.stdout
    assert not set(imported) & set(HEAVY)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "tcl"], "there is no link called tcl; did you mean tlc?"),
        (
            ["verify", "gossip"],
            "there is no link called gossip; there are tlc, graph, induction, exhaustive, lockstep, ",
        ),
        (["verify", "--quik"], "No such option: --quik"),
        (["verify", "--quick", "--deep"], "--quick and --deep exclude each other"),
        (["verify", "--seed", "many"], "--seed"),
        (["verifi"], "No such command 'verifi'"),
        (["spec", "tlc"], "Missing argument 'MODEL'"),
        (["spec", "tlc", "MCCuonter"], "there is no model called MCCuonter; did you mean MCCounter?"),
        (["spec", "check", "MCCuonter"], "there is no model called MCCuonter; did you mean MCCounter?"),
        (["spec", "check", "MCCounter"], "has no Python mirror"),
        (["spec", "simulate", "zzz"], "there is no model called zzz"),
        (["spec", "graph", "MCCounter"], "the graph of MCCounter is not compared"),
        (["spec", "tlc", "MCCounter", "--twin", "leap"], "there is no twin called leap; did you mean leaps?"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(
    small: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_an_environment_variable_stands_for_an_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHYSALIA_SPEC_SIMULATE_SEED", "9")
    assert run(["spec", "simulate", "MCStore", "--steps", "2"]) == 0
    assert "again: physalia spec simulate MCStore --seed 9 --steps 2" in capsys.readouterr().out
    monkeypatch.setenv("PHYSALIA_SPEC_SIMULATE_SEED", "nine")
    assert run(["spec", "simulate", "MCStore"]) == 2
    assert "--seed" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_one_sentence_and_exit_4() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "physalia.cli", "spec", "list"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    assert done.returncode == 4
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m physalia.cli spec list --json | head -c 1", shell=True, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_defect_is_never_a_refutation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("conformance.manifest.load_manifest", lambda: 1 // 0)
    assert run(["spec", "list"]) == 4
    assert "this is a defect of physalia" in capsys.readouterr().err


def test_a_wrong_manifest_is_exit_2(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "manifest.toml").write_text("schema_version = 9", encoding="utf-8")
    for arguments in (["spec", "list"], ["spec", "tlc", "MCCounter"]):
        assert run(arguments) == 2
        assert "manifest.toml:1: this program reads schema_version = 1 only" in capsys.readouterr().err


def test_a_model_is_run_and_its_counts_are_told(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec", "tlc", "MCCounter"]) == 0
    assert "holds: 34 states, depth 7, as the manifest says" in capsys.readouterr().out


def test_a_twin_shows_its_counterexample(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec", "tlc", "MCCounter", "--twin", "leaps"]) == 0
    told = capsys.readouterr().out
    assert "  1 Initial predicate\n      count = 0\n" in told
    assert "  2 Add\n      (no arguments: the model has no mirror)\n      count: 0 -> " in told
    assert "holds: Small is violated after 3 states, as the manifest says" in told


def test_a_run_for_machines_is_as_its_schema_says(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for twin in ([], ["--twin", "leaps"]):
        assert run(["spec", "tlc", "MCCounter", *twin, "--json"]) == 0
        jsonschema.validate(json.loads(capsys.readouterr().out), schema("spec-tlc"))


def test_a_run_that_differs_is_exit_1(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "manifest.toml").write_text(MANIFEST.format(distinct=35, generated=57, depth=7), encoding="utf-8")
    assert run(["spec", "tlc", "MCCounter"]) == 1
    told = capsys.readouterr().out
    assert "distinct states: the manifest says 35, TLC says 34." in told
    assert told.rstrip().endswith("again: physalia spec tlc MCCounter")


def test_a_new_model_is_run_before_its_numbers_are_known(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As CONTRIBUTING says, to the letter: what is printed can be copied, and holds then."""
    whole = (small / "manifest.toml").read_text(encoding="utf-8")
    counted = ("distinct", "generated", "depth")
    new = "".join(line for line in whole.splitlines(keepends=True) if not line.startswith(counted))
    (small / "manifest.toml").write_text(new, encoding="utf-8")
    assert run(["spec", "tlc", "MCCounter"]) == 3
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in printed if line.startswith(counted)]
    copied = new.replace('expect = "holds"\n', "\n".join(['expect = "holds"', *lines, ""]))
    (small / "manifest.toml").write_text(copied, encoding="utf-8")
    assert run(["spec", "tlc", "MCCounter"]) == 0


@pytest.mark.parametrize("variable", ["PHYSALIA_JAVA", "PHYSALIA_TLA2TOOLS"])
def test_what_is_missing_is_exit_4(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere")
    assert run(["spec", "tlc", "MCCounter"]) == 4
    assert f"{variable} leads to /nowhere" in capsys.readouterr().err
    assert run(["doctor", "--json"]) == 4
    examined = json.loads(capsys.readouterr().out)
    jsonschema.validate(examined, schema("doctor"))
    assert examined["ready"] is False


def test_a_broken_jar_is_exit_4(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jar = tmp_path / "broken.jar"
    jar.write_bytes(b"PK no jar")
    monkeypatch.setenv("PHYSALIA_TLA2TOOLS", str(jar))
    assert run(["verify", "tlc", "--quick", "--json"]) == 4
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, schema("verify"))
    assert report["verdict"] == "error"
    assert "PHYSALIA_TLA2TOOLS" in report["links"][0]["failures"][0]["title"]


def fake_links(verdicts: dict[str, Verdict]) -> Any:
    def load(name: str) -> Link:
        def link(settings: Settings, progress: Progress) -> LinkReport:
            progress.update("one", 5, "states", total=10, queue=3, depth=2)
            progress.finish("one", "done")
            failure = Failure(title="it broke", verdict=verdicts[name], lines=("why",), replay="physalia again")
            failures = [] if verdicts[name] is Verdict.HOLDS else [failure]
            row = Row(name="one", verdict=Verdict.HOLDS, states=5, edges=7, seconds=0.1)
            return LinkReport.of(name, [row], failures, models=1, seconds=0.1)

        return link

    return load


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict.HOLDS, 0), (Verdict.REFUTED, 1), (Verdict.INCONCLUSIVE, 3), (Verdict.ERROR, 4)],
)
def test_the_verdict_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verdict: Verdict, code: int
) -> None:
    monkeypatch.setattr(beside, "cores", lambda: 1)  # other processes would not know these links
    monkeypatch.setattr(chain, "load", fake_links(dict.fromkeys(LINKS, Verdict.HOLDS) | {"graph": verdict}))
    assert run(["verify", "--json", "--seed", "7"]) == code
    told = capsys.readouterr()
    report = json.loads(told.out)
    jsonschema.validate(report, schema("verify"))
    assert (report["verdict"], report["seed"], report["profile"]) == (verdict, 7, "default")
    assert "one: done" in told.err
    assert run(["verify", "--quick"]) == code
    table = capsys.readouterr().out
    assert all(name in table for name in LINKS)
    ending = table.splitlines()[-1 if verdict is Verdict.HOLDS else -2]
    assert ending.startswith(f"{verdict} (profile quick, seed 0")
    assert ("again: physalia again" in table) == (verdict is not Verdict.HOLDS)


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    jsonschema.validate(listed, schema("spec-list"))
    assert {model["rung"] for model in listed["models"]} == {
        "Store", "Log", "Window", "Ballots", "Cell", "Lives", "Reads", "Peeks", "Teaching", "Leaving", "Clients",
        "Discovery", "Leases", "Versions", "Register", "Volume", "BlastRadius",
        "Placement",
    }  # fmt: skip
    assert run(["spec", "list"]) == 0
    told = capsys.readouterr().out
    assert all(model["name"] in told and model["purpose"] in told for model in listed["models"])


def test_the_doctor_finds_what_verify_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    examined = json.loads(capsys.readouterr().out)
    jsonschema.validate(examined, schema("doctor"))
    assert examined["ready"]
    assert {finding["name"] for finding in examined["findings"]} >= {"Java", "TLC", "SQLite", "hypothesis", "z3-solver"}


def test_the_doctor_refuses_an_sqlite_that_can_corrupt_a_journal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("apsw.sqlite_lib_version", lambda: "3.51.2")
    assert run(["doctor"]) == 4
    told = capsys.readouterr().out
    assert "MISSING  SQLite          SQLite 3.51.2 can corrupt a journal: pip install 'apsw>=3.51.3'" in told


def test_a_mirror_is_checked_as_its_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec", "check", "MCCellChange", "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    jsonschema.validate(checked, schema("spec-check"))
    assert checked["verdict"] == "holds"


def test_a_mirror_that_cannot_be_compared_is_as_its_schema_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new model's: the manifest does not say yet how many states it has."""
    known = load_manifest()
    unknown = tuple(evolve(model, distinct=0, generated=0, depth=0) for model in known.models)
    monkeypatch.setattr("conformance.manifest.load_manifest", lambda: evolve(known, models=unknown))
    assert run(["spec", "check", "MCStoreChanges", "--json"]) == 3
    checked = json.loads(capsys.readouterr().out)
    jsonschema.validate(checked, schema("spec-check"))
    assert checked["differences"] == ["The manifest does not say yet, and the mirror says: distinct = 128, depth = 8."]


def test_a_walk_is_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    walks = []
    for seed in ("3", "3", "4"):
        assert run(["spec", "simulate", "MCCellChange", "--seed", seed, "--steps", "9", "--json"]) == 0
        walked = json.loads(capsys.readouterr().out)
        jsonschema.validate(walked, schema("spec-simulate"))
        walks.append(walked["steps"])
    assert len(walks[0]) == 10
    assert walks[0] == walks[1] != walks[2]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the children of a process are read from /proc")
@pytest.mark.parametrize("links", [["tlc"], ["tlc", "graph"]])
def test_an_interrupt_is_exit_130_and_leaves_nothing_running(links: list[str]) -> None:
    """Of one link, which runs in the process itself, and of several, which have processes of their own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "physalia.cli", "verify", *links],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE_S
    while not (java := javas_of(process.pid)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "physalia: interrupted; nothing is left running."
    assert java
    assert all(map(ends, java))


def javas_of(pid: int) -> list[int]:
    """The processes that run Java among those that a process has started, and these, and so on."""
    found, unseen = [], [pid]
    while unseen:
        children = children_of(unseen.pop())
        unseen += children
        found += [child for child in children if Path(f"/proc/{child}/comm").read_text(encoding="utf-8") == "java\n"]
    return found


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found

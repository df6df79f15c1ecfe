"""``physalia place query|prove|explain|check``: verdicts, exit codes, sentences for bad input, and JSON by schema."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.cli import run
from physalia.placement.availability import estimator as availability
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.shipped import EXAMPLES, example
from tests import PATIENCE_S
from tests.physalia.placement.questions import row_of_racks

ROOT = Path(__file__).parents[3]
PAIR_OF_FEEDS = '[[rules]]\nid = "feed-cap"\ntype = "cap"\nkind = "feed"\nmost = 3\n'


def schema(name: str) -> Any:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def site(tmp_path: Path) -> str:
    file = tmp_path / "site.json"
    files.write(generate(Fabric(servers=200, seed=1)), file)
    return str(file)


@pytest.fixture
def impossible(tmp_path: Path) -> list[str]:
    """A site of two feeds, and a policy under which 3 + 3 are too few."""
    files.write(row_of_racks(), tmp_path / "two-feeds.json")
    (tmp_path / "policy.toml").write_text(PAIR_OF_FEEDS, encoding="utf-8")
    return [str(tmp_path / "two-feeds.json"), "--instance", "s11", "--policy", str(tmp_path / "policy.toml")]


def told(capsys: pytest.CaptureFixture[str], name: str) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema(name))
    return document


@pytest.mark.parametrize("command", ["query", "prove"])
def test_a_placement_is_found_certified_and_checked(
    command: str, site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = str(tmp_path / "cert.json")
    arguments = [site, "--instance", "server-1-01-01", "--primary", "server-1-02-03", "--cert", cert, "--json"]
    assert run(["place", command, *arguments]) == 0
    found = told(capsys, "place-query")
    assert found["verdict"] == "placed"
    assert len(found["servers"]) == 7
    assert found["cost"] == found["bound"]
    assert 0.999 < found["availability"] < 1
    assert found["proof"]["claim"] == "optimal"
    assert (found["refuted_by_z3"] or 0) == (10 if command == "prove" else 0)
    made = json.loads(Path(cert).read_text(encoding="utf-8"))
    jsonschema.validate(made, schema("place-certificate"))
    assert made["placement"] == found["servers"]
    assert run(["place", "check", cert, site, "--json"]) == 0
    assert told(capsys, "place-check")["verdict"] == "stands"


def test_answers_are_printed_for_people(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert = str(tmp_path / "cert.json")
    assert run(["place", "query", site, "--instance", "server-1-01-01", "--cert", cert, "--devices", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "the best there is: worst hop" in lines[0]
    assert lines[1].startswith("  server-")
    assert any(line.startswith("unavailable while the instance is up: ") for line in lines)
    assert sum("of that time" in line for line in lines) == 2
    command = lines[-1].rpartition("check it: physalia ")[2].split()
    assert run(command) == 0
    assert "the certificate stands" in capsys.readouterr().out


def test_a_network_that_is_too_hard_has_no_number_but_a_reason(
    site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def too_hard(*_: object, **_named: object) -> float:
        raise availability.NotExact("the site has 9,000 switches.")

    monkeypatch.setattr(availability.Estimator, "of", too_hard)
    assert run(["place", "query", site, "--instance", "server-1-01-01", "--json"]) == 0
    found = told(capsys, "place-query")
    assert found["availability"] is None
    assert found["availability_unknown"] == "the site has 9,000 switches."
    assert run(["place", "query", site, "--instance", "server-1-01-01"]) == 0
    assert "availability: the site has 9,000 switches." in capsys.readouterr().out


def test_the_impossible_is_explained_and_certified(
    impossible: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert = str(tmp_path / "cert.json")
    assert run(["place", "query", *impossible, "--cert", cert, "--json"]) == 1
    found = told(capsys, "place-query")
    assert found["verdict"] == "impossible"
    assert found["explanation"]["conflicts"][0]["rules"] == ["feed-cap"]
    jsonschema.validate(json.loads(Path(cert).read_text(encoding="utf-8")), schema("place-certificate"))
    assert run(["place", "check", cert, impossible[0], "--policy", impossible[-1]]) == 0
    assert "there is no placement" in capsys.readouterr().out
    assert run(["place", "query", *impossible]) == 1
    text = capsys.readouterr().out
    assert "feeds feed-a and feed-b can take 3 each by feed-cap: 6 of 7." in text
    assert "feed-cap: at most 4 instead of 3" in text


def test_explain_has_its_own_command(impossible: list[str], site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["place", "explain", *impossible, "--json"]) == 1
    assert told(capsys, "place-explain")["relaxations"][0]["change"] == "feed-cap: at most 4 instead of 3"
    assert run(["place", "explain", *impossible]) == 1
    assert "any one of these changes would do" in capsys.readouterr().out
    assert run(["place", "explain", site, "--instance", "server-1-01-01", "--json"]) == 0
    assert told(capsys, "place-explain")["placeable"]
    assert run(["place", "explain", site, "--instance", "server-1-01-01"]) == 0
    assert "nothing to explain" in capsys.readouterr().out


def test_out_of_time_is_inconclusive(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert = str(tmp_path / "cert.json")
    arguments = [site, "--instance", "server-1-01-01", "--time-limit-s", "0", "--cert", cert]
    assert run(["place", "query", *arguments, "--json"]) == 3
    found = told(capsys, "place-query")
    assert found["verdict"] == "inconclusive"
    assert found["proof"] is None
    assert "time ran out" in found["note"]
    assert run(["place", "query", *arguments]) == 3
    text = capsys.readouterr().out
    assert "the best found" in text
    assert "proven so far: none is better than" in text
    assert run(["place", "check", cert, site]) == 0
    assert "none is better" not in capsys.readouterr().out


def test_survival_of_the_best_placement_is_proven(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["place", "prove", site, "--instance", "server-1-01-01", "--survives", "--json"]) == 0
    found = told(capsys, "place-query")
    assert [(one["method"], one["holds"]) for one in found["survival"]] == [("graph", True), ("z3", True)]


def test_a_cell_that_does_not_survive_is_told_the_device(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    cell = ",".join(f"server-1-02-{at:02}" for at in range(1, 8))
    arguments = [site, "--instance", "server-1-01-01", "--survives", "--servers", cell]
    assert run(["place", "prove", *arguments, "--json"]) == 1
    found = told(capsys, "place-survival")
    assert all(one["holds"] is False and one["breaks"] for one in found["survival"])
    assert run(["place", "prove", *arguments]) == 1
    assert "fails, the instance is up but does not reach" in capsys.readouterr().out


def test_a_certificate_that_does_not_stand(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert = tmp_path / "cert.json"
    run(["place", "query", site, "--instance", "server-1-01-01", "--cert", str(cert)])
    cert.write_text(cert.read_text(encoding="utf-8").replace('"hops": ', '"hops": 1'), encoding="utf-8")
    capsys.readouterr()
    assert run(["place", "check", str(cert), site]) == 1
    assert capsys.readouterr().out.startswith("refused: the placement costs")
    assert run(["place", "check", str(cert), site, "--json"]) == 1
    assert told(capsys, "place-check")["verdict"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["query", "SITE", "--instance", "nobody"], "site.json: instance nobody: there is no such server"),
        (["query", "SITE", "--instance", "server-1-01-01", "--color", "mauve"], "site.json: no server has the color"),
        (["query", "missing.json", "--instance", "s"], "missing.json: the topology cannot be read"),
        (["query", "SITE", "--instance", "server-1-01-01", "--policy", "no.toml"], "no.toml: the policy cannot"),
        (["query", "SITE", "--instance", "server-1-01-01", "--policy", "POLICY"], "there is no kind of domain 'hall'"),
        (["query", "SITE", "--instance", "server-1-01-01", "--policy", "NOWHERE"], "nowhere.toml: rule a: there is no"),
        (["query", "SITE", "--instance", "server-1-01-01", "--cert", "no/such/place"], "written: there is no folder"),
        (["query", "SITE", "--instance", "server-1-01-01", "--time-limit-s", "-1"], "--time-limit-s"),
        (["query", "SITE"], "Missing option '--instance'"),
        (["prove", "SITE", "--instance", "server-1-01-01", "--servers", "a"], "--servers names the cell"),
        (["prove", "SITE", "--instance", "server-1-01-01", "--survives", "--servers", "a"], "site.json: there is no"),
        (["explain", "SITE", "--instance", "nobody"], "instance nobody"),
        (["check", "missing.json", "SITE"], "missing.json: the file cannot be read"),
        (["check", "SITE", "missing.json"], "missing.json: the file cannot be read"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    arguments: list[str], says: str, site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "halls.toml"
    policy.write_text('[[rules]]\nid = "hall"\ntype = "cap"\nkind = "hall"\nmost = 3\n', encoding="utf-8")
    nowhere = tmp_path / "nowhere.toml"
    nowhere.write_text(
        '[[rules]]\nid = "a"\ntype = "minimum"\nkind = "rack"\nname = "r-9"\nleast = 1\n', encoding="utf-8"
    )
    names = {"SITE": site, "POLICY": str(policy), "NOWHERE": str(nowhere)}
    assert run(["place", *(names.get(one, one) for one in arguments)]) == 2
    complaint = capsys.readouterr()
    assert says in complaint.err
    assert len(complaint.err.strip().splitlines()) == 1
    assert not complaint.out


@pytest.mark.parametrize("missing", ["z3", "highspy"])
def test_a_missing_package_is_named(
    missing: str, site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; import physalia.cli;"
        f"sys.exit(physalia.cli.run(['place', 'prove', {site!r}, '--instance', 'server-1-01-01']))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert f"this needs the package {'z3-solver' if missing == 'z3' else missing}: pip install" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], ["query"], ["prove"], ["explain"], ["check"], ["generate"], ["import"]])
def test_help_brings_nothing_heavy(command: list[str]) -> None:
    script = (
        "import sys, physalia.cli; code = physalia.cli.run(sys.argv[1:]);"
        "print(code, *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    arguments = ["place", *command, "--help"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    code, *imported = done.stderr.split()
    assert code == "0"
    assert "Usage: physalia place" in done.stdout
    assert not set(imported) & {"z3", "networkx", "highspy", "numpy", "rich", "msgspec", "dd", "hypothesis"}


def test_the_check_brings_no_solver(site: str, tmp_path: Path) -> None:
    cert = str(tmp_path / "cert.json")
    assert run(["place", "query", site, "--instance", "server-1-01-01", "--cert", cert]) == 0
    script = (
        "import sys, physalia.cli; code = physalia.cli.run(sys.argv[1:]);"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "place", "check", cert, site],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    code, *imported = done.stderr.split()
    assert code == "0"
    solver = {f"physalia.placement.{name}" for name in ("linear", "search", "proof", "bound", "answer", "problem")}
    assert not set(imported) & ({"z3", "highspy", "numpy"} | solver)
    assert "physalia.placement.certificates.check" in imported


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.endswith("-fed.json")])
def test_the_shipped_examples_answer(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = example(name)
    instance = min(files.read(file).servers)
    assert run(["place", "query", str(file), "--instance", instance, "--json"]) == 0
    assert told(capsys, "place-query")["verdict"] == "placed"


def test_a_file_that_cannot_be_read_leaves_whoever_calls_with_a_collector(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing.json")
    assert run(["place", "check", nothing, nothing]) == 2
    assert gc.isenabled()

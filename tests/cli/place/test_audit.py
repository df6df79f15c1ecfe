"""`physalia place audit`: what is printed, exit codes, and bad input."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.cli import run
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, generate

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "place-audit.schema.json").read_text(encoding="utf-8"))
FLEET = generate(Fabric(servers=400, servers_per_rack=20, cells=8, clients=True, seed=5))
LENIENT = '[[rules]]\nid = "rack-cap"\ntype = "cap"\nkind = "rack"\nmost = 7\n'
STRICT = LENIENT.replace("7", "1")


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    files.write(FLEET, tmp_path / "fleet.json")
    return str(tmp_path / "fleet.json")


def policy(tmp_path: Path, text: str) -> str:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


def test_cells_that_keep_the_rules(fleet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = policy(tmp_path, LENIENT)
    assert run(["place", "audit", fleet, "--policy", rules, "--json"]) == 0
    document = printed(capsys)
    assert (document["verdict"], document["judged"], document["complete"]) == ("kept", 8, True)
    assert all(0 < found["unavailability"] < 1e-2 for found in document["findings"])
    assert all(found["best"]["cost"]["spread"] <= found["cost"]["spread"] for found in document["findings"])
    assert run(["place", "audit", fleet, "--policy", rules, "--worst", "2"]) == 0
    told = capsys.readouterr().out
    assert "8 of 8 cells were judged: every rule is kept." in told
    assert told.count("  cell-") == 2


def test_cells_that_break_a_rule(fleet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = policy(tmp_path, STRICT)
    assert run(["place", "audit", fleet, "--policy", rules, "--json", "--no-best"]) == 1
    document = printed(capsys)
    assert (document["verdict"], document["broken"]) == ("broken", {"rack-cap": 8})
    assert document["findings"][0]["broken"][0]["rule"] == "rack-cap"
    assert run(["place", "audit", fleet, "--policy", rules, "--no-best", "--cell", "cell-3"]) == 1
    told = capsys.readouterr().out
    assert "cell-3: rule rack-cap is broken: " in told
    assert "1 of 1 cells were judged: 1 breaks a rule." in told
    assert run(["place", "audit", fleet, "--policy", rules, "--no-best", "--cell", "cell-3", "--cell", "cell-3"]) == 1
    assert capsys.readouterr().out == told, "a cell that is named twice is one cell"


def test_cells_without_clients_are_judged_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = generate(Fabric(servers=400, servers_per_rack=20, cells=8, seed=5))
    files.write(made, tmp_path / "fleet.json")
    code = run(["place", "audit", str(tmp_path / "fleet.json"), "--json"])
    document = printed(capsys)
    assert code == int(document["verdict"] == "broken")
    assert {tuple(found["unjudged"]) for found in document["findings"]} == {("apart-from-volume",)}
    assert {found["failures"] for found in document["findings"]} == {None}
    run(["place", "audit", str(tmp_path / "fleet.json")])
    told = capsys.readouterr().out
    assert "not judged: rule apart-from-volume of 8 cells" in told
    assert "8 cells whose instance the topology does not name" in told


def test_an_audit_of_no_cells_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(generate(Fabric(servers=400, servers_per_rack=20, cells=0)), tmp_path / "site.json")
    assert run(["place", "audit", str(tmp_path / "site.json"), "--json"]) == 3
    document = printed(capsys)
    assert (document["verdict"], document["judged"]) == ("inconclusive", 0)
    assert run(["place", "audit", str(tmp_path / "site.json")]) == 3
    assert "0 of 0 cells were judged: there is nothing to judge." in capsys.readouterr().out


def test_out_of_time_is_inconclusive(fleet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["place", "audit", fleet, "--policy", policy(tmp_path, LENIENT), "--time-limit-s", "0"]
    assert run([*arguments, "--json"]) == 3
    assert (document := printed(capsys))["verdict"] == "inconclusive"
    assert (document["judged"], document["complete"]) == (0, False)
    assert run(arguments) == 3
    told = capsys.readouterr().out
    assert "time ran out: 8 cells were not judged." in told
    assert "every rule is kept" not in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--cell", "nothing"], "there is no cell nothing."), (["--policy", "missing.toml"], "the policy cannot be read")],
)
def test_bad_input_is_one_sentence(
    fleet: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["place", "audit", fleet, *arguments]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.strip().splitlines()) == 1

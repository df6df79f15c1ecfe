"""`physalia place availability`, and the two benchmarks about availability: numbers, sentences, exit codes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from benchmarks import availability as benchmark
from benchmarks import objective
from physalia.cli import run
from physalia.placement.availability import diagram as availability_bdd
from physalia.placement.availability import walk
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, Feeding, generate

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "place-availability.schema.json").read_text(encoding="utf-8"))
TOPOLOGY = generate(Fabric(servers=120, servers_per_rack=10, colors=1))
NAMES = list(TOPOLOGY.servers)
CELL = ",".join(NAMES[5:75:10])


@pytest.fixture
def site(tmp_path: Path) -> str:
    files.write(TOPOLOGY, tmp_path / "site.json")
    return str(tmp_path / "site.json")


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


def test_the_number_and_the_devices_that_matter(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["place", "availability", site, "--instance", NAMES[0], "--servers", CELL, "--devices", "4"]
    assert run([*command, "--json"]) == 0
    document = printed(capsys)
    assert document["availability"] == 1.0 - document["unavailability"] < 1.0
    assert [weight["share"] for weight in document["devices"]] == sorted(
        (weight["share"] for weight in document["devices"]), reverse=True
    )
    assert len(document["devices"]) == 4
    assert run(command) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("availability 0.99999")
    assert document["devices"][0]["device"] in told[1]
    assert len(told) == 5


def test_figure_4_has_a_row_for_each_cell_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["place", "availability", "--figure-4", "--json"]) == 0
    document = printed(capsys)
    assert [row["nodes"] for row in document["rows"]] == [1, 3, 5, 7, 9]
    assert document["rows"][3]["availability"][document["fails"].index(0.3)] == pytest.approx(0.8740, abs=5e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--instance", NAMES[0]], "name a topology, --instance and --servers, or --figure-4"),
        (["--instance", "nobody", "--servers", CELL], "no server nobody"),
        (["--instance", NAMES[0], "--servers", f"{NAMES[1]},{NAMES[1]}"], "two nodes on server"),
    ],
)
def test_bad_input_is_one_sentence(
    site: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["place", "availability", site, *arguments]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.strip().splitlines()) == 1


def test_no_exact_answer_is_inconclusive(
    site: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_STATES", 2)
    monkeypatch.setattr(availability_bdd, "MOST_NODES", 20)
    assert run(["place", "availability", site, "--instance", NAMES[0], "--servers", CELL]) == 3
    captured = capsys.readouterr()
    assert not captured.out
    assert "no exact availability" in captured.err


def test_the_benchmark_times_placements_that_answer_queries() -> None:
    figures = benchmark.measure(1_000, 3, Feeding.DUAL, 1)
    assert figures["placements"] == 3
    assert 0.0 < figures["seconds_per_placement"] <= figures["slowest_seconds"]
    assert 0.0 < figures["mean_unavailability"] < 1e-3
    assert figures["largest_error"] < 1e-6


def test_the_objective_is_compared_on_the_same_clients() -> None:
    topology = generate(Fabric(servers=600, servers_per_rack=20, colors=2, seed=4))
    found = list(objective.trials(topology, 4, 0))
    rows = {row["objective"]: row for row in objective.summary(found)}
    assert len(found) == 4
    assert rows[objective.HOPS]["gain"] == rows[objective.HOPS]["worst_trial"] == 1.0
    # Hops alone has the least hops; who weighs spread before them is at least as available on this fabric.
    assert rows[objective.HOPS]["mean_hops"] <= rows[objective.OURS]["mean_hops"]
    assert rows[objective.OURS]["gain"] > 1.0

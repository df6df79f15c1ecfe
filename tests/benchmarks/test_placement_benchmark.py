"""The benchmark of placement: on small fabrics both sides find the same optimum, and the figures say so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from benchmarks import explanations
from benchmarks import placement as benchmark
from benchmarks.peers.cp_sat import Theirs, solve
from physalia.placement.rules import policy as policies
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.queries import Query
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.solver.answer import query
from tests.physalia.placement.questions import policy_of, rack_cap

ROOT = Path(__file__).parents[2]


def test_the_figures_are_printed_as_json() -> None:
    command = [sys.executable, "-m", "benchmarks.placement", "--servers", "300", "--rounds", "1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["proven"]
    assert figures["same_optimum"]
    assert figures["cp_sat_status"] == "OPTIMAL"
    assert 0 < figures["certificate_bytes"] < 2048
    assert min(figures["seconds"], figures["check_seconds"], figures["cp_sat_seconds"]) > 0


@pytest.mark.parametrize("feeding", list(Feeding))
def test_the_peer_finds_the_same_optimum(feeding: Feeding) -> None:
    topology = generate(Fabric(servers=240, feeding=feeding, servers_per_rack=20, racks_per_row=4, seed=5))
    names = sorted(topology.servers)
    for asked in (Query(names[0]), Query(names[0], names[90], names[200])):
        theirs = solve(topology, policies.default(), asked, 60.0)
        assert theirs.optimal
        assert theirs.cost == query(topology, policies.default(), asked).cost


def test_another_optimum_is_not_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Theirs(Cost(0, 0, 0, 0), True, "OPTIMAL", 1.0)
    monkeypatch.setattr(benchmark, "solve", lambda *_: wrong)
    monkeypatch.setattr(sys, "argv", ["placement", "--servers", "200", "--rounds", "1", "--json"])
    assert benchmark.main() == 1
    assert not json.loads(capsys.readouterr().out)["same_optimum"]
    monkeypatch.setattr(benchmark, "solve", lambda *_: evolve(wrong, optimal=False))
    assert benchmark.main() == 1


def test_a_refused_certificate_is_not_proven(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "dumps", lambda made: json.dumps({**made, "policy_sha256": "0" * 64}))
    monkeypatch.setattr(sys, "argv", ["placement", "--servers", "200", "--rounds", "1", "--no-peer"])
    assert benchmark.main() == 1
    assert "not proven" in capsys.readouterr().out


def test_the_peer_says_which_rules_it_does_not_know() -> None:
    topology = generate(Fabric(servers=200, seed=1))
    with pytest.raises(ValueError, match="the peer does not know rules like"):
        solve(topology, policy_of(rack_cap(3), {"type": "survives"}), Query("server-1-01-01"), 1.0)


def test_every_kind_of_conflict_is_explained_and_timed() -> None:
    figures = explanations.measure(servers=1_000, seed=1)
    assert len(figures["explanations"]) >= 6
    assert all(one["rules"] and one["sentences"] and one["seconds"] > 0 for one in figures["explanations"])
    assert figures["slowest_seconds"] == max(one["seconds"] for one in figures["explanations"])

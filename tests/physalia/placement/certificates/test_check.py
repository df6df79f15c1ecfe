"""The checker by itself: what it is made of, what it refuses of a topology, and what it accepts."""

import ast
import gc
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import asdict, evolve

from conformance.placement.definition import Question
from conformance.placement.sites import Seeded, question, site
from physalia.placement.certificates import check as checker
from physalia.placement.certificates.certificate import canonical, certificate
from physalia.placement.certificates.check import Refused, check, main
from physalia.placement.rules import judge as rules
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.judge import cost
from physalia.placement.rules.policy import Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.topology import Link, Topology
from physalia.placement.solver.answer import prove, query
from physalia.placement.solver.search import Best, Leaf, Search
from tests.physalia.placement.questions import crossing, policy_of, rack_cap, row_of_racks

SOURCE = Path(checker.__file__)
DEFAULT = policy_of(rack_cap(3))


def _made(topology: Topology, policy: Policy = DEFAULT, asked: Query | None = None) -> dict[str, Any]:
    return certificate(query(topology, policy, asked or Query("s11")))


def test_the_checker_imports_the_standard_library_alone() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"__import__", "eval", "exec"}
    assert imported == {
        "bisect", "collections", "gc", "graphlib", "hashlib", "itertools",
        "json", "pathlib", "sys", "tomllib", "typing", "unicodedata",
    }  # fmt: skip
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_checker_has_at_most_450_lines_and_no_floating_point() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 450
    numbers = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    assert not [number for number in numbers if isinstance(number, float)]
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Div)]


def test_the_checker_runs_from_its_file_alone(tmp_path: Path) -> None:
    """Copied away, isolated, without the packages that are installed here."""
    topology = row_of_racks()
    (tmp_path / "check.py").write_bytes(SOURCE.read_bytes())
    (tmp_path / "topology.json").write_bytes(files.dumps(topology))
    (tmp_path / "certificate.json").write_bytes(canonical(_made(topology)))
    command = [sys.executable, "-I", "-S", "check.py", "certificate.json", "topology.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("the certificate stands: the placement on s")
    (tmp_path / "topology.json").write_bytes(files.dumps(row_of_racks(racks=5)))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("refused: it is of another topology")


def test_a_topology_in_other_bytes_is_another_topology() -> None:
    topology = row_of_racks()
    content = files.dumps(topology)
    made = canonical(_made(topology))
    assert check(made, content)
    with pytest.raises(Refused, match="another topology: this one's SHA-256 is"):
        check(made, content + b"\n")


def test_every_lower_worst_hop_must_be_refuted() -> None:
    """Where switches of racks are joined there are odd numbers of hops: 3 lies between 2, which is refuted, and 4."""
    joined = row_of_racks(racks=3, servers_per_rack=2)
    links = {**joined.links, "short": Link("short", ("tor-r1", "tor-r2"))}
    joined, policy = evolve(joined, links=links), policy_of({"type": "anti-affinity"}, cell_size=3, spread=["rack"])
    asked = Query("s11")
    answer = query(joined, policy, asked)
    assert answer.cost == cost(joined, policy, asked, ("s12", "s21", "s22")) == Cost(3, 1, 8, 3)
    made, better = certificate(answer), cost(joined, policy, asked, ("s12", "s21", "s31"))
    assert better == Cost(4, 0, 9, 3)
    best = Best()
    tree = Search(answer.problem.instance("blue", 4), best).run()
    assert isinstance(tree, Leaf)
    assert set(best.servers) == {"s12", "s21", "s31"}
    leaf = {"scale": tree.dual.scale, "node": tree.dual.node, "prices": dict(tree.dual.prices), "bound": tree.bound}
    made |= {"placement": sorted(best.servers), "cost": asdict(better)}
    made["evidence"]["trees"] = {"blue": leaf}
    with pytest.raises(Refused, match="a leaf proves"):
        check(canonical(made), files.dumps(joined))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_placement_stands_if_it_survives_by_definition(size: int) -> None:
    """Every cell of sites that a seed makes up; with one or two nodes no server's own link may matter either."""
    verdicts = set()
    for seed in range(16):
        topology, policy = site(Seeded(f"check {seed}"), 9), policy_of({"type": "survives"}, cell_size=size)
        instance = next((one.name for one in topology.servers.values() if len(one.switches) > 1), "server-01")
        asked, content = Question(topology=topology, policy=policy, instance=instance), files.dumps(topology)
        made = certificate(query(topology, policy, Query(instance)))
        made = {key: value for key, value in made.items() if key not in {"evidence", "note"}} | {"claim": "feasible"}
        for cell in asked.cells():
            found = cost(topology, policy, Query(instance), sorted(cell))
            if found is not None:
                made |= {"placement": sorted(cell), "cost": asdict(found)}
                legal = asked.is_legal(cell)
                assert _stands(made, content) == legal, (seed, cell)
                verdicts.add(legal)
    assert verdicts == {True, False} or size == 1


def test_a_placement_stands_if_it_is_legal_by_definition() -> None:
    """Every kind of rule, on sites and policies that a seed makes up; and the answer to the question stands too."""
    broken_by = Counter[str]()
    for seed in range(80):
        asked = question(Seeded(f"legal {seed}"))
        content = files.dumps(asked.topology)
        query_of = Query(asked.instance, asked.primary, asked.replica, asked.color)
        made = certificate(query(asked.topology, asked.policy, query_of))
        assert _stands(made, content), seed
        made = {key: value for key, value in made.items() if key not in {"evidence", "note"}} | {"claim": "feasible"}
        cells = sorted(map(sorted, asked.cells()))
        for cell in Random(seed).sample(cells, min(20, len(cells))):
            found = cost(asked.topology, asked.policy, query_of, cell)
            if found is not None:
                made |= {"placement": cell, "cost": asdict(found)}
                assert _stands(made, content) == asked.is_legal(frozenset(cell)), (seed, cell)
                broken = {one.rule for one in rules.broken(asked.topology, asked.policy, query_of, cell)}
                broken_by.update(broken if len(broken) == 1 else ())
    alone = {"rack-cap", "ups-cap", "pair", "apart", "no-pair", "survival", "color", "drained"}
    assert alone <= broken_by.keys()


def _stands(made: dict[str, Any], content: bytes) -> bool:
    try:
        check(canonical(made), content)
    except Refused:
        return False
    return True


def test_a_name_that_reads_like_two_domains_is_refused() -> None:
    """Else the rack would be taken for what two domains share, and its cap would be that of nothing."""
    topology = row_of_racks()
    forged, content = _forged(json.loads(files.dumps(topology).replace(b'"r1"', b'"R & D"')), _made(topology))
    with pytest.raises(Refused, match="a name holds &"):
        check(forged, content)


@pytest.mark.parametrize("name", ["r1 ", " r1", "cafe\u0301"])
def test_names_that_look_alike_and_differ_are_refused(name: str) -> None:
    topology = row_of_racks()
    content = files.dumps(topology).replace(b'"r1"', json.dumps(name, ensure_ascii=False).encode())
    forged, content = _forged(json.loads(content), _made(topology))
    with pytest.raises(Refused, match="a space at an end, or is not in NFC"):
        check(forged, content)


@pytest.mark.parametrize("name", ["rack-cap ", "cafe\u0301", " "])
def test_ids_and_colors_that_look_alike_and_differ_are_refused(name: str) -> None:
    """Whoever reads "rack-cap" twice, or sees two servers of one color, would not know that they differ."""
    topology = row_of_racks()
    made = _made(topology)
    made["policy"]["rules"].append({"id": name, "type": "cap", "kind": "rack", "most": 3})
    made["policy_sha256"] = hashlib.sha256(canonical(made["policy"])).hexdigest()
    with pytest.raises(Refused, match="none of its own, in NFC"):
        check(canonical(made), files.dumps(topology))
    document = json.loads(files.dumps(topology))
    document["servers"][-1]["color"] = name
    forged, content = _forged(document, _made(topology))
    with pytest.raises(Refused, match="no such color, or not in NFC"):
        check(forged, content)


def test_more_nodes_than_servers_are_refuted_at_once() -> None:
    topology = row_of_racks()
    made = _made(topology, policy_of(rack_cap(3), cell_size=10**12))
    assert made["claim"] == "infeasible"
    made["evidence"]["trees"]["blue"]["prices"] = {"rack r1": 0}
    assert check(canonical(made), files.dumps(topology))


def test_a_minimum_where_no_domain_is_leaves_nothing_whatever_caps_there_are() -> None:
    """No rack has a UPS above it: the range of that domain is empty for solver and checker alike."""
    topology = row_of_racks()
    rules: list[dict[str, Any]] = [
        {"type": "minimum", "kind": "ups", "of": "instance", "least": 2},
        {"type": "cap", "kind": "ups", "most": 1},
    ]
    for policy in (policy_of(*rules), policy_of(*reversed(rules)), policy_of(rules[0])):
        made = _made(topology, policy)
        assert made["claim"] == "infeasible"
        assert check(canonical(made), files.dumps(topology)) == "there is no placement"


def test_a_policy_beside_it_must_be_the_same() -> None:
    topology, policy = row_of_racks(), policy_of(rack_cap(3), cell_size=7, spread=["rack"])
    made = canonical(_made(topology, policy))
    same = b'spread = ["rack"]\n[[rules]]\nid = "rack-cap"\ntype = "cap"\nkind = "rack"\nmost = 3\n'
    assert check(made, files.dumps(topology), same)
    for other in (b"", same.replace(b"3", b"4"), b"cell_size = 5\n" + same):
        with pytest.raises(Refused, match="another policy"):
            check(made, files.dumps(topology), other)
    with pytest.raises(Refused, match="cannot be understood"):
        check(made, files.dumps(topology), b"spread = ")


@pytest.mark.parametrize("content", [b"", b"nothing", b"[]", b"{}", b"7", b'{"schema_version": 1}', b"\xff"])
def test_what_is_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        check(content, files.dumps(row_of_racks()))


def _forged(topology: dict[str, Any], made: dict[str, Any]) -> tuple[bytes, bytes]:
    """A certificate with the digest of a topology that it was not made for."""
    content = canonical(topology)
    made["topology"]["sha256"] = hashlib.sha256(content).hexdigest()
    return canonical(made), content


@pytest.mark.parametrize(
    ("part", "at", "change"),
    [
        ("servers", 1, {"name": "s11"}),
        ("racks", 1, {"name": "r1"}),
        ("racks", 0, {"supplies": []}),
        ("racks", 0, {"supplies": ["nowhere"]}),
        ("power", 0, {"supplies": ["pdu-r1"]}),
        ("power", 2, {"supplies": ["pdu-r2"]}),
        ("power", 2, {"supplies": []}),
        ("power", 0, {"name": "feed-a+b"}),
        ("links", 0, {"ends": ["tor-r1", "nowhere"]}),
        ("switches", 0, {"rack": "nowhere"}),
    ],
)
def test_a_topology_that_makes_no_sense_is_refused(part: str, at: int, change: dict[str, Any]) -> None:
    topology = row_of_racks()
    document = json.loads(files.dumps(topology))
    made = _made(topology)
    assert check(*_forged(document, made))
    document[part][at] |= change
    if change.get("supplies") == ["pdu-r2"]:
        document["power"][3]["supplies"] = ["pdu-r1"]  # each supplies the other
    with pytest.raises(Refused):
        check(*_forged(document, made))


def test_a_change_of_the_topology_that_breaks_the_claim_is_refused() -> None:
    """A server more that is cheaper, a chosen one that is drained, or full, or of another colour."""
    topology = row_of_racks(nodes=3, colors=("blue", "green"))
    made = _made(topology, policy_of(rack_cap(3), cell_size=3))
    document = json.loads(files.dumps(topology))
    assert check(*_forged(document, made))
    chosen = next(at for at, one in enumerate(document["servers"]) if one["name"] == made["placement"][0])
    other = next(at for at, one in enumerate(document["servers"]) if one["name"] not in made["placement"])
    for at, change in (
        (chosen, {"drained": True}),
        (chosen, {"capacity": 3}),
        (chosen, {"color": "red"}),
        (chosen, {"nodes": 4}),
        (other, {"nodes": 0, "rack": "r1", "switches": ["tor-r1"], "color": "blue"}),
    ):
        changed = json.loads(json.dumps(document))
        changed["servers"][at] |= change
        with pytest.raises(Refused):
            check(*_forged(changed, made))


def test_survival_is_judged_for_the_placement_and_priced_for_the_claim() -> None:
    """With one aggregation switch a row of racks cannot survive it; with two it can."""
    policy = policy_of(rack_cap(2), {"type": "survives"}, cell_size=5)
    good = row_of_racks(racks=4, feeds=4, aggregations=2)
    answer = prove(good, policy, Query("s11"))
    assert answer.verdict == "placed"
    made = certificate(answer)
    assert check(canonical(made), files.dumps(good))
    bad = row_of_racks(racks=4, feeds=4, aggregations=1)
    impossible = certificate(prove(bad, policy, Query("s11")))
    assert impossible["claim"] == "infeasible"
    assert any(key.startswith("cut ") for key in impossible["evidence"]["trees"]["blue"]["prices"])
    assert check(canonical(impossible), files.dumps(bad))
    forged, content = _forged(json.loads(files.dumps(bad)), made)
    with pytest.raises(Refused, match=r"the failure of .* cuts [34] nodes off"):
        check(forged, content)


def test_a_claim_that_is_feasible_needs_no_evidence_and_is_judged_all_the_same() -> None:
    topology = row_of_racks()
    made = _made(topology) | {"claim": "feasible"}
    del made["evidence"]
    assert "better" not in check(canonical(made), files.dumps(topology))
    made["placement"][0] = "s99"
    with pytest.raises(Refused, match="s99 may hold no node"):
        check(canonical(made), files.dumps(topology))


def test_trees_are_walked_to_every_leaf() -> None:
    topology = crossing()
    made = _made(
        topology, policy_of({"type": "overlap", "most": 1}, rack_cap(1), cell_size=3, spread=["rack"]), Query("s61")
    )
    assert "none is better" in check(canonical(made), files.dumps(topology))


@pytest.mark.parametrize(
    ("topology", "policy"),
    [
        (row_of_racks(nodes=100), DEFAULT),
        (row_of_racks(racks=1, servers_per_rack=1), DEFAULT),
        (row_of_racks(), policy_of({"type": "minimum", "kind": "rack", "least": 9, "of": "instance"})),
        (row_of_racks(), policy_of({"type": "minimum", "kind": "rack", "least": 3, "of": "instance"}, rack_cap(2))),
        (row_of_racks(), policy_of({"type": "minimum", "kind": "ups", "least": 1, "of": "instance"})),
        (row_of_racks(), policy_of({"id": "no", "type": "cap", "kind": "row", "most": 0})),
        (row_of_racks(), policy_of({"type": "hop-limit", "client": "instance", "most": 0})),
        (row_of_racks(colors=("blue", "green", "red")), policy_of(rack_cap(1), cell_size=5)),
    ],
    ids=[
        "all full",
        "one server",
        "more than a cell",
        "against a cap",
        "no such domain",
        "nowhere",
        "on itself",
        "colors",
    ],
)
def test_the_plainly_impossible_has_a_certificate_too(topology: Topology, policy: Policy) -> None:
    made = _made(topology, policy)
    assert made["claim"] == "infeasible"
    assert check(canonical(made), files.dumps(topology)) == "there is no placement"


def test_a_cell_of_one_on_the_instance_itself() -> None:
    topology = row_of_racks()
    made = _made(topology, policy_of({"type": "hop-limit", "client": "instance", "most": 0}, cell_size=1))
    assert made["placement"] == ["s11"]
    assert made["cost"] == {"worst_hop": 0, "spread": 0, "hops": 0, "fill": 1}
    assert "none is better" in check(canonical(made), files.dumps(topology))


def test_a_tree_of_endless_depth_is_refused() -> None:
    topology = row_of_racks()
    made = _made(topology)
    tree = made["evidence"]["trees"]["blue"]
    text = '{"domain":"rack r1","at":1,"above":{},"below":' * 5000 + json.dumps(tree) + "}" * 5000
    broken = json.dumps(made).replace(json.dumps(tree), text, 1)
    with pytest.raises(Refused):
        check(broken.encode(), files.dumps(topology))


def test_the_module_is_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    topology = row_of_racks()
    names = [str(tmp_path / name) for name in ("certificate.json", "topology.json")]
    Path(names[0]).write_bytes(canonical(_made(topology)))
    Path(names[1]).write_bytes(files.dumps(topology))
    assert main(names) == 0
    assert main([names[0]]) == 1
    assert main([names[0], str(tmp_path / "nothing.json")]) == 1
    assert gc.isenabled(), "who calls it goes on with a collector"
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("the certificate stands")
    assert all(line.startswith("refused") for line in told[1:])

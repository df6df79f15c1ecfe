"""Whole answers: against the definition, out of time, and what z3 refutes."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve

from conformance.placement.definition import Question
from conformance.placement.sites import Seeded, site
from physalia import placement
from physalia.placement.certificates.certificate import MOST_LEAVES, NoCertificate, canonical, certificate, evidence
from physalia.placement.certificates.check import check
from physalia.placement.effort import Effort
from physalia.placement.errors import BadPolicy, BadQuery
from physalia.placement.rules import policy as policies
from physalia.placement.rules.costs import Cost
from physalia.placement.rules.policy import DOMAIN_KINDS, Minimum, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.generate import Fabric, Feeding, generate
from physalia.placement.site.topology import Topology
from physalia.placement.solver.answer import Answer, Contradiction, _judge, prove, query
from physalia.placement.solver.bound import Dual
from physalia.placement.solver.instance import Domain
from physalia.placement.solver.problem import problem
from physalia.placement.solver.proof import refute
from physalia.placement.solver.search import Best, Leaf, Open, Search, Split, Tree, impossible, least, leaves, proven
from tests.physalia.placement.questions import crossing, instance_of, policy_of, rack_cap, row_of_racks


def random_policy(random: Random, topology: Topology) -> Policy:
    """Some rules of every kind, not too strict."""
    rules: list[dict[str, Any]] = []

    def add(**rule: Any) -> None:
        rules.append({"id": f"rule-{len(rules)}", **rule})

    for kind in DOMAIN_KINDS:
        if random.random() < 0.25:
            add(type="cap", kind=kind, most=random.choice([2, 3, 3]))
    for share, rule in (
        (0.3, {"type": "single-failure", "most": 2}),
        (0.1, {"type": "pair-cap", "most": 2}),
        (0.5, {"type": "anti-affinity"}),
        (0.5, {"type": "overlap", "most": random.choice([1, 2])}),
        (0.3, {"type": "survives"}),
        (0.2, {"type": "hop-limit", "client": random.choice(["instance", "replica"]), "most": 6}),
        (0.2, {"type": "minimum", "kind": random.choice(DOMAIN_KINDS), "least": 1, "of": "instance"}),
        (0.1, {"type": "minimum", "kind": "rack", "least": 1, "name": random.choice(list(topology.racks))}),
    ):
        if random.random() < share:
            add(**rule)
    document = {
        "cell_size": random.choice([3, 4, 5]),
        "one_color": random.random() < 0.7,
        "spread": [kind for kind in DOMAIN_KINDS if random.random() < 0.5],
        "rules": rules,
    }
    return policies.from_document(document, "policy")


def ask(seed: int) -> tuple[Topology, Policy, Query]:
    """A question that follows from a seed."""
    random = Random(seed)
    topology = site(Seeded(f"solve {seed}"), 11)
    names = random.sample(sorted(topology.servers), 3)
    asked = Query(names[0], *(name if random.random() < 0.5 else None for name in names[1:]))
    return topology, random_policy(random, topology), asked


@pytest.mark.parametrize("block", range(4))
def test_answers_are_what_the_definition_says(block: int) -> None:
    """Placed or impossible, the same optimum, legal by definition, and the certificate stands."""
    placed = 0
    for seed in range(block * 30, block * 30 + 30):
        topology, policy, asked = ask(seed)
        question = Question(
            topology=topology, policy=policy, instance=asked.instance, primary=asked.primary, replica=asked.replica
        )
        values = [question.value(cell) for cell in question.cells() if question.is_legal(cell)]
        answer = prove(topology, policy, asked)
        assert (answer.verdict == "placed") == bool(values), seed
        if answer.cost is not None:
            cost = answer.cost
            assert (cost.worst_hop, cost.spread, cost.hops, cost.fill) == min(values), seed
            assert question.is_legal(frozenset(answer.servers))
            placed += 1
        made = certificate(answer)
        assert made["claim"] == ("optimal" if values else "infeasible")
        check(canonical(made), files.dumps(topology))
    assert placed >= 4


def test_the_same_question_gets_the_same_answer() -> None:
    topology = generate(Fabric(servers=400, seed=3))
    again = files.loads(files.dumps(topology), "again")
    asked = Query(*sorted(topology.servers)[::150][:3])
    answers = [query(one, policies.default(), asked) for one in (topology, topology, again)]
    assert len({answer.servers for answer in answers}) == 1
    assert len({str(evidence(answer)) for answer in answers}) == 1


def test_the_seed_of_hashes_changes_nothing(tmp_path: Path) -> None:
    """Sets have another order in another process: neither the placement nor the proof follows it."""
    files.write(generate(Fabric(servers=400, seed=3, feeding=Feeding.MIXED)), tmp_path / "site.json")
    (tmp_path / "policy.toml").write_text(
        'spread = ["rack", "pdu"]\n[[rules]]\nid = "survives"\ntype = "survives"\n'
        '[[rules]]\nid = "cap"\ntype = "cap"\nkind = "rack"\nmost = 2\n',
        encoding="utf-8",
    )
    script = "import sys, physalia.cli; sys.exit(physalia.cli.run(sys.argv[1:]))"
    made = []
    for seed in ("1", "2", "3"):
        arguments = ["site.json", "--instance", "server-1-01-01", "--policy", "policy.toml", "--cert", f"{seed}.json"]
        subprocess.run(
            [sys.executable, "-c", script, "place", "query", *arguments],
            cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        )  # fmt: skip
        made.append((tmp_path / f"{seed}.json").read_bytes())
    assert len(set(made)) == 1


def test_the_package_offers_what_is_asked_most() -> None:
    assert placement.query is query
    assert placement.prove is prove
    assert placement.Query is Query
    assert placement.Answer is Answer
    with pytest.raises(AttributeError, match="has no attribute nothing"):
        _ = placement.nothing


def test_a_lower_worst_hop_goes_before_everything() -> None:
    topology = row_of_racks(
        racks=4, servers_per_rack=8, nodes=90, fills={f"s{rack}{at}": 0 for rack in (2, 3, 4) for at in range(1, 9)}
    )
    answer = query(topology, policy_of(cell_size=7), Query("s11"))
    assert answer.cost is not None
    assert answer.cost.worst_hop == 2
    assert {topology.servers[name].rack for name in answer.servers} == {"r1"}
    assert impossible(answer.nearer["blue"])


def test_a_rack_is_a_single_failure_too() -> None:
    """With two feeds to every rack no element of power darkens one alone, and a rack that fails still does."""
    site = row_of_racks(racks=3, feeds=2)
    site = evolve(site, racks={n: evolve(rack, supplies=("feed-a", "feed-b")) for n, rack in site.racks.items()})
    answer = query(site, policy_of({"type": "single-failure", "most": 2}, cell_size=4), Query("s11"))
    assert max(Counter(site.servers[name].rack for name in answer.servers).values()) == 2
    impossible = query(site, policy_of({"type": "single-failure", "most": 1}, cell_size=4), Query("s11"))
    assert certificate(impossible)["claim"] == "infeasible"


def test_spread_exempts_the_domains_of_the_instance() -> None:
    topology = row_of_racks(racks=3, servers_per_rack=3)
    answer = query(topology, policy_of(cell_size=3, spread=["rack"]), Query("s11"))
    assert answer.cost == Cost(worst_hop=2, spread=0, hops=4, fill=3)


def test_mixed_colors_are_one_choice_where_the_policy_lets_them() -> None:
    topology = row_of_racks(racks=2, servers_per_rack=2, colors=("blue", "green"))
    assert query(topology, policy_of(cell_size=3), Query("s11")).verdict == "impossible"
    mixed = query(topology, policy_of(cell_size=3, one_color=False), Query("s11"))
    assert mixed.verdict == "placed"
    assert mixed.color == ""
    one = query(topology, policy_of(cell_size=2, one_color=False), Query("s11", color="green"))
    assert {topology.servers[name].color for name in one.servers} == {"green"}


def test_fewer_usable_servers_than_nodes_is_an_answer() -> None:
    answer = prove(row_of_racks(racks=1, servers_per_rack=4), policy_of(), Query("s11"))
    assert answer.verdict == "impossible"
    assert answer.refuted is not None
    assert answer.refuted.queries >= 1


def test_huge_fills_are_exact() -> None:
    """Beyond what floating point and 64 bits hold."""
    huge = 10**17
    fills = {"s11": huge, "s12": huge + 1, "s21": huge + 2, "s22": huge + 3}
    topology = row_of_racks(racks=2, servers_per_rack=2, fills=fills, capacity=huge * 10)
    answer = prove(topology, policy_of(rack_cap(1), cell_size=2), Query("s22"))
    assert answer.verdict == "placed"
    assert answer.servers == ("s11", "s22")
    assert answer.cost == Cost(worst_hop=4, spread=0, hops=4, fill=2 * huge + 3)
    check(canonical(certificate(answer)), files.dumps(topology))


def test_out_of_time_is_inconclusive_and_says_what_is_known() -> None:
    topology = generate(Fabric(servers=400, seed=3))
    asked = Query(min(topology.servers))
    best = query(topology, policies.default(), asked)
    answer = query(topology, policies.default(), asked, time_limit_s=0.0)
    assert answer.verdict == "inconclusive"
    assert answer.cost is not None
    assert answer.bound is not None
    assert best.cost is not None
    assert answer.bound <= best.cost <= answer.cost
    made = certificate(answer)
    assert made["claim"] == "feasible"
    assert "time ran out" in made["note"]
    assert "no placement is better" not in check(canonical(made), files.dumps(topology))


def test_out_of_time_without_any_placement_has_no_certificate() -> None:
    topology = row_of_racks(racks=2)
    answer = query(topology, policy_of(rack_cap(3)), Query("s11"), time_limit_s=0.0)
    assert answer.verdict == "inconclusive"
    assert not answer.servers
    with pytest.raises(NoCertificate, match="no placement was found"):
        certificate(answer)


def test_out_of_time_in_the_middle_keeps_the_bound_of_what_is_open() -> None:
    pairs = [Domain(key, 0, 1) for key in ("ab", "bc", "ac")]
    instance = instance_of(2, pairs, [(1, (1, 3), 1), (1, (1, 2), 1), (1, (2, 3), 1), (100, (), 2)])
    steps: list[str] = []
    effort = Effort(deadline=2.0, told=steps.append, clock=lambda: float(len(steps)))
    tree = Search(instance, Best(), effort=effort).run()
    assert len(steps) == 2
    assert not proven(tree)
    assert (least(tree) or 0) <= 101


def test_a_long_proof_is_no_short_certificate() -> None:
    topology = row_of_racks(racks=6, feeds=3)
    answer = query(topology, policy_of(rack_cap(2)), Query("s11"))
    tree: Tree = answer.trees["blue"]
    for at in range(MOST_LEAVES):
        tree = Split("rack r1", at, tree, tree) if at % 2 else Split("rack r1", at, answer.trees["blue"], tree)
        if at > 20:
            break
    long = _with_trees(answer, {"blue": tree})
    made = certificate(long)
    assert made["claim"] == "feasible"
    assert "no short certificate" in made["note"]
    assert "evidence" not in made
    lost = query(row_of_racks(racks=2), policy_of(rack_cap(3)), Query("s11"))
    with pytest.raises(NoCertificate, match="no short certificate"):
        certificate(_with_trees(lost, {"blue": tree}))


def _with_trees(answer: Answer, trees: dict[str, Tree]) -> Answer:
    return Answer(
        verdict=answer.verdict, problem=answer.problem, color=answer.color, servers=answer.servers, cost=answer.cost,
        bound=answer.bound, trees=trees, nearer=answer.nearer,
    )  # fmt: skip


def test_z3_refutes_less_than_the_optimum_and_not_the_optimum() -> None:
    for topology, policy, asked in (
        (
            crossing(),
            policy_of({"type": "overlap", "most": 1}, rack_cap(1), cell_size=3, spread=["rack"]),
            Query("s61"),
        ),
        (generate(Fabric(servers=400, seed=3)), policies.default(), Query("server-1-01-01")),
    ):
        answer = query(topology, policy, asked)
        assert answer.cost is not None
        optimum = answer.problem.weights(answer.limit).total(answer.cost)
        pairs = [
            pair
            for color, tree in answer.trees.items()
            for pair in leaves(answer.problem.instance(color, answer.limit), tree)
        ]
        assert all(refute(instance, leaf, optimum).refuted for instance, leaf in pairs)
        assert not all(refute(instance, leaf, optimum + 1).refuted for instance, leaf in pairs)


def test_z3_out_of_time_is_no_proof() -> None:
    topology = generate(Fabric(servers=400, seed=3))
    answer = query(topology, policies.default(), Query(min(topology.servers)))
    asked = prove(topology, policies.default(), Query(min(topology.servers)), time_limit_s=answer.seconds / 10**6)
    assert asked.verdict == "inconclusive"
    assert asked.refuted is None


def test_z3_finds_the_way_that_a_wrong_leaf_denies() -> None:
    rack = Domain("rack", 0, 2)
    instance = instance_of(2, [rack], [(1, (1,), 3)])
    assert refute(instance, Leaf(Dual(0, 1, {"rack": 1}), 1), None).refuted is False


def test_a_placement_that_breaks_a_rule_is_never_an_answer() -> None:
    answer = query(row_of_racks(), policy_of(rack_cap(2)), Query("s11"))
    wrong = ("s11", "s12", "s13", "s14", "s21", "s22", "s23")
    with pytest.raises(Contradiction, match="rack-cap"):
        _judge(Answer(verdict="placed", problem=answer.problem, servers=wrong, cost=answer.cost))
    with pytest.raises(Contradiction, match="costs"):
        _judge(Answer(verdict="placed", problem=answer.problem, servers=answer.servers, cost=Cost(0, 0, 0, 0)))


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (Query("nobody"), "instance nobody: there is no such server"),
        (Query("r1"), "instance r1: it is no server"),
        (Query("s11", primary="nobody"), "primary nobody"),
        (Query("s11", replica="nobody"), "replica nobody"),
        (Query("s11", color="mauve"), "no server has the color 'mauve'; there are blue"),
        (Query("s11", color=""), "no server has the color ''"),
    ],
)
def test_a_query_that_names_what_is_not_there_is_a_sentence(asked: Query, complaint: str) -> None:
    with pytest.raises(BadQuery, match=complaint):
        query(row_of_racks(), policy_of(), asked)


def test_a_minimum_in_a_domain_that_is_not_there_is_a_sentence() -> None:
    rule = {"id": "home", "type": "minimum", "kind": "feed", "least": 1, "name": "feed-z"}
    with pytest.raises(BadPolicy, match="rule home: there is no feed domain feed-z"):
        query(row_of_racks(), policy_of(rule), Query("s11"))


def test_a_minimum_of_a_client_that_is_not_named_rules_nothing() -> None:
    rule = {"type": "minimum", "kind": "rack", "least": 4, "of": "replica"}
    assert query(row_of_racks(), policy_of(rule, rack_cap(3)), Query("s11")).verdict == "placed"
    assert query(row_of_racks(), policy_of(rule, rack_cap(3)), Query("s11", replica="s12")).verdict == "impossible"
    assert any(isinstance(one, Minimum) for one in policy_of(rule).rules)


def test_problems_state_equal_servers_once() -> None:
    topology = row_of_racks(racks=2, servers_per_rack=4)
    stated = problem(topology, policy_of(rack_cap(3)), Query("s11", primary="s21"))
    instance = stated.instance("blue", max(stated.worst_hops))
    assert sorted(map(len, instance.servers)) == [1, 1, 3, 3]


def test_an_open_tree_is_no_evidence() -> None:
    answer = query(row_of_racks(), policy_of(rack_cap(3)), Query("s11"))
    with pytest.raises(AssertionError, match="an open tree proves nothing"):
        evidence(_with_trees(answer, {"blue": Open()}))

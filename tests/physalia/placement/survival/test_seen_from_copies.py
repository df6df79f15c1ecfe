"""Survival as the copies of a volume see it: the policy that asks for it, the rule, the checker."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from conformance.blast_radius.sites import of_model
from physalia.placement.certificates import certificate, check
from physalia.placement.rules import policy as policies
from physalia.placement.rules.judge import broken
from physalia.placement.rules.policy import Policy, Survives
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.solver.answer import query
from physalia.placement.survival.cuts import cut_sets, cuts_seen_from
from spec.sites.examples import AS_THE_INSTANCE_SEES_IT

TOPOLOGY, VOLUMES, _ = of_model(AS_THE_INSTANCE_SEES_IT)
ASKED = Query("i", "p", "r")
INSTANCE = Policy(cell_size=3, rules=(Survives(id="seen-from-instance"),))
COPIES = evolve(INSTANCE, rules=(*INSTANCE.rules, Survives(id="seen-from-primary", client="primary"),
                                 Survives(id="seen-from-replica", client="replica")))  # fmt: skip


def test_the_shipped_policy_asks_for_it_of_every_client() -> None:
    found = policies.blast_radius()
    assert {rule.seen_from for rule in found.rules if isinstance(rule, Survives)} == {"instance", "primary", "replica"}
    assert policies.from_document(policies.to_document(found), "again") == found


def test_a_cut_counts_only_while_the_instance_reaches_the_copy() -> None:
    assert cut_sets(TOPOLOGY, "p")["u"].holds(TOPOLOGY.servers["r"])
    seen = cuts_seen_from(TOPOLOGY, "i", "p")
    assert "fa" in seen
    assert not any(cut.holds(TOPOLOGY.servers["i"]) for cut in seen.values())
    assert cuts_seen_from(TOPOLOGY, "i", "i") == cut_sets(TOPOLOGY, "i")


def test_a_cell_that_survives_as_the_instance_sees_it_breaks_the_rule_of_its_primary() -> None:
    cell = ("n1", "n2", "n3")
    assert broken(TOPOLOGY, INSTANCE, ASKED, cell) == []
    (wrong,) = broken(TOPOLOGY, COPIES, ASKED, cell)
    assert wrong.rule == "seen-from-primary"
    assert "the instance reaches the primary p, and that does not reach n2, n3" in wrong.sentence
    assert broken(TOPOLOGY, COPIES, Query("i"), cell) == []  # of a client that nobody named it says nothing


def test_the_best_cell_keeps_it_and_the_checker_wants_it_kept(tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    files.write(TOPOLOGY, site)
    topology = files.read(site)
    answer = query(topology, COPIES, ASKED)
    assert set(answer.servers) >= {"n1", "n4"}
    made = json.loads(certificate.dumps(certificate.certificate(answer)))
    assert "none is better" in check.check(json.dumps(made).encode(), site.read_bytes())
    loose = query(topology, INSTANCE, ASKED)
    forged = {**made, "claim": "feasible", "placement": ["n1", "n2", "n3"]}
    del forged["evidence"]
    assert loose.verdict == "placed"
    with pytest.raises(check.Refused, match=r"cuts 2 nodes off \(primary-cut\)"):
        check.check(json.dumps(forged).encode(), site.read_bytes())

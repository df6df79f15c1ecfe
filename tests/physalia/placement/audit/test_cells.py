"""Cells that stand are judged as if they did not: each rule, what is not judged and why, time, and what is shared."""

from typing import Any

import pytest
from attrs import evolve

from physalia.placement.audit.cells import audit
from physalia.placement.effort import Effort
from physalia.placement.errors import BadQuery, BadTopology
from physalia.placement.rules import policy as policies
from physalia.placement.rules.queries import Query
from physalia.placement.site.format import dumps, loads
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.topology import Cell, Topology
from physalia.placement.solver.answer import query
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks

FLEET = generate(Fabric(servers=600, servers_per_rack=20, cells=12, clients=True, seed=5))
APART = {"id": "apart", "type": "anti-affinity"}
OVERLAP = {"type": "overlap", "most": 3}


def site(*cells: Cell, **given: Any) -> Topology:
    return row_of_racks(**{"racks": 4, "servers_per_rack": 4, "nodes": 3, "cells": cells, **given})


def cell(*servers: str, name: str = "c", instance: str | None = "s11", **clients: str) -> Cell:
    return Cell(name, servers, instance, **clients)


GOOD = ("s12", "s13", "s21", "s22", "s31", "s32", "s41")


def test_a_cell_that_is_the_best_is_told_to_be() -> None:
    policy = policy_of(rack_cap(3), APART, spread=["rack"])
    placed = query(site(), policy, Query("s11"))
    stands = evolve(
        site(cell(*placed.servers)),
        servers={name: evolve(one, nodes=one.nodes + (name in placed.servers)) for name, one in site().servers.items()},
    )
    (found,) = audit(stands, policy).findings
    assert (found.broken, found.unjudged) == ((), ())
    assert found.cost == found.best == placed.cost
    assert not found.could_be_better
    assert found.availability == found.best_availability


@pytest.mark.parametrize(
    ("rules", "servers", "broken"),
    [
        ([rack_cap(1)], GOOD, {"rack-cap"}),
        ([APART], ("s11", *GOOD[:6]), {"apart"}),
        ([{"id": "near", "type": "hop-limit", "client": "instance", "most": 2}], GOOD, {"near"}),
        ([{"id": "home", "type": "minimum", "kind": "rack", "of": "instance", "least": 3}], GOOD, {"home"}),
        ([{"type": "single-failure", "most": 3}], GOOD, {"single-failure"}),
        ([], GOOD[:6], {"size"}),
        ([rack_cap(3), APART, OVERLAP], GOOD, set()),
    ],
)
def test_a_broken_rule_is_found(rules: list[dict[str, Any]], servers: tuple[str, ...], broken: set[str]) -> None:
    found = audit(site(cell(*servers)), policy_of(*rules))
    assert {one.rule for one in found.findings[0].broken} == broken
    assert found.keeps_the_rules == (not broken)
    assert found.complete


def test_a_cell_overlaps_with_others_and_not_with_itself() -> None:
    other = cell("s14", "s23", "s24", "s33", "s34", "s42", "s43", name="other")
    assert audit(site(cell(*GOOD), other), policy_of(OVERLAP)).keeps_the_rules
    twin = cell(*GOOD[:4], "s33", "s34", "s43", name="twin")
    found = audit(site(cell(*GOOD), twin), policy_of(OVERLAP)).findings
    assert [[one.sentence for one in each.broken] for each in found] == [
        ["4 servers are shared with cell twin; 3 may be."],
        ["4 servers are shared with cell c; 3 may be."],
    ]


def test_a_node_may_stay_on_a_drained_server_and_on_a_full_one_but_not_on_one_that_is_too_full() -> None:
    stands = site(cell(*GOOD), capacity=3)
    servers = {name: evolve(one, drained=name == "s12") for name, one in stands.servers.items()}
    assert audit(evolve(stands, servers=servers), policy_of()).keeps_the_rules
    servers["s13"] = evolve(servers["s13"], nodes=4)
    (found,) = audit(evolve(stands, servers=servers), policy_of()).findings
    assert [one.rule for one in found.broken] == ["capacity"]


def test_the_failures_are_all_that_a_cell_does_not_survive() -> None:
    on_one_feed = cell("s12", "s13", "s14", "s31", "s21", "s22", "s41")
    (found,) = audit(site(on_one_feed), policy_of(rack_cap(3))).findings
    assert found.failures == ()  # the instance hangs on that feed too, and is down with it
    far = evolve(on_one_feed, instance="s23")
    (found,) = audit(site(far), policy_of(rack_cap(3))).findings
    assert found.failures is not None
    assert [(loss.device, set(loss.lost)) for loss in found.failures] == [("feed-a", {"s12", "s13", "s14", "s31"})]


def test_without_clients_what_needs_none_is_judged_and_the_rest_is_named() -> None:
    home = {"id": "home", "type": "minimum", "kind": "row", "of": "primary", "least": 1}
    policy = policy_of(rack_cap(1), APART, home, {"id": "s", "type": "survives"}, OVERLAP)
    (found,) = audit(site(cell(*GOOD, instance=None)), policy).findings
    assert {one.rule for one in found.broken} == {"rack-cap"}
    assert found.unjudged == ("apart", "home", "s")
    assert (found.failures, found.availability, found.cost, found.best) == (None, None, None, None)
    (found,) = audit(site(cell(*GOOD)), policy).findings
    assert found.unjudged == ("home",)
    (found,) = audit(site(cell(*GOOD, primary="s14")), policy).findings
    assert found.unjudged == ()


def test_an_audit_is_what_the_same_questions_one_by_one_would_be() -> None:
    """Each cell taken off a site that is built anew: nothing that is kept with a topology is wrong for another."""
    policy = policies.default()
    audited = audit(FLEET, policy)
    assert len(audited.findings) == 12
    for found in audited.findings:
        servers = dict(FLEET.servers)
        for name in found.cell.servers:
            servers[name] = evolve(servers[name], nodes=servers[name].nodes - 1, drained=False)
        others = {name: one for name, one in FLEET.cells.items() if name != found.cell.name}
        alone = loads(dumps(evolve(FLEET, servers=servers, cells=others)), "alone")
        answer = query(alone, policy, Query(str(found.cell.instance)))
        assert (answer.cost, answer.servers) == (found.best, found.best_servers)
    assert any(found.could_be_better for found in audited.findings)


def test_time_that_runs_out_keeps_the_cells_that_were_judged() -> None:
    policy, ticks = policies.default(), 0

    def clock() -> float:
        nonlocal ticks
        ticks += 1
        return float(ticks)

    whole = audit(FLEET, policy, effort=Effort(deadline=1e9, clock=clock))
    needed, seen = ticks, set()
    for deadline in range(1, needed + 2, needed // 7):
        ticks = 0
        found = audit(FLEET, policy, effort=Effort(deadline=float(deadline), clock=clock))
        # Every color that is left asks once, and so does whoever could still tell something.
        assert ticks <= deadline + 12, "the clock was read on, although time was over"
        assert found.findings == whole.findings[: len(found.findings)]
        assert found.complete == (len(found.findings) == found.cells)
        seen.add(len(found.findings))
    assert len(seen) > 4
    assert min(seen) == 0


def test_progress_is_told_of_every_cell() -> None:
    heard: list[str] = []
    audit(FLEET, policies.default(), effort=Effort(told=heard.append))
    assert heard.count("cells") == 12
    assert heard.count("linear programs") >= 12
    assert "steps of a walk" in heard


def test_without_the_best_nobody_looks_for_it() -> None:
    heard: list[str] = []
    found = audit(FLEET, policies.default(), best=False, effort=Effort(told=heard.append))
    assert "linear programs" not in heard
    assert all(one.best is None and one.availability is not None for one in found.findings)


def test_single_cells_can_be_named_and_unknown_ones_are_refused() -> None:
    names = list(FLEET.cells)[3:5]
    found = audit(FLEET, policies.default(), names)
    assert [one.cell.name for one in found.findings] == names
    with pytest.raises(BadQuery, match="there is no cell nothing"):
        audit(FLEET, policies.default(), ["nothing"])


def test_the_clients_of_a_cell_are_in_the_file_and_must_exist() -> None:
    made = site(cell(*GOOD, primary="s14", replica="s43"))
    assert loads(dumps(made), "file").cells == made.cells
    text = dumps(made).replace(b'"instance":"s11"', b'"instance":"s99"')
    with pytest.raises(BadTopology, match="cell c: its instance s99 is no server of this topology"):
        loads(text, "file")

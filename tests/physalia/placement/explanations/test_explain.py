"""Explanations: minimal conflicts in sentences with names and numbers, and the least changes that help."""

from itertools import combinations
from typing import Any

import pytest
from attrs import evolve

from physalia.cli.place.printing import explanation_lines
from physalia.placement.explanations.explain import explain
from physalia.placement.rules.policy import Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Cell, Topology
from physalia.placement.solver import search
from physalia.placement.solver.answer import query
from physalia.placement.solver.instance import Instance
from physalia.placement.solver.linear import Relaxation, Undecided
from physalia.placement.survival import cuts
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks


def _site(**given: Any) -> Topology:
    return row_of_racks(**{"racks": 4, "servers_per_rack": 4, **given})


def _drained(topology: Topology, names: set[str]) -> Topology:
    return evolve(topology, servers={n: evolve(s, drained=n in names) for n, s in topology.servers.items()})


def _full(topology: Topology, names: set[str]) -> Topology:
    servers = {n: evolve(s, nodes=s.capacity) if n in names else s for n, s in topology.servers.items()}
    return evolve(topology, servers=servers)


def _all_but(topology: Topology, kept: int) -> set[str]:
    return set(sorted(topology.servers)[kept:])


NEAR = {"id": "near", "type": "hop-limit", "client": "instance", "most": 2}
SITE, LARGE = _site(), _site(servers_per_rack=8)
CONFLICTS: dict[str, tuple[Topology, Policy, Query, set[str], list[str]]] = {
    "a cap on feeds": (
        SITE, policy_of({"id": "feed-cap", "type": "cap", "kind": "feed", "most": 3}, rack_cap(3)), Query("s11"),
        {"feed-cap"}, ["feeds feed-a and feed-b can take 3 each by feed-cap: 6 of 7."],
    ),
    "a cap on rows": (
        SITE, policy_of({"id": "row-cap", "type": "cap", "kind": "row", "most": 3}), Query("s11"),
        {"row-cap"}, ["row-1 and row-2 can take 3 each by row-cap: 6 of 7."],
    ),
    "distance against a cap": (
        LARGE, policy_of(rack_cap(3), NEAR), Query("s11"), {"rack-cap", "near"},
        ["near: 8 of 32 blue servers are within 2 hops of the instance", "rack r1 can take 3 by rack-cap: 3 of 7."],
    ),
    "distance from two clients": (
        LARGE, policy_of({**NEAR, "id": "a"}, {**NEAR, "id": "b", "client": "primary"}), Query("s11", primary="s31"),
        {"a", "b"}, ["a: 8 of 32", "b: 8 of 32", "there are 0 usable blue servers: 0 of 7."],
    ),
    "a single failure": (
        SITE, policy_of({"type": "single-failure", "most": 3}), Query("s11"),
        {"single-failure"}, ["what feed-a and feed-b feed alone can take 3 each by single-failure: 6 of 7."],
    ),
    "a pair cap": (
        SITE, policy_of({"type": "pair-cap", "kind": "feed", "most": 2}), Query("s11"),
        {"pair-cap"}, ["feeds feed-a and feed-b can take 2 each by pair-cap: 4 of 7."],
    ),
    "a minimum against a cap": (
        SITE, policy_of({"id": "home", "type": "minimum", "kind": "rack", "least": 4, "of": "instance"}, rack_cap(2)),
        Query("s11"), {"home", "rack-cap"},
        ["home asks for at least 4 nodes in rack r1, which can take 2 by rack-cap."],
    ),
    "two minima": (
        SITE,
        policy_of(
            {"id": "home", "type": "minimum", "kind": "row", "least": 4, "of": "instance"},
            {"id": "away", "type": "minimum", "kind": "row", "least": 4, "name": "row-2"},
        ),
        Query("s11"), {"home", "away"}, ["home asks for at least 4 nodes in row-1", "together 8 of 7."],
    ),
    "a minimum where there is no power": (
        SITE, policy_of({"id": "home", "type": "minimum", "kind": "ups", "least": 1, "of": "instance"}), Query("s11"),
        {"home"}, ["home asks for 1 nodes in the ups domain of the instance, which has none."],
    ),
    "drained servers": (
        _drained(SITE, _all_but(SITE, 5)), policy_of(rack_cap(3)), Query("s11"),
        {"drained"}, ["11 of 16 blue servers are drained."],
    ),
    "full servers": (
        _full(SITE, _all_but(SITE, 6)), policy_of(), Query("s11"),
        {"capacity"}, ["10 of 16 blue servers are full.", "there are 6 usable blue servers: 6 of 7."],
    ),
    "the volume's own servers": (
        _site(racks=2, servers_per_rack=4), policy_of({"id": "apart", "type": "anti-affinity"}),
        Query("s11", primary="s21"),
        {"apart"}, ["apart: s11 and s21 are the volume's own.", "there are 6 usable blue servers: 6 of 7."],
    ),
    "another cell": (
        _site(racks=2, cells=(Cell("old", tuple(f"s1{at}" for at in (1, 2, 3, 4))),)),
        policy_of({"type": "overlap", "most": 2}), Query("s11"),
        {"overlap"}, ["cell old can take 2 by overlap; there are 4 other usable blue servers: 6 of 7."],
    ),
    "survival": (
        _site(racks=5, aggregations=1), policy_of({"type": "survives"}, rack_cap(3)), Query("s11"),
        {"survives", "rack-cap"}, ["cuts off can take 3 by survives"],
    ),
    "too few servers": (
        _site(racks=1), policy_of(rack_cap(4)), Query("s11"), set(), ["there are 4 usable blue servers: 4 of 7."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_is_named_with_numbers(name: str) -> None:
    topology, policy, asked, rules, sentences = CONFLICTS[name]
    explained = explain(topology, policy, asked)
    (conflict,) = explained.conflicts
    assert conflict.color == "blue"
    assert set(conflict.rules) == rules
    told = " ".join(conflict.sentences)
    for sentence in sentences:
        assert sentence in told, conflict.sentences


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_is_minimal(name: str) -> None:
    """Those rules alone are too many, and without any one of them there is a placement."""
    topology, policy, asked, rules, _ = CONFLICTS[name]
    for size in (len(rules), len(rules) - 1) if rules else (0,):
        for kept in combinations(sorted(rules), size):
            fixed = {
                name: evolve(
                    server,
                    drained=server.drained and "drained" in kept,
                    capacity=server.capacity if "capacity" in kept else server.nodes + 1,
                )
                for name, server in topology.servers.items()
            }
            ruling = evolve(policy, rules=tuple(rule for rule in policy.rules if rule.id in kept))
            verdict = query(evolve(topology, servers=fixed), ruling, asked).verdict
            assert verdict == ("impossible" if size == len(rules) else "placed"), kept


@pytest.mark.parametrize("name", CONFLICTS)
def test_every_change_that_is_offered_helps_and_no_smaller_one_of_its_rule_does(name: str) -> None:
    topology, policy, asked, rules, _ = CONFLICTS[name]
    explained = explain(topology, policy, asked)
    assert bool(explained.relaxations) == bool(rules)
    assert {one.rule for one in explained.relaxations} <= rules
    amounts = [one.amount for one in explained.relaxations]
    assert amounts == sorted(amounts)
    for one in explained.relaxations:
        assert len(one.servers) == policy.cell_size
        for rule in policy.rules:
            if rule.id != one.rule:
                continue
            for less in range(1, one.amount + 1):
                changed = _changed(rule, less)
                if changed is None:
                    break
                kept = tuple(changed if other is rule else other for other in policy.rules)
                answer = query(topology, evolve(policy, rules=kept), asked)
                assert (answer.verdict == "placed") == (less == one.amount)
                if less == one.amount:
                    assert answer.cost == one.cost


def _changed(rule: Any, less: int) -> Any:
    if hasattr(rule, "most"):
        return evolve(rule, most=rule.most + less)
    return evolve(rule, least=rule.least - less) if hasattr(rule, "least") else None


def test_as_few_servers_as_will_do_are_taken_back() -> None:
    topology = _drained(SITE, _all_but(SITE, 5))
    explained = explain(topology, policy_of(rack_cap(3)), Query("s11"))
    (change,) = explained.relaxations
    assert change.amount == 3  # s11 to s14 may hold 3, s21 one, so that 3 are missing
    assert change.change.startswith("take back into service s")
    assert len(set(change.servers) - {"s11", "s12", "s13", "s14", "s21"}) == 3


def test_room_is_made_on_as_few_servers_as_will_do() -> None:
    explained = explain(_full(SITE, _all_but(SITE, 6)), policy_of(), Query("s11"))
    (change,) = explained.relaxations
    assert change.amount == 1
    assert change.change.startswith("make room for a node on s")


def test_every_color_is_explained_and_mixing_them_is_offered() -> None:
    topology = _site(colors=("blue", "green"), racks=3)
    explained = explain(topology, policy_of(), Query("s11"))
    assert [one.color for one in explained.conflicts] == ["blue", "green"]
    (change,) = explained.relaxations
    assert change.rule == "color"
    assert change.change == "let the cell be of several colors"


def test_another_color_is_offered_where_one_was_asked_for() -> None:
    topology = _drained(_site(colors=("blue", "green")), {"s11", "s13"})
    explained = explain(topology, policy_of(), Query("s11", color="blue"))
    assert [one.color for one in explained.conflicts] == ["blue"]
    assert "ask for green instead of blue" in [one.change for one in explained.relaxations]


def test_where_domains_cross_the_conflict_is_found_all_the_same() -> None:
    """Any two of three servers share a cell, and only they are left."""
    pairs = (("s11", "s21"), ("s21", "s31"), ("s11", "s31"))
    topology = _site(
        servers_per_rack=1, racks=3, nodes=2, cells=tuple(Cell(f"c{a}", pair) for a, pair in enumerate(pairs))
    )
    explained = explain(topology, policy_of({"type": "overlap", "most": 1}, cell_size=2), Query("s11"))
    (conflict,) = explained.conflicts
    assert conflict.rules == ("overlap",)
    assert conflict.sentences


def test_a_search_that_stays_open_explains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(instance: Instance) -> Relaxation:
        raise Undecided("the numbers prove nothing")

    monkeypatch.setattr(search, "relax", undecided)
    explained = explain(SITE, policy_of(rack_cap(3)), Query("s11"))
    assert (explained.verdict, explained.placeable, explained.conflicts) == ("inconclusive", False, ())
    assert list(explanation_lines(explained)) == [
        "inconclusive: neither a placement was found, nor a proof that there is none."
    ]


def test_what_can_be_placed_needs_no_explanation() -> None:
    explained = explain(SITE, policy_of(rack_cap(3)), Query("s11"))
    assert explained.placeable
    assert not explained.relaxations


def test_what_failures_cut_off_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever explains asks a dozen questions about one instance, and at 100,000 servers each would take long."""
    asked: list[str] = []

    def counted(topology: Topology, instance: str, more_than: int) -> dict[str, cuts.Cut]:
        asked.append(instance)
        return worked_out(topology, instance, more_than)

    worked_out = cuts._cut_sets
    monkeypatch.setattr(cuts, "_cut_sets", counted)
    policy = policy_of({"type": "survives"}, rack_cap(1), NEAR)
    explained = explain(_site(), policy, Query("s11"))
    assert explained.conflicts
    assert asked == ["s11"]

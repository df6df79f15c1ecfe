"""The rules by definition: each is broken by something, and says by what."""

from typing import Any

import pytest
from attrs import evolve

from physalia.placement.rules.costs import Cost, Weights
from physalia.placement.rules.judge import broken, cost
from physalia.placement.rules.queries import Query
from physalia.placement.site.topology import Cell, Server
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks

SITE = row_of_racks(colors=("blue", "green"), cells=(Cell("other", ("s11", "s13", "s21")),))
GOOD = ("s11", "s21", "s31")


def _with(**changes: Any) -> Any:
    servers = dict(SITE.servers)
    servers["s11"] = evolve(servers["s11"], **changes)
    return evolve(SITE, servers=servers)


def test_a_good_placement_breaks_no_rule() -> None:
    policy = policy_of(rack_cap(1), {"type": "single-failure", "most": 2}, {"type": "overlap", "most": 2}, cell_size=3)
    assert broken(SITE, policy, Query("s41"), GOOD) == []


@pytest.mark.parametrize(
    ("rule", "servers", "rule_id", "sentence"),
    [
        (rack_cap(1), ("s11", "s13", "s21"), "rack-cap", "2 nodes are in rack r1; 1 may be."),
        ({"type": "cap", "kind": "row", "most": 1}, GOOD, "cap", "2 nodes are in row row-1; 1 may be."),
        ({"type": "pair-cap", "most": 1}, GOOD, "pair-cap", "2 nodes are in feed feed-a; 1 may be."),
        (
            {"type": "pair-cap", "kind": "pdu", "most": 1}, ("s11", "s13", "s21"),
            "pair-cap", "2 nodes are in pdu pdu-r1; 1 may be.",
        ),
        ({"type": "single-failure", "most": 1}, GOOD, "single-failure", "2 nodes lose power if feed-a fails; 1 may."),
        (
            {"type": "single-failure", "most": 1}, ("s11", "s13", "s21"),
            "single-failure", "2 nodes lose power if r1 fails; 1 may.",
        ),
        (
            {"type": "minimum", "kind": "row", "least": 2, "of": "instance"},
            GOOD, "minimum", "1 nodes are in row row-2; at least 2 must be.",
        ),
        (
            {"type": "minimum", "kind": "rack", "least": 1, "name": "r4"},
            GOOD, "minimum", "0 nodes are in rack r4; at least 1 must be.",
        ),
        (
            {"type": "hop-limit", "client": "instance", "most": 2}, GOOD,
            "hop-limit", "server s11 is 4 hops from the instance; 2 are allowed.",
        ),
        (
            {"type": "hop-limit", "client": "instance", "most": 3}, GOOD,
            "hop-limit", "server s11 is 4 hops from the instance; 3 are allowed.",
        ),
        ({"type": "anti-affinity"}, ("s11", "s21", "s41"), "anti-affinity", "server s41 is the instance of the volume"),
        ({"type": "overlap", "most": 1}, GOOD, "overlap", "2 servers are shared with cell other; 1 may be."),
        ({"type": "survives"}, ("s11", "s13", "s21"), "survives", "does not reach s11, s13"),
    ],
)  # fmt: skip
def test_every_rule_is_broken_by_something(
    rule: dict[str, Any], servers: tuple[str, ...], rule_id: str, sentence: str
) -> None:
    found = broken(SITE, policy_of(rule, cell_size=3), Query("s41"), servers)
    assert {one.rule for one in found} == {rule_id}
    assert sentence in found[0].sentence


@pytest.mark.parametrize(
    ("changes", "rule_id", "sentence"),
    [
        ({"drained": True}, "drained", "server s11 is drained."),
        ({"capacity": 1}, "capacity", "server s11 holds 1 of 1 nodes: it is full."),
        ({"color": "red"}, "color", "the cell is of the colors blue, red."),
    ],
)
def test_what_always_holds_is_broken_too(changes: dict[str, Any], rule_id: str, sentence: str) -> None:
    found = broken(_with(**changes), policy_of(cell_size=3), Query("s41"), GOOD)
    assert [(one.rule, one.sentence) for one in found] == [(rule_id, sentence)]


@pytest.mark.parametrize("servers", [GOOD[:2], (*GOOD[:2], GOOD[0]), (*GOOD, "s41"), ("s11", "s21", "s99")])
def test_a_cell_has_its_size_on_servers_that_exist(servers: tuple[str, ...]) -> None:
    assert [one.rule for one in broken(SITE, policy_of(cell_size=3), Query("s41"), servers)] == ["size"]


def test_a_color_that_is_asked_for() -> None:
    found = broken(SITE, policy_of(cell_size=3, one_color=False), Query("s41", color="green"), GOOD)
    assert [one.rule for one in found] == ["color"]


def test_an_unreachable_server_is_no_place() -> None:
    island = Server("s99", "r1", ("tor-alone",), "blue", 10)
    from physalia.placement.site.topology import Switch  # noqa: PLC0415

    site = evolve(
        SITE,
        servers={**SITE.servers, "s99": island},
        switches={**SITE.switches, "tor-alone": Switch("tor-alone", "rack", "r1")},
    )
    found = broken(site, policy_of(cell_size=3), Query("s41"), ("s99", "s21", "s31"))
    assert [one.rule for one in found] == ["reachable"]
    assert cost(site, policy_of(cell_size=3), Query("s41"), ("s99", "s21", "s31")) is None


def test_cost_by_hand() -> None:
    """From s11: s12 is 2 away, s21 and s22 are 4; r1 is the instance's own, so that only r2 counts as spread."""
    policy = policy_of(cell_size=3, spread=["rack"])
    assert cost(SITE, policy, Query("s11"), ("s12", "s21", "s22")) == Cost(4, 1, 10, 3)
    assert cost(SITE, policy, Query("s11", replica="s11"), ("s12", "s21", "s22")) == Cost(4, 1, 20, 3)
    assert cost(SITE, policy, Query("s11"), ("s11", "s21", "s22")) == Cost(4, 1, 8, 3)


def test_one_sum_stands_for_the_order() -> None:
    weights = Weights(spread=1000, hops=10)
    cost_of = Cost(4, 2, 31, 7)
    assert weights.total(cost_of) == 2317
    assert weights.cost(4, 2317) == cost_of

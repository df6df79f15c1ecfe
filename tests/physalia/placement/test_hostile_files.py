"""Files that nobody means well with: whatever is changed in them, they are read or refused in a sentence."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from physalia.placement.errors import BadPolicy, BadTopology
from physalia.placement.netbox.dump import loads as loads_dump
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Chassis, Options, Uplinks
from physalia.placement.rules import policy as policies
from physalia.placement.site.format import dumps, loads
from tests.physalia.placement.harbour import harbour
from tests.physalia.placement.sites import small_site

ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        1,
        7,
        10**30,
        0.5,
        1e300,
        "",
        " ",
        "a--b",
        "tor-1",
        "feed-a",
        "\u2603",
        "A",
        [],
        ["x"],
        {},
        {"a": 1},
    ]
)
HARBOUR = json.dumps(harbour())


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a document."""
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [place for key in keys for place in ((*path, key), *places(document[key], (*path, key)))]


def damage(draw: st.DrawFn, document: Any, among: list[tuple[Any, ...]]) -> None:
    """Replace, remove or double a value at a place that is drawn."""
    *path, key = draw(st.sampled_from(among))
    at = document
    for step in path:
        at = at[step]
    how = draw(st.sampled_from(["replace", "remove", "double"]))
    if how == "remove":
        del at[key]
    elif how == "double" and isinstance(at, list):
        at.append(at[key])
    else:
        at[key] = draw(ODD)


@st.composite
def damaged_sites(draw: st.DrawFn) -> Any:
    site = small_site()
    damage(draw, site, places(site))
    return site


@st.composite
def damaged_inventories(draw: st.DrawFn) -> Any:
    entries = json.loads(HARBOUR)
    damage(draw, entries, PLACES)
    return entries


PLACES = places(json.loads(HARBOUR))


def assert_one_sentence(error: Exception, where: str) -> None:
    assert str(error).startswith(f"{where}: ")
    assert str(error).endswith(".")
    assert str(error).isprintable()


@settings(max_examples=400, deadline=None)
@given(damaged_sites())
def test_a_damaged_topology_is_read_or_refused_in_a_sentence(site: Any) -> None:
    try:
        topology = loads(json.dumps(site).encode(), "site.json")
    except BadTopology as error:
        assert_one_sentence(error, "site.json")
    else:
        assert loads(dumps(topology), "again") == topology
        for rack in topology.racks:
            assert topology.single_points(rack) <= set(topology.powers)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(damaged_inventories(), st.sampled_from(Chassis), st.sampled_from(Uplinks))
def test_a_damaged_inventory_is_read_or_refused_in_a_sentence(entries: Any, chassis: Chassis, uplinks: Uplinks) -> None:
    options = Options(site="harbour-1", chassis=chassis, uplinks=uplinks, servers_per_rack=5, switches_per_rack=1)
    try:
        found = import_site(loads_dump(json.dumps(entries).encode(), "dump.json"), options)
    except BadTopology as error:
        assert_one_sentence(error, "dump.json")
    else:
        assert loads(dumps(found.topology), "again") == found.topology


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "cell_size": ODD,
            "one_color": ODD,
            "spread": ODD | st.lists(ODD, max_size=2),
            "rules": ODD
            | st.lists(
                st.fixed_dictionaries(
                    {"type": st.sampled_from(list(policies.TYPES)) | ODD, "id": st.just("r") | ODD},
                    optional=dict.fromkeys(("kind", "most", "least", "name", "of", "client"), ODD),
                ),
                max_size=2,
            ),
        },
    )
)
def test_a_damaged_policy_is_read_or_refused_in_a_sentence(document: dict[str, Any]) -> None:
    try:
        policy = policies.from_document(document, "p.toml")
    except BadPolicy as error:
        assert_one_sentence(error, "p.toml")
    else:
        assert policies.from_document(policies.to_document(policy), "again") == policy


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b'{"name": "\\ud800"}'])
def test_what_is_nested_too_deeply_or_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(BadTopology) as caught:
        loads(content, "deep.json")
    assert_one_sentence(caught.value, "deep.json")
    with pytest.raises(BadTopology) as caught:
        loads_dump(content, "deep.json")
    assert_one_sentence(caught.value, "deep.json")

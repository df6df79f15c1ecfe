"""The examples that are shipped: each is there, is what it says, and can be used."""

from pathlib import Path

import pytest

from physalia.placement.errors import PlacementError
from physalia.placement.netbox.dump import read as read_dump
from physalia.placement.netbox.inventory import import_site
from physalia.placement.netbox.options import Options
from physalia.placement.rules import policy as policies
from physalia.placement.site.format import dumps, read
from physalia.placement.site.generate import generate
from physalia.placement.site.shipped import EXAMPLES, FABRICS, example


def test_what_is_listed_is_what_is_shipped() -> None:
    assert {path.name for path in example("single-fed.json").parent.iterdir()} == set(EXAMPLES)


@pytest.mark.parametrize("name", FABRICS)
def test_a_shipped_topology_is_the_generated_one(name: str) -> None:
    assert example(name).read_bytes() == dumps(generate(FABRICS[name]))
    assert read(example(name)) == generate(FABRICS[name])


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.endswith(".toml")])
def test_a_shipped_policy_can_be_read(name: str) -> None:
    assert policies.read(example(name)).rules


def test_the_shipped_inventory_has_three_sets_of_feeds() -> None:
    site = import_site(read_dump(example("netbox-harbour.json")), Options(site="harbour-1")).topology
    assert {site.powers_above(rack)["feed"] for rack in site.racks} == {
        frozenset({"MDB-1", "MDB-2"}),
        frozenset({"MDB-1"}),
        frozenset({"MDB-3", "MDB-4"}),
    }


def test_an_unknown_example_is_named() -> None:
    with pytest.raises(PlacementError, match=r"there is no example triple-fed\.json; there are single-fed\.json"):
        example("triple-fed.json")


def test_examples_are_small(tmp_path: Path) -> None:
    assert sum(example(name).stat().st_size for name in EXAMPLES) < 500_000

"""What is known of leaves, bridges and cut vertices spares walks, and is what a walk over the network finds."""

import numpy as np
import pytest
from attrs import evolve

from physalia.blast_radius.network import Network
from physalia.fleet.sites import Site
from physalia.placement.site.generate import Feeding
from physalia.placement.site.topology import Link
from tests.physalia.fleet.fleets import topology_of


class Walks(Network):
    """A network that knows nothing of its switches, and walks every time."""

    _leaves: frozenset[str] = frozenset()


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of pieces tell the same, by whatever names the pieces go."""
    pairs = set(zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
    return len({first for first, _ in pairs}) == len(pairs) == len({second for _, second in pairs})


@pytest.mark.parametrize("feeding", list(Feeding))
def test_no_device_alone_is_told_otherwise_than_by_a_walk(feeding: Feeding) -> None:
    site = Site.of(topology_of(240, feeding=feeding))
    quick, slow = Network(site), Walks(site)
    assert quick._leaves
    assert not slow._leaves
    for device in quick.devices():
        walked = slow.without([device])
        for found in (quick.alone(device), quick.without([device])):
            assert same(found.pieces, walked.pieces), device
            assert (found.lit == walked.lit).all(), device


def test_switches_that_others_need_are_no_leaves() -> None:
    """Two aggregation switches that only a top-of-rack switch joins, and one that hangs on another one alone."""
    topology = topology_of(240)
    joined = {link: one for link, one in topology.links.items() if "core" not in link and "agg-1-2" not in link}
    joined["tor-1-01--agg-1-2"] = Link("tor-1-01--agg-1-2", ("tor-1-01", "agg-1-2"))
    assert not Network(Site.of(evolve(topology, links=joined)))._leaves
    chained = {link: one for link, one in topology.links.items() if not link.startswith("tor-1-02--")}
    chained["tor-1-02--tor-1-03"] = Link("tor-1-02--tor-1-03", ("tor-1-02", "tor-1-03"))
    network = Network(Site.of(evolve(topology, links=chained)))
    assert not network._leaves
    for device in ("tor-1-03", "rack-1-03", "tor-1-02--tor-1-03"):
        assert same(network.alone(device).pieces, Walks(network.site).without([device]).pieces)

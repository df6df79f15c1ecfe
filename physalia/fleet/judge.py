"""Every cell of a fleet, judged by the rules all at once: what each breaks, in sentences, counted in arrays.

This shares nothing with the way in which cells are placed but the limits that the rules come to.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from attrs import frozen

from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import CLIENTS, NOBODY, Rules
from physalia.fleet.sites import UNREACHED, Ints, Site
from physalia.placement.rules.policy import AntiAffinity, HopLimit, Overlap

CHUNK = 100_000


@frozen
class Wrong:
    """A rule that a cell breaks, or a server; ``what`` is the name of the one that does."""

    what: str
    rule: str
    sentence: str


def wrong(site: Site, rules: Rules, fleet: Fleet) -> Iterator[Wrong]:
    """What is wrong with the placed cells of a fleet, rule by rule; nothing if every rule is kept.

    Of several rules that say the same of the same place, or of which one implies the other, one is named.
    """
    placed = np.flatnonzero(fleet.placed)
    yield from _crowded(site, fleet)
    for start in range(0, len(placed), CHUNK):
        some = placed[start : start + CHUNK]
        yield from _cells(site, rules, fleet, some)
    yield from _alike(site, rules, fleet, placed)


def _crowded(site: Site, fleet: Fleet) -> Iterator[Wrong]:
    nodes = fleet.nodes(len(site.names))
    for server in np.flatnonzero(nodes > site.room).tolist():
        own = f"server {site.names[server]}"
        if site.closed[server]:
            yield Wrong(own, "drained", f"{own} is drained, and {nodes[server]} nodes of the fleet are on it.")
        else:
            held = nodes[server] + site.held[server]
            yield Wrong(own, "capacity", f"{own} holds {held} nodes and may hold {site.capacity[server]}.")


def _cells(site: Site, rules: Rules, fleet: Fleet, some: Ints) -> Iterator[Wrong]:
    cells = fleet.cells[some].astype(np.int64)
    in_order = np.sort(cells, axis=1)
    for at in some[(in_order[:, 1:] == in_order[:, :-1]).any(axis=1)].tolist():
        yield Wrong(fleet.name(at), "size", "two nodes of the cell are on one server.")
    if rules.policy.one_color:
        colors = site.color_of[cells]
        for at in some[(colors != colors[:, :1]).any(axis=1)].tolist():
            yield Wrong(fleet.name(at), "color", "the nodes of the cell are of several colors.")
    apart = next((rule.id for rule in rules.policy.rules if isinstance(rule, AntiAffinity)), None)
    if apart is not None:
        own = (cells[:, :, None] == fleet.clients[some][:, None, :]).any(axis=(1, 2))
        for at in some[own].tolist():
            yield Wrong(fleet.name(at), apart, "a node of the cell is on a server of its volume.")
    yield from _over(site, rules, fleet, some, cells)
    yield from _by_volume(site, rules, fleet, some)


def _over(site: Site, rules: Rules, fleet: Fleet, some: Ints, cells: Ints) -> Iterator[Wrong]:
    """The limits that hold for all cells: nodes are counted by cell and limit."""
    most_at = max(map(len, rules.limits_at), default=0)
    if not most_at:
        return
    under = np.full((len(site.stands), most_at), -1, dtype=np.int64)
    for stand, at in enumerate(rules.limits_at):
        under[stand, : len(at)] = at
    limits = under[site.stand_of[cells]].reshape(len(some), -1)
    keys = np.arange(len(some))[:, None] * len(rules.limits) + limits
    found, counts = np.unique(keys[limits >= 0], return_counts=True)
    most = np.array([limit.most for limit in rules.limits])
    for key, count in zip(
        found[counts > most[found % len(most)]].tolist(), counts[counts > most[found % len(most)]].tolist(), strict=True
    ):
        limit = rules.limits[key % len(most)]
        yield Wrong(
            fleet.name(int(some[key // len(most)])),
            limit.rule,
            f"{count} nodes are in {limit.what}; {limit.most} may be.",
        )


def _by_volume(site: Site, rules: Rules, fleet: Fleet, some: Ints) -> Iterator[Wrong]:
    """What depends on the clients: ways, cuts and minimum counts."""
    stands = site.stand_of[fleet.cells[some]]
    for column, client in enumerate(CLIENTS):
        servers = fleet.clients[some, column]
        known, at_known = np.unique(site.stand_of[servers], return_inverse=True)
        ways = np.stack([site.hops(stand) for stand in known.tolist()])
        there = (servers != NOBODY)[:, None]
        hops = np.where(there, ways[at_known.reshape(-1, 1), stands], 1)
        for at in some[(hops == UNREACHED).any(axis=1)].tolist():
            yield Wrong(fleet.name(at), "reachable", f"no path leads from the {client} to a node of the cell.")
        for rule in rules.policy.rules:
            if isinstance(rule, HopLimit) and rule.client == client:
                far = there & (hops > rule.most) & (fleet.cells[some] != servers[:, None])
                for at in some[far.any(axis=1)].tolist():
                    yield Wrong(fleet.name(at), rule.id, f"a node is more than {rule.most} hops from the {client}.")
    for at in some.tolist() if rules.speaks_of_volumes else ():
        volume, own = fleet.volume(at), site.stand_of[fleet.cells[at]].tolist()
        for cut in rules.cuts(volume):
            count = sum(stand in cut.stands for stand in own)
            if count > cut.most:
                yield Wrong(fleet.name(at), cut.rule, f"{count} nodes are in {cut.what}; {cut.most} may be.")
        for identity, alone in rules.hanging(volume).items():
            for server in sorted(alone.intersection(fleet.cells[at].tolist())):
                yield Wrong(fleet.name(at), identity, f"{site.names[server]} is cut off if its one link fails.")
        for least in rules.leasts(volume):
            count = sum(stand in least.stands for stand in own)
            if count < least.least:
                sentence = f"{count} nodes are in {least.what}; at least {least.least} must be."
                yield Wrong(fleet.name(at), least.rule, sentence)


def _alike(site: Site, rules: Rules, fleet: Fleet, placed: Ints) -> Iterator[Wrong]:
    """Cells that share too many servers: two that share m + 1 have a group of m + 1 in common. Groups are sorted."""
    most = rules.most_shared
    if most is None or most >= fleet.cells.shape[1]:
        return
    rule = next(rule.id for rule in rules.policy.rules if isinstance(rule, Overlap) and rule.most == most)
    size = fleet.cells.shape[1]
    cells = np.sort(fleet.cells[placed].astype(np.uint64), axis=1)
    listed = {name: sorted(site.number[one] for one in cell.servers) for name, cell in site.topology.cells.items()}
    for name, servers in listed.items():
        if len(servers) != size:
            shared = np.isin(fleet.cells[placed], servers).sum(axis=1)
            for at in np.flatnonzero(shared > most).tolist():
                sentence = f"{shared[at]} servers are shared with cell {name}; {most} may be."
                yield Wrong(fleet.name(int(placed[at])), rule, sentence)
    others = [name for name, servers in listed.items() if len(servers) == size]
    alike = np.array([listed[name] for name in others], dtype=np.uint64).reshape(-1, size)
    cells = np.concatenate([cells, alike])
    groups = list(combinations(range(size), most + 1))
    keys = np.zeros((len(groups), len(cells)), dtype=np.uint64)
    for at, group in enumerate(groups):
        for column in group:
            keys[at] = (keys[at] ^ cells[:, column]) * _MIX + np.uint64(1)
            keys[at] ^= keys[at] >> np.uint64(29)
    flat = keys.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    reported: set[tuple[int, int]] = set()
    for at in twice.tolist():
        one, other = sorted((int(order[at]) % len(cells), int(order[at + 1]) % len(cells)))
        if (one, other) in reported or one >= len(placed):
            continue
        both = len(set(cells[one].tolist()) & set(cells[other].tolist()))
        if both > most:  # else two different groups were mixed into one number
            reported.add((one, other))
            name = fleet.name(int(placed[other])) if other < len(placed) else others[other - len(placed)]
            yield Wrong(
                fleet.name(int(placed[one])), rule, f"{both} servers are shared with cell {name}; {most} may be."
            )


_MIX = np.uint64(0x9E3779B97F4A7C15)

"""The blast radius as the running code counts it, against its definition: every set, every device, the worst pair.

And what is claimed of it, on the same sets: whoever keeps the premise of a claim must see it hold.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from conformance.blast_radius.every_set import Asked, EverySet
from conformance.blast_radius.expected import judge_expectation
from conformance.blast_radius.sites import Case
from conformance.placement.definition import World, majority, single_failures
from conformance.refutation import Refuted
from physalia.blast_radius.fates import Fates, Seen, fates, under
from physalia.blast_radius.four import by_servers, worst_group
from physalia.blast_radius.pairs import SIDE_BY_SIDE, worst_pair
from physalia.blast_radius.singles import Impact, Volumes, harmed, singles
from physalia.blast_radius.together import harmed_by
from physalia.fleet.errors import BadFleet
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.site.topology import Topology

SAMPLED = 64
"""So many of the sets are asked for by name too."""


def judge_every_set(case: Case) -> Iterator[str]:
    """The fate of every volume under every set; Refuted at the first that is another one. Marks of what was seen."""
    site, every = Site.of(case.topology), EverySet(case.topology, case.devices)
    fleet = case.fleet(site)
    network, rows = Volumes(site, fleet).network, np.arange(len(fleet))
    own = [one for one in every.devices if case.topology.kind_of(one) == "server" or _is_own_link(case.topology, one)]
    fabric = [one for one in every.devices if one not in own]
    blast, unserved = (np.zeros((len(fleet), len(every.number)), dtype=np.bool_) for _ in range(2))
    bit = {one: 1 << at for at, one in enumerate(every.devices)}
    subsets = [tuple(one for at, one in enumerate(own) if chosen >> at & 1) for chosen in range(1 << len(own))]
    for chosen in range(1 << len(fabric)):
        failed = tuple(one for at, one in enumerate(fabric) if chosen >> at & 1)
        found = _beside(site, Seen.of(site, network.without(failed), fleet, rows), subsets)
        numbers = [sum(bit[one] for one in (*failed, *more)) for more in subsets]
        blast[:, numbers], unserved[:, numbers] = found.blast.T, found.unserved.T
    for at, asked in enumerate(case.volumes):
        real = every.fates(asked)
        for what, counted, meant in (("in blast", blast[at], real.blast), ("unserved", unserved[at], real.unserved)):
            wrong = np.flatnonzero(counted != meant)
            if len(wrong):
                names = every.names(int(wrong[0]))
                said = "is not" if meant[wrong[0]] else "is"
                raise Refuted(f"when {', '.join(names) or 'nothing'} fails, {words(asked)} {said} counted as {what}")
        yield from _marks(real.blast, real.unserved)
    for number in np.linspace(0, len(every.number) - 1, SAMPLED).astype(int).tolist():
        failed = every.names(number)
        some = under(site, network.without(failed), fleet, failed, rows)
        if not np.array_equal(some.blast, blast[:, number]) or not np.array_equal(some.unserved, unserved[:, number]):
            raise Refuted(f"asked by name, {', '.join(failed)} make other fates than counted at once")


def _is_own_link(topology: Topology, device: str) -> bool:
    return device.partition("--")[0] in topology.servers


def _beside(site: Site, seen: Seen, subsets: list[tuple[str, ...]]) -> Fates:
    """The fates under one fabric, for each set of servers and links of servers that fail beside it: a row for each."""
    times, volumes = len(subsets), len(seen.servers)
    many = Seen(
        np.tile(seen.servers, (times, 1)), np.tile(seen.pieces, (times, 1, 1)), np.tile(seen.alive, (times, 1))
    )  # fmt: skip
    which = np.repeat(np.arange(times), volumes)[:, None]
    for name in dict.fromkeys(one for subset in subsets for one in subset):
        struck = np.array([name in subset for subset in subsets])[which]
        server, joint, switch = name.partition("--")
        hit = struck & (many.servers == site.number[server])
        if joint:
            many = many.without_links(hit, site.topology.servers[server].switches.index(switch))
        else:
            many = many.without_servers(hit)
    found = fates(many)
    return Fates(found.blast.reshape(times, volumes), found.unserved.reshape(times, volumes))


def _marks(blast: np.ndarray, unserved: np.ndarray) -> Iterator[str]:
    if blast.any():
        yield "a volume in blast"
    if (unserved & ~blast).any():
        yield "a volume unserved and whole"
    if not unserved.all():
        yield "a volume that is served or lost anyway"


def judge_claims(case: Case) -> Iterator[str]:
    """The claims, for every volume of a case; Refuted where one does not hold though its premise does."""
    every = EverySet(case.topology, case.devices)
    single = np.array([number.bit_count() <= 1 for number in range(len(every.number))])
    for asked in case.volumes:
        found, home = every.fates(asked), home_of(case.topology, asked)
        seen = {client: survives(case.topology, asked, client) for client in ("instance", *asked.copies)}
        if all(seen.values()):
            yield from _must(asked, every, "by one failure", single, ~found.unserved, found.up & ~found.whole)
        elif seen["instance"] and (single & found.blast).any():
            yield "in blast by one failure, though the cell survives as the instance sees it"
        if home is not None:
            far = every.disjoint(home)
            yield from _must(asked, every, "locality", far, ~found.unserved, far & (every.number > 0))
        elif (every.disjoint(row_of(case.topology, asked)) & found.unserved).any():
            yield "unserved by failures outside of the row, for a cell that is not in it"
        goes_on = every.goes_on(asked)
        yield from _must(asked, every, "pieces", goes_on, found.served, goes_on & ~found.whole)


def _must(
    asked: Asked, every: EverySet, claim: str, premise: np.ndarray, holds: np.ndarray, witness: np.ndarray
) -> Iterator[str]:
    wrong = np.flatnonzero(premise & ~holds)
    if len(wrong):
        failed = ", ".join(every.names(int(wrong[0]))) or "nothing"
        raise Refuted(f"{claim}: {words(asked)} is not served when {failed} fails")
    if (premise & witness).any():
        yield f"{claim}: the premise holds"


def survives(topology: Topology, asked: Asked, client: str) -> bool:
    """A majority survives every single failure in which the instance is up and reaches the client, as that sees it."""
    name = asked.instance if client == "instance" else client
    if not set(asked.cell) <= World(topology).reached(name):
        return False  # with nothing failed every client reaches every node, so that a server takes one of them at most
    worlds = (World(topology, frozenset({device})) for device in single_failures(topology))
    return all(
        len(world.reached(name) & set(asked.cell)) >= majority(len(asked.cell))
        for world in worlds
        if world.is_up(asked.instance) and name in world.reached(asked.instance)
    )


def row_of(topology: Topology, asked: Asked) -> frozenset[str]:
    """What is in the row of the instance: its racks and their switches, those above, their power, links and servers."""
    row = topology.row_of(topology.servers[asked.instance].rack)
    racks = {one.name for one in topology.racks.values() if one.row == row}
    tops = {one.name for one in topology.switches.values() if one.rack in racks}
    above = {
        other.name for other in topology.switches.values()
        if other.tier == "aggregation" and any(to in tops for _, to in topology.neighbours[other.name])
    }  # fmt: skip
    switches = tops | above
    standing = racks | {rack for one in above if (rack := topology.switches[one].rack) is not None}
    waiting = [supply for rack in standing for supply in topology.racks[rack].supplies]
    waiting += [supply for one in switches for supply in topology.switches[one].supplies]
    power: set[str] = set()
    while waiting:
        if (element := waiting.pop()) not in power:
            power.add(element)
            waiting += topology.powers[element].supplies
    servers = [one.name for one in topology.servers.values() if one.rack in racks]
    links = {one.name for one in topology.links.values() if switches.issuperset(one.ends)}
    own = {link for name in servers for link, _ in topology.links_of(name)}
    return frozenset({*standing, *switches, *power, *servers, *links, *own})


def home_of(topology: Topology, asked: Asked) -> frozenset[str] | None:
    """The row, if clients and cell are in it, and by itself it joins each client to all of them; else none.

    Servers do not forward: what an instance with two switches reaches, a copy with one of these may not.
    """
    row = row_of(topology, asked)
    if not asked.servers <= row:
        return None
    alone = World(topology, frozenset({*single_failures(topology), *topology.servers} - row))
    return row if all(asked.servers <= alone.reached(one) for one in (asked.instance, *asked.copies)) else None


def judge_counts(case: Case, *, pairs: bool) -> Iterator[str]:
    """Every single device, the worst pair of all, and four servers' like, against a count volume by volume."""
    site = Site.of(case.topology)
    volumes = Volumes(site, case.fleet(site))
    if harmed(volumes):
        return
    devices = [*single_failures(case.topology), *case.topology.servers]
    alone = {one.devices[0]: one for one in singles(volumes, Effort())}
    each = {device: counted(case, (device,)) for device in devices}
    if alone != {device: one for device, one in each.items() if one.unserved}:
        wrong = next(one for one in devices if alone.get(one, Impact(0, 0, (one,))) != each[one])
        raise Refuted(f"if {wrong} fails: {each[wrong]}; counted otherwise: {alone.get(wrong)}")
    yield "every single device"
    if pairs:
        both = {pair: counted(case, pair) for pair in combinations(devices, 2)}
        most = max(one.unserved for one in both.values()), max(one.blast for one in both.values())
        for side_by_side in (SIDE_BY_SIDE, 0):
            worst = worst_pair(volumes, alone, Effort(), side_by_side)
            told = worst.worst.unserved, worst.in_blast.blast
            real = all(one == counted(case, one.devices) for one in (worst.worst, worst.in_blast) if one.devices)
            if not worst.proven or not real or told != most:
                raise Refuted(f"two devices leave {most} volumes unserved and in blast at worst; the answer is {worst}")
            for one in (worst.worst, worst.in_blast):
                _must_be_named(case, volumes, one.devices)
        yield "the worst pair"
        yield from judge_expectation(volumes, each, both)
    try:
        group = worst_group(volumes)
    except BadFleet as refused:
        whole = World(case.topology)
        if all(set(asked.cell) <= whole.reached(copy) for asked in case.volumes for copy in asked.copies):
            raise Refuted(f"each copy reaches every node, and there is no answer: {refused}") from refused
        return
    size = len(group.servers)
    worst_of = max((counted(case, some).unserved for some in combinations(case.topology.servers, size)), default=0)
    if worst_of > group.cells or by_servers(volumes, group.servers) != counted(case, group.servers).unserved:
        raise Refuted(f"{size} servers leave {worst_of} volumes unserved, and the answer is {group}")
    yield "a group of servers"


def _must_be_named(case: Case, volumes: Volumes, failed: tuple[str, ...]) -> None:
    """Refuted unless those volumes are named that these devices harm, and told which of them are in blast."""
    harm = {volumes.fleet.name(at): blast for at, (lost, blast) in enumerate(harms(case, failed)) if lost}
    named = harmed_by(volumes, failed, len(case.volumes))
    if {one.cell: one.blast for one in named} != harm or len(named) != len(harm):
        raise Refuted(f"{' and '.join(failed)} harm {harm}, and the volumes that are named are {named}")


def harms(case: Case, failed: tuple[str, ...]) -> list[tuple[bool, bool]]:
    """For each volume whether a set of failures leaves it unserved, and puts it into blast; one after the other."""
    world, found = World(case.topology, frozenset(failed)), []
    for asked in case.volumes:
        reached = world.reached(asked.instance) if world.is_up(asked.instance) else set()
        copies = [copy for copy in asked.copies if copy in reached]
        fine = any(len(world.reached(copy) & set(asked.cell)) >= majority(len(asked.cell)) for copy in copies)
        lost = bool(copies) and not fine
        whole = asked.primary in copies and (asked.replica is None or asked.replica in world.reached(asked.primary))
        found.append((lost, lost and not whole))
    return found


def counted(case: Case, failed: tuple[str, ...]) -> Impact:
    """How many volumes a set of failures harms."""
    found = harms(case, failed)
    return Impact(sum(lost for lost, _ in found), sum(blast for _, blast in found), failed)


def words(asked: Asked) -> str:
    """A volume in a sentence."""
    return f"the volume of {asked.instance} on {' and '.join(asked.copies)}, with its cell on {', '.join(asked.cell)},"

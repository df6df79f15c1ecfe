"""A policy over the stands of a site: domains that may hold so many nodes, servers that are barred, places to reach.

Caps on racks, rows and power, single failures and survival are one thing here: a set of stands in which a cell may have
at most so many nodes. What speaks of clients depends on where they stand, and is kept by their stands.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from physalia.fleet.sites import NEXT, UNREACHED, Site
from physalia.placement.errors import BadPolicy
from physalia.placement.rules.judge import place_of
from physalia.placement.rules.policy import (
    AntiAffinity,
    Cap,
    Client,
    HopLimit,
    Minimum,
    Overlap,
    PairCap,
    Policy,
    SingleFailure,
    Survives,
)
from physalia.placement.site.topology import POWER_KINDS
from physalia.placement.survival.cuts import Cut, cuts_seen_from

CLIENTS: Sequence[Client] = ("instance", "primary", "replica")
NOBODY = -1
"""Stands for a client that a volume does not have, and for a node that has no server."""

Volume = tuple[int, int, int]
"""The servers of instance, primary and replica; `NOBODY` where there is none, but every volume has an instance."""


@frozen
class Limit:
    """At most ``most`` nodes of a cell at some stands; ``what`` names them, and ``rule`` is the id of the rule."""

    rule: str
    what: str
    stands: frozenset[int]
    most: int


@frozen
class Least:
    """At least ``least`` nodes of a cell at some stands."""

    rule: str
    what: str
    stands: frozenset[int]
    least: int


@frozen
class _Cuts:
    """What single failures cut off: so many nodes may be at some stands; and servers that a link of their own cuts off.

    The latter only where a cell cannot spare a node: to others one node is never too much.
    """

    limits: tuple[Limit, ...]
    hanging: frozenset[int]


@frozen(eq=False)
class Rules:
    """A policy, taken apart for a site; make one with ``Rules.of``."""

    site: Site
    policy: Policy
    limits: tuple[Limit, ...]
    """Those that hold for every cell, none of which another one implies."""
    most_shared: int | None
    """How many servers two cells may share at most; None if there is no such rule."""
    _cuts: dict[tuple[str, int, int, bool], _Cuts] = field(factory=dict, init=False)
    _near: dict[tuple[Client, int], NDArray[np.bool_]] = field(factory=dict, init=False)

    @classmethod
    def of(cls, site: Site, policy: Policy) -> "Rules":
        """The rules of a policy on a site; BadPolicy where that lacks what a rule names, or servers for one cell."""
        if policy.cell_size > len(site.names):
            asked = f"{policy.where}: cell_size is {policy.cell_size:,}"
            raise BadPolicy(f"{asked}, and {site.topology.where} has {len(site.names):,} servers.")
        shared = [rule.most for rule in policy.rules if isinstance(rule, Overlap)]
        return cls(
            site, policy, _needed(_caps(site, policy), policy.cell_size), min(shared) if shared else None
        )  # fmt: skip

    @cached_property
    def limits_at(self) -> Sequence[Sequence[int]]:
        """For each stand the numbers of the limits that it is under."""
        found: list[list[int]] = [[] for _ in self.site.stands]
        for at, limit in enumerate(self.limits):
            for stand in limit.stands:
                found[stand].append(at)
        return found

    @cached_property
    def spread_at(self) -> Sequence[Sequence[int]]:
        """For each stand the domains over which nodes should be spread, by number."""
        topology, known = self.site.topology, dict[tuple[str, tuple[str, ...]], int]()
        found = []
        for rack, _ in self.site.stands:
            places = ((kind, place_of(topology, rack, kind)) for kind in self.policy.spread)
            found.append([known.setdefault(place, len(known)) for place in places if place[1]])
        return found

    def barred(self, volume: Volume) -> frozenset[int]:
        """The servers on which a cell of this volume may have no node, though others of their stands may be taken.

        Its own ones, those that hang on one link, and all but a client's where no other is near enough to that.
        """
        apart = any(isinstance(rule, AntiAffinity) for rule in self.policy.rules)
        own = frozenset(server for server in volume if server != NOBODY) if apart else frozenset[int]()
        return own.union(*self.hanging(volume).values(), *self._elsewhere(volume))

    def hanging(self, volume: Volume) -> Mapping[str, frozenset[int]]:
        """By rule the servers of which one link cuts a node off that a cell cannot spare: cells of one or two nodes.

        A client reaches itself without a link; and whose instance is cut off is not asked what it reaches.
        """
        if self._spare:
            return {}
        return {rule.id: cuts.hanging.difference((volume[0], client)) for rule, client, cuts in self._seen(volume)}

    def _elsewhere(self, volume: Volume) -> Iterator[frozenset[int]]:
        """All servers but a client's own, for each limit on hops that no other server keeps."""
        for rule in self.policy.rules:
            client = volume[CLIENTS.index(rule.client)] if isinstance(rule, HopLimit) else NOBODY
            if isinstance(rule, HopLimit) and rule.most < NEXT and client != NOBODY:
                yield frozenset(range(len(self.site.names))) - {client}

    def cuts(self, volume: Volume) -> tuple[Limit, ...]:
        """What each single failure cuts off from the instance, or from a copy, where the policy asks for survival.

        Without those that some limit implies.
        """
        return tuple(limit for _, _, cuts in self._seen(volume) for limit in cuts.limits)

    @property
    def _spare(self) -> int:
        """How many nodes a cell can lose."""
        return self.policy.cell_size - self.policy.majority

    def _seen(self, volume: Volume) -> Iterator[tuple[Survives, int, _Cuts]]:
        """For each rule on survival the client that it speaks of, if the volume has it, and what is cut off from it."""
        for rule in self.policy.rules:
            if isinstance(rule, Survives) and (client := volume[CLIENTS.index(rule.seen_from)]) != NOBODY:
                yield rule, client, self._cuts_seen_from(rule, volume[0], client)

    def _cuts_seen_from(self, rule: Survives, instance: int, client: int) -> _Cuts:
        site = self.site
        # A copy on the instance's own server sees what that sees; on another one, what its stand does.
        key = (rule.id, int(site.stand_of[instance]), int(site.stand_of[client]), instance == client)
        if key not in self._cuts:
            spare, numbers = self._spare, {name: at for at, name in enumerate(site.stands)}
            found, hanging = dict[frozenset[int], Limit](), set[int]()
            for device, cut in cuts_seen_from(site.topology, site.names[instance], site.names[client], spare).items():
                stands = frozenset(at for name, at in numbers.items() if name[0] in cut.racks or self._goes(at, cut))
                if stands not in found and stands and not self._implied(stands, spare):
                    found[stands] = Limit(rule.id, f"what {device} cuts off", stands, spare)
                if not spare:
                    hanging.update({int(site.stand_of[site.number[name]]) for name in cut.servers} - stands)
            single = frozenset(server for stand in hanging for server in site.members[stand])
            self._cuts[key] = _Cuts(tuple(found.values()), single)
        return self._cuts[key]

    def _goes(self, stand: int, cut: Cut) -> bool:
        """Whether a failure takes a whole stand: its first server and its last, and with them all between.

        The link of a server takes that one alone.
        """
        servers = self.site.members[stand]
        return all(self.site.names[server] in cut.servers for server in (servers[0], servers[-1]))

    def limits_of(self, volume: Volume) -> tuple[Sequence[Sequence[int]], list[int]]:
        """As ``limits_at``, with what the volume's own cuts add; and how many nodes each of these may have."""
        most, cuts = [limit.most for limit in self.limits], self.cuts(volume)
        if not cuts:
            return self.limits_at, most
        limits_at = [
            [*at, *(len(most) + more for more, cut in enumerate(cuts) if stand in cut.stands)]
            for stand, at in enumerate(self.limits_at)
        ]
        return limits_at, [*most, *(cut.most for cut in cuts)]

    def leasts(self, volume: Volume) -> tuple[Least, ...]:
        """The minimum counts that hold for the cell of a volume."""
        found = []
        for rule in self.policy.rules:
            if not isinstance(rule, Minimum):
                continue
            if rule.of is None:
                name = str(rule.name)
                place = tuple(sorted(name.split("+"))) if rule.kind in POWER_KINDS else (name,)
            else:
                client = volume[CLIENTS.index(rule.of)]
                if client == NOBODY:
                    continue
                rack = self.site.stands[self.site.stand_of[client]][0]
                place = place_of(self.site.topology, rack, rule.kind)
            stands = frozenset(
                at
                for at, (rack, _) in enumerate(self.site.stands)
                if place and place_of(self.site.topology, rack, rule.kind) == place
            )
            found.append(Least(rule.id, f"{rule.kind} {'+'.join(place) or 'none'}", stands, rule.least))
        return tuple(found)

    def near(self, volume: Volume) -> NDArray[np.bool_]:
        """The stands from which every client is reached, within the limits on hops."""
        found = np.ones(len(self.site.stands), dtype=np.bool_)
        for client, server in zip(CLIENTS, volume, strict=True):
            if server != NOBODY:
                found &= self.near_client(client, int(self.site.stand_of[server]))
        return found

    def near_client(self, client: Client, stand: int) -> NDArray[np.bool_]:
        """The stands that reach a client at this stand, within the limits on hops to such a client."""
        known = self._near.get((client, stand))
        if known is None:
            hops = self.site.hops(stand)
            limits = [rule.most for rule in self.policy.rules if isinstance(rule, HopLimit) and rule.client == client]
            most = [max(NEXT, limit) for limit in limits]  # of a nearer one `barred` tells
            known = (hops != UNREACHED) & (hops <= min(most, default=int(hops.max())))
            self._near[client, stand] = known
        return known

    @cached_property
    def speaks_of_volumes(self) -> bool:
        """Whether a rule is more to each volume than a distance: a minimum count, or survival."""
        return any(isinstance(rule, Minimum | Survives) for rule in self.policy.rules)

    def _implied(self, stands: frozenset[int], most: int) -> bool:
        return any(limit.most <= most and stands <= limit.stands for limit in self.limits)


def _caps(site: Site, policy: Policy) -> Iterable[Limit]:
    topology = site.topology
    for rule in policy.rules:
        match rule:
            case Cap(kind=kind, most=most):
                yield from _grouped(site, rule.id, most, kind, lambda rack, kind=kind: [place_of(topology, rack, kind)])  # type: ignore[misc]
            case PairCap(kind=kind, most=most):
                for one in POWER_KINDS if kind is None else (kind,):
                    yield from _grouped(site, rule.id, most, one, lambda rack, one=one: [place_of(topology, rack, one)])  # type: ignore[misc]
            case SingleFailure(most=most):
                yield from _grouped(
                    site, rule.id, most, "whatever hangs on",
                    lambda rack: [(one,) for one in (rack, *sorted(topology.single_points(rack)))],
                )  # fmt: skip
            case Minimum(name=name, kind=kind) if name is not None:
                known = {place for rack in topology.racks for place in [place_of(topology, rack, kind)]}
                wanted = tuple(sorted(name.split("+"))) if kind in POWER_KINDS else (name,)
                if wanted not in known:
                    raise BadPolicy(f"{policy.where}: rule {rule.id}: {topology.where} has no {kind} {name}.")
            case _:
                pass


def _grouped(
    site: Site, rule: str, most: int, kind: str, places: Callable[[str], Iterable[tuple[str, ...]]]
) -> Iterable[Limit]:
    found: Mapping[tuple[str, ...], set[int]] = defaultdict(set)
    for at, (rack, _) in enumerate(site.stands):
        for place in places(rack):
            if place:
                found[place].add(at)
    for place, stands in found.items():
        yield Limit(rule, f"{kind} {'+'.join(place)}", frozenset(stands), most)


def _needed(limits: Iterable[Limit], cell_size: int) -> tuple[Limit, ...]:
    """The limits that say something, the tightest of those with the same stands."""
    found: dict[frozenset[int], Limit] = {}
    for limit in limits:
        known = found.get(limit.stands)
        if limit.most < cell_size and (known is None or limit.most < known.most):
            found[limit.stands] = limit
    return tuple(found.values())

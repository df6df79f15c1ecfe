"""What no fleet can beat: a lower bound of the mean unavailability that respects capacity, proven by prices.

A cell is seen coarsely: so many nodes beside the instance (on its own switches), so many under each set of power units
that there is near it (beyond one more switch), the rest far. All else about them is ideal: racks and switches of theirs
never fail, and they hang on every switch next to the instance's. What such a cell loses no real cell of that pattern
can keep, since whatever reaches a node in reality also does so there, and it is computed exactly. How many cells of
which instances have which pattern is a linear program; room is what they compete for.

The proof is its prices. For any prices of room, none below 0, the cells together lose at least what each pays in its
cheapest pattern, unavailability and prices together, less what all the room is worth: weak duality, in fractions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from attrs import frozen

from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.sites import UNREACHED, Site
from physalia.fleet.unavailability import Unavailability
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, link_name
from physalia.placement.site.validity import build

BESIDE, NEAR = 2, 4
"""Up to how many hops a server is beside an instance, and near it."""

ROUNDING = Fraction(1, 10**8)
"""The relative error of an unavailability, taken off every one, so that the bound is one."""

_SCALE = 1e9

Domain = frozenset[int]
"""Stands that are one as far as the bound can see."""


@frozen
class Pattern:
    """A cell seen coarsely: how much of which room it takes, and at least how unavailable it is."""

    takes: Mapping[Domain, int]
    unavailability: float


@frozen(kw_only=True)
class Bound:
    """A proven lower bound of the mean unavailability of the placed cells, and the prices that prove it."""

    mean: float
    prices: Mapping[Domain, float]
    patterns: int


def bound(site: Site, rules: Rules, fleet: Fleet) -> Bound:
    """The bound for the placed cells of a fleet, wherever they are; their instances count, and how many there are."""
    instances = fleet.clients[fleet.placed, 0]
    cells = Counter(site.stand_of[instances].tolist())
    choices = patterns(site, rules, cells)
    room = rooms(site, choices)
    prices = _prices(cells, choices, room)
    total = proven(cells, choices, room, prices)
    return Bound(
        mean=max(0.0, float(total / max(1, len(instances)))), prices=prices, patterns=sum(map(len, choices.values()))
    )


def proven(
    cells: Mapping[int, int],
    choices: Mapping[int, Sequence[Pattern]],
    room: Mapping[Domain, int],
    prices: Mapping[Domain, float],
) -> Fraction:
    """What prices prove that all cells together lose at least; whatever they are, as long as none is below 0."""
    if any(price < 0 for price in prices.values()):
        raise ValueError("a price is below 0, which proves nothing.")
    exact = {domain: Fraction(price) for domain, price in prices.items() if price}
    total = Fraction(0)
    for stand, count in cells.items():
        total += count * min(
            Fraction(one.unavailability) * (1 - ROUNDING)
            + sum((exact[domain] * taken for domain, taken in one.takes.items() if domain in exact), Fraction(0))
            for one in choices[stand]
        )
    return total - sum((price * room[domain] for domain, price in exact.items()), Fraction(0))


def rooms(site: Site, choices: Mapping[int, Sequence[Pattern]]) -> dict[Domain, int]:
    """How many nodes each domain that a pattern takes room of can hold."""
    by_stand = np.bincount(site.stand_of, weights=site.room, minlength=len(site.stands)).astype(np.int64).tolist()
    domains = {domain for some in choices.values() for one in some for domain in one.takes}
    return {domain: sum(by_stand[stand] for stand in domain) for domain in domains}


def patterns(site: Site, rules: Rules, cells: Mapping[int, int]) -> dict[int, list[Pattern]]:
    """For each stand with instances everything that a cell can be there, seen coarsely, as far as caps allow it."""
    known: dict[object, float] = {}
    return {stand: list(_Ideal(site, rules, stand, known).patterns()) for stand in cells}


class _Ideal:
    """The surroundings of the instances at one stand, all that is beyond them being ideal."""

    def __init__(self, site: Site, rules: Rules, stand: int, known: dict[object, float]) -> None:
        self._site, self._rules, self._stand, self._known = site, rules, stand, known
        hops = site.hops(stand)
        self._beside = frozenset(np.flatnonzero((hops != UNREACHED) & (hops <= BESIDE)).tolist())
        near: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for at in np.flatnonzero((hops != UNREACHED) & (hops <= NEAR)).tolist():
            near[_units(site, site.stands[at][0])].add(at)
        for at, (rack, _) in enumerate(site.stands):
            units = _units(site, rack)
            if units in near:
                near[units].add(at)
        self._near = {units: frozenset(stands) for units, stands in near.items()}
        self._far = frozenset(range(len(site.stands))).difference(self._beside, *self._near.values())
        self._size = rules.policy.cell_size
        self._unavailability = self._made()

    def patterns(self) -> Iterator[Pattern]:
        """Every pattern that the caps allow; nodes that are neither beside the instance nor near it are far."""
        domains = [self._beside, *(stands - self._beside for stands in self._near.values())]
        limits = [
            (limit.most, [at for at, stands in enumerate(domains) if stands and stands <= limit.stands])
            for limit in self._rules.limits
        ]
        useful = [(most, inside) for most, inside in limits if inside]
        alone = [
            min([most for most, inside in useful if at in inside], default=self._size) if stands else 0
            for at, stands in enumerate(domains)
        ]
        for counts in product(*(range(most + 1) for most in alone)):
            if sum(counts) > self._size or any(sum(counts[at] for at in inside) > most for most, inside in useful):
                continue
            takes = {self._beside: counts[0]}
            for stands, nodes in zip(self._near.values(), counts[1:], strict=True):
                takes[stands] = nodes + (counts[0] if self._beside <= stands else 0)
            takes[self._far] = self._size - sum(counts)
            if takes[self._far] and not self._far:
                continue
            yield Pattern({domain: nodes for domain, nodes in takes.items() if nodes}, self._of(counts))

    def _of(self, counts: Sequence[int]) -> float:
        site = self._unavailability.site
        servers = []
        for at, nodes in enumerate((*counts, self._size - sum(counts))):
            servers += [site.number[f"ideal {at} {number}"] for number in range(nodes)]
        return self._unavailability.of(site.number["instance"], servers)

    def _made(self) -> Unavailability:
        """The site on which the ideal cells are: the instance's rack and switches, those next to them, and power."""
        topology, size = self._site.topology, self._size
        rack, own = self._site.stands[self._stand]
        beyond = dict.fromkeys(to for switch in own for _, to in topology.neighbours[switch] if to not in own)
        kept = [topology.switches[name] for name in (*own, *beyond)]
        racks = {rack, *(one.rack for one in kept if one.rack is not None)}
        links = [one for one in topology.links.values() if set(one.ends) <= {*own, *beyond}]
        first = self._site.names[self._site.members[self._stand][0]]
        fails = topology.failure_probability
        node_fails = min(fails(server) for server in topology.servers)
        never = {"ideal feed": 0.0}
        sure = dict[str, float]()
        servers = [Server("instance", rack, own, "any", 1)]
        sure |= {"instance": fails(first)}
        sure |= {link_name("instance", to): fails(link_name(first, to)) for to in own}
        new_racks, new_switches, new_links = [], [], []
        for at, supplies in enumerate((None, *self._near, ("ideal feed",))):
            for number in range(size):
                name = f"ideal {at} {number}"
                if supplies is None:
                    servers.append(Server(name, rack, own, "any", 1))
                    sure |= dict.fromkeys((link_name(name, to) for to in own), 0.0)
                else:
                    servers.append(Server(name, f"rack {at}", (f"switch {at}",), "any", 1))
                    sure[link_name(name, f"switch {at}")] = 0.0
                sure[name] = node_fails
            if supplies is not None:
                new_racks.append(Rack(f"rack {at}", "ideal row", supplies))
                new_switches.append(Switch(f"switch {at}", "rack", f"rack {at}"))
                new_links += [Link(link_name(f"switch {at}", to), (f"switch {at}", to)) for to in beyond]
                never |= dict.fromkeys((f"rack {at}", f"switch {at}"), 0.0)
                never |= dict.fromkeys((link_name(f"switch {at}", to) for to in beyond), 0.0)
        real = {name: fails(name) for name in (*topology.powers, *racks, *(one.name for one in kept),
                                               *(one.name for one in links))}  # fmt: skip
        made = build(
            name="ideal",
            rows=[*topology.rows, "ideal row"],
            powers=[*topology.powers.values(), Power("ideal feed", "feed")],
            racks=[*(topology.racks[name] for name in topology.racks if name in racks), *new_racks],
            switches=[*kept, *new_switches],
            links=[*links, *new_links],
            servers=servers,
            device_probability={**real, **sure, **never},
        )
        found = Unavailability(Site.of(made))
        found.share(self._known)
        return found


def _units(site: Site, rack: str) -> tuple[str, ...]:
    """The nearest power units above a rack that are no PDUs; without any one of them it is dark."""
    powers, waiting = site.topology.powers, list(site.topology.racks[rack].supplies)
    found = set[str]()
    while waiting:
        one = powers[waiting.pop()]
        if one.kind == "pdu":
            waiting += one.supplies
        else:
            found.add(one.name)
    return tuple(sorted(found))


def _solver() -> Any:
    """HiGHS itself: the class around it prints a banner to standard output."""
    import highspy  # noqa: PLC0415  # heavy

    made: Any = highspy.Highs.__base__
    return made()


def _prices(
    cells: Mapping[int, int], choices: Mapping[int, Sequence[Pattern]], room: Mapping[Domain, int]
) -> dict[Domain, float]:
    """The prices of room at which the linear program is in balance; any others would prove something too."""
    import highspy  # noqa: PLC0415  # heavy

    solver = _solver()
    for option, setting in (("output_flag", False), ("threads", 1)):  # HiGHS takes one number of threads a process
        solver.setOptionValue(option, setting)
    columns = [(stand, one) for stand in cells for one in choices[stand]]
    rows = {domain: at for at, domain in enumerate(room)}
    stands = {stand: len(rows) + at for at, stand in enumerate(cells)}
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(columns), len(rows) + len(stands)
    program.col_cost_ = np.array([one.unavailability * _SCALE for _, one in columns])
    program.col_lower_ = np.zeros(len(columns))
    program.col_upper_ = np.full(len(columns), highspy.kHighsInf)
    program.row_lower_ = np.array([*(-highspy.kHighsInf for _ in rows), *map(float, cells.values())])
    program.row_upper_ = np.array([*map(float, room.values()), *map(float, cells.values())])
    starts: list[int] = [0]
    index: list[int] = []
    value: list[float] = []
    for stand, one in columns:
        for domain, taken in one.takes.items():
            index.append(rows[domain])
            value.append(float(taken))
        index.append(stands[stand])
        value.append(1.0)
        starts.append(len(index))
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.array(starts, dtype=np.int32)
    program.a_matrix_.index_ = np.array(index, dtype=np.int32)
    program.a_matrix_.value_ = np.array(value)
    solver.passModel(program)
    solver.run()
    duals = list(solver.getSolution().row_dual)
    return {domain: max(0.0, -duals[at] / _SCALE) for domain, at in rows.items()}

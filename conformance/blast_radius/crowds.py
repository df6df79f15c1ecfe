"""Sites with little room and several cells: ways, repairs and swaps against every move that the definitions allow.

The sites have one node a rack, and two cells share one server at most, so that cells are in each other's way: straight
ways are barred, detours lead out of reach, and others must make room.
"""

from collections import Counter, deque
from collections.abc import Iterator
from itertools import combinations
from random import Random

import numpy as np
from attrs import frozen

from conformance.blast_radius.every_set import KINDS
from conformance.placement.brute import unavailability
from conformance.placement.definition import Cell, Question
from conformance.placement.judge import told
from conformance.placement.sites import Choices
from conformance.refutation import Refuted
from physalia.fleet.fleet import Fleet
from physalia.fleet.repair import Looks, repair, way_to, without
from physalia.fleet.rules import NOBODY, Rules
from physalia.fleet.shards import filled
from physalia.fleet.sites import Site
from physalia.fleet.swaps import Swaps
from physalia.fleet.unavailability import Unavailability
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import Cap, HopLimit, Overlap, Policy, Rule
from physalia.placement.site.topology import Cell as Listed
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build

SIZE, SHARED, MOST_CELLS, NEAR = 3, 1, 4, 4
LOOKS = (Looks(), Looks(own=40, together=400, in_all=1_000))
"""Repairs are asked for with all the looks there are, and with so few that not everything is tried."""

FEW, ROUNDS, ROUNDING, FEWEST_RULES = 6, 6, 1e-9, 2
Where = tuple[Cell, ...]

MARKS = (
    "a way over another server", "no way for the limit on hops",
    "a repair by other cells", "a repair that is not known",
    "a repair that there is not", "a swap with a partner",
)  # fmt: skip
"""What must be seen, or nothing was shown of it."""


def narrow(choose: Choices) -> Topology:
    """Two rows of a few racks with a server or two each, which take a node or two.

    Listed cells bar pairs of servers: whoever is on both shares one too many.
    """
    racks = [
        (f"rack-{row}{at}", f"row-{row}") for row, most in (("a", 5), ("b", 2)) for at in range(choose.number(2, most))
    ]
    ends = [*((rack.replace("rack", "tor"), row.replace("row", "agg")) for rack, row in racks)]
    ends += [("agg-a", "core"), ("agg-b", "core")]
    on = [(f"{rack[5:]}{more}", rack) for rack, _ in racks for more in range(choose.number(1, 2))]
    apart = [pair for pair in combinations(on, 2) if pair[0][1] != pair[1][1]]
    bars = [(one, other) for (one, _), (other, _) in choose.some(apart, 0, len(apart) // 2)]
    listed = Counter(name for bar in bars for name in bar)
    return build(
        name="narrow", rows=["row-a", "row-b"], powers=[Power(one, "feed") for one in ("feed-1", "feed-2")],
        racks=[Rack(rack, row, (f"feed-{choose.number(1, 2)}",)) for rack, row in racks],
        switches=[
            *(Switch(rack.replace("rack", "tor"), "rack", rack) for rack, _ in racks), Switch("agg-a", "aggregation"),
            Switch("agg-b", "aggregation"), Switch("core", "core"),
        ],
        links=[Link(link_name(*pair), pair) for pair in ends],
        servers=[
            Server(name, rack, (rack.replace("rack", "tor"),), "any", listed[name] + choose.number(1, 2), listed[name])
            for name, rack in on
        ],
        cells=[Listed(f"bar-{at}", bar) for at, bar in enumerate(bars)],
        probability=dict.fromkeys(KINDS, 0.0),
        device_probability={rack: choose.number(1, 9) / 100 for rack, _ in racks},
    )  # fmt: skip


@frozen(kw_only=True)
class Crowd:
    """A site with some cells on it, which keep every rule together, and by definition where each might be."""

    site: Site
    policy: Policy
    instances: tuple[str, ...]
    cells: Where
    alone: tuple[frozenset[Cell], ...]
    """For each cell where it may be for its own part, whoever else is there."""

    @property
    def fleet(self) -> Fleet:
        """The cells as the running code has them."""
        number = self.site.number
        clients = [[number[one], NOBODY, NOBODY] for one in self.instances]
        nodes = [sorted(number[name] for name in cell) for cell in self.cells]
        return Fleet(
            np.array(clients, dtype=np.int32).reshape(-1, 3), np.array(nodes, dtype=np.int32).reshape(-1, SIZE)
        )

    @property
    def takes(self) -> dict[str, int]:
        """How many nodes of the cells each server may hold."""
        return {one.name: one.capacity - one.nodes for one in self.site.topology.servers.values()}

    def after(self, where: Where, closed: Cell = frozenset(), movers: range | None = None) -> Iterator[Where]:
        """What one move of some cell leads to."""
        held, takes = Counter(server for cell in where for server in cell), self.takes
        for at in movers or range(len(where)):
            cell, others = where[at], (*where[:at], *where[at + 1 :])
            for to in self.site.names:
                if to in cell or to in closed or held[to] >= takes[to]:
                    continue
                for new in (cell - {away} | {to} for away in cell):
                    if new in self.alone[at] and all(len(new & one) <= SHARED for one in others):
                        yield (*where[:at], new, *where[at + 1 :])

    def fewest(self, where: Where, cell: int, closed: Cell) -> int | None:
        """How many moves, of whatever cells, take a cell off what is closed."""
        return next((steps for state, steps in self._reached(where, closed) if not state[cell] & closed), None)

    def ways(self) -> dict[Cell, int]:
        """How many moves take the first cell to each place that it may reach while the others stay."""
        return {state[0]: steps for state, steps in self._reached(self.cells, frozenset(), range(1))}

    def _reached(self, start: Where, closed: Cell, movers: range | None = None) -> Iterator[tuple[Where, int]]:
        steps, waiting = {start: 0}, deque([start])
        while waiting:
            state = waiting.popleft()
            yield state, steps[state]
            for after in self.after(state, closed, movers):
                if after not in steps:
                    steps[after] = steps[state] + 1
                    waiting.append(after)


def crowd(choose: Choices) -> Crowd:
    """A site with as many cells put at random as find a place; two times in three none may be far from its instance."""
    topology = narrow(choose)
    rules: tuple[Rule, ...] = (Cap(id="rack-cap", kind="rack", most=1),)
    if choose.number(1, 3) > 1:
        rules = (*rules, HopLimit(id="near", client="instance", most=NEAR))
    site, names = Site.of(topology), list(topology.servers)
    policy = Policy(cell_size=SIZE, rules=(*rules, Overlap(id="overlap", most=SHARED)))
    instances, cells, alone, held = list[str](), list[Cell](), list[frozenset[Cell]](), Counter[str]()
    for _ in range(MOST_CELLS):
        instance = names[choose.number(0, len(names) - 1)]
        asked = Question(topology=topology, policy=policy, instance=instance)
        may_be = frozenset(cell for cell in asked.cells() if asked.is_legal(cell))
        fits = [
            cell for cell in sorted(may_be, key=sorted)
            if all(held[one] + topology.servers[one].nodes < topology.servers[one].capacity for one in cell)
            and all(len(cell & other) <= SHARED for other in cells)
        ]  # fmt: skip
        if fits:
            instances.append(instance)
            alone.append(may_be)
            cells.append(fits[choose.number(0, len(fits) - 1)])
            held.update(cells[-1])
    return Crowd(site=site, policy=policy, instances=tuple(instances), cells=tuple(cells), alone=tuple(alone))


def too_much_shared() -> Crowd:
    """By itself the cell on a, b and c leaves a in three moves; it may go to g once the other one has left b or g."""
    bars, names = ("bd", "be", "bf", "ce", "cf", "gd", "ge", "gf", "bx", "cx"), "abcdefgwxz"
    listed = Counter(name for bar in bars for name in bar)
    topology = build(
        name="too much shared", rows=["row"], powers=[Power("feed", "feed")],
        racks=[Rack(f"rack-{name}", "row", ("feed",)) for name in names],
        switches=[*(Switch(f"tor-{name}", "rack", f"rack-{name}") for name in names), Switch("agg", "aggregation")],
        links=[Link(link_name(*pair), pair) for pair in ((f"tor-{name}", "agg") for name in names)],
        servers=[
            Server(name, f"rack-{name}", (f"tor-{name}",), "any", {"z": 0, "w": 1}.get(name, 9), listed[name])
            for name in names
        ],
        cells=[Listed(bar, tuple(bar)) for bar in bars],
    )  # fmt: skip
    policy = Policy(cell_size=SIZE, rules=(Overlap(id="overlap", most=SHARED),))
    asked = Question(topology=topology, policy=policy, instance="z")
    may_be = frozenset(cell for cell in asked.cells() if asked.is_legal(cell))
    cells = frozenset("abc"), frozenset("bgw")
    return Crowd(site=Site.of(topology), policy=policy, instances=("z", "z"), cells=cells, alone=(may_be, may_be))


def judge_too_much_shared() -> Iterator[str]:
    """A repair that is shorter if another cell moves; Refuted if the longer one is called the fewest."""
    yield from _repaired(too_much_shared(), LOOKS[0], frozenset("a"))


def judge_crowd(choose: Choices) -> Iterator[str]:
    """Make a crowd up and judge what is answered about it; Refuted if that is wrong. Marks of what was seen."""
    some = crowd(choose)
    if not some.cells:
        return
    rules = Rules.of(some.site, some.policy)
    yield from _ways(some, rules, choose)
    for looks in LOOKS:
        yield from _repairs(some, looks, choose)
    yield from _swaps(some, rules, choose)


def _ways(some: Crowd, rules: Rules, choose: Choices) -> Iterator[str]:
    """Ways of the first cell, while the others stay, are as short as any, if that is said."""
    fleet, number, ways, start = some.fleet, some.site.number, some.ways(), some.cells[0]
    goals = sorted(some.alone[0], key=sorted)
    around = [goal for goal in goals if goal in ways and ways[goal] > len(goal - start)]
    for goal in dict.fromkeys((*choose.some(around, 0, FEW), *choose.some(goals, 1, FEW))):
        found = way_to(filled(some.site, rules, fleet), fleet, 0, sorted(number[one] for one in goal), Effort())
        real, told_of = ways.get(goal), f"from {told(start)} to {told(goal)}"
        steps = None if found.steps is None else len(found.steps)
        if steps != real if found.least or steps is None or real is None else steps < real:
            raise Refuted(f"{told_of} there is a way of {real} steps, and the answer is {found}")
        where = some.cells
        for step in found.steps or ():
            cell = where[0] - {some.site.names[step.away]} | {some.site.names[step.to]}
            if (after := (cell, *where[1:])) not in some.after(where):
                raise Refuted(f"the way {told_of} leads over {told(cell)}, where it may not be")
            where = after
        if real is not None and real > len(goal - start):
            yield "a way over another server"
        elif real is None and len(some.policy.rules) > FEWEST_RULES:
            yield "no way for the limit on hops"


def _repairs(some: Crowd, looks: Looks, choose: Choices) -> Iterator[str]:
    """Some servers of the first cell are emptied."""
    yield from _repaired(some, looks, frozenset(choose.some(sorted(some.cells[0]), 1, 2)))


def _repaired(some: Crowd, looks: Looks, closed: Cell) -> Iterator[str]:
    """Each repair is a way, with fewest moves if that is said, and none where that is said."""
    names = some.site.names
    site, fleet, where = without(some.site, [some.site.number[one] for one in closed]), some.fleet, some.cells
    for moved in repair(site, Rules.of(site, some.policy), fleet, Effort(), looks):
        fewest = some.fewest(where, moved.cell, closed)
        what = f"when {told(closed)} are emptied, the cell on {told(where[moved.cell])}"
        for move in moved.moves or ():
            cell = where[move.cell] - {names[move.away]} | {names[move.to]}
            if (after := (*where[: move.cell], cell, *where[move.cell + 1 :])) not in some.after(where, closed):
                raise Refuted(f"{what} is led off by a move to {told(cell)}, where no cell may go")
            where = after
        if moved.moves is None:
            if fewest is not None and (moved.outcome == "stuck" or fewest <= moved.tried or looks == LOOKS[0]):
                raise Refuted(f"{what} leaves in {fewest} moves, and the answer is {moved}")
            yield "a repair that is not known" if moved.outcome == "unknown" else "a repair that there is not"
            continue
        if where[moved.cell] & closed or (moved.least or looks == LOOKS[0]) != (len(moved.moves) == fewest):
            raise Refuted(f"{what} leaves in {fewest} moves, and the answer is {moved}")
        if {one.cell for one in moved.moves} - {moved.cell}:
            yield "a repair by other cells"


def _swaps(some: Crowd, rules: Rules, choose: Choices) -> Iterator[str]:
    """No round of swaps, one candidate for each cell, leaves the cells less available, summed; and rules are kept."""
    fleet, known = some.fleet, dict[tuple[str, Cell], float]()
    swaps = Swaps(filled(some.site, rules, fleet), fleet, Unavailability(some.site), _random(choose), candidates=1)

    def of(where: Where) -> float:
        asked = list(zip(some.instances, where, strict=True))
        for instance, cell in asked:
            if (instance, cell) not in known:
                known[instance, cell] = unavailability(some.site.topology, instance, sorted(cell)) or 0.0
        return sum(known[one] for one in asked)

    where = some.cells
    for _ in range(ROUNDS):
        before = where
        swaps.round(Effort())
        where = tuple(frozenset(some.site.names[one] for one in cell) for cell in fleet.cells.tolist())
        if of(where) > of(before) * (1 + ROUNDING):
            raise Refuted(f"swaps of {', '.join(map(told, before))} to {', '.join(map(told, where))} lose availability")
        if any(cell not in may_be for cell, may_be in zip(where, some.alone, strict=True)):
            raise Refuted(f"swaps lead to {', '.join(map(told, where))}, where a cell may not be")
        if sum(one != other for one, other in zip(before, where, strict=True)) > 1:
            yield "a swap with a partner"


def _random(choose: Choices) -> Random:
    return Random(choose.number(0, 10_000))  # noqa: S311  # repeatable, no secret

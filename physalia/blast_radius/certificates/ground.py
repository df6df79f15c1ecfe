"""A site while devices fail, as the checker sees it: who lives, and who is still joined to whom.

It shares no code with what counts for the certificate; the topology is read by the checker of placements. A rack or a
switch is a *part*. Each part has ways to a root, a switch: everything that must live for the part to live and to be
joined to the root. Whoever has a way that no failure hits is in the main piece. The others are suspects, and are looked
at one by one. So what a failure changes is found without a look at the rest, for any set of failures, and exactly.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from physalia.placement.certificates.check import Refused, Site, demand

WAYS, ROOTS = 3, 3
MOST_STEPS = 1_024
"""So many steps may be taken for each thing that the topology names."""

APART, MAIN = -1, 0
"""What a switch is called that does not live, or has no link; and one that is in the main piece."""

Part = str
Failed = frozenset[str]


class Steps:
    """What checking may cost; Refused when it costs more."""

    def __init__(self, most: int, what: str) -> None:
        self.left, self.most, self.what = most, most, what

    def allow(self, times: int) -> None:
        """Let it cost so many times as much."""
        self.left, self.most = self.left + (times - 1) * self.most, times * self.most

    def take(self, count: int) -> None:
        """Note that so much is about to be done."""
        self.left -= count
        demand(self.left >= 0, f"it takes more than {self.most} {self.what} to check")


class State:
    """What failures leave: for each stand its switches' pieces, and whether its rack has power."""

    def __init__(self, pieces: NDArray[np.int32], lit: NDArray[np.bool_]) -> None:
        self.pieces, self.lit = pieces, lit


class Rooted:
    """The ways of all parts to one root, and what follows from them."""

    def __init__(self, ground: "Ground", root: str) -> None:
        self.ground, self.root = ground, root
        self.ways: dict[Part, Sequence[Failed]] = {rack: ground.chains(rack) for rack in ground.site.racks}
        self._walk()
        self.common = {part: frozenset.intersection(*ways) for part, ways in self.ways.items()}
        self.suspected: dict[str, list[Part]] = defaultdict(list)
        for part, devices in self.common.items():
            for device in devices:
                self.suspected[device].append(part)

    def _walk(self) -> None:
        """Every switch by its distance from the root; each of its ways goes over another neighbour that is nearer."""
        ground, far = self.ground, {self.root: 0}
        self.ways[self.root] = ground.chains(self.root)
        level = [self.root]
        while level:
            found = dict.fromkeys(to for one in level for _, to in ground.site.ways[one] if to not in far)
            far.update(dict.fromkeys(found, far[level[0]] + 1))
            for switch in found:
                over = [(link, to) for link, to in ground.site.ways[switch] if far.get(to, far[switch]) < far[switch]]
                own, ways = ground.chains(switch), []
                for at, (link, to) in enumerate(over[at % len(over)] for at in range(WAYS)):
                    ways.append(own[at % len(own)] | {link} | self.ways[to][at % len(self.ways[to])])
                    ground.steps.take(len(ways[-1]))
                self.ways[switch] = ways
            level = list(found)

    def suspects(self, failed: Failed) -> list[Part]:
        """The parts all of whose ways are hit."""
        if len(failed) == 1:
            return self.suspected.get(next(iter(failed)), [])
        self.ground.steps.take(len(self.ways))
        return [part for part, ways in self.ways.items() if not any(map(failed.isdisjoint, ways))]

    def joint(self) -> dict[tuple[str, str], list[Part]]:
        """For two devices the parts at stands that both together make suspects, and neither of them alone."""
        found: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for part in self.ground.stands_at:
            ways, common, pairs = self.ways[part], self.common[part], set[tuple[str, str]]()
            for one in ways[0] - common:
                rest = [way for way in ways if one not in way]
                both = frozenset.intersection(*rest) - common
                self.ground.steps.take(1 + len(both))
                pairs.update((one, other) if one < other else (other, one) for other in both)
            for pair in pairs:
                found[pair].append(part)
        return found

    def joint_of_three(self) -> dict[tuple[str, ...], list[Part]]:
        """For three devices the parts at stands that all three together make suspects, and no two of them.

        Each of them hits one of the three ways, and no other one.
        """
        found: dict[tuple[str, ...], list[Part]] = defaultdict(list)
        for part in self.ground.stands_at:
            ways = self.ways[part]
            if len(ways) == WAYS:
                only = [way.difference(*(other for at, other in enumerate(ways) if at != own))
                        for own, way in enumerate(ways)]  # fmt: skip
                self.ground.steps.take(1 + prod(map(len, only)))
                for three in product(*only):
                    found[tuple(sorted(three))].append(part)
        return found


class Ground:
    """A topology, ready to fail."""

    def __init__(self, site: Site) -> None:
        self.site = site
        parts = (site.power, site.racks, site.switches, site.links, site.servers)
        self.steps = Steps(MOST_STEPS * (1 + sum(map(len, parts))), "steps")
        self._above = {name: tuple(one.get("supplies", ())) for part in parts[:3] for name, one in part.items()}
        self._above |= {name: (one["rack"],) for name, one in site.switches.items() if one.get("rack") is not None}
        self._chains: dict[str, Sequence[Failed]] = {}
        self.stands = list(site.groups)
        self.most = max((len(on) for _, *on in self.stands), default=1)
        self.stands_at: dict[Part, list[int]] = defaultdict(list)
        for at, (rack, *on) in enumerate(self.stands):
            for part in (rack, *on):
                self.stands_at[part].append(at)
        inward = ("core", "aggregation", "rack")
        ranked = sorted(site.switches, key=lambda one: (inward.index(site.switches[one]["tier"]), -len(site.ways[one])))
        self.roots = [Rooted(self, name) for name in islice(ranked, ROOTS)]
        for part in self.stands_at:
            demand(all(part in one.ways for one in self.roots), f"{part} is not joined to the rest of the site")
        self.fabric = [*site.racks, *site.power, *site.switches, *site.links]
        ways = np.full((len(self.stands), self.most), APART, dtype=np.int32)
        for at, (_, *on) in enumerate(self.stands):
            ways[at, : len(on)] = MAIN
        self.base = State(ways, np.ones(len(self.stands), dtype=np.bool_))

    def chains(self, name: str) -> Sequence[Failed]:
        """Ways of power to a part: itself and what one supply after the other hangs on. One to three."""
        if name not in self._chains:
            above = self._above[name]
            ways = [self.chains(one) for one in above]
            count = min(WAYS, max((1, len(above), *map(len, ways))))
            made = [frozenset({name}).union(ways[at % len(above)][at % len(ways[at % len(above)])] if above else ())
                    for at in range(count)]  # fmt: skip
            self.steps.take(sum(map(len, made)))
            self._chains[name] = made
        return self._chains[name]

    def lives(self, name: str, failed: Failed, known: dict[str, bool]) -> bool:
        """Whether a part or an element of power lives; ``known`` are those that were asked before."""
        if name not in known:
            self.steps.take(1)
            above = self._above[name]
            known[name] = name not in failed and (not above or any(self.lives(one, failed, known) for one in above))
        return known[name]

    def suspects(self, failed: Failed) -> list[Part]:
        """The parts that may be dead or apart; all others live, in one piece. As the root sees it that has fewest."""
        return min((root.suspects(failed) for root in self.roots), key=len)

    def state(self, failed: Failed) -> tuple[State, list[int]]:
        """What is left, and the stands where that is not what it was."""
        suspects = self.suspects(failed)
        known = dict[str, bool]()
        waiting = {one: APART for one in suspects if one in self.site.switches and self.lives(one, failed, known)}
        piece = self._pieces(waiting, {*suspects} & self.site.switches.keys(), failed)
        pieces, lit = self.base.pieces.copy(), self.base.lit.copy()
        touched = sorted({at for part in suspects for at in self.stands_at.get(part, ())})
        suspected = {*suspects}
        for at in touched:
            rack, *on = self.stands[at]
            lit[at] = rack not in suspected or self.lives(rack, failed, known)
            for place, switch in enumerate(on):
                called = piece.get(switch, APART) if switch in suspected else MAIN
                pieces[at, place] = called if lit[at] else APART
        changed = (pieces[touched] != self.base.pieces[touched]).any(axis=1) | ~lit[touched]
        return State(pieces, lit), [at for at, is_so in zip(touched, changed.tolist(), strict=True) if is_so]

    def _pieces(self, living: Mapping[Part, int], suspected: Collection[Part], failed: Failed) -> dict[Part, int]:
        """The pieces of the suspects that live: the main one where a living link leads to it, or one of their own."""
        found: dict[Part, int] = {}
        for first in living:
            if first in found:
                continue
            together, main = {first: None}, False
            for one in self._over(together, living, failed):
                main = main or one not in suspected
            called = MAIN if main else len(found) + 1
            found.update(dict.fromkeys(together, called))
        return found

    def _over(self, together: dict[Part, None], living: Mapping[Part, int], failed: Failed) -> Iterator[Part]:
        """Whoever is next to these over living links; suspects that live join them on the way."""
        waiting = list(together)
        while waiting:
            for link, to in self.site.ways[waiting.pop()]:
                self.steps.take(1)
                if link in failed:
                    continue
                yield to
                if to in living and to not in together:
                    together[to] = None
                    waiting.append(to)


__all__ = ["APART", "MAIN", "Failed", "Ground", "Part", "Refused", "Rooted", "State", "Steps"]

"""The best choice of an instance and the tree of duals that proves it, by branch and bound on the linear relaxation.

Where domains nest, the relaxation is integral and the tree is one leaf. Where they cross it may not be; then the number
of nodes in a domain, or in an intersection of domains, is fractional, and one half of its range or the other is taken.
"""

from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen

from physalia.placement.effort import Effort
from physalia.placement.site.topology import ALSO
from physalia.placement.solver.bound import Dual
from physalia.placement.solver.instance import Inside, Instance
from physalia.placement.solver.linear import Undecided, relax

_WHOLE = 1e-5
Ranges = Mapping[str, tuple[int, int]]


@frozen
class Leaf:
    """A dual and what it proves: with scale 0 that there is no choice, else that none costs less than ``bound``."""

    dual: Dual
    bound: int


@frozen
class Split:
    """At most ``at`` nodes in the domain ``key``, or more."""

    key: str
    at: int
    below: "Tree"
    above: "Tree"


@frozen
class Open:
    """Where time ran out: no choice here costs less than ``bound``; None if not even that is known."""

    bound: int | None = None


Tree = Leaf | Split | Open


@define
class Best:
    """The best choice found so far, with its cost; several searches may share one."""

    cost: int | None = None
    servers: tuple[str, ...] = ()
    source: str = ""

    def offer(self, cost: int, servers: Sequence[str], source: str) -> None:
        """Keep this choice if it is better than the best so far."""
        if self.cost is None or cost < self.cost:
            self.cost, self.servers, self.source = cost, tuple(servers), source


@define
class Search:
    """One instance, searched for a choice that is cheaper than ``best``."""

    instance: Instance
    best: Best
    source: str = ""
    effort: Effort = field(factory=Effort)

    def run(self) -> Tree:
        """Search until everything is proven, or the time allowed is over."""
        return self._node(self.instance, {})

    def _node(self, instance: Instance, ranges: Ranges) -> Tree:
        if self.effort.is_over:
            return Open()
        self.effort.told("linear programs")
        try:
            relaxed = relax(instance)
        except Undecided:
            return Open()
        leaf = Leaf(relaxed.dual, relaxed.bound)
        if not relaxed.feasible or self._enough(leaf):
            return leaf
        fractional = None
        atoms = _atoms(instance, relaxed.taken)
        if all(_is_whole(share) for share in atoms.values()):
            servers, cost = _choose(instance, {atom: round(share) for atom, share in atoms.items()})
            self.best.offer(cost, servers, self.source)
        else:
            fractional = _fractional(instance, atoms)
        if self._enough(leaf):
            return leaf
        if fractional is None:
            return Open(leaf.bound)
        return self._split(instance, ranges, leaf, *fractional)

    def _split(self, instance: Instance, ranges: Ranges, leaf: Leaf, key: str, share: float) -> Tree:
        at = int(share)
        low, high = self._range(instance, key)
        halves = []
        for half in ((low, at), (at + 1, high)):
            narrowed = {**ranges, key: half}
            tree = self._node(self.instance.within(narrowed), narrowed)
            halves.append(Open(leaf.bound) if tree == Open() else tree)
        return Split(key, at, halves[0], halves[1])

    def _enough(self, leaf: Leaf) -> bool:
        return self.best.cost is not None and leaf.bound >= self.best.cost and leaf.dual.scale > 0

    def _range(self, instance: Instance, key: str) -> tuple[int, int]:
        if key not in instance.number:
            return 0, instance.nodes
        domain = instance.domains[instance.number[key]]
        return domain.low, min(domain.high, instance.nodes)


def proven(tree: Tree) -> bool:
    """Whether nothing was left open."""
    if isinstance(tree, Split):
        return proven(tree.below) and proven(tree.above)
    return isinstance(tree, Leaf)


def least(tree: Tree) -> int | None:
    """The lower bound that a tree proves: None if it proves none, or that there is no choice at all."""
    bounds = list(_bounds(tree))
    return None if None in bounds else min((b for b in bounds if b is not None), default=None)


def impossible(tree: Tree) -> bool:
    """Whether a tree proves that there is no choice at all."""
    if isinstance(tree, Split):
        return impossible(tree.below) and impossible(tree.above)
    return isinstance(tree, Leaf) and tree.dual.scale == 0


def _bounds(tree: Tree) -> list[int | None]:
    if isinstance(tree, Split):
        return [*_bounds(tree.below), *_bounds(tree.above)]
    if isinstance(tree, Leaf) and tree.dual.scale == 0:
        return []
    return [tree.bound]


Atom = Inside


def _atoms(instance: Instance, taken: Mapping[int, float]) -> dict[Atom, float]:
    """How many nodes are taken from the servers with exactly these domains."""
    shares: dict[Atom, float] = {}
    for at, share in taken.items():
        atom = instance.inside[at]
        shares[atom] = shares.get(atom, 0.0) + share
    return shares


def _choose(instance: Instance, numbers: Mapping[Atom, int]) -> tuple[list[str], int]:
    """So many servers of each atom, the cheapest first, and what they cost with all penalties."""
    wanted = {atom: number for atom, number in numbers.items() if number}
    offers: dict[Atom, list[tuple[int, str]]] = {atom: [] for atom in wanted}
    for price, atom, names in zip(instance.costs, instance.inside, instance.servers, strict=True):
        if atom in offers:
            offers[atom] += [(price, name) for name in names[: instance.nodes]]
    servers, cost, inside = [], 0, [0] * len(instance.domains)
    for atom, number in wanted.items():
        for price, name in sorted(offers[atom])[:number]:
            servers.append(name)
            cost += price
            for domain in atom:
                inside[domain] += 1
    return servers, cost + sum(instance.penalty(at, nodes) for at, nodes in enumerate(inside) if nodes > 1)


def _is_whole(share: float) -> bool:
    return abs(share - round(share)) < _WHOLE


def _fractional(instance: Instance, atoms: Mapping[Atom, float]) -> tuple[str, float] | None:
    """A domain with a fractional number of nodes, the nearest to a half; else an intersection of as few as will do.

    If there is a fractional atom, one that no other contains is the intersection of its domains but for whole numbers
    (the atoms inside it), so that some intersection is fractional.
    """
    inside: dict[int, float] = {}
    for atom, share in atoms.items():
        for domain in atom[1:]:
            inside[domain] = inside.get(domain, 0.0) + share
    broken = [(abs(share % 1 - 0.5), instance.domains[at].key, share) for at, share in inside.items()]
    broken = [one for one in broken if not _is_whole(one[2])]
    if broken:
        _, key, share = min(broken)
        return key, share
    sets = {frozenset(atom): share for atom, share in atoms.items()}
    for parts in sorted((s for s, share in sets.items() if not _is_whole(share)), key=lambda s: (-len(s), sorted(s))):

        def held(domains: frozenset[int]) -> float:
            return sum(share for other, share in sets.items() if domains <= other)

        if _is_whole(held(parts)):
            continue
        kept = set(parts)
        for domain in sorted(parts):  # domain 0 goes first: it restricts nothing
            if not _is_whole(held(frozenset(kept - {domain}))):
                kept.discard(domain)
        return ALSO.join(instance.domains[at].key for at in sorted(kept)), held(frozenset(kept))
    return None


def leaves(instance: Instance, tree: Tree, ranges: Ranges | None = None) -> Iterator[tuple[Instance, Leaf]]:
    """The leaves of a tree from the left, each with the instance whose ranges the splits above it have narrowed."""
    if isinstance(tree, Leaf):
        yield (instance.within(ranges) if ranges else instance), tree
    elif isinstance(tree, Split):
        above = ranges or {}
        at = instance.number.get(tree.key)
        low, high = (0, instance.nodes) if at is None else (instance.domains[at].low, instance.domains[at].high)
        low, high = above.get(tree.key, (low, high))
        for half, part in ((tree.below, (low, tree.at)), (tree.above, (tree.at + 1, min(high, instance.nodes)))):
            yield from leaves(instance, half, {**above, tree.key: part})

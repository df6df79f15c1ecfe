"""Does the exploration see what it claims to see? It goes by keys, clones and memory; here is real code without them.

* **Alone**: random runs of nodes that were never cloned nor restored, beside what is remembered: at each step they do
  the same, and come to the same key.
* **Twins**: where a key took a node for one that was known already, both are given everything, and must do the same.
"""

from itertools import islice
from random import Random

from attrs import define

from conformance.exhaustive.automaton import Automaton, Edge, Twin
from conformance.exhaustive.events import Happening
from conformance.exhaustive.outlet import Outlet
from conformance.exhaustive.performing import Explorable
from conformance.exhaustive.product import Product
from conformance.exhaustive.rows import Rows
from conformance.refutation import Refuted


@define
class Audited:
    """How much was looked at: steps of nodes that were never cloned, twins that differ, and events given to them."""

    steps: int = 0
    twins: int = 0
    events: int = 0


ALONE_STEPS = 3_000
"""So many steps of nodes that were never cloned an audit takes."""

MOST_TWINS = 2_000
"""So many twins of each node an audit looks at."""


class Untrue(Exception):
    """The exploration does not see what the code does: what was wrong, and the events that led to it, if any did."""

    def __init__(self, refuted: Refuted, path: tuple[str, ...] = ()) -> None:
        super().__init__(refuted.title)
        self.refuted = refuted
        self.path = path


@define
class _Alone:
    """A node that was never cloned, its outlet, and the automaton of it that the exploration used."""

    automaton: Automaton
    cell: Explorable
    outlet: Outlet

    def do(self, happening: Happening, edge: Edge) -> None:
        """Let it happen to the node, which must do what the edge says."""
        self.cell, self.outlet, deed = self.automaton.performer.perform(self.cell, self.outlet, happening)
        local = self.automaton.locals[edge.target]
        remembered = self.automaton.at(edge.target)
        if deed != edge.deed:
            raise Refuted("a node that was never cloned does something else", (f"- {edge.deed}", f"+ {deed}"))
        if self.automaton.key(self.cell, self.outlet) != self.automaton.key(remembered, local.outlet):
            raise Refuted("a node that was never cloned comes to another state")


class _Run:
    """Nodes that were never cloned, in a joint state."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.joint = product.beginning
        self.path: list[str] = []
        self._alone = {
            rows.node: _Alone(rows.automaton, performer.start(performer.beginning), performer.beginning)
            for rows in product.nodes
            for performer in (rows.automaton.performer,)
        }

    def do(self, rows: Rows, happening: Happening, edge: Edge) -> None:
        """Let it happen to one of the nodes, and go on from there. Raises `Untrue`."""
        self.end_with(rows, happening, edge)
        self.joint ^= (rows.local(self.joint) ^ edge.target) << rows.low
        for said in edge.deed.says:
            self.joint |= self.product.sent.bit(said)

    def end_with(self, rows: Rows, happening: Happening, edge: Edge) -> None:
        """Let it happen to one of the nodes. Raises `Untrue` if it does not do what the edge says."""
        self.path.append(rows.words(happening))
        try:
            self._alone[rows.node].do(happening, edge)
        except Refuted as refuted:
            raise Untrue(refuted, tuple(self.path)) from None

    def possible(self, rows: Rows) -> list[tuple[Happening, Edge]]:
        """What can happen to a node, whether it changes anything or not."""
        return rows.happenings(self.joint & rows.mask)


def run_alone(product: Product, seed: int, steps: int, length: int = 60) -> int:
    """Random runs of so many steps in all, each at most `length` long; raises `Untrue`. How many steps were taken."""
    random, taken = Random(seed), 0  # noqa: S311  # repeatable, no secret
    while taken < steps:
        run = _Run(product)
        for _ in range(length):
            for clients in product.clients:
                run.joint |= random.choice((0, clients.mask))
            rows = random.choice(product.nodes)
            possible = run.possible(rows)
            if possible:
                run.do(rows, *random.choice(possible))
        taken += len(run.path)
    return taken


def confirm(product: Product, path: tuple[str, ...]) -> None:
    """Go along a path with nodes that were never cloned, and take every step at its end.

    Raises `Untrue` if they do something else. So what is told of the code is what the code does, and not what its
    snapshots make of it.
    """
    end = _along(product, path)
    for rows in product.nodes:
        for happening, edge in rows.automaton.locals[rows.local(end.joint)].edges():
            _along(product, path).end_with(rows, happening, edge)


def _along(product: Product, path: tuple[str, ...]) -> _Run:
    run = _Run(product)
    for event in path:
        for clients in product.clients:
            asked = clients.row(run.joint & clients.mask)
            moves = zip(asked.moves, asked.happenings, strict=True)
            run.joint |= sum(move.add for move, happening in moves if clients.words(happening) == event)
        named = ((rows, one) for rows in product.nodes for one in run.possible(rows) if rows.words(one[0]) == event)
        for rows, (happening, edge) in islice(named, 1):
            run.do(rows, happening, edge)
    return run


def audit(product: Product, seed: int) -> Audited:
    """Both audits of a scope that was explored; raises `Untrue`."""
    audited = look_at_twins(product, MOST_TWINS)
    audited.steps = run_alone(product, seed, ALONE_STEPS)
    return audited


def look_at_twins(product: Product, most: int) -> Audited:
    """Give everything to at most so many twins of each node; raises `Untrue`."""
    audited = Audited()
    for rows in product.nodes:
        automaton = rows.automaton
        every = max(1, len(automaton.twins) // most)
        for twin in automaton.twins[::every]:
            _look_at(automaton, twin, audited)
    return audited


def _look_at(automaton: Automaton, twin: Twin, audited: Audited) -> None:
    local = automaton.locals[twin.number]
    audited.twins += 1
    cell = automaton.performer.start(Outlet())
    cell.restore(twin.memory)
    if automaton.performer.view(cell, twin.outlet) != automaton.views[local.view]:
        raise Untrue(_two_in_one(automaton, "the specification sees them differently", local.memory, twin.memory))
    for happening, edge in local.edges():
        audited.events += 1
        cell.restore(twin.memory)
        remembered = automaton.locals[edge.target]
        expected = automaton.key(automaton.at(edge.target), remembered.outlet)
        try:
            after, outlet, deed = automaton.performer.perform(cell, twin.outlet, happening)
        except Refuted as refuted:
            raise Untrue(_two_in_one(automaton, refuted.title, local.memory, twin.memory)) from None
        if deed != edge.deed or automaton.key(after, outlet) != expected:
            why = f"given {happening}, one did {edge.deed}, the other {deed}"
            raise Untrue(_two_in_one(automaton, why, local.memory, twin.memory))


def _two_in_one(automaton: Automaton, why: str, one: object, other: object) -> Refuted:
    return Refuted(f"the key of node {automaton.node} takes two states for one", (why, f"- {one}", f"+ {other}"))

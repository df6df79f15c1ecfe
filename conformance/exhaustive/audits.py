"""Does the exploration see what it claims to see? It goes by keys, clones and memory; here is real code without them.

* **Alone**: random runs of nodes that were never cloned nor restored, beside what is remembered: at each step they do
  the same, and come to the same key.
* **Twins**: where a key took a node for one that was known already, both are given everything, and must do the same.
"""

from random import Random

from attrs import define

from conformance.exhaustive.automaton import Automaton, Edge, Twin
from conformance.exhaustive.events import Happening
from conformance.exhaustive.outlet import Outlet
from conformance.exhaustive.performing import Explorable
from conformance.exhaustive.product import Product
from conformance.refutation import Refuted


@define
class Audited:
    """How much was looked at: steps of nodes that were never cloned, twins that differ, and events given to them."""

    steps: int = 0
    twins: int = 0
    events: int = 0


ALONE_STEPS = 6_000
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


def run_alone(product: Product, seed: int, steps: int, length: int = 60) -> int:
    """Random runs of so many steps in all, each at most `length` long; raises `Untrue`. How many steps were taken."""
    random, taken = Random(seed), 0  # noqa: S311  # repeatable, no secret
    while taken < steps:
        taken += _run_alone(product, random, length)
    return taken


def _run_alone(product: Product, random: Random, length: int) -> int:
    alone = {
        rows.node: _Alone(rows.automaton, rows.automaton.performer.start(Outlet()), Outlet()) for rows in product.nodes
    }
    joint, path = product.beginning, []
    for _ in range(length):
        for clients in product.movers[len(product.nodes) :]:
            joint |= random.choice((0, clients.mask))
        rows = random.choice(product.nodes)
        happening, edge = random.choice(rows.happenings(joint & rows.mask) or [(None, None)])
        if happening is None or edge is None:
            continue
        path.append(rows.words(happening))
        try:
            alone[rows.node].do(happening, edge)
        except Refuted as refuted:
            raise Untrue(refuted, tuple(path)) from None
        joint ^= (rows.local(joint) ^ edge.target) << rows.low
        for said in edge.deed.says:
            joint |= product.sent.bit(said)
    return length


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
    for happening, edge in (*automaton.own(twin.number), *local.heard.values()):
        audited.events += 1
        cell.restore(twin.memory)
        after, outlet, deed = automaton.performer.perform(cell, twin.outlet, happening)
        remembered = automaton.locals[edge.target]
        expected = automaton.key(automaton.at(edge.target), remembered.outlet)
        if deed != edge.deed or automaton.key(after, outlet) != expected:
            why = f"given {happening}, one did {edge.deed}, the other {deed}"
            raise Untrue(_two_in_one(automaton, why, local.memory, twin.memory))


def _two_in_one(automaton: Automaton, why: str, one: object, other: object) -> Refuted:
    return Refuted(f"the key of node {automaton.node} takes two states for one", (why, f"- {one}", f"+ {other}"))

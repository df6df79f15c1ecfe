"""Random walks through a scope, and what its clients see of them.

A client knows when it asked and when it was answered, and what; it knows nothing of nodes. A walk takes the steps that
the exploration takes, of the same code, and any order of them; so what is seen on it can be seen.
Who reads twice, or from two nodes, is two readers: an answer is that to the last time that the node took the read on.
"""

from collections.abc import Iterator
from random import Random
from typing import TypeAlias

from conformance.exhaustive.automaton import Automaton, Edge, Misstep
from conformance.exhaustive.events import Give, Happening, Restart
from conformance.exhaustive.network import Sent
from conformance.exhaustive.performing import MakeExplorable, Performer
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import NOBODY, Said, Translation
from physalia import model
from physalia.cell import Node
from physalia.model import NodeId, Query, RequestId

Client: TypeAlias = model.Submit | model.Answer | Query | model.Found
"""What a client asks, or is told."""

TURNS = 0.1
"""How often a node crashes or takes over where it may: more, and nothing would ever get done."""
ASKS = 0.05
"""How often a client asks for the next command, where some come later."""
REMEMBERED = 1 << 18
"""Of so many places in walks it is remembered what may happen there: walks come back to the same ones."""


class Walks:
    """Walks through one scope, whose steps are run once and remembered."""

    def __init__(self, scope: Scope, make_node: MakeExplorable = Node) -> None:
        words = self._words = Translation(scope.machine)
        self._sent = Sent(scope, words, 0)
        self._early = [name for name in scope.machine.commands if name in scope.machine.early]
        self._late = [name for name in scope.machine.commands if name not in scope.machine.early]
        self._known: dict[tuple[NodeId, int, int, bool], list[tuple[Happening, Edge]]] = {}
        self._nodes: dict[NodeId, Automaton] = {}
        for node in scope.machine.nodes:
            self._nodes[node] = Automaton(Performer(scope, words, node, make_node), words)

    def walk(self, random: Random, length: int) -> Iterator[Client]:
        """One walk of at most so many steps, from the beginning. It ends where the code errs, which others judge."""
        at, said, late = dict.fromkeys(self._nodes, 0), 0, list(self._late)
        readers: dict[tuple[NodeId, RequestId], RequestId] = {}
        for name in self._early:
            said |= self._ask(name)
            yield model.Submit(self._words.commands[name])
        for step in range(length):
            if late and random.random() < ASKS:
                name = late.pop(random.randrange(len(late)))
                said |= self._ask(name)
                yield model.Submit(self._words.commands[name])
            node = random.choice(list(self._nodes))
            try:
                possible = self._possible(node, at[node], said, random.random() < TURNS)
            except Misstep:
                return
            if not possible:
                continue
            happening, edge = random.choice(possible)
            at[node] = edge.target
            for one in edge.deed.says:
                said |= self._sent.bit(one)
            if isinstance(happening, Give) and isinstance(happening.event, Query):
                request = happening.event.request
                readers[node, request] = RequestId(f"{request.client} of node {node}", step + 1)
                yield Query(readers[node, request])
            for one in (*edge.deed.says, *edge.deed.repeats):
                if isinstance(one.message, model.Answer):
                    yield one.message
            for found in edge.deed.found:
                yield model.Found(readers[node, found.request], found.slot, found.saw)

    def _ask(self, name: str) -> int:
        return self._sent.bit(Said(NOBODY, model.Submit(self._words.commands[name]), frozenset()))

    def _possible(self, node: NodeId, local: int, said: int, turns: bool) -> list[tuple[Happening, Edge]]:
        """What may happen to the node and changes anything. Raises `Misstep`."""
        here = node, local, said, turns
        known = self._known.get(here)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[here] = list(self._found(node, local, said, turns))
        return known

    def _found(self, node: NodeId, local: int, said: int, turns: bool) -> Iterator[tuple[Happening, Edge]]:
        automaton = self._nodes[node]
        inbox = [one for one in self._sent.inboxes[node] if said & one[0]]
        heard = [(happening, automaton.hear(local, bit, happening)) for bit, happening in inbox]
        for happening, edge in (*automaton.own(local), *heard):
            is_new = edge.target != local or any(not said & self._sent.bit(one) for one in edge.deed.says)
            if is_new and _is_turn(happening) == turns:
                yield happening, edge


def _is_turn(happening: Happening) -> bool:
    return isinstance(happening, Restart) or (
        isinstance(happening, Give) and isinstance(happening.event, model.Campaign)
    )  # fmt: skip

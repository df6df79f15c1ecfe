"""The layer `volume` of the proof speaks of `Volume`, both ways, on the graphs of its models.

Every state keeps its invariants, and every step is one of its own; and wherever a guard of it holds there is an edge,
unless `Volume` asks for something there that the layer leaves out. What that is stands in `LeftOut`, and nothing else.
What a server said under an epoch that it left cannot be read off a state of `Volume`, so those facts are left out, and
with them the two conjuncts that ask for them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import pytest
import z3
from attrs import frozen

from spec.induction.formulas.evaluate import Facts, Universe, compiled
from spec.induction.formulas.kernel import Formula, Step, Term, action, invariant
from spec.induction.formulas.kernel import State as Symbols
from spec.induction.layers.volume import LETTERS
from spec.induction.layers.volume import Volume as Layer
from spec.machine import enabled, explore
from spec.models import MODELS
from spec.volumes.chain import Request, State
from spec.volumes.volume import Volume

STEPS = {"take": "take", "forward": "take", "hold": "hold", "tell": "tell", "shrink": "shrink", "install": "install",
         "copy": "copy", "adopt": "adopt", "mirror": "mirror"}  # fmt: skip
UNREAD = {"tell": ("safe",), "mirror": ("complete",)}
NAMED = {"hold": ("e",), "shrink": ("e", "f"), "mirror": ("e", "f")}
"""The epochs that are named where guards are compared, instead of asking for some."""
COMPARED = ("primary", "replica", "alone", "newest", "knows", "noted", "leads", "holds", "sent", "offered")


def facts_of(machine: Volume, s: State) -> Facts:
    """A state of `Volume` as facts of the layer."""
    servers, epochs = list(machine.servers), range(1, len(s.configs) + 1)
    known = {n: s.epoch[n] for n in servers if s.epoch[n]}
    held = {n: [(one.write, one.conn) for one in s.data[n]] for n in servers}
    return {
        "primary": frozenset((e, s.configs[e - 1].primary) for e in epochs),
        "replica": frozenset((e, s.configs[e - 1].replica) for e in epochs if s.configs[e - 1].replica),
        "alone": frozenset((e,) for e in epochs if not s.configs[e - 1].replica),
        "newest": frozenset({(len(s.configs),)}),
        "knows": frozenset(known.items()),
        "noted": frozenset((n, e) for n, last in known.items() for e in range(1, last + 1)),
        "leads": frozenset((n,) for n, e in known.items() if s.configs[e - 1].primary == n),
        "holds": frozenset((n, w) for n in servers for w in held[n]),
        "sent": frozenset((one.epoch, (one.entry.write, one.entry.conn)) for one in s.chain),
        "has": frozenset((a.server, a.epoch, w) for a in s.acks if known.get(a.server) == a.epoch
                         for w in held[a.server][: a.upto]),
        "offered": frozenset((one.epoch, one.to) for one in s.copies),
        "copied": frozenset((one.epoch, one.to, (m.write, m.conn)) for one in s.copies for m in one.data),
        "acknowledged": frozenset(((w, 1),) for w in s.told),
    }  # fmt: skip


def arguments(name: str, args: tuple[Any, ...], s: State) -> tuple[Any, ...]:
    """The arguments of the layer's action."""
    if name == "take":
        return args[0], (args[1], args[2])
    if name == "forward":
        one = s.data[args[0]][args[1] - 1]
        return args[0], (one.write, one.conn)
    if name == "hold":
        entry = next(m.entry for m in s.chain if m.epoch == args[1] and m.place == args[2])
        return args[0], (entry.write, entry.conn)
    if name == "tell":
        return args[0], (args[1], 1)
    return args


def epochs_of(name: str, args: tuple[Any, ...], s: State) -> tuple[int, ...]:
    """The epochs that a step is about, for the actions of `NAMED`: the known one, and the one that is put."""
    known = s.epoch[args[0]]
    return {"hold": (known,), "shrink": (known, len(s.configs) + 1), "mirror": (known, len(s.configs) + 1)}.get(
        name, ()
    )


class LeftOut:
    """What `Volume` asks for beside what the layer does: servers that go on, connections, requests, order, and once."""

    def __init__(self, machine: Volume, s: State) -> None:
        self.machine, self.s = machine, s

    def take(self, p: int, write: tuple[int, int]) -> bool:
        """A request on a connection of whom the server knows to be attached, once; or what is to be sent anew."""
        machine, s = self.machine, self.s
        (w, c), record, held = write, self.machine.of(s, p), s.data[p]
        asked = Request(w, c) in s.requests and c == s.conn[machine.writer[w]] and machine.writer[w] == record.attached
        new = asked and all((one.write, one.conn) != write for one in held)
        said = max((one.upto for one in s.acks if one.epoch == s.epoch[p]), default=0)
        again = any((one.write, one.conn) == write and one.epoch < s.epoch[p] for one in held[said:])
        return new or (again and not machine.alone(s, p))

    def hold(self, r: int, write: tuple[int, int], e: int) -> bool:
        """In the order in which it was sent."""
        nexts = [m.entry for m in self.s.chain if m.epoch == e and m.place == len(self.s.data[r]) + 1]
        return any((one.write, one.conn) == write for one in nexts)

    def tell(self, p: int, write: tuple[int, int]) -> bool:
        """Once, and on the connection that asked; and the conjunct that is not read."""
        machine, s = self.machine, self.s
        (w, c), places = write, [k for k, one in enumerate(self.s.data[p], 1) if (one.write, one.conn) == write]
        return w not in s.told and c == s.conn[machine.writer[w]] and any(machine.safe(s, p, k) for k in places or [0])

    def copy(self, p: int, r: int) -> bool:
        """Once under an epoch."""
        return all((one.epoch, one.to) != (self.s.epoch[p], r) for one in self.s.copies)

    def mirror(self, p: int, r: int, e: int, f: int) -> bool:
        """The conjunct that is not read: the new copy said that it holds as much. And no epoch is passed over."""
        s = self.s
        said = any((a.epoch, a.server) == (e, r) and a.upto >= len(s.data[p]) for a in s.acks)
        return said and f <= len(s.configs) + 1

    def shrink(self, _m: int, _e: int, f: int) -> bool:
        """No epoch is passed over."""
        return f <= len(self.s.configs) + 1

    def install(self, _m: int, _e: int) -> bool:
        """Nothing else."""
        return True

    adopt = install


Guards = Mapping[str, Callable[..., bool]]


@frozen
class Graph:
    """A model's graph beside a layer: its states, and what their servers, epochs and writes are to the layer."""

    machine: Volume
    states: tuple[State, ...]
    universe: Universe

    @classmethod
    def of(cls, machine: Volume) -> "Graph":
        """Visit every state."""
        found = explore(machine)
        epochs = tuple(range(1, machine.max_epoch + 1))
        universe = Universe(
            domains={"Server": tuple(machine.servers), "Epoch": epochs, "Write": tuple((w, 1) for w in machine.writes)},
            relations={"older": frozenset((e, f) for e in epochs for f in epochs if e < f)},
            functions={"first_epoch": {(): 1}, "founder": {(): 1}, "second": {(): 2}},
        )
        return cls(machine, tuple(map(found.state, range(found.distinct))), universe)

    def guards(self, layer: Layer, without: tuple[str, str] = ("", "")) -> Guards:
        """The guards of a layer, less what cannot be read; and less one conjunct of one action."""
        found = {}
        for name, act in layer.system().actions.items():
            for conjunct in (*UNREAD.get(name, ()), *(without[1:] if without[0] == name else ())):
                act = act.without(conjunct)  # noqa: PLW2901
            named = tuple(act.witnesses[one] for one in NAMED.get(name, ()))
            asked = z3.And(*act.guard.values()) if named else act.enabled
            found[name] = compiled(asked, self.universe, (*act.parameters.values(), *named))
        return found

    def disagreements(self, layer: Layer, guards: Guards) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Where a guard holds and all that is left out too, and there is no edge; or an edge, and not both."""
        machine, actions = self.machine, layer.system().actions
        for state in self.states:
            facts, left_out, edges = facts_of(machine, state), LeftOut(machine, state), defaultdict(set)
            for step in enabled(machine, state):
                if step.name in STEPS:
                    name = STEPS[step.name]
                    edges[name].add((*arguments(step.name, step.args, state), *epochs_of(name, step.args, state)))
            for name, holds in guards.items():
                act = actions[name]
                terms = (*act.parameters.values(), *(act.witnesses[one] for one in NAMED.get(name, ())))
                for args in product(*(self.universe.domains[term.sort().name()] for term in terms)):
                    goes_on = args[0] not in machine.gone and getattr(left_out, name)(*args)
                    if (goes_on and holds(facts, *args)) != (args in edges[name]):
                        yield name, args


def steps_taken(graph: Graph, layer: Layer) -> set[str]:
    """Hold every state and step of a model against a layer; the actions of the layer that were taken."""
    system, machine = layer.system(), graph.machine
    s0 = system.state()
    kept = {name: compiled(claim(s0), graph.universe) for name, claim in {**system.invariants, **system.safety}.items()}
    guards, effects = dict[str, Any](), dict[str, Any]()
    for name, act in system.actions.items():
        for conjunct in UNREAD.get(name, ()):
            act = act.without(conjunct)  # noqa: PLW2901
        guards[name] = compiled(act.enabled, graph.universe, tuple(act.parameters.values()))
        changes = z3.And(*(formula for what, formula in system.effects(act).items() if what in COMPARED))
        bound = [term for term in act.witnesses.values() if z3.is_const(term)]
        step = z3.And(*act.guard.values(), changes)
        step = z3.Exists(bound, step) if bound else step
        effects[name] = compiled(step, graph.universe, tuple(act.parameters.values()))
    taken = set()
    for state in graph.states:
        facts = facts_of(machine, state)
        assert [name for name, holds in kept.items() if not holds(facts)] == []
        for step in enabled(machine, state):
            after = facts_of(machine, step.state)
            if step.name not in STEPS:
                assert all(facts[name] == after[name] for name in COMPARED)
                continue
            name, args = STEPS[step.name], arguments(step.name, step.args, state)
            assert guards[name](facts, *args), (step.name, step.args, state)
            assert effects[name]({**facts, **{f"{what}'": after[what] for what in after}}, *args), (step, state)
            taken.add(name)
    return taken


@cache
def graph_of(model: str) -> Graph:
    machine = MODELS[model]
    assert isinstance(machine, Volume)
    return Graph.of(machine)


FAIL_OVER, MIRROR = "MCVolumeFailOver", "MCVolumeMirror"
BOTH = pytest.mark.parametrize("model", [FAIL_OVER, pytest.param(MIRROR, marks=pytest.mark.slow)])


@BOTH
def test_every_state_keeps_the_invariants_and_every_step_is_one_of_the_layer(model: str) -> None:
    taken = steps_taken(graph_of(model), Layer())
    assert taken == Layer().system().actions.keys() - ({"mirror"} if model == FAIL_OVER else set())


@BOTH
def test_wherever_a_guard_holds_there_is_an_edge(model: str) -> None:
    graph = graph_of(model)
    assert next(graph.disagreements(Layer(), graph.guards(Layer())), None) is None


IDLE = {
    ("hold", "came"): "what comes next in order was sent",
    ("hold", "follows"): "a primary holds all that it sent, so that nothing comes next",
    ("shrink", "member"): "of two servers both are in a record of two",
    ("mirror", "serves"): "of two servers the one that did not get the copy sent it",
    ("mirror", "condition"): "nobody but the one copy can write a newer record, which is an invariant",
    ("mirror", "arrived"): "who said under the newest epoch that it holds something knows that one",
    ("mirror", "other"): "who is alone says nothing to itself",
}
"""Conjuncts of guards that nothing on these graphs asks for beside the others and what is left out, and why."""
CONJUNCTS = [
    (name, conjunct)
    for name, act in Layer().system().actions.items()
    for conjunct in act.guard if conjunct not in UNREAD.get(name, ())
]  # fmt: skip


def caught(name: str, conjunct: str) -> bool:
    """Whether a guard without a conjunct holds somewhere where there is no edge."""
    layer = Layer()
    return any(
        next(graph.disagreements(layer, {name: graph.guards(layer, (name, conjunct))[name]}), None) is not None
        for graph in map(graph_of, (FAIL_OVER, MIRROR))
    )


@pytest.mark.parametrize(("name", "conjunct"), [one for one in CONJUNCTS if one not in IDLE])
def test_a_guard_that_is_weakened_holds_where_there_is_no_edge(name: str, conjunct: str) -> None:
    """Edges alone would accept each of these; what is compared the other way catches them."""
    assert caught(name, conjunct)


@pytest.mark.slow
def test_what_is_idle_on_the_graphs_is_named() -> None:
    assert {one for one in CONJUNCTS if not caught(*one)} == IDLE.keys()


class AdoptsNothingEmpty(Layer):
    """The first version of the layer: a new copy had to have something in it."""

    @action()
    def adopt(self, s: Symbols, r: Term, e: Term) -> Step:
        return super().adopt(s, r, e).where(sent=LETTERS.exists(lambda w: s.copied(e, r, w)))


class KeepsTheOldRecord(Layer):
    """The record that was in force stays so beside the new one."""

    @action()
    def shrink(self, s: Symbols, m: Term, *, e: Term, f: Term) -> Step:
        return super().shrink(s, m, e=e, f=f).also(newest=lambda g: z3.Or(s.newest(g), g == f))


class NothingIsOnItsWay(Layer):
    """It claims too much: nobody holds what its primary does not know to be held."""

    @invariant
    def all_is_told(self, s: Symbols) -> Formula:
        return LETTERS.forall(lambda n, w: z3.Implies(s.holds(n, w), s.acknowledged(w)))


@pytest.mark.parametrize("broken", [AdoptsNothingEmpty, KeepsTheOldRecord, NothingIsOnItsWay])
def test_a_layer_that_speaks_of_something_else_is_refused(broken: type[Layer]) -> None:
    with pytest.raises(AssertionError):
        steps_taken(graph_of(FAIL_OVER), broken())

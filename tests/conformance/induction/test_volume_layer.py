"""The layer `volume` of the proof speaks of `Volume`: every state keeps its invariants, every step is one of its own.

What a server said under an epoch that it left cannot be read off a state of `Volume`, so those facts are left out, and
with them the two conjuncts that ask for them. Guards are compared where there is an edge, and not where there is none.
"""

from typing import Any

import pytest
import z3

from spec.induction.formulas.evaluate import Facts, Universe, compiled
from spec.induction.formulas.kernel import Formula, Step, Term, action, invariant
from spec.induction.formulas.kernel import State as Symbols
from spec.induction.layers.volume import LETTERS
from spec.induction.layers.volume import Volume as Layer
from spec.machine import enabled, explore
from spec.models import MODELS
from spec.volumes.chain import State
from spec.volumes.volume import Volume

STEPS = {"take": "take", "forward": "take", "hold": "hold", "tell": "tell", "shrink": "shrink", "install": "install",
         "copy": "copy", "adopt": "adopt", "mirror": "mirror"}  # fmt: skip
UNREAD = {"tell": ("safe",), "mirror": ("complete",)}
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


def steps_taken(machine: Volume, layer: Layer) -> set[str]:
    """Hold every state and step of a model against a layer; the actions of the layer that were taken."""
    system = layer.system()
    epochs = tuple(range(1, machine.max_epoch + 1))
    universe = Universe(
        domains={"Server": tuple(machine.servers), "Epoch": epochs, "Write": tuple((w, 1) for w in machine.writes)},
        relations={"older": frozenset((e, f) for e in epochs for f in epochs if e < f)},
        functions={"first_epoch": {(): 1}, "founder": {(): 1}, "second": {(): 2}},
    )
    s0 = system.state()
    kept = {name: compiled(claim(s0), universe) for name, claim in {**system.invariants, **system.safety}.items()}
    guards, effects = {}, {}
    for name, act in system.actions.items():
        for conjunct in UNREAD.get(name, ()):
            act = act.without(conjunct)  # noqa: PLW2901
        guards[name] = compiled(act.enabled, universe, tuple(act.parameters.values()))
        changes = z3.And(*(formula for what, formula in system.effects(act).items() if what in COMPARED))
        bound = [term for term in act.witnesses.values() if z3.is_const(term)]
        step = z3.And(*act.guard.values(), changes)
        step = z3.Exists(bound, step) if bound else step
        effects[name] = compiled(step, universe, tuple(act.parameters.values()))
    taken = set()
    found = explore(machine)
    for state in map(found.state, range(found.distinct)):
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


@pytest.mark.parametrize("model", ["MCVolumeFailOver", pytest.param("MCVolumeMirror", marks=pytest.mark.slow)])
def test_every_state_keeps_the_invariants_and_every_step_is_one_of_the_layer(model: str) -> None:
    machine = MODELS[model]
    assert isinstance(machine, Volume)
    taken = steps_taken(machine, Layer())
    assert taken >= {"take", "hold", "tell", "shrink", "install", "copy", "adopt"}
    assert model != "MCVolumeMirror" or "mirror" in taken


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
    machine = MODELS["MCVolumeFailOver"]
    assert isinstance(machine, Volume)
    with pytest.raises(AssertionError):
        steps_taken(machine, broken())

"""Two graphs of one model, TLC's and the mirror's: whether they are the same sets, and if not, where they part first.

Compared are the initial states, the states, and the steps as triples of state, call and state. A call is an action's
name with its arguments where TLC's dump has them. The jar that is shipped leaves them out: then several lists of
arguments may stand for one triple; how often that is so is counted.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from attrs import define, frozen

from conformance.graph.calls import Call, calls_of
from conformance.tlc.dump import Dump, DumpError
from spec.differences import call, differences, show
from spec.explain import effect, explain
from spec.machine import Args, Exploration, Step, successor

MAX_ALONE = 5
"""More steps that one side alone allows help nobody."""

Edge: TypeAlias = tuple[int, Call, int]


@frozen(kw_only=True)
class Comparison:
    """What was compared, and the lines of the difference; none if the graphs are equal."""

    states: int
    edges: int
    ambiguous: int
    """How many lists of arguments stand for a triple for which another list stands too."""
    labels: frozenset[str]
    difference: tuple[str, ...]


def compare(found: Exploration[Any], dump: Dump) -> Comparison:
    """Compare; DumpError when the dump does not hang together."""
    graphs = _Graphs(found, dump)
    return Comparison(
        states=found.distinct,
        edges=len(graphs.model_edges),
        ambiguous=graphs.ambiguous,
        labels=frozenset(label.name for label in dump.labels),
        difference=tuple(graphs.difference()),
    )


@define(init=False)
class _Graphs:
    """Both graphs over one numbering of states: the mirror's, and after it the states that TLC alone has."""

    found: Exploration[Any]
    unknown_labels: list[str]
    named: list[Call]
    calls: dict[Call, int]
    tlc_initial: set[int]
    model_edges: set[int]
    tlc_edges: set[int]
    tlc_states: set[int]
    ambiguous: int
    alone: list[Any]
    total: int
    call_of: list[int]
    """The number of the call that each step of the mirror is."""

    def __init__(self, found: Exploration[Any], dump: Dump) -> None:
        self.found = found
        of_labels, self.unknown_labels = calls_of(found.machine, dump.labels)
        of_steps = _calls_of_steps(found, {one.name for one in of_labels if one.args is not None})
        self.named = list(dict.fromkeys([*of_steps, *of_labels]))
        self.calls = {one: number for number, one in enumerate(self.named)}
        self.alone: list[Any] = []
        number_of = self._numbers(dump)
        self.tlc_states = set(number_of)
        self.tlc_initial = {number_of[number] for number in dump.initial}
        self.total = found.distinct + len(self.alone)
        label_of = [self.calls[one] for one in of_labels]
        self.tlc_edges = {
            self._edge(number_of[source], label_of[label], number_of[target])
            for source, label, target in zip(dump.sources, dump.label_numbers, dump.targets, strict=True)
        }
        self.call_of = [self.calls[one] for one in of_steps]
        self.model_edges = {
            self._edge(source, self.call_of[step], target)
            for source, step, target in zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True)
        }
        self.ambiguous = len(found.edge_sources) - len(self.model_edges)

    def _numbers(self, dump: Dump) -> list[int]:
        """The number of each state of the dump."""
        numbers = []
        for state in dump.states:
            number = self.found.number(state)
            if number is None:
                number = self.found.distinct + len(self.alone)
                self.alone.append(state)
            numbers.append(number)
        if len(set(numbers)) < len(numbers) or len(set(self.alone)) < len(self.alone):
            raise DumpError("two states of the dump are one and the same for the mirror's types.")
        return numbers

    def _edge(self, source: int, called: int, target: int) -> int:
        """A step as one number, which a set holds in little memory."""
        return (source * len(self.calls) + called) * self.total + target

    def _read(self, edge: int) -> Edge:
        rest, target = divmod(edge, self.total)
        source, called = divmod(rest, len(self.calls))
        return source, self.named[called], target

    def _state(self, number: int) -> Any:
        return self.found.state(number) if number < self.found.distinct else self.alone[number - self.found.distinct]

    def difference(self) -> Iterator[str]:
        """Where the graphs part first, in lines; nothing if they are equal."""
        if self.unknown_labels:
            yield f"TLC calls steps {', '.join(sorted(self.unknown_labels))}, which are no actions of spec/."
        initial = set(range(self.found.initial))
        if initial != self.tlc_initial:
            yield from (f"initial for TLC alone: {show(self._state(n))}" for n in sorted(self.tlc_initial - initial))
            yield from (f"initial for spec/ alone: {show(self._state(n))}" for n in sorted(initial - self.tlc_initial))
            return
        parted = [self._read(edge) for edge in self.model_edges ^ self.tlc_edges]
        common = [source for source, _, _ in parted if source < self.found.distinct and source in self.tlc_states]
        if common:
            # Every path to the first such state, by the mirror's order, goes through states where nothing differs.
            yield from self._parting(min(common))
        elif parted or self.tlc_states != set(range(self.found.distinct)):
            raise DumpError("the dump has states that no path leads to.")
        if self.found.gave_up_at:
            yield f"The exploration of spec/ was cut short at {self.found.gave_up_at}: it has more states than these."

    def _parting(self, source: int) -> Iterator[str]:
        model_alone = self.found.distinct - len(self.tlc_states) + len(self.alone)
        yield (
            f"{len(self.alone)} states and {len(self.tlc_edges - self.model_edges)} steps are TLC's alone, "
            f"{model_alone} states and {len(self.model_edges - self.tlc_edges)} steps are spec/'s alone."
        )
        yield "The shortest path to where they part:"
        path = self.found.path(source)
        yield from narrate(path)
        yield "The last common state:"
        yield from (f"  {name} = {show(value)}" for name, value in path[-1].state._asdict().items())
        yield from self._tlc_alone(source)
        yield from self._model_alone(source)

    def _tlc_alone(self, source: int) -> Iterator[str]:
        alone = [self._read(edge) for edge in self.tlc_edges - self.model_edges]
        mine = sorted((edge for edge in alone if edge[0] == source), key=lambda edge: (str(edge[1]), edge[2]))
        for _, called, target in mine[:MAX_ALONE]:
            yield f"TLC alone allows {'a step ' if called.args is None else ''}{called}:"
            yield from (f"      {line}" for line in differences(self._state(source), self._state(target)))
            yield from (f"      {line}" for line in self._stopped(source, called, target))
        if len(mine) > MAX_ALONE:
            yield f"and {len(mine) - MAX_ALONE} more."

    def _stopped(self, source: int, called: Call, target: int) -> Iterator[str]:
        """What keeps the mirror from this very step: the guard of the call that would lead to that state."""
        machine, state, name = self.found.machine, self._state(source), called.name.lower()
        if name not in machine.action_names():
            return
        wanted = [called.args] if called.args is not None else self._leading(state, name, self._state(target))
        for args in wanted[:MAX_ALONE]:
            text = explain(machine, state, name, args)
            if text:
                yield f"spec/ refuses {call(name, args)}, where this is false: {text}"
            else:
                yield f"spec/ allows {call(name, args)}, and it leads elsewhere:"
                after = successor(machine, state, name, args)
                yield from (f"      {line}" for line in differences(state, after))
        if not wanted:
            yield f"spec/ has no {name} with this effect, whatever its arguments and even without its guard."

    def _leading(self, state: Any, name: str, target: Any) -> list[Args]:
        """Every list of arguments with which the action, were its guard true, would lead to the target."""
        machine = self.found.machine
        return [args for args in machine.arguments(name) if effect(machine, state, name, args) == target]

    def _model_alone(self, source: int) -> Iterator[str]:
        edges = self.model_edges - self.tlc_edges
        shown = 0
        for start, step, target in zip(
            self.found.edge_sources, self.found.edge_steps, self.found.edge_targets, strict=True
        ):
            name, args = self.found.steps[step]
            if start == source and self._edge(start, self.call_of[step], target) in edges:
                shown += 1
                if shown <= MAX_ALONE:
                    yield f"spec/ alone allows {call(name, args)}:"
                    yield from (f"      {line}" for line in differences(self._state(source), self._state(target)))
        if shown > MAX_ALONE:
            yield f"and {shown - MAX_ALONE} more."


def _calls_of_steps(found: Exploration[Any], with_arguments: set[str]) -> list[Call]:
    """The call that each step of the mirror is, with arguments only if TLC names those of its action."""
    calls = [Call(name.capitalize(), args) for name, args in found.steps]
    return [one if one.name in with_arguments else Call(one.name) for one in calls]


def narrate(path: tuple[Step, ...]) -> Iterator[str]:
    """The steps of a path, each with what it changed."""
    for number, step in enumerate(path):
        yield f"{number:3} {call(step.name, step.args)}"
        if number:
            yield from (f"      {line}" for line in differences(path[number - 1].state, step.state))

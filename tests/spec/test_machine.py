"""The kernel on toys, with counts that were derived by hand."""

import gc
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from spec.explain import explain
from spec.machine import (
    Limits,
    Machine,
    Status,
    Step,
    action,
    enabled,
    explore,
    invariant,
    peak_memory_bytes,
    successor,
    walk,
)
from tests.spec.toys import Colliding, Counters, Counting, DieHard, Holds, Jugs, RefinedCounters, Solvable


def test_die_hard_has_sixteen_states_and_six_moves_from_each() -> None:
    found = explore(DieHard())
    assert found.whole
    assert (found.distinct, found.generated) == (16, 1 + 16 * 6)
    assert found.taken == {"fill": 32, "empty": 32, "to_big": 16, "to_small": 16}


def test_the_shortest_solution_has_six_moves() -> None:
    found = explore(Solvable())
    assert found.violation is not None
    assert found.violation.name == "never_four"
    path = found.violation.path
    assert len(path) == 7
    assert path[0] == Step("init", (), Jugs(0, 0))
    machine = Solvable()
    for before, step in pairwise(path):
        assert successor(machine, before.state, step.name, step.args) == step.state
    assert path[-1].state.big == 4
    assert not found.whole


def test_invariants_may_be_left_out_or_named() -> None:
    assert explore(Solvable(), invariants=()).distinct == 16
    assert explore(Solvable(), invariants=("never_four",)).violation is not None


@pytest.mark.parametrize("top", [0, 1, 2, 7])
def test_counters(top: int) -> None:
    found = explore(Counters(top))
    assert found.distinct == (top + 1) ** 2
    assert found.generated == 1 + 2 * top * (top + 1)
    assert found.depth == 2 * top + 1


def test_the_recorded_graph_is_every_edge_once() -> None:
    machine = Counters(2)
    found = explore(machine, record=True)
    recorded = {
        (found.state(source), *found.steps[step], found.state(target))
        for source, step, target in zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True)
    }
    expected = {
        (state, step.name, step.args, step.state)
        for state in (Counting(left, right) for left in range(3) for right in range(3))
        for step in enabled(machine, state)
    }
    assert recorded == expected
    assert len(found.edge_sources) == len(expected) == 12


def test_states_are_found_by_their_numbers_and_the_other_way_round() -> None:
    found = explore(Counters(3))
    assert [found.number(found.state(number)) for number in range(found.distinct)] == list(range(16))
    assert found.number(Counting(9, 9)) is None


def test_equal_hashes_lose_no_states() -> None:
    found = explore(Colliding(), record=True)
    assert len({hash(found.state(number)) for number in range(found.distinct)}) == 1
    assert found.distinct == 50
    assert found.generated == 1 + 50 * 50
    assert found.number(Holds(found.state(3).value, found.state(4).mersenne)) is None


def test_exploration_agrees_with_a_search_that_remembers_nothing() -> None:
    machine = DieHard()
    seen = set(machine.init())
    queue = list(seen)
    generated = 1
    for state in queue:
        for step in enabled(machine, state):
            generated += 1
            if step.state not in seen:
                seen.add(step.state)
                queue.append(step.state)
    found = explore(machine)
    assert {found.state(number) for number in range(found.distinct)} == seen
    assert found.generated == generated


class Lamp(NamedTuple):
    phase: int
    hidden: int
    seen: int


class LateReader(Machine[Lamp]):
    """Reads a field only after it was in a certain phase: what was remembered before must not be used after."""

    def init(self) -> Any:
        yield Lamp(0, 0, 0)
        yield Lamp(0, 1, 0)

    @action()
    def go(self, s: Lamp) -> Lamp | None:
        if s.phase == 0:
            return s._replace(phase=1)
        return s._replace(seen=s.hidden)


def test_a_field_that_is_first_read_late_counts_from_then_on() -> None:
    found = explore(LateReader())
    states = {found.state(number) for number in range(found.distinct)}
    assert states == {Lamp(0, 0, 0), Lamp(0, 1, 0), Lamp(1, 0, 0), Lamp(1, 1, 0), Lamp(1, 1, 1)}


class ByPlace(LateReader):
    @action()
    def go(self, s: Lamp) -> Lamp | None:
        return s._replace(phase=s[1])


def test_a_read_that_cannot_be_observed_is_an_error() -> None:
    with pytest.raises(TypeError):
        explore(ByPlace())


class Misspelt(LateReader):
    @invariant
    def dark(self, s: Any) -> bool:
        return bool(s.brightness == 0)


def test_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AttributeError, match="brightness"):
        explore(Misspelt())


def test_limits_make_an_exploration_inconclusive() -> None:
    found = explore(Counters(200), limits=Limits(states=500))
    assert found.gave_up_at == "the limit of 500 states"
    assert not found.whole
    assert 500 <= found.distinct < 201**2
    assert "0 seconds" in explore(Counters(200), limits=Limits(seconds=0)).gave_up_at
    assert "MiB" in explore(Counters(200), limits=Limits(memory_bytes=1)).gave_up_at
    assert peak_memory_bytes() > 2**20


def test_progress_tells_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("spec.machine.time.monotonic", lambda: float(next(ticks)))
    heard: list[Status] = []
    found = explore(Counters(40), progress=heard.append)
    assert heard
    assert heard[-1].queue == 0
    assert heard[-1].distinct == found.distinct
    assert [status.depth for status in heard] == sorted(status.depth for status in heard)
    assert any(status.queue > 0 for status in heard)


def test_refinement_holds_and_a_step_of_two_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explore(RefinedCounters(2), refinement=True).whole
    plain = RefinedCounters.count

    def twice(self: Any, s: Counting, side: str) -> Counting | None:
        after = plain(self, s, side)
        return after if after is None or s.left == 0 else Counting(s.left + 1, s.right + 1)

    twice.domains = {"side": "sides"}  # type: ignore[attr-defined]
    monkeypatch.setattr(RefinedCounters, "count", twice)
    found = explore(RefinedCounters(2), refinement=True)
    assert found.violation is not None
    assert found.violation.name == "refines Total"
    assert len(found.violation.path) == 3


def test_a_wrong_initial_state_is_no_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RefinedCounters, "init", lambda self: iter([Counting(1, 0)]))
    found = explore(RefinedCounters(2), refinement=True)
    assert found.violation is not None
    assert len(found.violation.path) == 1


def test_the_top_refines_nothing() -> None:
    with pytest.raises(ValueError, match="refines nothing"):
        explore(Counters(1), refinement=True)


def test_walks_are_reproduced_by_their_seed() -> None:
    walks = [list(walk(DieHard(), seed, most_steps=30)) for seed in (5, 5, 6)]
    assert walks[0] == walks[1] != walks[2]
    assert len(walks[0]) == 31
    assert len(list(walk(Counters(2), 1, most_steps=30))) == 5


def test_an_unknown_action_is_an_error() -> None:
    for call in (successor, explain):
        with pytest.raises(KeyError, match="fly"):
            call(Counters(1), Counting(0, 0), "fly", ())


def test_explain_gives_the_first_false_conjunct() -> None:
    machine = Counters(1)
    assert explain(machine, Counting(0, 0), "count", ("left",)) == ""
    assert explain(machine, Counting(1, 0), "count", ("left",)) == "getattr(s, side) < self.top"
    assert explain(machine, Counting(1, 0), "count", ("middle",)) == "side in self.sides"


def test_exploration_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()
    explore(Counters(1))
    assert gc.isenabled()
    with pytest.raises(TypeError):
        explore(ByPlace())
    assert gc.isenabled()

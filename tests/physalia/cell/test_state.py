"""The state machine and the configurations that follow from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.cell.configuration import Configurations, is_majority
from physalia.cell.state import FIRST_VOLUME, State
from physalia.model import Change, Command, Jury, NoOp, Read, RequestId, Verdict, Volume, Write
from tests.physalia.cell.worlds.cell_world import change, write

FIRST = frozenset({1, 2, 3})

COMMANDS = st.one_of(
    st.builds(write, st.integers(0, 5), st.integers(0, 3)),
    st.builds(Read, st.builds(RequestId, st.just("r"), st.integers(0, 5))),
    st.builds(change, st.integers(0, 5), st.integers(0, 3), st.sets(st.integers(1, 5), min_size=1)),
    st.just(NoOp()),
)


def fresh() -> State:
    return State(Jury(0, FIRST))


def test_the_first_volume() -> None:
    assert Volume(0, "a", "b") == FIRST_VOLUME
    assert fresh().volume == FIRST_VOLUME


def test_a_write_is_done_if_and_only_if_it_expects_the_version() -> None:
    state = fresh()
    assert state.apply(write(1, expects=1)) == Verdict(False, FIRST_VOLUME)
    assert state.apply(write(2, expects=0)) == Verdict(True, Volume(1, "p2", "r2"))
    assert state.apply(write(3, expects=0)) == Verdict(False, Volume(1, "p2", "r2"))
    assert state.apply(write(4, expects=2)) == Verdict(False, Volume(1, "p2", "r2"))
    assert state.apply(write(5, expects=1)) == Verdict(True, Volume(2, "p5", "r5"))
    assert state.jury == Jury(0, FIRST)


def test_a_read_sees_the_volume_and_changes_nothing() -> None:
    state = fresh()
    state.apply(write(1))
    assert state.apply(Read(RequestId("r", 1))) == Verdict(True, Volume(1, "p1", "r1"))
    assert (state.volume, state.jury) == (Volume(1, "p1", "r1"), Jury(0, FIRST))


def test_a_change_is_effective_if_and_only_if_it_expects_the_jurys_version() -> None:
    state = fresh()
    state.apply(write(1))
    assert state.apply(change(1, 1, {4})) == Verdict(False, Jury(0, FIRST))
    assert state.apply(change(2, 0, {2, 3, 4})) == Verdict(True, Jury(1, frozenset({2, 3, 4})))
    assert state.apply(change(3, 0, {5})) == Verdict(False, Jury(1, frozenset({2, 3, 4})))
    assert state.apply(change(4, 1, {5})) == Verdict(True, Jury(2, frozenset({5})))
    assert state.volume == Volume(1, "p1", "r1")


def test_a_repeated_command_has_the_verdict_of_its_first_place() -> None:
    state = fresh()
    first = state.apply(write(1, expects=0))
    state.apply(write(2, expects=1))
    assert state.apply(write(1, expects=0)) == first
    assert state.volume == Volume(2, "p2", "r2")
    failed = state.apply(write(3, expects=3))
    state.apply(write(4, expects=2))
    assert state.apply(write(3, expects=3)) == failed
    assert state.volume == Volume(3, "p4", "r4")


def test_the_no_op_has_no_verdict() -> None:
    state = fresh()
    assert state.apply(NoOp()) is None
    assert state == fresh()


@given(st.lists(COMMANDS, max_size=12))
def test_apply_is_total_deterministic_and_moves_versions_by_one(commands: list[Command]) -> None:
    state, again = fresh(), fresh()
    for command in commands:
        volume, jury, is_new = state.volume, state.jury, command not in state.verdicts
        verdict = state.apply(command)
        assert verdict == again.apply(command)
        assert (verdict is None) == isinstance(command, NoOp)
        writes = is_new and isinstance(command, Write) and command.expects == volume.version
        changes = is_new and isinstance(command, Change) and command.expects == jury.version
        assert state.volume.version == volume.version + writes
        assert state.jury.version == jury.version + changes
        assert writes or state.volume == volume
        assert changes or state.jury == jury
    assert state == again


@given(st.lists(COMMANDS, max_size=10))
def test_only_first_places_count(commands: list[Command]) -> None:
    state, once = fresh(), fresh()
    for command in commands:
        state.apply(command)
    for command in dict.fromkeys(commands):
        once.apply(command)
    assert state == once


@pytest.mark.parametrize(
    ("voters", "members", "expected"),
    [
        (set(), {1}, False),
        ({1}, {1}, True),
        ({1}, {1, 2}, False),
        ({1, 2}, {1, 2}, True),
        ({1}, {1, 2, 3}, False),
        ({1, 3}, {1, 2, 3}, True),
        ({1, 2}, {1, 2, 3, 4}, False),
        ({1, 2, 4}, {1, 2, 3, 4}, True),
        ({1, 4, 5, 6}, {1, 2, 3}, False),
        ({1, 2, 3, 4}, set(range(1, 8)), True),
        ({1, 2, 3}, set(range(1, 8)), False),
    ],
)
def test_a_majority_is_more_than_half_of_the_members(voters: set[int], members: set[int], expected: bool) -> None:
    assert is_majority(voters, frozenset(members)) is expected


@pytest.mark.parametrize("alpha", [1, 2, 3])
def test_an_entry_sets_the_configuration_alpha_slots_later(alpha: int) -> None:
    configurations = Configurations.create(FIRST, alpha)
    assert configurations.last == alpha
    later = frozenset({2, 3, 4})
    configurations.extend(FIRST)
    configurations.extend(later)
    assert configurations.last == 2 + alpha
    assert [configurations.members(slot) for slot in range(1, 2 + alpha)] == [FIRST] * (1 + alpha)
    assert configurations.members(2 + alpha) == later
    with pytest.raises(IndexError):
        configurations.members(3 + alpha)
    assert configurations.between(0, alpha) == configurations.between(1, 1 + alpha) == FIRST
    assert configurations.between(1, 2 + alpha) == {1, 2, 3, 4}
    assert configurations.between(2 + alpha, 2 + alpha) == later

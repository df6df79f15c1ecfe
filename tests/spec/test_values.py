"""Values of TLA+, commands, and differences."""

from spec.commands import Change, Commands, Jury, NoOp, Read, Verdict, Volume, Write, is_majority, majorities
from spec.differences import differences, show
from spec.values import Map, function, function_of, put
from tests.spec.toys import Jugs

FIRST = frozenset({1, 2, 3})
SECOND = frozenset({2, 3, 4})
COMMANDS = Commands(
    content={
        "w": Write(0, "b", "a"),
        "x": Write(0, "c", "a"),
        "r": Read(),
        "c": Change(0, SECOND),
        "d": Change(0, FIRST),
    },
    first=FIRST,
    alpha=2,
)


def test_functions_over_one_to_n() -> None:
    f = function(range(1, 3), 0)
    assert list(f) == [None, 0, 0]
    assert list(put(f, 2, 5)) == [None, 0, 5]
    assert put(f, 2, 5) == function_of([0, 5])
    assert f[1] == 0


def test_maps_are_equal_whatever_their_order() -> None:
    one, other = Map({"a": 1}).put("b", 2), Map([("b", 2), ("a", 1)])
    assert one == other
    assert hash(one) == hash(other)
    assert one != Map({"a": 1}) != {"a": 1}
    assert dict(one.put("a", 3)) == {"a": 3, "b": 2}


def test_a_write_is_judged_when_it_is_applied() -> None:
    contents = COMMANDS.after(("w", "x", "r"))
    assert contents.volume == Volume(1, "b", "a")
    assert contents.verdicts["w"] == Verdict(True, Volume(1, "b", "a"))
    assert contents.verdicts["x"] == Verdict(False, Volume(1, "b", "a"))
    assert contents.verdicts["r"] == Verdict(True, Volume(1, "b", "a"))


def test_a_command_counts_at_its_first_place() -> None:
    assert COMMANDS.after(("w", "w", NoOp)) == COMMANDS.after(("w",))


def test_of_two_changes_that_expect_one_version_the_first_is_done() -> None:
    contents = COMMANDS.after(("c", "d"))
    assert contents.jury == Jury(1, SECOND)
    assert not contents.verdicts["d"].done


def test_a_change_counts_alpha_slots_later() -> None:
    assert [COMMANDS.members(("c", NoOp, NoOp), i) for i in (1, 2, 3, 4)] == [FIRST, FIRST, SECOND, SECOND]
    assert COMMANDS.members((NoOp, "c"), 3) == FIRST
    assert COMMANDS.members((NoOp, "c"), 4) == SECOND


def test_majorities() -> None:
    assert {len(m) for m in majorities(FIRST)} == {2, 3}
    assert len(list(majorities(FIRST))) == 4
    assert len(list(majorities(frozenset(range(4))))) == 5
    assert not is_majority(frozenset({1, 4, 5}), FIRST)
    assert not is_majority(frozenset({1, 2}), frozenset(range(4)))


def test_differences_name_the_smallest_part() -> None:
    before = Jugs(small=(None, 1, (None, frozenset({1}))), big=5)  # type: ignore[arg-type]
    after = Jugs(small=(None, 1, (None, frozenset({2}))), big=6)  # type: ignore[arg-type]
    assert list(differences(before, after)) == ["small[2][1]: - 1", "small[2][1]: + 2", "big: 5 -> 6"]
    assert list(differences(before, before)) == []
    assert show(before) == "Jugs(small=[1: 1, 2: [1: {1}]], big=5)"
    assert list(differences(("a",), ("a", "b"), "log")) == ["log: <a> -> <a, b>"]

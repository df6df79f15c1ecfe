"""The judge of registers accepts what one register can have done, and names what it cannot."""

import math

import pytest

from conformance.refutation import Refuted
from conformance.registers import Operation, judge
from physalia.model import Jury, Read, RequestId, Verdict, Volume, Write

FIRST = Volume(0, "a", "b")
ONE, TWO = Volume(1, "x1", "y"), Volume(2, "x2", "y")


def write(
    expects: int, since_s: float, until_s: float = math.inf, saw: Volume | None = None, name: str = ""
) -> Operation:
    """A write of "x<version>"; it was answered if it saw something, and done if that is its own."""
    command = Write(RequestId(f"c{since_s}", 1), expects, name or f"x{expects + 1}", "y")
    mine = Volume(expects + 1, command.primary, "y")
    verdict = None if math.isinf(until_s) else Verdict(saw in (None, mine), saw or mine)
    return Operation(1, command, since_s, until_s, verdict)


def read(since_s: float, until_s: float, saw: Volume) -> Operation:
    return Operation(1, Read(RequestId(f"r{since_s}", 1)), since_s, until_s, Verdict(True, saw))


@pytest.mark.parametrize(
    "history",
    [
        [],
        [read(0, 1, FIRST)],
        [write(0, 0, 1), write(1, 2, 3), read(4, 5, TWO)],
        [write(0, 0, 10), read(1, 2, FIRST), read(3, 4, ONE)],
        [write(0, 0, 1), write(0, 2, 3, saw=ONE, name="z")],
        [write(0, 0), read(1, 2, FIRST), read(3, 4, ONE)],
        [write(0, 0), write(1, 5, 6), read(7, 8, TWO)],
        [write(0, 0, 1), write(1, 2), read(3, 4, ONE)],
        [read(0, 5, ONE), write(0, 1, 2)],
    ],
)
def test_what_a_register_can_do_is_accepted(history: list[Operation]) -> None:
    assert judge(history, FIRST) == sum(one.verdict is not None for one in history)


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([write(0, 0, 1), read(2, 3, FIRST)], "happened after it"),  # a lost write, or a stale read
        ([write(0, 0, 1), read(2, 3, ONE), read(4, 5, FIRST)], "happened after it"),
        ([write(0, 0, 10), read(1, 2, ONE), read(3, 4, FIRST)], "happened after it"),
        ([read(0, 1, ONE), write(0, 2, 3)], "happened after it"),  # seen before it was asked
        ([write(0, 0, 1), write(0, 2, 3, name="z")], "two writes made version 1"),
        ([write(0, 0, 1), read(2, 3, Volume(1, "z", "y"))], "version 1 is two things"),
        ([read(0, 1, Volume(0, "z", "b"))], "version 0 is two things"),
        ([write(0, 0), read(2, 3, Volume(1, "z", "y"))], "nobody wrote version 1"),
        ([read(2, 3, TWO)], "nobody wrote version 1"),
        ([write(1, 0, 1)], "nobody wrote version 1"),
        ([write(0, 0, 1), read(2, 3, TWO)], "nobody wrote version 2"),
        ([read(0, 1, ONE), write(0, 2)], "happened after it"),
        ([write(1, 0, 4), write(0, 5), read(0, 6, ONE)], "happened after it"),
        ([write(0, 0, 1, saw=FIRST)], "does not belong to what was asked"),
        ([Operation(1, Write(RequestId("c", 1), 0, "x", "y"), 0, 1, Verdict(True, TWO))], "does not belong"),
        ([Operation(1, Read(RequestId("c", 1)), 0, 1, Verdict(False, FIRST))], "does not belong"),
        ([Operation(1, Read(RequestId("c", 1)), 0, 1, Verdict(True, Jury(0, frozenset({1}))))], "something else"),
    ],
)
def test_what_no_register_does_is_refuted(history: list[Operation], why: str) -> None:
    with pytest.raises(Refuted, match=why) as caught:
        judge(history, FIRST)
    assert caught.value.lines


def test_cells_are_judged_apart() -> None:
    other = Operation(2, Read(RequestId("c", 1)), 2, 3, Verdict(True, FIRST))
    assert judge([write(0, 0, 1), other], FIRST) == 2

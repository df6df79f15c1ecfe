"""The judge of reads that may be old accepts old ones, and names what no prefix of a log shows."""

from typing import Any

import pytest

from conformance.colonies.looks import judge
from conformance.refutation import Refuted


def look(slot: int, version: int, text: str | None, **other: Any) -> dict[str, Any]:
    values = [None, None] if text is None else [f"{text}a", f"{text}b"]
    made = {"process": "p", "cell": 1, "before": 0, "slot": slot, "versions": [version, version], "values": values}
    return {**made, **other}


def test_old_states_are_accepted_in_any_order() -> None:
    assert judge([look(9, 7, "x"), look(3, 2, "w"), look(9, 7, "x"), look(1, 0, None), look(8, 7, "x")]) == 5
    assert judge([look(9, 7, "x"), look(9, 3, "y", cell=2)]) == 2


@pytest.mark.parametrize(
    ("looks", "why"),
    [
        ([look(3, 2, "w", before=4)], "older state than before"),
        ([look(9, 7, "x", versions=[7, 6])], "two moments"),
        ([look(6, 7, "x")], "newer than the slot"),
        ([look(9, 0, "x")], "without a version"),
        ([look(9, 7, None)], "without a version"),
        ([look(9, 7, "x"), look(10, 7, "y")], "version 7 of cell 1 is two things"),
        ([look(9, 7, "x"), look(9, 6, "w")], "two states of slot 9"),
    ],
)
def test_what_no_prefix_shows_is_refuted(looks: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(Refuted, match=why):
        judge(looks)

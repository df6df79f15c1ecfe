"""One contender by itself: records that are none, a record that somebody deletes, and the clock."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physalia.lease import LONGEST_NS, Contender, NoClock, NotALease, Record, boottime_ns, read_record
from physalia.model import Item, Put

S = 10**9


def granted(one: Contender, slot: int, now_ns: int) -> Item:
    """What the store says when it grants the open request in this slot."""
    wanted = one.repeat()
    assert wanted is not None
    put = wanted.then[0]
    assert isinstance(put, Put)
    item = Item(put.value, slot)
    one.see(item, now_ns)
    return item


@given(holder=st.from_regex(r"[^\s]+", fullmatch=True), expects=st.integers(0), length_ns=st.integers(0, LONGEST_NS))
def test_a_record_is_read_as_it_was_written(holder: str, expects: int, length_ns: int) -> None:
    record = Record(holder, expects, length_ns)
    assert read_record("key", Item(record.data(), 1)) == record


@given(value=st.one_of(st.binary(), st.integers(), st.booleans(), st.from_regex(rb"lease .* -?\d+ -?\d+")))
def test_what_is_no_record_is_named_with_its_key(value: bytes | int | bool) -> None:
    record = None
    with suppress(NotALease):
        record = read_record("key", Item(value, 1))
    if record is None:
        with pytest.raises(NotALease, match="'key'"):
            read_record("key", Item(value, 1))
    else:
        assert record.data() == value


@pytest.mark.parametrize(
    "data",
    [b"lease a 0 -1", b"lease a -1 5", b"lease a 0 05", b"lease a 0 5 ", b"lease a 0 \xff", b"lease a 0 1_0",
     b"lease a 0 " + b"9" * 5000, f"lease a 0 {LONGEST_NS + 1}".encode(), "lease a 0 ٣".encode()],
)  # fmt: skip
def test_records_that_are_almost_some(data: bytes) -> None:
    with pytest.raises(NotALease):
        read_record("key", Item(data, 1))


def test_a_contender_remembers_nothing_of_what_is_no_record() -> None:
    one = Contender("key", "a", S)
    with pytest.raises(NotALease):
        one.see(Item(True, 5), 0)
    assert one == Contender("key", "a", S)


def test_a_record_that_somebody_deletes_is_waited_for_like_one_that_changed() -> None:
    one, two = Contender("key", "a", S), Contender("key", "b", 9 * S)
    assert one.ask(0) is not None
    record = granted(one, 5, 0)
    two.see(record, 100)
    two.see(None, 200)
    assert two.wait_ns(200) == 3 * S, "whoever deleted it does not know whether somebody believes in it"
    assert two.ask(199 + 3 * S) is None
    assert two.ask(200 + 3 * S) is not None
    assert two.asked == 0


def test_an_answer_that_comes_twice_or_late_changes_nothing() -> None:
    one = Contender("key", "a", S)
    one.ask(10)
    record = granted(one, 5, 20)
    assert one.left_ns(20) == S - 10
    one.see(record, 500)
    assert one.left_ns(20) == S - 10
    assert one.ask(600) is not None
    granted(one, 8, 700)
    one.see(record, 800)
    assert (one.saw, one.left_ns(700)) == (8, S - 100)


def test_nobody_gives_back_what_it_does_not_hold() -> None:
    one = Contender("key", "a", S)
    assert one.release(0) is None
    one.ask(0)
    assert one.release(0) is None
    granted(one, 5, 1)
    assert one.release(S) is None, "its time is over"


@pytest.mark.parametrize("length_ns", [0, -1, LONGEST_NS + 1])
def test_a_length_that_no_lease_has(length_ns: int) -> None:
    with pytest.raises(ValueError, match="lasts"):
        Contender("key", "a", length_ns)


def test_a_name_with_spaces_would_make_another_record() -> None:
    with pytest.raises(ValueError, match="name"):
        Contender("key", "a b", S)


def test_the_clock_is_the_one_that_counts_the_time_in_suspend(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def shows(which: int) -> int:
        asked.append(which)
        return 7

    monkeypatch.setattr(time, "clock_gettime_ns", shows)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 77, raising=False)
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", 11, raising=False)
    assert boottime_ns() == 7
    monkeypatch.setattr("sys.platform", "darwin")
    assert boottime_ns() == 7
    assert asked == [77, 11]
    monkeypatch.setattr("sys.platform", "other")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    with pytest.raises(NoClock, match="suspend"):
        boottime_ns()

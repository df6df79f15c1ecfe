"""Every reply and every reason has its error, and the error says what was seen."""

from typing import get_args

import pytest

from physalia import errors
from physalia.errors import error
from physalia.model import Absent, Done, Equals, Failed, Fault, HasVersion, Item, Reason, Refused
from physalia.model.effects import Here
from tests.physalia.store.test_door import BAD

ERRORS: list[tuple[Done | Refused | Reason, type[errors.PhysaliaError]]] = [
    (Done(1, succeeded=False, results=(), failed=(Failed(Absent("a"), Item(1, 3)),)), errors.ConditionFailed),
    (Refused("invalid", "key"), errors.InvalidRequest),
    (Refused("limit", "value_bytes", 9, 8), errors.LimitExceeded),
    (Refused("interacting", "batch"), errors.InvalidRequest),
    (Refused("wrong type", "a"), errors.InvalidRequest),
    (Refused("no such key", "a"), errors.InvalidRequest),
    (Refused("session expired", size=4), errors.SessionExpired),
    (Refused("number reused", size=4, most=4), errors.InvalidRequest),
    (Refused("number went back", size=3, most=4), errors.OutcomeUnknown),
    (Refused("scan expired", size=4), errors.Unavailable),
    ("pipeline full", errors.Overloaded),
    ("not the proposer", errors.Unavailable),
    ("behind", errors.Unavailable),
    ("stopped", errors.Unavailable),
    ("not understood", errors.Unavailable),
    ("session ahead", errors.Unavailable),
    ("outcome unknown", errors.OutcomeUnknown),
]


@pytest.mark.parametrize(("told", "kind"), ERRORS, ids=range(len(ERRORS)))
def test_what_a_client_is_told_is_an_error_of_its_kind(told: Done | Refused | Reason, kind: type[Exception]) -> None:
    wrong = error(told)
    assert type(wrong) is kind
    assert str(wrong)


def test_nothing_that_can_be_told_is_left_out() -> None:
    assert {told.fault for told, _ in ERRORS if isinstance(told, Refused)} == set(get_args(Fault))
    assert {told for told, _ in ERRORS if isinstance(told, str)} == set(get_args(Here))


def test_what_was_done_is_no_error() -> None:
    assert error(Done(1, succeeded=True, results=(), failed=())) is None


def test_a_failed_condition_tells_what_was_there() -> None:
    failed = (Failed(Absent("a"), Item(b"x", 3)),)
    wrong = error(Done(1, succeeded=False, results=(), failed=failed))
    assert isinstance(wrong, errors.ConditionFailed)
    assert wrong.failed == failed
    assert "Absent(key='a')" in str(wrong)
    assert "b'x'" in str(wrong)


def test_values_of_any_size_are_told() -> None:
    for value, said in ((10**9_000, "an integer of"), (bytes(30_000), "(30000 bytes)"), (True, "True of version 3")):
        failed = (Failed(Equals("a", value), Item(value, 3)), Failed(HasVersion("a", 2), Item(value, 3)))
        wrong = error(Done(1, succeeded=False, results=(), failed=failed))
        assert said in str(wrong)
        assert len(str(wrong)) < 1_000


def test_what_is_no_request_says_what_it_should_be() -> None:
    """Every name that the door gives to what is wrong."""
    for _, refused in BAD:
        assert isinstance(refused, Refused)
        assert len(str(error(refused)).split()) > 3
    assert "bytes, an integer or a boolean" in str(error(Refused("invalid", "value")))
    assert "from 1 to 512" in str(error(Refused("limit", "key_bytes", 0, 512)))


def test_a_limit_is_told_with_its_name_and_its_size() -> None:
    wrong = error(Refused("limit", "value_bytes", 9, 8))
    assert isinstance(wrong, errors.LimitExceeded)
    assert (wrong.limit, wrong.size, wrong.most) == ("value_bytes", 9, 8)
    assert str(wrong) == "value_bytes would be 9, and may be at most 8"


def test_each_says_what_to_do_next() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 10
    assert all(kind.__doc__ and kind.__doc__.count(".") >= 2 for kind in kinds if kind is not errors.PhysaliaError)

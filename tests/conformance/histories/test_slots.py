"""Transactions whose answers name slots: right ones hold, wrong ones are refused, also beside what got no answer."""

import pytest

from conformance.histories.checker import Budget
from conformance.histories.history import History, Operation
from conformance.histories.judging import judge
from conformance.histories.slots import SlotStore
from conformance.links import Verdict
from physalia.model import (
    Add,
    Delete,
    Done,
    Equals,
    Failed,
    Get,
    HasVersion,
    Item,
    Put,
    Refused,
    Transact,
    Transaction,
)

MODEL = SlotStore()
Answer = Done | Refused | None


def verdict(*asked: tuple[Transaction, Answer]) -> Verdict:
    """Transactions one after the other, each ended before the next begins; without an answer it never ends."""
    operations = []
    for place, (transaction, answer) in enumerate(asked):
        end = None if answer is None else 2 * place + 1
        operation = Operation(
            process=str(place), f="txn", asked=Transact(1, transaction), begin=2 * place, end=end, answer=answer
        )
        operations.append(operation)
    return judge(History(operations=tuple(operations)), MODEL, Budget()).verdict


def put(key: str, value: int | bool | bytes) -> Transaction:
    return Transaction(then=(Put(key, value),))


def done(slot: int, *results: Item | None, failed: tuple[Failed, ...] = ()) -> Done:
    return Done(slot, not failed, results, failed)


READ = Transaction(then=(Get("k"),))
ONE = (put("k", 1), done(5, Item(1, 5)))
SWAP = Transaction((HasVersion("k", 5),), (Put("k", 2),), (Get("k"),))


@pytest.mark.parametrize(
    "asked",
    [
        (ONE, (READ, done(6, Item(1, 5)))),
        (ONE, (SWAP, done(7, Item(2, 7))), (READ, done(9, Item(2, 7)))),
        (ONE, (put("k", 3), None), (READ, done(9, Item(3, 8)))),
        (ONE, (put("k", 3), None), (READ, done(9, Item(1, 5)))),
        (ONE, (put("k", 3), None), (SWAP, done(9, Item(3, 8), failed=(Failed(HasVersion("k", 5), Item(3, 8)),)))),
        ((put("k", 3), None), (SWAP, done(9, Item(2, 9)))),
        ((put("k", 3), None), (SWAP, None), (READ, done(20, Item(2, 11)))),
        (ONE, (Transaction(then=(Add("k", 4), Get("k"))), done(8, Item(5, 8), Item(5, 8)))),
        ((Transaction(then=(Add("k", 4),)), Refused("no such key", "k")),),
        (ONE, (Transaction(then=(Delete("k"), Get("k"))), done(8, None, None)), (READ, done(9, None))),
    ],
)
def test_right_ones_hold(asked: tuple[tuple[Transaction, Answer], ...]) -> None:
    assert verdict(*asked) is Verdict.HOLDS


@pytest.mark.parametrize(
    "asked",
    [
        (ONE, (READ, done(6, None))),
        (ONE, (READ, done(6, Item(1, 4)))),
        (ONE, (READ, done(4, Item(1, 5)))),
        (ONE, (READ, done(6, Item(True, 5)))),
        (ONE, (SWAP, done(7, Item(2, 7))), (READ, done(9, Item(1, 5)))),
        (ONE, (SWAP, done(7, Item(1, 5), failed=(Failed(HasVersion("k", 5), Item(1, 5)),)))),
        (ONE, (put("k", 3), None), (READ, done(9, Item(3, 8))), (READ, done(10, Item(3, 9)))),
        (ONE, (put("k", 3), None), (READ, done(9, Item(3, 8))), (READ, done(10, Item(1, 5)))),
        ((put("k", 3), None), (SWAP, done(9, Item(2, 9))), (READ, done(20, Item(3, 5)))),
        (ONE, (Transaction(then=(Add("k", 4),)), done(8, Item(4, 8)))),
        (ONE, (Transaction(then=(Add("k", 4),)), Refused("no such key", "k"))),
        (ONE, (Transaction((Equals("k", True),), (Put("k", 2),)), done(8, Item(2, 8)))),
        (ONE, (Transaction(then=(Put("j", 1), Add("x", 1))), Refused("no such key", "x")),
         (Transaction(then=(Get("j"),)), done(9, Item(1, 8)))),
    ],
)  # fmt: skip
def test_wrong_ones_are_refused(asked: tuple[tuple[Transaction, Answer], ...]) -> None:
    assert verdict(*asked) is Verdict.REFUTED

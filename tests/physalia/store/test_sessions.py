"""Sessions, told one case after the other; everything else about them is compared with the reference."""

from attrs import evolve

from physalia.model import Add, Done, Execute, Item, Opened, OpenSession, Put, Refused, RequestId, Transact, Transaction
from physalia.store import LIMITS, Store

COUNT = Transaction((), (Add("n", 1),))


def begin(most: int = 2) -> Store:
    """A counter, and a session of x in slot 1."""
    store = Store(evolve(LIMITS, sessions=most))
    assert store.apply(1, Execute(RequestId("x", 1), 1, OpenSession())) == Opened(1)
    store.apply(2, ask("x", 1, 1, Transaction((), (Put("n", 0),))))
    return store


def ask(client: str, session: int, number: int, transaction: Transaction = COUNT) -> Execute:
    return Execute(RequestId(client, number), 1, Transact(session, transaction))


def counter(store: Store) -> object:
    return store.items.now["n"].value


def test_a_retry_gets_the_first_answer_and_is_not_done_again() -> None:
    store = begin()
    first = store.apply(3, ask("x", 1, 2))
    assert first == Done(3, succeeded=True, results=(Item(1, 3),), failed=())
    assert store.remembered(ask("x", 1, 2)) == first
    assert store.apply(4, ask("x", 1, 2)) == first
    assert counter(store) == 1


def test_a_refusal_is_an_answer_too() -> None:
    store = begin()
    wrong = ask("x", 1, 2, Transaction((), (Add("m", 1),)))
    assert store.apply(3, wrong) == Refused("no such key", "m")
    store.apply(4, ask("x", 1, 3, Transaction((), (Put("m", 1),))))
    assert store.apply(5, wrong) == Refused("number went back", size=2, most=3)
    assert store.items.now["m"] == Item(1, 4)


def test_another_content_under_the_same_number_is_an_error() -> None:
    store = begin()
    store.apply(3, ask("x", 1, 2, Transaction((), (Put("b", 1),))))
    other = ask("x", 1, 2, Transaction((), (Put("b", True),)))
    assert store.apply(4, other) == Refused("number reused", size=2, most=2)
    assert store.remembered(other) == Refused("number reused", size=2, most=2)
    assert store.items.now["b"] == Item(1, 3)


def test_numbers_may_leave_some_out_and_never_go_back() -> None:
    store = begin()
    assert isinstance(store.apply(3, ask("x", 1, 7)), Done)
    assert store.apply(4, ask("x", 1, 6)) == Refused("number went back", size=6, most=7)
    assert counter(store) == 1


def test_a_session_that_was_never_made_is_expired_and_none_is_made() -> None:
    store = begin()
    before = store.digest()
    assert store.apply(2, ask("x", 9, 1)) == Refused("session expired", size=9)
    assert store.digest() == before
    assert store.apply(3, ask("y", 1, 2)) == Refused("session expired", size=1)


def test_the_session_that_was_used_longest_ago_makes_room() -> None:
    store = begin(most=2)
    assert store.apply(3, Execute(RequestId("y", 1), 1, OpenSession())) == Opened(3)
    store.apply(4, ask("x", 1, 2))
    assert store.apply(5, Execute(RequestId("z", 1), 1, OpenSession())) == Opened(5)
    assert store.apply(6, ask("y", 3, 1)) == Refused("session expired", size=3)
    assert store.remembered(ask("x", 1, 2)) is not None
    assert list(store.sessions.table) == [1, 5]


def test_an_opening_that_is_repeated_opens_no_second_one() -> None:
    store = begin()
    again = Execute(RequestId("x", 1), 1, OpenSession())
    assert store.remembered(again) == Opened(1)
    assert store.apply(3, again) == Opened(1)
    assert store.apply(4, Execute(RequestId("x", 2), 1, OpenSession())) == Opened(4)
    assert store.apply(5, Execute(RequestId("x", 3), 1, OpenSession())) == Opened(5)
    assert store.remembered(again) is None


def test_a_copy_goes_its_own_way() -> None:
    store = begin()
    copy, before = store.copy(), store.digest()
    copy.apply(3, ask("x", 1, 2))
    assert counter(store) == 0
    assert store.digest() == before != copy.digest()
    store.apply(3, ask("x", 1, 2))
    assert store.digest() == copy.digest()


def test_what_is_equal_reads_alike() -> None:
    """Whoever explores nodes tells them apart by how they read: nothing of a store reads by where it is in memory."""
    one, other = begin(), begin()
    assert one == other
    assert repr(one) == repr(other)
    other.apply(3, ask("x", 1, 2))
    assert one != other
    assert repr(one) != repr(other)

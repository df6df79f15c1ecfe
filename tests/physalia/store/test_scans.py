"""Scans: pages over one snapshot, whatever changes meanwhile; a page whose snapshot is gone is never a mixture."""

from collections import Counter
from random import Random

from attrs import evolve

from physalia.model import (
    Delete,
    Execute,
    Item,
    OpenSession,
    Operation,
    Page,
    Put,
    Refused,
    RequestId,
    Token,
    Transact,
    Transaction,
)
from physalia.store import LIMITS, Limits, Store

KEYS = ["a", "aa", "ab", "b", "ba", "z", "zé", "é", "\ud7ff", "\uffff", "\U0001f600"]
ME = RequestId("me", 1)


class Database:
    """A store with one client."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.store = Store(limits)
        self.store.apply(1, Execute(ME, 1, OpenSession()))

    def do(self, *operations: Operation) -> None:
        number = self.store.slot
        command = Execute(RequestId("me", number), 1, Transact(1, Transaction(then=operations)))
        self.store.apply(number + 1, command)

    def page(self, prefix: str, most: int, token: Token | None = None) -> Page:
        page = self.store.page(prefix, most, token)
        assert isinstance(page, Page)
        return page

    def all(self, prefix: str = "") -> tuple[tuple[str, Item], ...]:
        now = self.store.items.now
        return tuple((key, now[key]) for key in sorted(now, key=str.encode) if key.startswith(prefix))


def test_pages_in_the_order_of_bytes() -> None:
    database = Database()
    database.do(*(Put(key, key.encode()) for key in reversed(KEYS)))
    for most in (1, 2, 5, 11, 99):
        page = database.page("", most)
        found: tuple[tuple[str, Item], ...] = ()
        while True:
            assert len(page.items) <= most
            found += page.items
            if page.token is None:
                break
            page = database.page("", most, page.token)
        assert found == database.all()
    assert [key for key, _ in database.page("z", 9).items] == ["z", "zé"]
    assert database.page("no", 9) == Page((), None)


def test_every_scan_reads_one_moment_or_is_told_that_it_is_gone() -> None:
    limits = evolve(LIMITS, snapshots=3, snapshot_changes=8)
    ends: Counter[str] = Counter()
    for seed in range(60):
        random, database = Random(seed), Database(limits)
        scans: list[tuple[str, Page, tuple[tuple[str, Item], ...], tuple[tuple[str, Item], ...]]] = []
        for _ in range(80):
            key = random.choice(KEYS)
            match random.choice("pppdsnnn"):
                case "p":
                    database.do(Put(key, random.randint(0, 9)))
                case "d":
                    database.do(Delete(key))
                case "s":
                    prefix = random.choice(("", "a", "z"))
                    page = database.page(prefix, 1)
                    scans.append((prefix, page, page.items, database.all(prefix)))
                case _ if scans:
                    prefix, page, found, whole = scans.pop(random.randrange(len(scans)))
                    if page.token is None:
                        ends["whole"] += 1
                        assert found == whole
                        continue
                    more = database.store.page(prefix, 2, page.token)
                    if isinstance(more, Refused):
                        assert more == Refused("scan expired", size=page.token.slot)
                        ends["expired"] += 1
                        continue
                    found += more.items
                    assert found == whole[: len(found)]
                    scans.append((prefix, more, found, whole))
        items = database.store.items
        assert len(items.snapshots) <= limits.snapshots
        assert items.changes == sum(map(len, items.snapshots.values())) <= limits.snapshot_changes
    assert ends["whole"] > 20
    assert ends["expired"] > 20


def test_the_oldest_snapshot_goes_first() -> None:
    database = Database(evolve(LIMITS, snapshots=2))
    tokens = []
    for turn in range(3):
        database.do(Put("a", turn), Put("b", turn))
        tokens.append(database.page("", 1).token)
    assert database.store.page("", 9, tokens[0]) == Refused("scan expired", size=2)
    for turn in (1, 2):
        assert [item.value for _, item in database.page("", 9, tokens[turn]).items] == [turn]


def test_two_scans_that_begin_at_one_moment_share_a_snapshot() -> None:
    database = Database()
    database.do(Put("a", 1), Put("b", 2))
    assert database.page("", 1) == database.page("", 1)
    assert len(database.store.items.snapshots) == 1


def test_a_page_is_no_larger_than_an_answer_but_for_one_item() -> None:
    database = Database(evolve(LIMITS, answer_bytes=4))
    database.do(Put("a", b"12"), Put("b", b"34"), Put("c", b"56789"), Put("d", b""))
    first = database.page("", 9)
    assert [key for key, _ in first.items] == ["a", "b"]
    second = database.page("", 9, first.token)
    assert [key for key, _ in second.items] == ["c"]
    assert database.page("", 0, second.token).items[0][0] == "d"


def test_nobody_scans_and_nothing_is_remembered() -> None:
    database = Database()
    database.do(Put("a", 1))
    database.do(Delete("a"))
    assert (database.store.items.snapshots, database.store.items.order) == ({}, None)


def test_a_node_without_the_snapshot_says_so() -> None:
    database = Database()
    database.do(Put("a", 1), Put("b", 1))
    token = database.page("", 1).token
    assert token is not None
    assert database.store.copy().page("", 1, token) == Refused("scan expired", size=token.slot)

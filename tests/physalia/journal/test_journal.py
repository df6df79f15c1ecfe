"""What is stored comes back: for every node its own records, in order, across folds, restarts and refusals."""

import threading
from collections.abc import Sequence

import pytest

from physalia.journal import (
    MAX_RECORD_BYTES,
    BatchRefused,
    Directory,
    ForeignNode,
    Journal,
    NodeKey,
    UnknownNode,
    journal,
)
from physalia.journal import store as stores
from physalia.journal.entries import ENTRY_RECORDS
from physalia.model import Ballot, Promised
from physalia.wire import decode_record, encode_record
from tests.physalia.journal.shelf import ANN, BOB, SERVER, Shelf, store


def test_records_come_back_in_order_and_each_to_its_node(shelf: Shelf) -> None:
    opened = shelf.create()
    opened.append([(ANN, b"one"), (BOB, b"two"), (ANN, b"three")])
    opened.append([(ANN, b"")])
    assert opened.needs_flush
    opened.flush()
    assert not opened.needs_flush
    assert (opened.read(ANN), opened.read(BOB)) == ([b"one", b"three", b""], [b"two"])
    again = shelf.reopen()
    assert (again.read(ANN), again.read(BOB)) == ([b"one", b"three", b""], [b"two"])
    assert set(again.nodes()) == {ANN, BOB}


def test_what_was_not_flushed_is_gone_with_the_process(shelf: Shelf) -> None:
    opened = shelf.create()
    store(opened, b"kept")
    opened.append([(ANN, b"lost")])
    assert shelf.reopen().read(ANN) == [b"kept"]


@pytest.mark.parametrize("count", [1, ENTRY_RECORDS - 1, ENTRY_RECORDS, ENTRY_RECORDS + 1, 1000])
def test_a_batch_of_any_size_is_one_transaction(shelf: Shelf, count: int) -> None:
    opened = shelf.create()
    records = [b"%d" % number for number in range(count)]
    before = opened._mark.batch
    store(opened, *records)
    assert opened._mark.batch == before + 1
    assert opened.read(ANN) == records
    assert shelf.reopen().read(ANN) == records


@pytest.mark.parametrize("size", [0, 1, 3000, 5000, 100_000, MAX_RECORD_BYTES])
def test_a_record_of_any_size_up_to_the_limit(shelf: Shelf, size: int) -> None:
    opened = shelf.create()
    store(opened, b"before", bytes(size), b"after")
    assert shelf.reopen().read(ANN) == [b"before", bytes(size), b"after"]


def test_a_record_beyond_the_limit_is_refused_and_nothing_of_its_batch_is_stored(shelf: Shelf) -> None:
    opened = shelf.create()
    with pytest.raises(BatchRefused, match=f"a record is larger than {MAX_RECORD_BYTES} bytes") as refused:
        opened.append([(BOB, b"fine"), (ANN, bytes(MAX_RECORD_BYTES + 1))])
    assert refused.value.nodes == {ANN, BOB}
    opened.flush()
    assert (opened.read(ANN), opened.read(BOB)) == ([], [])


def test_more_than_may_wait_is_refused_and_what_waits_stays(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_WAITING_BYTES", 10)
    opened = shelf.create()
    opened.append([(ANN, b"12345")])
    with pytest.raises(BatchRefused, match="more than 10 bytes would wait") as refused:
        opened.append([(BOB, b"123456")])
    assert refused.value.nodes == {BOB}
    opened.flush()
    assert (opened.read(ANN), opened.read(BOB)) == ([b"12345"], [])


def test_what_does_not_encode_is_refused_before_anything_of_the_batch_is_stored(shelf: Shelf) -> None:
    shelf.create()
    shelf.die()
    opened = Journal(Directory(shelf.folder), SERVER, encode_record)
    shelf.opened.append(opened)
    opened.read(ANN)
    opened.read(BOB)
    promised = Promised(Ballot(3, 1))
    opened.append([(ANN, promised)])
    with pytest.raises(BatchRefused, match="a record does not encode") as refused:
        opened.append([(ANN, promised), (BOB, Promised(Ballot(-1, 1)))])
    assert refused.value.nodes == {ANN, BOB}
    for node in (ANN, BOB):
        with pytest.raises(BatchRefused, match="was not read"):
            opened.append([(node, promised)])
    opened.flush()
    assert [decode_record(record) for record in opened.read(ANN)] == [promised]
    assert opened.read(BOB) == []


@pytest.mark.parametrize(
    "wrong", [(BOB, bytes(MAX_RECORD_BYTES + 1)), (BOB, "text"), (NodeKey(9, 9, 9), b"unread"), (BOB, bytes(40))]
)
def test_a_batch_is_taken_whole_or_nothing_is_changed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, wrong: tuple[NodeKey, bytes]
) -> None:
    """Unlike what was refused, nodes of a batch that was not taken need not be read again."""
    opened = shelf.create()
    if wrong[1] == bytes(40):
        monkeypatch.setattr(journal, "MAX_WAITING_BYTES", 30)
    assert not opened.take([(ANN, b"first"), wrong, (ANN, b"second")])
    assert not opened.needs_flush
    with pytest.raises(BatchRefused):
        opened.append([wrong])
    assert opened.take([(ANN, b"first"), (ANN, b"second")])
    opened.flush()
    assert shelf.reopen().read(ANN) == [b"first", b"second"]


def test_reading_flushes_what_waits_of_the_node(shelf: Shelf) -> None:
    opened = shelf.create()
    opened.append([(ANN, b"one")])
    assert opened.read(ANN) == [b"one"]
    assert not opened.needs_flush


def test_a_node_that_was_not_read_may_not_append(shelf: Shelf) -> None:
    shelf.create()
    opened = shelf.reopen()
    with pytest.raises(BatchRefused, match="was not read"):
        opened.append([(ANN, b"from nowhere")])
    opened.read(ANN)
    store(opened, b"now")
    opened.forget(ANN)
    with pytest.raises(BatchRefused, match="was not read"):
        opened.append([(ANN, b"forgotten")])
    assert opened.read(ANN) == [b"now"]


def test_a_cell_has_one_life_and_a_node_one_birth(shelf: Shelf) -> None:
    opened = shelf.create()
    with pytest.raises(BatchRefused, match="already"):
        opened.admit(ANN)
    with pytest.raises(ForeignNode, match="in life 11, not node 101 of cell 1 in life 12"):
        opened.admit(ANN._replace(life=12))
    with pytest.raises(ForeignNode):
        opened.read(ANN._replace(life=12))
    with pytest.raises(ForeignNode):
        opened.read(ANN._replace(incarnation=5))
    with pytest.raises(UnknownNode):
        opened.read(NodeKey(3, 1, 1))
    opened.admit(ANN._replace(incarnation=5))
    with pytest.raises(ForeignNode):
        opened.admit(ANN._replace(incarnation=6, life=12))
    opened.flush()
    assert shelf.reopen().read(ANN._replace(incarnation=5)) == []


@pytest.mark.parametrize("part", [-1, 2**63, 1.5, None])
def test_a_key_beyond_its_bounds_is_refused(shelf: Shelf, part: int) -> None:
    opened = shelf.create()
    with pytest.raises(BatchRefused, match="from 0 to 2"):
        opened.admit(NodeKey(9, 9, part))
    opened.admit(NodeKey(9, 9, 2**63 - 1))
    opened.flush()
    assert shelf.reopen().read(NodeKey(9, 9, 2**63 - 1)) == []


def test_a_birth_that_was_not_flushed_did_not_happen(shelf: Shelf) -> None:
    shelf.create().admit(NodeKey(3, 1, 1))
    with pytest.raises(UnknownNode):
        shelf.reopen().read(NodeKey(3, 1, 1))


@pytest.mark.parametrize("entries", [1, 2, 3, 100])
def test_folding_changes_nothing_that_is_read(shelf: Shelf, entries: int) -> None:
    opened = shelf.create()
    for number in range(6):
        opened.append([(ANN, b"a%d" % number), (BOB, b"b%d" % number)])
        opened.flush()
        opened.fold(entries)
    expected = [b"a%d" % number for number in range(6)], [b"b%d" % number for number in range(6)]
    assert (opened.read(ANN), opened.read(BOB)) == expected
    opened = shelf.reopen()
    assert (opened.read(ANN), opened.read(BOB)) == expected
    while opened.fold(entries):
        continue
    assert opened.unfolded == 0
    store(opened, b"after")
    opened = shelf.reopen()
    assert (opened.read(ANN), opened.read(BOB)) == ([*expected[0], b"after"], expected[1])


def test_a_fold_may_make_fewer_records_of_many(shelf: Shelf) -> None:
    def last_only(_: NodeKey, records: Sequence[bytes]) -> Sequence[bytes]:
        return records[-1:]

    opened = shelf.create()
    store(opened, b"1", b"2", b"3")
    opened.fold(100, last_only)
    assert opened.read(ANN) == [b"3"]
    store(opened, b"4")
    opened = shelf.reopen()
    assert opened.read(ANN) == [b"3", b"4"]
    opened.fold(100, last_only)
    assert shelf.reopen().read(ANN) == [b"4"]


def test_a_fold_that_raises_folds_nothing(shelf: Shelf) -> None:
    opened = shelf.create()
    store(opened, b"1")

    def broken(key: NodeKey, _: Sequence[bytes]) -> Sequence[bytes]:
        raise KeyError(key)

    before = opened.unfolded
    with pytest.raises(KeyError):
        opened.fold(100, broken)
    assert opened.unfolded == before
    store(opened, b"2")
    assert shelf.reopen().read(ANN) == [b"1", b"2"]


def test_the_log_is_emptied_when_it_is_long(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "LOG_PAGES", 5)
    opened = shelf.create()
    log = shelf.path("journal-wal")
    sizes = []
    for number in range(40):
        store(opened, b"%d" % number)
        sizes.append(log.stat().st_size)
    assert max(sizes) < 20 * 4096
    assert shelf.reopen().read(ANN) == [b"%d" % number for number in range(40)]


def test_any_thread_may_be_the_one_that_calls(shelf: Shelf) -> None:
    opened = shelf.create()
    thread = threading.Thread(target=store, args=(opened, b"from a thread"))
    thread.start()
    thread.join()
    assert opened.read(ANN) == [b"from a thread"]

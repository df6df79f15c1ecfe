"""What a journal notices when bytes that were flushed are gone or changed; and the boundary of what it cannot know.

A file that lies as somebody left it has its mark: nothing that was acknowledged can be missing unnoticed. A power cut
may take the marks of the last flushes; `lose_marks` stands for it.
"""

from pathlib import Path

import pytest

from physalia.journal import JournalDamaged, UnknownNode
from physalia.journal.entries import pack, unpack
from physalia.journal.folded import pack_checkpoint
from tests.physalia.journal.shelf import ANN, BOB, FILES, Shelf, execute, store

BATCHES = 6


def fill(shelf: Shelf) -> list[int]:
    """Batches of one record each in the log; returns how long the log was after each."""
    journal = shelf.create()
    ends = []
    for number in range(BATCHES):
        store(journal, b"record %d" % number)
        ends.append(shelf.path("journal-wal").stat().st_size)
    shelf.die()
    return ends


def lose_marks(shelf: Shelf, marks: bytes) -> None:
    """The marks that were not flushed yet are gone."""
    shelf.path("marks").write_bytes(marks)


def settled_marks(shelf: Shelf) -> bytes:
    """The marks as they were when the journal was opened: those were flushed."""
    return shelf.path("marks").read_bytes()[:4096].ljust(8192, b"\0")


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def records(count: int) -> list[bytes]:
    return [b"record %d" % number for number in range(count)]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_damage_in_any_batch_is_told_while_the_mark_is_there(shelf: Shelf, batch: int) -> None:
    ends = fill(shelf)
    flip(shelf.path("journal-wal"), ends[batch] - 100)
    with pytest.raises(JournalDamaged, match=f"it ends with entry {batch + 1}, and entry {BATCHES + 1} was flushed"):
        shelf.open()


@pytest.mark.parametrize("batch", range(BATCHES - 1))
def test_damage_before_the_last_batch_is_told_without_the_mark(shelf: Shelf, batch: int) -> None:
    ends = fill(shelf)
    lose_marks(shelf, settled_marks(shelf))
    flip(shelf.path("journal-wal"), ends[batch] - 100)
    with pytest.raises(JournalDamaged, match=f"it ends with batch {batch + 1}, and batch {BATCHES} was flushed"):
        shelf.open()


def test_the_boundary_the_last_batch_without_its_mark_looks_like_a_torn_tail(shelf: Shelf) -> None:
    """A batch that was acknowledged and lost, and one that was never flushed, leave the same bytes behind."""
    ends = fill(shelf)
    lose_marks(shelf, settled_marks(shelf))
    flip(shelf.path("journal-wal"), ends[-1] - 100)
    assert shelf.open().read(ANN) == records(BATCHES - 1)


def test_the_boundary_a_log_cut_off_without_its_mark_is_an_older_copy(shelf: Shelf) -> None:
    ends = fill(shelf)
    lose_marks(shelf, settled_marks(shelf))
    log = shelf.path("journal-wal")
    log.write_bytes(log.read_bytes()[: ends[2]])
    assert shelf.open().read(ANN) == records(3)


def test_the_boundary_a_consistent_older_copy_of_everything_cannot_be_told(shelf: Shelf, tmp_path: Path) -> None:
    journal = shelf.create()
    store(journal, b"record 0")
    older = shelf.copy_to(tmp_path / "older")
    store(journal, b"record 1")
    shelf.die()
    for name in FILES:
        shelf.path(name).write_bytes(older.path(name).read_bytes())
    assert shelf.open().read(ANN) == records(1)


@pytest.mark.parametrize("end", range(BATCHES - 1))
def test_a_log_that_is_cut_is_told_while_the_mark_is_there(shelf: Shelf, end: int) -> None:
    ends = fill(shelf)
    log = shelf.path("journal-wal")
    whole = log.read_bytes()
    for size in (ends[end], ends[end] + 50, 0):
        log.write_bytes(whole[:size])
        with pytest.raises(JournalDamaged):
            shelf.open()
    log.write_bytes(whole)
    assert shelf.open().read(ANN) == records(BATCHES)


def test_what_was_being_written_when_the_process_died_is_cut(shelf: Shelf) -> None:
    ends = fill(shelf)
    log = shelf.path("journal-wal")
    with log.open("ab") as file:
        file.write(log.read_bytes()[ends[-2] : ends[-1] - 7])
    journal = shelf.open()
    assert journal.read(ANN) == records(BATCHES)
    store(journal, b"and on")
    assert shelf.reopen().read(ANN) == [*records(BATCHES), b"and on"]


@pytest.mark.parametrize("name", FILES)
def test_any_one_file_exchanged_for_an_older_one_is_told_or_harmless(shelf: Shelf, tmp_path: Path, name: str) -> None:
    journal = shelf.create()
    older, written = [], [b"%d" % number * 1500 for number in range(8)]
    for number, record in enumerate(written):
        older.append(shelf.copy_to(tmp_path / f"{number}"))
        store(journal, record)
        if number % 3 == 2:
            journal.fold(2)
        if number in (4, 6):
            journal = shelf.reopen()
            journal.read(ANN)
    shelf.die()
    whole, told = shelf.contents(), 0
    for copy in older:
        for file in FILES:
            shelf.path(file).write_bytes(whole[file])
        shelf.path(name).write_bytes(copy.path(name).read_bytes())
        try:
            assert shelf.open().read(ANN) == written
        except JournalDamaged:
            told += 1
        shelf.die()
    assert told > 0 or name == "marks"


def test_either_half_of_the_marks_is_enough_and_none_is_damage(shelf: Shelf) -> None:
    fill(shelf)
    whole = shelf.path("marks").read_bytes()
    for places, readable in (((20,), True), ((4096 + 20,), True), ((20, 4096 + 20), False)):
        shelf.path("marks").write_bytes(whole)
        for place in places:
            flip(shelf.path("marks"), place)
        if readable:
            assert shelf.open().read(ANN) == records(BATCHES)
            shelf.die()
        else:
            with pytest.raises(JournalDamaged, match="neither half"):
                shelf.open()


def test_every_bit_of_an_entry_is_guarded(shelf: Shelf) -> None:
    store(shelf.create(), b"precious")
    shelf.opened.pop().close()
    connection_read = []
    path = shelf.path("journal")
    whole = path.read_bytes()
    start = whole.index(b"precious") - 90
    for place in range(start, start + 98):
        flip(path, place)
        try:
            connection_read.append(shelf.open().read(ANN))
        except JournalDamaged:
            connection_read.append([b"precious"])
        shelf.die()
        for name in ("journal-wal", "marks"):
            shelf.path(name).touch()
        path.write_bytes(whole)
    assert connection_read == [[b"precious"]] * 98


def test_every_bit_of_a_birth_is_guarded() -> None:
    """No other record of the node would tell that it was born under another name."""
    entry, _ = pack(b"whatever", 1, 1, 0, [ANN], [0], [b""])
    assert unpack(entry) is not None
    for place in range(8 * len(entry)):
        bent = bytearray(entry)
        bent[place // 8] ^= 1 << place % 8
        assert unpack(bytes(bent)) is None, place


def test_an_entry_is_neither_longer_nor_shorter_than_it_says() -> None:
    entry, _ = pack(b"whatever", 1, 1, 0, [ANN, ANN], [0, 1], [b"", b"precious"])
    assert unpack(entry) is not None
    assert unpack(entry + b"!") is None
    assert [unpack(entry[:size]) for size in range(len(entry))] == [None] * len(entry)


def test_an_older_row_of_a_node_is_told_by_the_digest(shelf: Shelf) -> None:
    """The row is intact by itself; only the sum over all rows can tell that it is not the newest."""
    journal = shelf.create()
    for record in (b"old", b"new"):
        store(journal, record)
        journal.fold(100)
    shelf.opened.pop().close()
    older, _ = pack_checkpoint(ANN, 1, [b"old"])
    execute(shelf.path("journal"), "UPDATE nodes SET sequence = 1, state = ? WHERE cell = ?", older, ANN.cell)
    with pytest.raises(JournalDamaged, match="the folded records of some node are older than the last fold"):
        shelf.open()


def test_the_last_fold_vouches_for_the_rows_of_its_time(shelf: Shelf) -> None:
    """An older database under a newer log can show a fold, and not what was there when it was made."""
    journal = shelf.create()
    older = shelf.path("marks").read_bytes()
    store(journal, b"record 0")
    store(journal, b"record 1")
    journal.fold(1)
    shelf.opened.pop().close()
    shelf.path("marks").write_bytes(older)
    assert shelf.open().read(ANN) == records(2)
    shelf.opened.pop().close()
    shelf.path("marks").write_bytes(older)
    execute(shelf.path("journal"), "DELETE FROM entries WHERE number = 3")
    with pytest.raises(JournalDamaged, match="it ends with entry 2, and entry 3 was flushed"):
        shelf.open()


def test_a_row_that_is_gone_a_row_too_many_and_a_row_of_another_journal_are_told(shelf: Shelf, tmp_path: Path) -> None:
    store(shelf.create(), b"record 0")
    shelf.opened.pop().close()
    whole = shelf.contents()
    other = Shelf(tmp_path / "other")
    other.folder.mkdir()
    store(other.create(), b"record 0")
    other.opened.pop().close()
    for command in (
        "DELETE FROM entries WHERE number = 2",
        "DELETE FROM entries WHERE number = 1",
        "INSERT INTO entries SELECT 3, entry FROM entries WHERE number = 2",
        "INSERT INTO entries VALUES (3, zeroblob(60))",
        "UPDATE entries SET entry = (SELECT entry FROM other.entries AS o WHERE o.number = entries.number)",
        "UPDATE folded SET state = (SELECT state FROM other.folded)",
    ):
        execute(shelf.path("journal"), f"ATTACH '{other.path('journal')}' AS other; {command}")
        with pytest.raises(JournalDamaged):
            shelf.open()
        for name in shelf.contents():
            shelf.path(name).unlink()
        for name, data in whole.items():
            shelf.path(name).write_bytes(data)
    assert shelf.open().read(ANN) == records(1)


def test_damage_that_shows_while_the_journal_is_open_stops_it_for_good(shelf: Shelf) -> None:
    journal = shelf.create()
    store(journal, b"record 0")
    journal._store.connection.execute("UPDATE entries SET entry = zeroblob(60) WHERE number = 2")
    with pytest.raises(JournalDamaged, match="entry 2 is not what was written"):
        journal.read(ANN)
    for attempt in (lambda: journal.read(BOB), lambda: journal.append([(BOB, b"")]), journal.flush):
        with pytest.raises(JournalDamaged):
            attempt()


def test_a_value_of_a_client_that_looks_like_an_entry_is_no_evidence(shelf: Shelf) -> None:
    """An entry begins with bytes that nobody outside knows; one of another journal proves nothing."""
    journal = shelf.create()
    store(journal, b"record 0")
    ((entry,),) = journal._store.connection.execute("SELECT entry FROM entries WHERE number = 2").fetchall()
    assert isinstance(entry, bytes)
    stolen = bytes(8) + entry[8:]
    store(journal, stolen)
    assert shelf.reopen().read(ANN) == [b"record 0", stolen]


def test_a_node_that_is_unknown_stays_unknown_after_damage(shelf: Shelf) -> None:
    fill(shelf)
    with pytest.raises(UnknownNode):
        shelf.open().read(ANN._replace(cell=99))

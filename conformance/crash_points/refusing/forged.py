"""Files that are intact piece by piece, and cannot be the files of one journal: each is refused by one check alone.

A good journal is made, with folded nodes and entries after the fold; then a piece of it is written anew, with every
checksum and every number right but one. Opening it must say so, and change nothing. The good journal, and a forgery in
which nothing is wrong, must open.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from conformance.crash_points.refusing.asked import is_sentence
from conformance.crash_points.refusing.forger import RESTING, SERVER, WRITING, Forger
from physalia.journal import (
    Directory,
    ForeignJournal,
    Journal,
    JournalDamaged,
    JournalError,
    JournalMissing,
    NewerJournal,
    NodeKey,
    NotAJournal,
    database,
    marks,
)
from physalia.journal.entries import pack, unpack
from physalia.journal.folded import FOLD_BYTES, pack_checkpoint, pack_fold
from physalia.journal.opening import examine


def _nothing(good: Forger) -> None:
    """Everything is written anew, as it was."""
    good.write(range(good.fold.number + 1, good.last + 1))
    good.vouch()
    good.say_folded()


def _chain(good: Forger) -> None:
    good.write(range(good.last - 2, good.last - 1), record=b"another three")


def _another_journal(good: Forger) -> None:
    good.write(range(good.last, good.last + 1), journal=b"another.")
    good.vouch()


def _batch_goes_back(good: Forger) -> None:
    good.write(range(good.last - 2, good.last + 1), batch=1)
    good.vouch()


def _number_of_another(good: Forger) -> None:
    good.write(range(good.last, good.last + 1), number=good.last + 1)
    good.vouch()


def _gap(good: Forger) -> None:
    good.execute("DELETE FROM entries WHERE number = ?", good.last - 1)
    good.write(range(good.last, good.last), previous=0)
    ((data,),) = good.execute("SELECT entry FROM entries WHERE number = ?", good.last)
    assert isinstance(data, bytes)
    entry = unpack(data)
    assert entry is not None
    sequences = [sequence - 64 for sequence in entry.sequences]
    written, check = pack(
        entry.head.journal, entry.head.batch, good.last, good.check(good.last - 2), entry.nodes, sequences,
        entry.records,
    )  # fmt: skip
    good.execute("UPDATE entries SET entry = ? WHERE number = ?", written, good.last)
    good.vouch(check=check)


def _another_last(good: Forger) -> None:
    good.write(range(good.last, good.last + 1), record=b"another")


def _half_a_batch(good: Forger) -> None:
    good.execute("DELETE FROM entries WHERE number = ?", good.last)


def _another_at_the_fold(good: Forger) -> None:
    """The fold says what the last entry was then: not the one that stands there now."""
    good.say_folded(last=good.last - 1, last_check=good.check(good.last - 1) ^ 1)


def _undone(good: Forger) -> None:
    """A file with which SQLite would undo what was written, as a journal is never beside."""
    head = bytes.fromhex("d9d505f920a163d7") + b"".join(part.to_bytes(4) for part in (1, 0, 1, 512, 4096))
    page = (2).to_bytes(4) + bytes(4096) + (0).to_bytes(4)
    (good.files.folder / database.ROLLBACK).write_bytes(head.ljust(512, b"\0") + page)


def _end_before_the_fold(good: Forger) -> None:
    """The last fold left entries to be folded; the last of these are gone, and so is the mark that knew of them."""
    with Journal(good.files, SERVER) as journal:
        journal.fold(1)
    good.execute("DELETE FROM entries WHERE number > ?", good.last - 2)
    good.vouch(number=good.last - 2, check=good.check(good.last - 2))


def _fold_is_older(good: Forger) -> None:
    """The last transaction was a fold, and it is gone: every record is there, and the batch is not."""
    good.vouch(batch=good.mark.batch + 1)


def _sequence_skips(good: Forger) -> None:
    good.write(range(good.last, good.last + 1), skip=True)
    good.vouch()


def _nodes_with(what: str) -> Callable[[Forger], None]:
    def forge(good: Forger) -> None:
        good.execute(f"UPDATE nodes SET {what} WHERE cell = ?", RESTING.cell)  # noqa: S608  # it is ours

    return forge


def _node_is_older(good: Forger) -> None:
    good.execute("UPDATE nodes SET sequence = ?, state = ? WHERE cell = ?", *good.older, RESTING.cell)


def _node_is_gone(good: Forger) -> None:
    good.execute("DELETE FROM nodes WHERE cell = ?", RESTING.cell)


def _node_of_no_records(good: Forger) -> None:
    """A node more, that adds nothing to the digest."""
    state, check = pack_checkpoint(NodeKey(9, 9, 9), 0, ())
    good.execute("INSERT INTO nodes VALUES (9, 9, 9, 0, ?)", state)
    good.say_folded(digest=(good.fold.digest + check) % 2**64)


def _fold_of_another(good: Forger) -> None:
    good.say_folded(server=SERVER + 1)


def _marks_of_another(good: Forger) -> None:
    good.vouch(journal=b"another.")


def _changed(change: Callable[[bytearray], object]) -> Callable[[Forger], None]:
    """The bytes of the last entry are changed."""

    def forge(good: Forger) -> None:
        ((data,),) = good.execute("SELECT entry FROM entries WHERE number = ?", good.last)
        assert isinstance(data, bytes)
        changed = bytearray(data)
        change(changed)
        good.execute("UPDATE entries SET entry = ? WHERE number = ?", bytes(changed), good.last)

    return forge


def _flip(place: int) -> Callable[[bytearray], None]:
    def flip(data: bytearray) -> None:
        data[place] ^= 1

    return flip


def _flipped_node(good: Forger) -> None:
    sequence, state = good.node(RESTING)
    assert isinstance(state, bytes)
    changed = bytearray(state)
    changed[-1] ^= 1
    good.execute("UPDATE nodes SET sequence = ?, state = ? WHERE cell = ?", sequence, bytes(changed), RESTING.cell)


def _flipped_fold(good: Forger) -> None:
    state = bytearray(pack_fold(good.fold))
    state[FOLD_BYTES - 5] ^= 1
    good.execute("UPDATE folded SET state = ?", bytes(state))


def _nobody_folded(good: Forger) -> None:
    good.execute("DELETE FROM folded")


def _of_another_server(good: Forger) -> None:
    good.vouch(server=SERVER + 1)
    good.say_folded(server=SERVER + 1)


def _mark_is_newer(good: Forger) -> None:
    data = bytearray(good.files.read(marks.NAME))
    for slot in (0, marks.SLOT_BYTES):
        data[slot + 16 : slot + 20] = (marks.FORMAT_VERSION + 1).to_bytes(4)
    good.files.replace(marks.NAME, bytes(data))


def _marks_flipped(good: Forger) -> None:
    data = bytearray(good.files.read(marks.NAME))
    for slot in (0, marks.SLOT_BYTES):
        data[slot + 40] ^= 1
    good.files.replace(marks.NAME, bytes(data))


def _never_complete(good: Forger) -> None:
    good.vouch(is_complete=False)


def _made_halfway(good: Forger) -> None:
    """A journal whose making was cut short, with nothing in it."""
    good.files.remove("journal")
    good.vouch(is_complete=False, number=0, batch=0, check=0)


def _no_marks(good: Forger) -> None:
    good.files.remove(marks.NAME)


def _no_file(good: Forger) -> None:
    good.files.remove("journal")


def _empty_file(good: Forger) -> None:
    good.files.replace("journal", b"")


def _nothing_there(good: Forger) -> None:
    good.files.remove("journal")
    good.files.remove(marks.NAME)


def _log_alone(good: Forger) -> None:
    good.files.remove("journal")
    good.files.remove(marks.NAME)
    good.files.replace(database.LOG, b"a log")


def _no_database(good: Forger) -> None:
    good.files.replace("journal", b"a letter to a friend, and not a short one. " * 200)


def _letter_alone(good: Forger) -> None:
    _no_database(good)
    good.files.remove(marks.NAME)


def _somebody_elses(good: Forger) -> None:
    good.execute("PRAGMA application_id = 1")


def _file_is_newer(good: Forger) -> None:
    good.execute("PRAGMA user_version = 2")


def _file_is_of_no_version(good: Forger) -> None:
    good.execute("PRAGMA user_version = 0")


def _no_log_any_more(good: Forger) -> None:
    good.execute("PRAGMA journal_mode = DELETE")


@frozen
class Forgery:
    """What is wrong with the files, and how the journal must say so: which type, and a part of the sentence."""

    forge: Callable[[Forger], None]
    says: type[JournalError]
    why: str


FORGERIES: Mapping[str, Forgery] = {
    "an entry that the next one does not follow": Forgery(_chain, JournalDamaged, "does not follow"),
    "an entry of another journal": Forgery(_another_journal, JournalDamaged, "does not follow"),
    "an entry of an earlier batch than the one before": Forgery(_batch_goes_back, JournalDamaged, "does not follow"),
    "an entry that calls itself another": Forgery(_number_of_another, JournalDamaged, "is not what was written"),
    "an entry less, in the middle": Forgery(_gap, JournalDamaged, "is not what was written"),
    "a flipped bit in the head of an entry": Forgery(_changed(_flip(12)), JournalDamaged, "is not what was written"),
    "a flipped bit in the table of an entry": Forgery(_changed(_flip(45)), JournalDamaged, "is not what was written"),
    "a flipped bit in a record": Forgery(_changed(_flip(-1)), JournalDamaged, "is not what was written"),
    "an entry without its last byte": Forgery(
        _changed(lambda data: data.pop()), JournalDamaged, "not what was written"
    ),
    "an entry with a byte too many": Forgery(
        _changed(lambda data: data.append(0)), JournalDamaged, "not what was written"
    ),
    "a flipped bit in a folded node": Forgery(_flipped_node, JournalDamaged, "folded records of"),
    "a folded node of less than no records": Forgery(_nodes_with("sequence = -1"), JournalDamaged, "folded records of"),
    "a folded node under a name that none has": Forgery(_nodes_with("life = -1"), JournalDamaged, "folded records of"),
    "another last entry than the one that was flushed": Forgery(_another_last, JournalDamaged, "that was flushed"),
    "the first half of the last batch": Forgery(_half_a_batch, JournalDamaged, "was flushed"),
    "another entry than the last when it was folded": Forgery(_another_at_the_fold, JournalDamaged, "was flushed"),
    "an end before that of the time when it was folded": Forgery(_end_before_the_fold, JournalDamaged, "was flushed"),
    "a file beside it that would undo it": Forgery(_undone, JournalDamaged, "SQLite would undo"),
    "a fold less than was flushed": Forgery(_fold_is_older, JournalDamaged, "was flushed"),
    "a record more or less than its number says": Forgery(_sequence_skips, JournalDamaged, "the one before it"),
    "a folded node that is older than the others": Forgery(_node_is_older, JournalDamaged, "older than the last fold"),
    "a folded node less": Forgery(_node_is_gone, JournalDamaged, "older than the last fold"),
    "a folded node too many": Forgery(_node_of_no_records, JournalDamaged, "older than the last fold"),
    "the fold of another server": Forgery(_fold_of_another, JournalDamaged, "of two journals"),
    "the marks of another journal": Forgery(_marks_of_another, JournalDamaged, "of two journals"),
    "a fold that is not what was written": Forgery(_flipped_fold, JournalDamaged, "how far it was folded"),
    "no fold at all": Forgery(_nobody_folded, JournalDamaged, "how far it was folded"),
    "the journal of another server": Forgery(_of_another_server, ForeignJournal, "belongs to server"),
    "a mark of a later version": Forgery(_mark_is_newer, NewerJournal, "version 2"),
    "two damaged marks": Forgery(_marks_flipped, JournalDamaged, "neither half"),
    "a mark from when it was made": Forgery(_never_complete, JournalDamaged, "when the journal was made"),
    "a journal that was never finished": Forgery(_made_halfway, JournalMissing, "never finished"),
    "no marks": Forgery(_no_marks, JournalDamaged, "is missing"),
    "no database": Forgery(_no_file, JournalDamaged, "the file is missing"),
    "an empty database": Forgery(_empty_file, JournalDamaged, "the file is empty"),
    "nothing at all": Forgery(_nothing_there, JournalMissing, "does not exist"),
    "nothing but a log": Forgery(_log_alone, JournalDamaged, "is missing"),
    "a letter": Forgery(_no_database, NotAJournal, "no journal of Physalia"),
    "a letter without marks": Forgery(_letter_alone, NotAJournal, "no journal of Physalia"),
    "the database of somebody else": Forgery(_somebody_elses, NotAJournal, "no journal of Physalia"),
    "a database of a later version": Forgery(_file_is_newer, NewerJournal, "version 2"),
    "a database of no version": Forgery(_file_is_of_no_version, JournalDamaged, "header"),
    "a database without its log": Forgery(_no_log_any_more, JournalDamaged, "header"),
}
"""Each is wrong in one thing."""


def wrongly_taken() -> Iterator[str]:
    """What a journal does with forgeries that it should not, as sentences."""
    descriptor = _free_descriptor()
    with tempfile.TemporaryDirectory(prefix="physalia-forged-", ignore_cleanup_errors=True) as name:
        for number, (what, forgery) in enumerate(FORGERIES.items()):
            yield from _judged(Path(name) / str(number), what, forgery)
        folder = Path(name) / "good"
        folder.mkdir()
        good = Forger(folder)
        _nothing(good)
        yield from _changed_by_looking(good)
        if isinstance(said := _said(folder), JournalError):
            yield f"a journal in which nothing is wrong is refused: {said}"
        elif said is not None:
            raise said
    if _free_descriptor() != descriptor:
        yield "files of journals that are closed, or were refused, stay open"


def _changed_by_looking(good: Forger) -> Iterator[str]:
    """Whoever looks at a journal makes, changes and removes nothing, whatever lies there."""
    folder = good.files.folder
    good.files.remove(database.LOG)
    opened: Journal | None = None
    for what in ("closed", "closed, with an empty log", "closed, with files of others", "killed"):
        if what == "closed, with an empty log":
            (folder / database.LOG).touch()
        elif what == "closed, with files of others":
            for other in ("letter", "marks.new", f"{database.NAME}-shm"):
                (folder / other).write_bytes(b"not a file of the journal")
        elif what == "killed":
            opened = Journal(good.files, SERVER)
            opened.read(WRITING)
            Forger.flush(opened, (WRITING, b"more"))
            opened._store.connection.close()
            good.files.unlock()
        before = _bytes(folder)
        if (said := _said(folder, examine)) is not None:
            yield f"a journal that was {what}, is refused: {said}"
        if _bytes(folder) != before:
            yield f"a journal that was {what}, is changed by whoever looks at it"


def _free_descriptor() -> int:
    """The lowest number that no open file of this process has."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def _judged(folder: Path, what: str, forgery: Forgery) -> Iterator[str]:
    folder.mkdir()
    good = Forger(folder)
    forgery.forge(good)
    before = _bytes(folder)
    for ask in (examine, Journal):
        said = _said(folder, ask)
        if said is None:
            yield f"a journal with {what} is opened"
            return
        if type(said) is not forgery.says or forgery.why not in str(said):
            yield f"a journal with {what} is refused for another reason: {type(said).__name__}: {said}"
        if not is_sentence(said):
            yield f"a journal with {what} is refused, and what is said is no sentence: {said}"
        if _bytes(folder) != before:
            yield f"a journal with {what} is refused after something was changed"


def _said(folder: Path, ask: Callable[[Directory, int], object] = Journal) -> Exception | None:
    try:
        opened = ask(Directory(folder), SERVER)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is held against what should be said
        return error
    if isinstance(opened, Journal):
        opened.close()
    return None


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

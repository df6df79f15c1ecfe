"""Forged files and questions that must be refused: a journal that lets one of them pass is told, by its check alone."""

from collections.abc import Mapping
from unittest.mock import patch

import apsw

from conformance.crash_points.refusing import asked, filled, forged
from conformance.crash_points.refusing.forger import SERVER
from conformance.crash_points.vfs import SimulatedFiles
from physalia.journal import Journal, JournalError, audit, database, entries, journal, marks, opening
from physalia.journal.folded import Fold
from physalia.journal.marks import Mark
from physalia.journal.store import Store


def test_the_journal_refuses_what_it_must() -> None:
    assert list(forged.wrongly_taken()) == []
    assert list(asked.wrongly_answered()) == []


def test_every_kind_of_refusal_is_asked_for() -> None:
    assert {forgery.says.__name__ for forgery in forged.FORGERIES.values()} == {
        "JournalDamaged", "JournalMissing", "ForeignJournal", "NewerJournal", "NotAJournal",
    }  # fmt: skip
    assert len(forged.FORGERIES) >= 30


def test_a_journal_that_believes_its_files_is_told() -> None:
    with patch.object(audit, "_check_nodes", lambda *_: None):
        told = list(forged.wrongly_taken())
    assert [one for one in told if one.endswith(" is opened")] == [
        f"a journal with a {what} is opened"
        for what in (
            "flipped bit in a folded node", "folded node of less than no records",
            "folded node under a name that none has", "folded node that is older than the others", "folded node less",
            "folded node too many",
        )
    ]  # fmt: skip
    with patch.object(opening, "_check_kind", lambda *_: None):
        told = list(forged.wrongly_taken())
    assert "a journal with the database of somebody else is opened" in told
    assert "a journal with a database of a later version is opened" in told


def test_a_journal_that_changes_what_it_refuses_is_told() -> None:
    def careless(data: bytes) -> marks.Mark | None:
        found = kept(data)
        return None if found is None else found._replace(server=SERVER)

    kept = marks.last_of
    with patch.object(marks, "last_of", careless):
        assert any("the journal of another server" in one for one in forged.wrongly_taken())


def test_a_journal_that_takes_whatever_it_is_given_is_told() -> None:
    with patch.object(Journal, "_kin", lambda *_: set()):
        told = list(asked.wrongly_answered())
    assert any("is born again" in one for one in told)
    with patch.object(Journal, "forget", lambda *_: None):
        told = list(asked.wrongly_answered())
    assert any("what waits is shown before it is safe" in one for one in told)


def test_another_exception_than_the_journal_has_words_for_is_told_where_something_must_be_refused() -> None:
    def careless(*_: object) -> bool:
        raise KeyError("nobody thought of it")

    with patch.object(opening, "is_ours", careless):
        told = list(forged.wrongly_taken())
    assert any("is refused for another reason: KeyError" in one for one in told)
    with patch.object(Journal, "_foreign", careless):
        told = list(asked.wrongly_answered())
    assert any("it should say ForeignNode, and raises KeyError" in one for one in told)


def test_entries_are_filled_to_the_last_record_and_beyond() -> None:
    limit = entries.ENTRY_RECORDS
    assert {limit - 1, limit, limit + 1} < set(filled.COUNTS)
    assert max(filled.COUNTS) > 4 * limit
    assert list(filled.wrongly_kept()) == []


def test_a_journal_that_forgets_whose_the_last_record_of_a_full_entry_is_is_told() -> None:
    """One that keeps the nodes of one record less an entry than it stores, and one whose entries are one shorter."""
    with patch.object(journal, "ENTRY_RECORDS", entries.ENTRY_RECORDS - 1):
        told = list(filled.wrongly_kept())
    assert told
    assert all(one.startswith("of a batch of ") for one in told)
    assert not any(f" {entries.ENTRY_RECORDS - 1} records" in one for one in told)


def test_the_last_record_of_each_entry_is_of_a_node_that_has_no_other_there() -> None:
    batch = filled.batch_of(3 * entries.ENTRY_RECORDS)
    for first in range(0, len(batch), entries.ENTRY_RECORDS):
        *others, last = [key for key, _ in batch[first : first + entries.ENTRY_RECORDS]]
        assert last not in others


def test_a_journal_that_is_made_before_its_names_are_safe_is_told() -> None:
    with patch.object(SimulatedFiles, "sync_names", lambda _: None):
        told = list(filled.wrongly_kept())
    assert told
    assert all("a power cut could still change what stands there" in one for one in told)


def test_a_journal_that_goes_on_after_an_interrupt_is_told() -> None:
    with patch.object(Store, "require_alive", lambda _: None):
        assert any("goes on after an interrupt of the mark" in one for one in asked.wrongly_answered())


def test_a_journal_that_empties_its_log_too_often_or_never_is_told() -> None:
    def always(self: Store, mark: Mark) -> None:
        marks.note(self.files, mark)
        self._empty_log(mark, apsw.SQLITE_CHECKPOINT_PASSIVE)

    def never(self: Store, mark: Mark) -> None:
        marks.note(self.files, mark)

    for flushed, said in ((always, "emptied before it is long"), (never, "is not emptied")):
        with patch.object(Store, "flushed", flushed):
            assert any(said in one for one in asked.wrongly_answered())


def test_a_journal_that_leaves_its_log_where_it_is_when_it_is_closed_is_told() -> None:
    def close(self: Store, _: Mark) -> None:
        self.connection.close()
        if self.stopped is None:
            self.files.unlock()

    with patch.object(Store, "close", close):
        assert any("a journal is closed, and" in one for one in asked.wrongly_answered())


def test_a_journal_that_tells_names_as_they_are_or_shortened_is_told() -> None:
    def as_it_is(error: JournalError, sentence: str) -> None:
        Exception.__init__(error, sentence)

    def shortened(error: JournalError, sentence: str) -> None:
        Exception.__init__(error, "".join(filter(str.isprintable, sentence)))

    for says in (as_it_is, shortened):
        with patch.object(JournalError, "__init__", says):
            assert any("is not told escaped" in one for one in asked.wrongly_answered())


def test_a_journal_that_does_not_look_where_the_last_fold_ended_is_told() -> None:
    def blind(connection: apsw.Connection, where: str, fold: Fold, flushed: Mapping[int, int]) -> audit.Standing:
        number, check = list(flushed.items())[-1]
        return kept(connection, where, fold, {number: check})

    kept = audit._read_entries
    with patch.object(audit, "_read_entries", blind):
        told = list(forged.wrongly_taken())
    assert "a journal with an end before that of the time when it was folded is opened" in told


def test_a_journal_that_is_changed_by_a_look_is_told() -> None:
    with patch.object(opening, "look", lambda files: database.connect(files, keep_log=False)):
        told = list(forged.wrongly_taken())
    assert "a journal that was closed, with an empty log, is changed by whoever looks at it" in told

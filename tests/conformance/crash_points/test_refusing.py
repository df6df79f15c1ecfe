"""Forged files and questions that must be refused: a journal that lets one of them pass is told, by its check alone."""

from unittest.mock import patch

from conformance.crash_points.refusing import asked, forged
from physalia.journal import Journal, audit, marks, opening


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
            "flipped bit in a folded node", "folded node that is older than the others", "folded node less",
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
        return None if found is None else found._replace(server=forged.SERVER)

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

"""A journal refuses the versions of SQLite that can corrupt it, and no others, and changes nothing before it does."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from conformance.crash_points.versions import OLD, SAFE, wrong_versions
from physalia.journal import database


def test_the_journal_goes_on_with_the_right_versions() -> None:
    assert not list(wrong_versions())


def test_a_journal_that_asks_for_no_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "refuse_old_sqlite", lambda: "whatever")
    asks = ("make", "opening", "looking")
    assert list(wrong_versions()) == [f"SQLite {version} is used by {ask}" for version in OLD for ask in asks]


def test_a_journal_that_refuses_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST_SQLITE", (3, 52, 0))
    assert {sentence.split()[1] for sentence in wrong_versions()} == {"3.51.3", "3.51.10"} < set(SAFE)


def test_a_journal_that_changes_something_first_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, folder = database.refuse_old_sqlite, tmp_path / "versions"
    folder.mkdir()
    monkeypatch.setattr(
        "conformance.crash_points.versions.tempfile.TemporaryDirectory", lambda **_: nullcontext(folder)
    )

    def writes_first() -> str:
        for each in folder.iterdir():
            (each / "left").write_text(str(len(list(folder.rglob("*")))), encoding="utf-8")
        return asked()

    monkeypatch.setattr(database, "refuse_old_sqlite", writes_first)
    assert any("after something was changed" in sentence for sentence in wrong_versions())

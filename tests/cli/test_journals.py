"""``physalia journal`` judges a journal, gives bad input one sentence and the right code, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from physalia.cli import run
from physalia.journal import JournalDamaged
from tests.physalia.journal.shelf import SERVER, Shelf, store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    opened = made.create()
    store(opened, b"record")
    opened.fold(1)
    made.die()
    return made


def examine(shelf: Shelf, *options: str, server: int = SERVER) -> int:
    """What the command says about a journal, by its exit code; nothing changes by it, and nothing is written anew."""
    before = look(shelf)
    code = run(["journal", str(shelf.folder), "--server", f"{server}", *options])
    assert look(shelf) == before
    return code


def look(shelf: Shelf) -> dict[str, tuple[bytes, int]]:
    """Every name of the directory, its bytes, and when they were written."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in shelf.folder.iterdir()}


def test_a_whole_journal_is_told_as_its_schema_says(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(shelf, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "journal.schema.json").read_text(encoding="utf-8")))
    assert told == {
        "schema_version": 1, "server": SERVER, "batch": 3, "entries": 2, "unfolded": 1, "folded_nodes": 2,
    }  # fmt: skip
    assert examine(shelf) == 0
    assert "is whole: batch 3, 2 entries, of which 1 are not folded; 2 nodes are." in capsys.readouterr().out


def test_what_cannot_be_used_is_exit_2_and_one_sentence(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    def said() -> str:
        (line,) = capsys.readouterr().err.splitlines()
        return line

    assert examine(shelf, server=8) == 2
    assert f"belongs to server {SERVER}, not to server 8" in said()
    whole = shelf.contents()
    shelf.path("marks").write_bytes(bytes(8192))
    assert examine(shelf) == 2
    assert "is damaged: neither half of" in said()
    shelf.path("marks").write_bytes(whole["marks"])
    shelf.path("journal").write_bytes(b"Dear Sir or Madam, " * 500)
    shelf.path("journal-wal").unlink()
    assert examine(shelf) == 2
    assert "is no journal of Physalia" in said()
    for name in shelf.contents():
        shelf.path(name).unlink()
    assert examine(shelf) == 2
    assert "create the journal of this server first" in said()


def test_what_cannot_be_read_now_is_exit_4(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    shelf.open()
    assert examine(shelf) == 4
    assert "is in use by another server" in capsys.readouterr().err
    shelf.die()
    assert run(["journal", str(shelf.folder / "nowhere"), "--server", "7"]) == 4
    assert "nothing is known of what is in it" in capsys.readouterr().err


HOT = bytes.fromhex("d9d505f920a163d7") + b"".join(part.to_bytes(4) for part in (1, 0, 1, 512, 4096))
"""How a file begins with which SQLite undoes what was written: one page, of a database that had one."""


def close(shelf: Shelf) -> None:
    shelf.open().close()
    shelf.opened.clear()


def cut(name: str, left: float) -> Callable[[Shelf], None]:
    def change(shelf: Shelf) -> None:
        data = shelf.path(name).read_bytes()
        shelf.path(name).write_bytes(data[: int(len(data) * left)])

    return change


def stray(name: str, data: bytes) -> Callable[[Shelf], None]:
    def change(shelf: Shelf) -> None:
        close(shelf)
        shelf.path(name).write_bytes(data)

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(close, 0, id="closed"),
        pytest.param(lambda _: None, 0, id="killed"),
        pytest.param(cut("journal-wal", 0.99), 2, id="the log cut"),
        pytest.param(cut("journal-wal", 0.5), 2, id="half of the log"),
        pytest.param(cut("journal-wal", 0), 2, id="nothing of the log"),
        pytest.param(cut("journal", 0.5), 0, id="half of the database, under a log with all of it"),
        pytest.param(cut("journal", 0), 2, id="nothing of the database"),
        pytest.param(cut("marks", 0.5), 0, id="one of the marks"),
        pytest.param(cut("marks", 0), 2, id="no mark"),
        pytest.param(stray("journal-wal", b""), 0, id="an empty log"),
        pytest.param(stray("journal-wal", b"no log"), 0, id="no log"),
        pytest.param(stray("journal-shm", b"of somebody"), 0, id="a map of a log"),
        pytest.param(stray("journal-journal", b""), 0, id="nothing to undo it"),
        pytest.param(stray("journal-journal", HOT.ljust(5000, b"\0")), 2, id="what would undo it"),
        pytest.param(stray("marks.new", b"half"), 0, id="marks that were not written to their end"),
        pytest.param(stray("letter", b"to a friend"), 0, id="a letter"),
    ],
)
def test_whoever_looks_changes_nothing(shelf: Shelf, change: Callable[[Shelf], None], code: int) -> None:
    change(shelf)
    assert examine(shelf) == code


def test_a_closed_journal_can_be_looked_at_where_nothing_may_be_written(shelf: Shelf) -> None:
    close(shelf)
    shelf.path("journal-wal").unlink(missing_ok=True)
    shelf.folder.chmod(0o500)
    try:
        assert examine(shelf) == 0
    finally:
        shelf.folder.chmod(0o700)


def test_what_would_undo_a_journal_is_named(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    stray("journal-journal", HOT.ljust(5000, b"\0"))(shelf)
    assert examine(shelf) == 2
    assert "journal-journal is no file of a journal, and with it SQLite would undo" in capsys.readouterr().err
    with pytest.raises(JournalDamaged, match="would undo"):
        shelf.open()

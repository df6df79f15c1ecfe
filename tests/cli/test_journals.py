"""``physalia journal`` judges a journal, gives bad input one sentence and the right code, and changes nothing."""

import json
from pathlib import Path

import jsonschema
import pytest

from physalia.cli import run
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
    """What the command says about a journal, by its exit code; nothing changes by it."""
    before = shelf.contents()
    code = run(["journal", str(shelf.folder), "--server", f"{server}", *options])
    assert shelf.contents() == before
    return code


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

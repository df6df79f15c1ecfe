"""Bad input gets one sentence that names the file and what to do, an exception type a kind, and changes nothing."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from physalia.journal import (
    CannotReach,
    Directory,
    ForeignJournal,
    Journal,
    JournalDamaged,
    JournalError,
    JournalExists,
    JournalInUse,
    JournalMissing,
    NewerJournal,
    NotAJournal,
    OldSqlite,
    files,
    marks,
)
from physalia.journal.database import refuse_old_sqlite
from tests.physalia.journal.shelf import ANN, SERVER, Shelf, execute, store


def refused(shelf: Shelf, kind: type[JournalError], server: int = SERVER) -> str:
    """The sentence with which the journal is refused; nothing changes by it."""
    before = shelf.contents()
    with pytest.raises(JournalError) as error:
        Journal(Directory(shelf.folder), server)
    assert type(error.value) is kind
    assert shelf.contents() == before
    sentence = str(error.value)
    assert str(shelf.folder) in sentence
    assert "\n" not in sentence
    return sentence


def test_an_empty_directory_holds_no_journal_and_opening_makes_none(shelf: Shelf) -> None:
    assert "create" in refused(shelf, JournalMissing)


def test_a_directory_that_is_not_there_is_not_an_empty_one(shelf: Shelf) -> None:
    shelf.folder.rmdir()
    for attempt in (Journal, Journal.create):
        with pytest.raises(CannotReach, match="No such file or directory"):
            attempt(Directory(shelf.folder), SERVER)
    assert not shelf.folder.exists()


def test_a_full_disk_at_the_start_leaves_what_stands_there(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(descriptor: int, data: bytes, _: int) -> None:
        os.write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(files, "_write_all", no_room)
        with pytest.raises(CannotReach, match=r"No space left on device.*Mend the cause"):
            Journal.create(Directory(shelf.folder), SERVER)
    assert shelf.contents() == {}
    store(shelf.create(), b"kept")
    shelf.die()
    before = shelf.contents()
    with monkeypatch.context() as full:
        full.setattr(files, "_write_all", no_room)
        with pytest.raises(CannotReach, match="No space left on device"):
            shelf.open()
    assert shelf.contents() == before
    assert shelf.open().read(ANN) == [b"kept"]


def test_making_a_journal_twice_is_refused(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.die()
    before = shelf.contents()
    with pytest.raises(JournalExists, match="stands there already"):
        Journal.create(Directory(shelf.folder), SERVER)
    assert shelf.contents() == before


@pytest.mark.parametrize("name", ["journal", "journal-wal", "marks"])
def test_a_journal_is_not_made_over_a_file_of_somebody_else(shelf: Shelf, name: str) -> None:
    shelf.path(name).write_bytes(b"a letter")
    with pytest.raises(JournalExists, match=f"{name} stands there already"):
        Journal.create(Directory(shelf.folder), SERVER)
    assert shelf.contents() == {name: b"a letter"}


def test_a_second_server_is_refused_in_this_process_and_in_another(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    assert "stop that one" in refused(shelf, JournalInUse)
    with pytest.raises(JournalInUse):
        Journal.create(Directory(shelf.folder), SERVER)
    program = (
        "import sys; from pathlib import Path; from physalia.journal import *\n"
        f"try: Journal(Directory(Path(sys.argv[1])), {SERVER})\n"
        "except JournalInUse as error: print('refused:', error)"
    )
    command = [sys.executable, "-c", program, str(shelf.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("refused: ")
    store(shelf.opened[0], b"undisturbed")
    assert shelf.reopen().read(ANN) == [b"kept", b"undisturbed"]


def test_a_journal_of_another_server(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.die()
    assert f"belongs to server {SERVER}, not to server 8" in refused(shelf, ForeignJournal, server=8)


def test_a_journal_of_a_newer_version(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.opened.pop().close()
    execute(shelf.path("journal"), "PRAGMA user_version = 2")
    assert "version 2, and this software reads version 1" in refused(shelf, NewerJournal)


def test_marks_of_a_newer_version(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = shelf.create()._mark
    with monkeypatch.context() as later:
        later.setattr(marks, "FORMAT_VERSION", 9)
        marks.renew(Directory(shelf.folder), mark)
    shelf.die()
    assert "version 9, and this software reads version 1" in refused(shelf, NewerJournal)


@pytest.mark.parametrize("slot", [0, 1])
def test_a_mark_that_only_looks_newer_is_a_damaged_one(shelf: Shelf, slot: int) -> None:
    """A bit that flipped in its version: the other mark is intact, and says what there is."""
    store(shelf.create(), b"kept")
    shelf.die()
    path = shelf.path("marks")
    data = bytearray(path.read_bytes())
    data[slot * marks.SLOT_BYTES + len(marks.MAGIC)] ^= 1
    path.write_bytes(data)
    assert marks.version_of(bytes(data[slot * marks.SLOT_BYTES :])) == marks.FORMAT_VERSION + (1 << 24)
    assert shelf.reopen().read(ANN) == [b"kept"]


def fail(*_: object) -> None:
    raise OSError("the disk is gone")


def other_database(path: Path) -> None:
    path.unlink()
    execute(path, "CREATE TABLE letters (text)")


FOREIGN_FILES: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_bytes(b"Dear Sir or Madam, " * 1000),
    "short text": lambda path: path.write_bytes(b"Dear"),
    "another database": other_database,
}


@pytest.mark.parametrize("write", FOREIGN_FILES.values(), ids=FOREIGN_FILES.keys())
@pytest.mark.parametrize("beside_marks", [True, False])
def test_a_file_that_is_no_journal(shelf: Shelf, write: Callable[[Path], object], beside_marks: bool) -> None:
    shelf.create()
    shelf.opened.pop().close()
    shelf.path("journal-wal").unlink(missing_ok=True)
    if not beside_marks:
        shelf.path("marks").unlink()
    write(shelf.path("journal"))
    assert "no journal of Physalia" in refused(shelf, NotAJournal)


def test_an_unfinished_journal_is_made_again_and_a_finished_one_never(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(marks, "settle", fail)
        with pytest.raises(CannotReach, match="the disk is gone"):
            Journal.create(Directory(shelf.folder), SERVER)
    assert "never finished" in refused(shelf, JournalMissing)
    first = shelf.path("marks").read_bytes()
    store(shelf.create(), b"kept")
    shelf.die()
    shelf.path("marks").write_bytes(first)
    assert "keep the files" in refused(shelf, JournalDamaged)


def test_a_lost_file_is_damage_and_not_nothing(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.die()
    whole = shelf.contents()
    for name in ("marks", "journal", "journal-wal"):
        shelf.path(name).unlink()
        assert "keep the files" in refused(shelf, JournalDamaged)
        shelf.path(name).write_bytes(whole[name])
    assert shelf.open().read(ANN) == [b"kept"]


NOBODY = 65534
WITHOUT_PERMISSION = (
    "import os, sys; from pathlib import Path; from physalia.journal import *\n"
    f"if os.geteuid() == 0: os.seteuid({NOBODY})\n"
    "for attempt in (Journal, Journal.create):\n"
    f"    try: attempt(Directory(Path(sys.argv[1])), {SERVER})\n"
    "    except JournalError as error: print(type(error).__name__, error)"
)


def test_a_directory_without_permission_is_not_an_empty_one(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.die()
    shelf.folder.chmod(0)
    try:
        command = [sys.executable, "-c", WITHOUT_PERMISSION, str(shelf.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    finally:
        shelf.folder.chmod(stat.S_IRWXU)
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith(f"CannotReach {shelf.folder} cannot be used now (Permission denied)")
    assert shelf.open().read(ANN) == [b"kept"]


TOO_MANY_FILES = (
    "import os, resource, sys; from pathlib import Path; from physalia.journal import *\n"
    "files = Directory(Path(sys.argv[1])); spare = int(sys.argv[2])\n"
    "limit = len(os.listdir('/proc/self/fd')) - 1 + spare\n"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))\n"
    f"try: journal = Journal(files, {SERVER})\n"
    "except JournalError as error: print(type(error).__name__, error)\n"
    f"else: print('opened', journal.read(NodeKey{tuple(ANN)}))"
)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts its open files in /proc")
def test_too_many_open_files_is_never_nothing_there(shelf: Shelf) -> None:
    store(shelf.create(), b"kept")
    shelf.die()
    said = set()
    for spare in range(12):
        command = [sys.executable, "-c", TOO_MANY_FILES, str(shelf.folder), str(spare)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.startswith(("CannotReach", "opened [b'kept']")), done.stdout
        said.add(done.stdout.split()[0])
    assert said == {"CannotReach", "opened"}
    assert shelf.open().read(ANN) == [b"kept"]


@pytest.mark.parametrize("name", ["journal", "journal-wal", "marks"])
def test_what_cannot_be_read_is_named(shelf: Shelf, name: str) -> None:
    """Whoever is told to mend the cause is told of the file that has it."""
    store(shelf.create(), b"kept")
    shelf.die()
    shelf.path(name).unlink()
    shelf.path(name).mkdir()
    why = "Is a directory" if name == "journal" else f"{shelf.path(name)}: Is a directory"
    with pytest.raises(CannotReach) as error:
        Journal(Directory(shelf.folder), SERVER)
    assert str(error.value).startswith(f"{shelf.path('journal')} cannot be used now ({why})")


def test_a_sentence_never_carries_control_characters(tmp_path: Path) -> None:
    folder = tmp_path / "evil\x1b[31m\nname"
    folder.mkdir()
    with pytest.raises(JournalMissing) as error:
        Journal(Directory(folder), SERVER)
    assert "\\x1b[31m\\nname" in str(error.value)
    assert str(error.value).isprintable()


def test_an_sqlite_that_can_corrupt_its_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("3.40.1", "3.51.2"):
        monkeypatch.setattr("apsw.sqlite_lib_version", partial(str, version))
        with pytest.raises(OldSqlite, match=r"apsw>=3\.51\.3"):
            refuse_old_sqlite()
    for version in ("3.51.3", "3.52.0", "4.0"):
        monkeypatch.setattr("apsw.sqlite_lib_version", partial(str, version))
        assert refuse_old_sqlite() == version


def test_every_kind_of_error_says_what_it_is() -> None:
    kinds = JournalError.__subclasses__()
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.__doc__

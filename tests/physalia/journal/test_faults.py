"""A disk that is full goes on when there is room; a flush that failed is the end; an error in opening is no answer."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.crash_points.disk import Disk
from conformance.crash_points.vfs import SimulatedVfs, mount, simulated_vfs
from physalia.journal import BatchRefused, CannotReach, Directory, FlushFailed, Journal, JournalFull
from tests.physalia.journal.shelf import ANN, BOB, SERVER, store


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


@pytest.fixture
def disk(vfs: SimulatedVfs) -> Disk:
    """A disk with a journal of two nodes, each of which has one record."""
    made = Disk("a disk")
    files = mount(vfs, made)
    Journal.create(files, SERVER)
    with Journal(files, SERVER) as journal:
        journal.admit(ANN)
        journal.admit(BOB)
        journal.flush()
        journal.append([(ANN, b"a"), (BOB, b"b")])
        journal.flush()
    return made


def opened(vfs: SimulatedVfs, disk: Disk) -> Journal:
    journal = Journal(mount(vfs, disk), SERVER)
    assert (journal.read(ANN), journal.read(BOB)) == ([b"a"], [b"b"])
    return journal


def used_bytes(disk: Disk) -> int:
    return sum(len(file.seen) for file in disk.names.values())


def test_a_full_disk_refuses_whole_batches_and_the_journal_goes_on_when_there_is_room(
    vfs: SimulatedVfs, disk: Disk
) -> None:
    journal = opened(vfs, disk)
    disk.room_bytes = used_bytes(disk) + 10_000
    journal.append([(ANN, bytes(20_000))])
    with pytest.raises(JournalFull, match="is full, and the nodes that waited for it must be read again") as full:
        journal.flush()
    assert (set(full.value.nodes), journal.full, journal.needs_flush) == ({ANN}, True, False)
    with pytest.raises(BatchRefused, match="was not read"):
        journal.append([(ANN, b"ahead of the disk")])
    journal.append([(BOB, b"small enough")])
    journal.flush()
    assert not journal.full
    assert (journal.read(ANN), journal.read(BOB)) == ([b"a"], [b"b", b"small enough"])
    disk.room_bytes = None
    store(journal, bytes(20_000))
    assert Journal(mount(vfs, disk), SERVER).read(ANN) == [b"a", bytes(20_000)]


def test_what_was_refused_is_not_there_after_a_crash(vfs: SimulatedVfs, disk: Disk) -> None:
    journal = opened(vfs, disk)
    disk.room_bytes = used_bytes(disk) + 10_000
    journal.append([(ANN, bytes(20_000))])
    with pytest.raises(JournalFull):
        journal.flush()
    for seed in range(20):
        after = disk.copy()
        after.cut_power(f"{seed}")
        opened(vfs, after)


def test_a_disk_that_is_full_at_the_start_is_no_empty_one(vfs: SimulatedVfs, disk: Disk) -> None:
    store(opened(vfs, disk), b"in the log")
    disk.room_bytes, names = 0, set(disk.names)
    with pytest.raises(CannotReach, match="ENOSPC"):
        Journal(mount(vfs, disk), SERVER)
    assert set(disk.names) == names
    disk.room_bytes = None
    assert Journal(mount(vfs, disk), SERVER).read(ANN) == [b"a", b"in the log"]


def test_a_fold_without_room_folds_nothing_and_concerns_no_node(vfs: SimulatedVfs, disk: Disk) -> None:
    journal = opened(vfs, disk)
    store(journal, bytes(20_000))
    before = journal.unfolded
    disk.room_bytes = used_bytes(disk)
    with pytest.raises(JournalFull, match="nothing was folded") as full:
        journal.fold(100)
    assert (full.value.nodes, journal.unfolded) == (frozenset(), before)
    disk.room_bytes = None
    assert journal.fold(100) == before
    assert journal.read(ANN) == [b"a", bytes(20_000)]


def test_a_failed_flush_latches_and_a_restart_makes_safe_whatever_it_shows(vfs: SimulatedVfs, disk: Disk) -> None:
    honest = disk.copy()
    store(opened(vfs, honest), b"to count the flushes")
    disk.failing_sync = disk.syncs + honest.syncs
    journal = opened(vfs, disk)
    journal.append([(ANN, b"in the page cache alone")])
    with pytest.raises(FlushFailed, match="could not be flushed"):
        journal.flush()
    assert journal.needs_flush
    for attempt in (journal.flush, lambda: store(journal, b"later", node=BOB), lambda: journal.read(BOB)):
        with pytest.raises(FlushFailed):
            attempt()
    steps = len(disk.record)
    journal.close()
    assert len(disk.record) == steps
    shown = Journal(mount(vfs, disk), SERVER).read(ANN)
    assert shown == [b"a", b"in the page cache alone"]
    for seed in range(20):
        after = disk.copy()
        after.cut_power(f"{seed}")
        assert Journal(mount(vfs, after), SERVER).read(ANN) == shown


def test_a_directory_that_is_removed_is_the_end(tmp_path: Path) -> None:
    """The system would go on to flush into files without a name, for a server that acknowledges what nobody finds."""
    files = Directory(tmp_path / "disk")
    files.folder.mkdir()
    Journal.create(files, SERVER)
    with Journal(files, SERVER) as journal:
        journal.admit(ANN)
        journal.append([(ANN, b"kept")])
        journal.flush()
        shutil.rmtree(files.folder)
        journal.append([(ANN, b"lost")])
        with pytest.raises(FlushFailed, match="somebody removed the file"):
            journal.flush()
        with pytest.raises(FlushFailed):
            journal.flush()


def test_a_latched_journal_keeps_its_directory(vfs: SimulatedVfs, disk: Disk) -> None:
    files = mount(vfs, disk)
    journal = Journal(files, SERVER)
    journal.read(ANN)
    disk.failing_sync = disk.syncs + 1
    with pytest.raises(FlushFailed):
        store(journal, b"lost")
    journal.close()
    assert files.is_locked


def test_every_error_in_every_step_of_opening_changes_nothing_that_is_read(vfs: SimulatedVfs, disk: Disk) -> None:
    store(opened(vfs, disk), b"in the log")
    whole = disk.copy()
    Journal(mount(vfs, whole), SERVER)
    assert whole.steps > 20
    for step in range(whole.steps):
        for fault in ("eio", "enospc", "emfile", "enomem"):
            tried = disk.copy()
            tried.faults = {step: fault}
            with pytest.raises(CannotReach, match="nothing is known of what is in it"):
                Journal(mount(vfs, tried), SERVER)
            assert tried.met
            tried.faults = {}
            assert Journal(mount(vfs, tried), SERVER).read(ANN) == [b"a", b"in the log"]


def test_a_read_error_while_it_is_open_is_no_damage(vfs: SimulatedVfs, disk: Disk) -> None:
    store(opened(vfs, disk), bytes(100_000))
    journal = Journal(mount(vfs, disk), SERVER)
    journal._store.connection.execute("PRAGMA shrink_memory")
    disk.faults = dict.fromkeys(range(10_000), "eio")
    with pytest.raises(CannotReach, match=errno.errorcode[errno.EIO]):
        journal.read(ANN)
    disk.faults = {}
    assert journal.read(ANN) == [b"a", bytes(100_000)]

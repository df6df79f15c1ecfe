"""The simulated disk does what it says: synced bytes are safe, and every fate of the others is met."""

from random import Random

import pytest

from conformance.crash_points.disk import SECTOR_BYTES, Disk, Name, Resize, Write, fate_of, pieces_of

OLD, NEW = b"o" * 2000, b"n" * 1200


def disk_with(safe: bytes = OLD) -> Disk:
    disk = Disk("seed")
    disk.make("file")
    disk.change("file", Write(0, safe))
    disk.sync("file")
    disk.sync_names()
    return disk


def after_power_cut(disk: Disk, seed: int) -> Disk:
    copy = disk.copy()
    copy.cut_power(f"{seed}")
    return copy


def fates(disk: Disk, count: int = 300) -> set[bytes]:
    return {bytes(after_power_cut(disk, seed).names["file"].seen) for seed in range(count)}


def test_what_was_synced_is_safe() -> None:
    assert fates(disk_with()) == {OLD}


def test_a_write_that_was_not_synced_may_be_there_or_not_or_torn_or_zero() -> None:
    disk = disk_with()
    disk.change("file", Write(100, NEW))
    assert disk.read("file", 100, 1200) == NEW
    met = fates(disk)
    for whole in (OLD[:100] + fresh + OLD[1300:] for fresh in (NEW, OLD[:1200], bytes(1200))):
        assert whole in met
    torn = [found for found in met if NEW[:100] in found and OLD[:100] in found[100:1300]]
    assert torn
    assert all(found[:100] == OLD[:100] and found[1300:] == OLD[1300:] for found in met)


def test_sectors_have_fates_of_their_own() -> None:
    assert pieces_of(Write(500, b"x" * 600)) == [
        Write(500, b"x" * 12),
        Write(SECTOR_BYTES, b"x" * 512),
        Write(2 * SECTOR_BYTES, b"x" * 76),
    ]
    assert pieces_of(Resize(5)) == [Resize(5)]
    manners = [[fate_of(Random(seed))(place, 4) for place in range(4)] for seed in range(200)]
    assert {fate for manner in manners for fate in manner} == {"new", "old", "zero"}


def test_a_length_that_was_not_synced_may_be_there_or_not() -> None:
    disk = disk_with()
    disk.change("file", Resize(10))
    assert fates(disk) == {OLD, OLD[:10]}


def test_a_name_that_was_not_synced_may_be_there_or_not() -> None:
    disk = disk_with()
    disk.make("fresh")
    disk.remove("file")
    met = {tuple(sorted(after_power_cut(disk, seed).names)) for seed in range(300)}
    assert met == {(), ("file",), ("fresh",), ("file", "fresh")}
    disk.sync_names()
    assert {tuple(after_power_cut(disk, seed).names) for seed in range(50)} == {("fresh",)}


def test_a_rename_is_there_as_a_whole_or_not_at_all() -> None:
    disk = disk_with()
    disk.make("fresh")
    disk.change("fresh", Write(0, NEW))
    disk.sync("fresh")
    disk.rename("fresh", "file")
    assert fates(disk) == {OLD, NEW}
    assert disk.due_names[-1] == Name("file", disk.names["file"], "fresh")


def test_a_failed_sync_loses_writes_and_the_next_one_says_that_all_is_well() -> None:
    disk = disk_with()
    disk.change("file", Write(0, NEW))
    disk.failing_sync = disk.syncs + 1
    with pytest.raises(OSError, match="EIO"):
        disk.sync("file")
    disk.sync("file")
    assert disk.read("file", 0, 2000) == NEW + OLD[1200:]
    lost = []
    for seed in range(30):
        other = Disk(f"{seed}")
        other.make("file")
        other.change("file", Write(0, NEW))
        other.failing_sync = 1
        with pytest.raises(OSError, match="EIO"):
            other.sync("file")
        other.sync("file")
        other.sync_names()
        lost.append(bytes(after_power_cut(other, seed).names["file"].seen) != NEW)
    assert True in lost
    assert False in lost


def test_a_disk_is_built_again_from_its_record() -> None:
    disk = Disk("seed")
    start = disk.copy()
    disk.make("file")
    disk.change("file", Write(0, OLD))
    disk.failing_sync = 1
    with pytest.raises(OSError, match="EIO"):
        disk.sync("file")
    disk.change("file", Write(5, NEW))
    disk.sync_names()
    for step in disk.record:
        start.again(step)
    for seed in range(20):
        found = [bytes(after_power_cut(each, seed).names["file"].seen) for each in (disk, start)]
        assert found[0] == found[1]


def test_a_copy_is_apart() -> None:
    disk = disk_with()
    copy = disk.copy()
    copy.change("file", Write(0, NEW))
    copy.sync("file")
    assert disk.read("file", 0, 2000) == OLD
    assert copy.names["file"] is copy.safe_names["file"]


def test_room_is_what_all_files_grow_to() -> None:
    disk = disk_with()
    disk.room_bytes = len(OLD) + 10
    disk.change("file", Write(len(OLD), b"0123456789"))
    disk.change("file", Write(0, NEW))
    with pytest.raises(OSError, match="ENOSPC"):
        disk.change("file", Write(len(OLD) + 10, b"x"))

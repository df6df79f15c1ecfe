"""Damage to bytes that were safe: what no honest disk does, and what a journal must notice all the same.

Files are cut, emptied, removed, exchanged for older copies; bits are flipped, sectors and pages zeroed, single pages
fall back to what they were. After each the journal is whole, or says that it is not and stops. What it cannot know is
said in `may_miss`, and counted.
"""

from collections.abc import Callable, Sequence
from math import inf
from random import Random

from attrs import evolve, frozen

from conformance.crash_points.disk import SECTOR_BYTES, Disk
from conformance.crash_points.ledger import Contents, Ledger, Violation, difference, read_all
from conformance.crash_points.session import SERVER
from conformance.crash_points.vfs import SimulatedVfs, mount
from physalia.journal import (
    ForeignJournal,
    Journal,
    JournalDamaged,
    JournalError,
    JournalMissing,
    NewerJournal,
    NotAJournal,
)

PAGE_BYTES = 4096
REMOVED_SHARE = 0.1
WHOLESALE = ("cut", "emptied", "removed", "exchanged for an older copy")
FLIPPED = "a bit flipped"
FLIP_TRIES = 16
FILES = ("journal", "journal-wal", "journal-wal", "journal-wal", "marks")
"""What is damaged: the log more often, since it is where damage looks like a torn tail."""
TOLD = (JournalDamaged, NotAJournal, NewerJournal, ForeignJournal)
"""How a journal says that it is not what it was. That it is missing is not among them."""


@frozen
class Damage:
    """What was done to which file, in words."""

    kind: str
    file: str


def come_to_rest(vfs: SimulatedVfs, disk: Disk, ledger: Ledger) -> Ledger:
    """Open the journal and close it, so that its log is empty. Raises `Violation`."""
    with Journal(mount(vfs, disk), SERVER) as journal:
        return ledger.settle(read_all(journal))


def inflict(disk: Disk, older: Sequence[Disk], rng: Random) -> Damage | None:
    """Damage one file, for good; None if nothing changed by it."""
    name = rng.choice([name for name in FILES if name in disk.names and disk.names[name].seen])
    file = disk.names[name]
    before = bytes(file.seen)
    kinds: list[Callable[[bytearray], str]] = [
        *[lambda data: _flip(data, rng)] * 3,
        lambda data: _zero(data, rng, SECTOR_BYTES),
        lambda data: _zero(data, rng, PAGE_BYTES),
        lambda data: _cut(data, rng),
        _empty,
        lambda data: _exchange(data, _older(older, name, rng)),
        lambda data: _fall_back(data, _older(older, name, rng), rng),
    ]
    if rng.random() < REMOVED_SHARE:
        del disk.names[name]
        return Damage("removed", name)
    kind = rng.choice(kinds)(file.seen)
    if file.seen == before:
        return None
    return Damage(kind, name)


def judge(vfs: SimulatedVfs, disk: Disk, ledger: Ledger, damage: Damage, is_dark: bool) -> str:
    """What became of a damaged journal, in words. Raises `Violation` if it hides what it lost, or says no sentence.

    It is used for a while and opened again, since damage may lie where only later writes find it.
    """
    for _ in range(2):
        try:
            with Journal(mount(vfs, disk), SERVER) as journal:
                shown = read_all(journal)
                try:
                    ledger = ledger.settle(shown)
                except Violation:
                    missing = _missing(ledger, shown)
                    if not 0 < missing <= may_miss(damage, is_dark):
                        raise
                    return "an older copy" if damage.kind in WHOLESALE else f"the last {missing} missed"
                ledger = _use(journal, ledger)
        except TOLD:
            return "told"
        except JournalMissing:
            if ledger.sure:
                raise Violation("it is said that it was never finished") from None
            return "told"
        except (JournalError, Violation):
            raise
        except Exception as error:
            raise Violation(f"it does not say so: it raises {type(error).__name__}: {error}") from error
    return "whole"


def may_miss(damage: Damage, is_dark: bool) -> float:
    """How many of the last batches may be missing without anybody knowing.

    Only where SQLite's log is damaged *and* it is dark: the power went since the journal was last opened, so that the
    mark of the last flushes may not be on the disk either. Then the last batches look like a torn tail if the damage
    touched every one of them, since no later one contradicts; up to a page of it can touch two. A log that is cut off,
    or an older one, is a consistent older copy, with nothing in it that contradicts.
    """
    if not is_dark or damage.file != "journal-wal":
        return 0
    return inf if damage.kind in WHOLESALE else 1 if damage.kind == FLIPPED else 2


def _missing(ledger: Ledger, shown: Contents) -> int:
    """How many of the last batches are missing from what is shown; 0 if it is no earlier state at all."""
    for missing in range(1, len(ledger.sure) + 1):
        if shown == evolve(ledger, sure=ledger.sure[:-missing]).contents():
            return missing
    return 0


def _use(journal: Journal, ledger: Ledger) -> Ledger:
    nodes = sorted(ledger.contents())
    for round_ in range(3):
        if nodes:
            batch = tuple((key, b"after damage %d" % round_ * 40) for key in nodes[:5])
            journal.append(batch)
            journal.flush()
            ledger = ledger.begin(batch).acknowledge()
        journal.fold(2)
    if read_all(journal) != ledger.contents():
        raise Violation(difference(ledger.contents(), read_all(journal)))
    return ledger


def _flip(data: bytearray, rng: Random) -> str:
    """Rather where something is written than in an empty part of a page."""
    places = [rng.randrange(len(data)) for _ in range(FLIP_TRIES)]
    place = next((place for place in places if data[place]), places[0])
    data[place] ^= 1 << rng.randrange(8)
    return FLIPPED


def _zero(data: bytearray, rng: Random, size_bytes: int) -> str:
    start = rng.randrange(len(data)) // size_bytes * size_bytes
    end = min(len(data), start + size_bytes)
    data[start:end] = bytes(end - start)
    return f"{size_bytes} bytes zeroed"


def _cut(data: bytearray, rng: Random) -> str:
    del data[rng.randrange(len(data)) :]
    return "cut"


def _empty(data: bytearray) -> str:
    data.clear()
    return "emptied"


def _exchange(data: bytearray, other: bytes) -> str:
    data[:] = other
    return "exchanged for an older copy"


def _fall_back(data: bytearray, other: bytes, rng: Random) -> str:
    """One page is as it was: the disk took a write for done and lost it."""
    pages = {start: other[start : start + PAGE_BYTES] for start in range(0, min(len(data), len(other)), PAGE_BYTES)}
    changed = [start for start, page in pages.items() if data[start : start + len(page)] != page]
    if changed:
        start = rng.choice(changed)
        data[start : start + len(pages[start])] = pages[start]
    return "a page fell back"


def _older(older: Sequence[Disk], name: str, rng: Random) -> bytes:
    copies = [bytes(disk.names[name].seen) for disk in older if name in disk.names and disk.names[name].seen]
    return rng.choice(copies) if copies else b""

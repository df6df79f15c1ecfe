"""Records a second of the journal beside bare SQLite, at several sizes of a batch.

Both sides run in this process, batch by batch in turn, on the same file system. Bare SQLite is `apsw` with the settings
of the journal (write-ahead log, `synchronous=FULL`, one connection that holds the file to itself), and stores the same
encoded records, one a row in a table by row number, one transaction a batch; it empties its log every thousand pages,
as it does by itself. The journal does what it is for on top: node, sequence and checksum of each record, the mark after
each flush. Every batch is flushed. Figures are medians over rounds. Folding is measured apart: it is done when there is
time for it.

    python -m benchmarks.journal [--json] [--records N] [--rounds N] [--directory PATH]
"""

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import apsw
from attrs import frozen

from physalia.journal import Directory, Journal, JournalError, NodeKey
from physalia.model import Accepted, Ballot, RequestId, Write
from physalia.wire import encode_record

SCHEMA_VERSION = 1
BATCHES = (1, 10, 100, 1000)
MOST_BATCHES = 400
"""So many batches of a round are enough."""
FOLDED_AT_ONCE = 10_000
NODES = 1000
SERVER = 1


def records_of(count: int) -> list[bytes]:
    """What acceptors store: votes, as the codec encodes them."""
    return [
        encode_record(
            Accepted(Ballot(7, 3), 1 + number, Write(RequestId(f"client-{number % 50}", number), 3, "node-a", "node-b"))
        )
        for number in range(count)
    ]


@contextmanager
def folder_in(parent: Path | None) -> Iterator[Path]:
    """A fresh directory, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="physalia-journal-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Bare:
    """Bare SQLite, as anybody would use it."""

    def __init__(self, folder: Path) -> None:
        self.connection = apsw.Connection(str(folder / "bare"))
        self.connection.pragma("locking_mode", "exclusive")
        self.connection.pragma("journal_mode", "wal")
        self.connection.pragma("synchronous", "full")
        self.connection.wal_autocheckpoint(1000)
        self.connection.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT")
        self.number = 0

    def store(self, batch: Sequence[bytes]) -> float:
        """Store a batch and flush it; how long that took, in seconds."""
        start = time.perf_counter()
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO entries VALUES (?, ?)", enumerate(batch, self.number))
        self.connection.execute("COMMIT")
        self.number += len(batch)
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the database."""
        self.connection.close()


class Ours:
    """The journal, with nodes that take turns."""

    def __init__(self, folder: Path) -> None:
        Journal.create(Directory(folder), SERVER)
        self.journal = Journal(Directory(folder), SERVER)
        self.nodes = [NodeKey(10**15 + cell, 1, 7) for cell in range(NODES)]
        for node in self.nodes:
            self.journal.admit(node)
        self.journal.flush()
        self.journal.fold(NODES)

    def store(self, batch: Sequence[bytes]) -> float:
        """Store a batch and flush it; how long that took, in seconds."""
        pairs = list(zip(cycle(self.nodes), batch, strict=False))
        start = time.perf_counter()
        self.journal.append(pairs)
        self.journal.flush()
        return time.perf_counter() - start

    def fold(self) -> float:
        """Fold everything; how long that took, in seconds."""
        start = time.perf_counter()
        while self.journal.fold(FOLDED_AT_ONCE):
            pass
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()


@frozen
class Round:
    """How long each side took for the same batches, and the journal for folding them, in seconds."""

    bare: float
    ours: float
    fold: float


def one_round(folder: Path, batches: Sequence[Sequence[bytes]]) -> Round:
    """Both sides, batch by batch, each first every other time: what else the machine does hits both."""
    bare, ours = Bare(folder), Ours(folder)
    bare_s = ours_s = 0.0
    for place, batch in enumerate(batches):
        if place % 2:
            bare_s += bare.store(batch)
            ours_s += ours.store(batch)
        else:
            ours_s += ours.store(batch)
            bare_s += bare.store(batch)
    fold_s = ours.fold()
    bare.close()
    ours.close()
    return Round(bare_s, ours_s, fold_s)


def measure(records: int, rounds: int, parent: Path | None) -> dict[str, Any]:
    """Measure every size of a batch. A ratio is the median of those of the rounds."""
    encoded = records_of(records)
    journal_rates, bare_rates, ratios, folds = {}, {}, {}, []
    for size in BATCHES:
        # A batch waits for the disk once, whatever its size: so many batches, not so many records, take equally long.
        stored = min(records // size, MOST_BATCHES) * size
        batches = [encoded[place : place + size] for place in range(0, stored, size)]
        seen = []
        for _ in range(rounds):
            with folder_in(parent) as folder:
                seen.append(one_round(folder, batches))
        journal_rates[str(size)] = round(stored / median(each.ours for each in seen))
        bare_rates[str(size)] = round(stored / median(each.bare for each in seen))
        ratios[str(size)] = round(median(each.bare / each.ours for each in seen), 2)
        folds += [stored / each.fold for each in seen]
    return {
        "schema_version": SCHEMA_VERSION,
        "rounds": rounds,
        "record_bytes": len(encoded[0]),
        "records_per_second": journal_rates,
        "sqlite_records_per_second": bare_rates,
        "ratio_to_sqlite": ratios,
        "folded_per_second": round(median(folds)),
        "sqlite": apsw.sqlite_lib_version(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and print; exit code 4 if the directory cannot be used."""
    parser = argparse.ArgumentParser(description="Measure the journal beside bare SQLite with the same settings.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--records", type=int, default=60_000, metavar="N", help="records of a round, at most (60000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each side runs (5)")
    parser.add_argument("--directory", type=Path, metavar="PATH", help="where to write (the one for temporary files)")
    options = parser.parse_args()
    try:
        figures = measure(options.records, options.rounds, options.directory)
    except (JournalError, OSError, apsw.Error) as error:
        print(error, file=sys.stderr)
        return 4
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for size in map(str, BATCHES):
            print(
                f"{size:>5} a batch: {figures['records_per_second'][size]:,} records a second, "
                f"{figures['ratio_to_sqlite'][size]} of bare SQLite's {figures['sqlite_records_per_second'][size]:,}."
            )
        print(f"folding: {figures['folded_per_second']:,} records a second.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

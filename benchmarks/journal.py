"""Records a second of the journal beside bare SQLite, at several sizes of a batch.

Both sides run in this process, in turn, on the same file system. Bare SQLite is `apsw` with the settings of the
journal (write-ahead log, `synchronous=FULL`, one connection that holds the file to itself), and stores the same encoded
records, one a row in a table by row number, one transaction a batch; it empties its log every thousand pages, as it
does by itself. The journal does what it is for on top: node, sequence and checksum of each record, the mark after each
flush. Every batch is flushed. Figures are medians over rounds. Folding is measured apart: it is done when there is
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
from pathlib import Path
from statistics import median
from typing import Any

import apsw

from physalia.journal import Directory, Journal, JournalError, NodeKey
from physalia.model import Accepted, Ballot, RequestId, Write
from physalia.wire import encode_record

SCHEMA_VERSION = 1
BATCHES = (1, 10, 100, 1000)
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


def bare_seconds(folder: Path, batches: Sequence[Sequence[bytes]]) -> float:
    """How long bare SQLite takes for these batches."""
    connection = apsw.Connection(str(folder / "bare"))
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.wal_autocheckpoint(1000)
    connection.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT")
    number = 0
    start = time.perf_counter()
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entries VALUES (?, ?)", enumerate(batch, number))
        connection.execute("COMMIT")
        number += len(batch)
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


def journal_seconds(folder: Path, batches: Sequence[Sequence[bytes]]) -> tuple[float, float]:
    """How long the journal takes for these batches, and then for folding them."""
    nodes = [NodeKey(10**15 + cell, 1, 7) for cell in range(NODES)]
    Journal.create(Directory(folder), SERVER)
    with Journal(Directory(folder), SERVER) as journal:
        for node in nodes:
            journal.admit(node)
        journal.flush()
        journal.fold(NODES)
        pairs = [[(nodes[place % NODES], record) for place, record in enumerate(batch)] for batch in batches]
        start = time.perf_counter()
        for pair in pairs:
            journal.append(pair)
            journal.flush()
        appended = time.perf_counter()
        while journal.fold(10_000):
            pass
        return appended - start, time.perf_counter() - appended


def measure(records: int, rounds: int, parent: Path | None) -> dict[str, Any]:
    """Measure both sides in turn, for every size of a batch."""
    encoded = records_of(records)
    bare_rates, journal_rates, ratios, folds = {}, {}, {}, []
    for size in BATCHES:
        # A batch of one waits for the disk each time: fewer of them take as long as many in large batches.
        count = min(records, max(size * 20, records * size // (size + 20)))
        batches = [encoded[place : place + size] for place in range(0, count, size)]
        bare, ours = [], []
        for turn in range(rounds):
            for side in ("bare", "journal") if turn % 2 else ("journal", "bare"):
                with folder_in(parent) as folder:
                    if side == "bare":
                        bare.append(bare_seconds(folder, batches))
                    else:
                        seconds, folding = journal_seconds(folder, batches)
                        ours.append(seconds)
                        folds.append(count / folding)
        stored = sum(len(batch) for batch in batches)
        bare_rates[str(size)] = round(stored / median(bare))
        journal_rates[str(size)] = round(stored / median(ours))
        ratios[str(size)] = round(median(bare) / median(ours), 2)
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
    parser.add_argument("--records", type=int, default=20_000, metavar="N", help="records of a round, at most (20000)")
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

"""A million commands through one cell that forgets: what its nodes hold in memory and on disk must not grow.

Three nodes, each with a journal of its own kind: every record is encoded and written to one real journal, in batches,
and every few hundred slots each node truncates; the journal is folded, with the records of each node compacted. At
10^3, 10^4, 10^5 and 10^6 commands everything that can be reached from the nodes is weighed, the journal is closed and
its files are weighed; then nodes come back from it and must know the same.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from benchmarks.loads import Transactions
from physalia.cell import Node, compact
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import (
    Answer,
    Campaign,
    DurableRecord,
    Event,
    NodeId,
    Receive,
    Reject,
    Send,
    Store,
    Submit,
    Truncate,
)
from physalia.wire import decode_record, encode_record

SIZE, ALPHA, SERVER = 3, 3, 1
TRUNCATE_EVERY, KEEP = 256, 64
"""So many slots are known before a node truncates again, and so many stay in its log."""
FLUSH_RECORDS = 1 << 12
FOLD_ENTRIES = 1 << 16


class Forgetting:
    """The cell, its journal, and clients that ask for one more whenever they are answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Journal.create(Directory(folder), SERVER)
        self.journal = Journal(Directory(folder), SERVER, encode_record)
        self.keys = {node: NodeKey(1, 1, node) for node in range(1, SIZE + 1)}
        for key in self.keys.values():
            self.journal.admit(key)
        self.nodes = {node: Node(node, self.keys, ALPHA) for node in self.keys}
        self.load = Transactions()
        self.commits = 0
        self.records: list[tuple[NodeKey, DurableRecord]] = []
        self.queue: list[tuple[NodeId, Event]] = [(1, Campaign(self.nodes[1].next_ballot()))]
        self.wants: Sequence[tuple[NodeId, Event]] = [(1, Submit(command)) for command in self.load.first(ALPHA)]

    def run(self, commits: int) -> None:
        """Until so many commands were answered in all. All that is sent in a round waits for one flush."""
        while self.commits < commits:
            arriving, self.queue = [*self.queue, *self.wants], []
            self.wants = []
            for number, event in arriving:
                self._do(number, event)
            for number, node in self.nodes.items():
                if len(node.known) >= node.floor + TRUNCATE_EVERY:
                    self._do(number, Truncate(len(node.known) - KEEP))
            if len(self.records) >= FLUSH_RECORDS:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        self.journal.append(self.records)
        self.journal.flush()
        self.journal.fold(FOLD_ENTRIES, _compact)
        self.records = []

    def _do(self, number: NodeId, event: Event) -> None:
        node, key = self.nodes[number], self.keys[number]
        due: tuple[Event, ...] = (event,)
        while due:
            effects = node.step(due[0]).effects
            for effect in effects:
                if isinstance(effect, Send):
                    self.queue.append((effect.to, Receive(number, effect.message)))
                elif isinstance(effect, Store):
                    self.records.append((key, effect.record))
                elif isinstance(effect, Answer):
                    self.commits += 1
                    self.wants = [*self.wants, (number, Submit(self.load.next(effect.request, effect.verdict)))]
                else:
                    assert not isinstance(effect, Reject), f"a client is rejected: {effect}"
            due = node.due()

    def weigh(self) -> tuple[int, int]:
        """What can be reached from the nodes, and the files of the closed journal, in bytes.

        The nodes that come back from the journal must know what those know that ran.
        """
        self.journal.close()
        disk = sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())
        self.journal = Journal(Directory(self.folder), SERVER, encode_record)
        for number, key in self.keys.items():
            again = Node(number, self.keys, ALPHA, map(decode_record, self.journal.read(key)))
            assert again.digest() == self.nodes[number].digest(), (
                f"node {number} comes back from the journal as another"
            )
            assert again.promised == self.nodes[number].promised, f"node {number} forgot its promise"
            assert again.accepted == self.nodes[number].accepted, f"node {number} forgot a vote"
        return reachable_bytes(self.nodes.values()), disk


def _compact(_: NodeKey, records: Sequence[bytes]) -> Sequence[bytes]:
    kept: list[DurableRecord] = compact([decode_record(record) for record in records])
    return [encode_record(record) for record in kept]


def reachable_bytes(roots: Iterable[object]) -> int:
    """The size of every object that can be reached, each once; but code, which does not grow."""
    seen: set[int] = set()
    waiting: list[Any] = list(roots)
    size = 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType | BuiltinFunctionType | MethodType):
            continue
        seen.add(id(thing))
        size += sys.getsizeof(thing)
        waiting += gc.get_referents(thing)
    return size


def figures(most: int) -> dict[str, Any]:
    """The weights at a thousand commands and at every power of ten up to `most`, and what they amount to."""
    found: dict[str, Any] = {"memory_bytes": {}, "journal_bytes": {}, "commits_per_cpu_second": {}}
    with tempfile.TemporaryDirectory() as name:
        cell = Forgetting(Path(name))
        commits, before = 1_000, 0
        while commits <= most:
            start = time.process_time()
            cell.run(commits)
            rate = (commits - before) / (time.process_time() - start)
            memory, disk = cell.weigh()
            found["memory_bytes"][str(commits)], found["journal_bytes"][str(commits)] = memory, disk
            found["commits_per_cpu_second"][str(commits)] = round(rate)
            print(f"{commits:,} commands: {memory:,} bytes in memory, {disk:,} in the journal.", file=sys.stderr)
            before, commits = commits, commits * 10
        cell.journal.close()
    words = {1_000_000: "million"}.get(before, str(before))
    for what in ("memory", "journal"):
        weights = found[f"{what}_bytes"]
        found[f"{what}_ratio_{words}_to_thousand"] = round(weights[str(before)] / weights["1000"], 3)
    return found

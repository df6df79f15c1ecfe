"""What was acknowledged, kept apart from the journal, and the judgement on what a journal shows after a crash.

A journal is right if it shows the batches that are *sure*, in their order and whole, and then at most the one that was
being flushed, whole as well. A batch that was refused is gone. Whatever a journal once showed to a process is sure from
then on: the process may have acted on it (design rule R16).
"""

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from physalia.journal import Journal, NodeKey

Batch = tuple[tuple[NodeKey, bytes | None], ...]
"""Records with their nodes, in order; None stands for a birth."""
Contents = Mapping[NodeKey, list[bytes]]


class Violation(Exception):
    """The journal broke its word; the message says how."""


@frozen
class Ledger:
    """What must be there, what may be there, and whether the journal was ever finished making."""

    is_made: bool = False
    sure: tuple[Batch, ...] = ()
    maybe: Batch | None = None

    def begin(self, batch: Batch) -> "Ledger":
        """A flush of the batch begins."""
        return evolve(self, maybe=batch)

    def acknowledge(self) -> "Ledger":
        """The flush returned."""
        assert self.maybe is not None
        return evolve(self, sure=(*self.sure, self.maybe), maybe=None)

    def refuse(self) -> "Ledger":
        """The batch was refused: nothing of it may ever be seen."""
        return evolve(self, maybe=None)

    def contents(self) -> Contents:
        """The records of every node, after what is sure."""
        nodes: dict[NodeKey, list[bytes]] = {}
        for batch in self.sure:
            for key, record in batch:
                records = nodes.setdefault(key, [])
                if record is not None:
                    records.append(record)
        return nodes

    def settle(self, shown: Contents) -> "Ledger":
        """Judge what a journal shows after a crash; from now on all of it is sure. Raises `Violation`."""
        without = evolve(self, is_made=True, maybe=None)
        if shown == without.contents():
            return without
        if self.maybe is not None:
            with_it = evolve(without, sure=(*self.sure, self.maybe))
            if shown == with_it.contents():
                return with_it
        raise Violation(difference(without.contents(), shown))


def difference(expected: Contents, shown: Contents) -> str:
    """A sentence on the first node whose records are not as they should be."""
    for key in sorted({*expected, *shown}):
        if key not in shown:
            return f"{key} was acknowledged and is not there"
        if key not in expected:
            return f"{key} is there and was never acknowledged"
        if expected[key] != shown[key]:
            wanted, found = expected[key], shown[key]
            same = sum(1 for _ in _common(wanted, found))
            return f"{key} has {len(wanted)} acknowledged records and shows {len(found)}, of which {same} agree"
    return "the contents agree"


def _common(first: Iterable[bytes], second: Iterable[bytes]) -> Iterable[bytes]:
    for one, other in zip(first, second, strict=False):
        if one != other:
            return
        yield one


def read_all(journal: Journal) -> Contents:
    """What a journal shows."""
    return {key: journal.read(key) for key in journal.nodes()}

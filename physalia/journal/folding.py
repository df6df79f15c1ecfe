"""Folding: the oldest entries of the append table become part of the rows of their nodes.

A fold is planned by reading alone and carried out in one transaction, so it is there as a whole or not at all. Whoever
knows what records mean may make fewer of them: `Compact` gets a node's records in order, and returns records from which
the node comes back the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import apsw

from physalia.journal.audit import checkpoint_of, entries_of
from physalia.journal.folded import DIGEST_MODULUS, Fold, pack_checkpoint, pack_fold
from physalia.journal.keys import NodeKey
from physalia.journal.marks import Mark

Compact = Callable[[NodeKey, Sequence[bytes]], Sequence[bytes]]


def keep_all(_: NodeKey, records: Sequence[bytes]) -> Sequence[bytes]:
    """Every record stays: folding saves the headers, and the search for the rows."""
    return records


class Plan(NamedTuple):
    """What a fold will store: where it ends, and the new rows of the nodes concerned."""

    fold: Fold
    rows: tuple[tuple[NodeKey, int, bytes], ...]


def plan_fold(connection: apsw.Connection, where: str, fold: Fold, mark: Mark, count: int, compact: Compact) -> Plan:
    """Plan to fold the `count` entries after `fold` of a journal that ends at `mark`, as the next transaction.

    Raises `JournalDamaged`, and `apsw.Error`.
    """
    through = fold.number + count
    check, nodes, digest = fold.check, fold.nodes, fold.digest
    fresh: dict[NodeKey, list[bytes]] = {}
    last: dict[NodeKey, int] = {}
    for entry in entries_of(connection, where, fold.number + 1, through):
        check = entry.head.check
        for key, sequence, record in entry.lines():
            last[key] = sequence
            fresh.setdefault(key, []).extend([record] if sequence else ())
    rows = []
    for key in sorted(fresh):
        old = checkpoint_of(connection, where, key)
        records = [*(old.records if old is not None else ()), *fresh[key]]
        state, sum_of_row = pack_checkpoint(key, last[key], compact(key, tuple(records)))
        nodes, digest = nodes + (old is None), digest + sum_of_row - (0 if old is None else old.check)
        rows.append((key, last[key], state))
    fresh_fold = fold._replace(
        batch=mark.batch + 1,
        number=through,
        check=check,
        last=mark.number,
        last_check=mark.check,
        nodes=nodes,
        digest=digest % DIGEST_MODULUS,
    )
    return Plan(fresh_fold, tuple(rows))


def carry_out(connection: apsw.Connection, plan: Plan) -> None:
    """Store what was planned, within a transaction. Raises `apsw.Error`."""
    connection.executemany(
        "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?, ?)",
        ((*key, sequence, state) for key, sequence, state in plan.rows),
    )
    connection.execute("DELETE FROM entries WHERE number <= ?", (plan.fold.number,))
    connection.execute("UPDATE folded SET state = ?", (pack_fold(plan.fold),))

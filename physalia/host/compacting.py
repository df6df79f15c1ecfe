"""What a journal keeps of a node, made fewer when it is folded (design rule R10).

Only a new snapshot makes records superfluous, or nearly only. So records are looked into when there is one, and a
snapshot that waits for the next one is copied as it is, however large.
"""

from collections.abc import Sequence

from physalia.cell import compact
from physalia.journal import NodeKey
from physalia.model import Known, Snapshot
from physalia.wire import decode_record, encode_record, is_charter, record_kind


def fewer(_: NodeKey, records: Sequence[bytes]) -> Sequence[bytes]:
    """The records of a node from which it comes back the same. Its charter stays where it is."""
    begin = int(bool(records) and is_charter(records[0]))
    kinds = [record_kind(record) for record in records]  # a charter is of none
    snapshots = [place for place, kind in enumerate(kinds) if kind is Snapshot]
    if not snapshots or (snapshots[0] == snapshots[-1] and Known not in kinds[: snapshots[0]]):
        return records
    kept = compact([decode_record(record) for record in records[begin:]])
    return [*records[:begin], *map(encode_record, kept)]

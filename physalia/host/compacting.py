"""What a journal keeps of a node, made fewer when it is folded (design rules R10 and R11).

Only a new snapshot makes records superfluous, or nearly only. So records are looked into when there is one, and a
snapshot that waits for the next one is copied as it is, however large. Of a node that left there is little to keep.
"""

from collections.abc import Sequence

from physalia.cell import compact
from physalia.journal import NodeKey
from physalia.model import Known, Left, Snapshot
from physalia.wire import decode_record, encode_record, is_charter, is_homes, record_kind


def fewer(_: NodeKey, records: Sequence[bytes]) -> Sequence[bytes]:
    """The records of a node from which it comes back the same. Charter and homes come before all others."""
    homes = [record for record in records if is_homes(record)]
    begin = [record for record in records[:1] if is_charter(record)] + homes[-1:]
    others = [record for record in records[len(begin) - len(homes[-1:]) :] if not is_homes(record)]
    kinds = [record_kind(record) for record in others]
    snapshots = [place for place, kind in enumerate(kinds) if kind is Snapshot]
    is_new = bool(snapshots) and (snapshots[0] < snapshots[-1] or Known in kinds[: snapshots[0]])
    if is_new or (Left in kinds and len(kinds) > 1):
        others = [encode_record(record) for record in compact([decode_record(record) for record in others])]
    return [*begin, *others]

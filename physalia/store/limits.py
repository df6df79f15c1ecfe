"""How large things may be (R17). The same on every node of a cell: some is judged when a command is applied."""

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """The largest that is let in. What is beyond is refused with the name of the limit, and changes nothing.

    A transaction's size is that of its keys and values; an answer's that of the values that it read; a partition's that
    of all keys and values in it. Session tables are bounded by forgetting, and so are the snapshots that scans read.
    """

    key_bytes: int = 512
    value_bytes: int = 1 << 15
    transaction_steps: int = 128
    """Conditions and operations together."""
    transaction_bytes: int = 1 << 16
    batch_entries: int = 64
    answer_bytes: int = 1 << 16
    partition_bytes: int = 1 << 26
    sessions: int = 1024
    page_items: int = 1000
    chunk_bytes: int = 1 << 16
    """About how much of a snapshot is taught at once."""
    lesson_bytes: int = 1 << 20
    """About how much of the log is taught at once: one slot, or as many as weigh no more."""
    snapshots: int = 8
    snapshot_changes: int = 10_000
    """How many changes are remembered for the snapshots, all together."""


LIMITS = Limits()
VERSION = 1
"""The version of the rules that this software carries out."""

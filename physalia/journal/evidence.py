"""What SQLite's log says of itself, without SQLite: which transactions were written, whatever became of the others.

SQLite reads its log up to the first frame that does not fit, and takes the rest for nothing. But the pages in those
frames hold entries and folds, each with the number of its transaction and a checksum of its own, and they begin with
bytes that are this journal's alone. So they are found by looking for those bytes, in whatever the log consists of:
frames that fit, frames behind a damaged one, frames of an earlier round that were not written over yet.
"""

from physalia.journal.entries import head_at
from physalia.journal.folded import FOLD_BYTES, unpack_fold


def last_batch(journal: bytes, raw: bytes) -> int:
    """The highest transaction of which an intact trace stands anywhere in raw bytes; 0 if there is none."""
    last, place = 0, raw.find(journal)
    while place >= 0:
        trace = head_at(raw, place) or unpack_fold(raw[place : place + FOLD_BYTES])
        if trace is not None:
            last = max(last, trace.batch)
        place = raw.find(journal, place + 1)
    return last

"""The journal: what the nodes of a server keep on disk, in one SQLite database, with one flush for many of them."""

from physalia.journal.errors import (
    BatchRefused,
    CannotReach,
    FlushFailed,
    ForeignJournal,
    ForeignNode,
    JournalDamaged,
    JournalError,
    JournalExists,
    JournalFull,
    JournalInUse,
    JournalMissing,
    NewerJournal,
    NotAJournal,
    OldSqlite,
    Refused,
    UnknownNode,
)
from physalia.journal.files import Directory, Files
from physalia.journal.journal import MAX_RECORD_BYTES, MAX_WAITING_BYTES, Journal
from physalia.journal.keys import MAX_ID, NodeKey
from physalia.journal.opening import examine

__all__ = [
    "MAX_ID",
    "MAX_RECORD_BYTES",
    "MAX_WAITING_BYTES",
    "BatchRefused",
    "CannotReach",
    "Directory",
    "Files",
    "FlushFailed",
    "ForeignJournal",
    "ForeignNode",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "JournalExists",
    "JournalFull",
    "JournalInUse",
    "JournalMissing",
    "NewerJournal",
    "NodeKey",
    "NotAJournal",
    "OldSqlite",
    "Refused",
    "UnknownNode",
    "examine",
]

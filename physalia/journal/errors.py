"""What can go wrong with a journal: one type a kind, one sentence each, which names the file and what to do.

Whatever is raised while a journal is made or opened changed nothing of what stood there. The sentence may quote a path,
so whatever in it cannot be printed is escaped.
"""

from collections.abc import Iterable

from physalia.journal.keys import NodeKey


class JournalError(Exception):
    """The root of all that follows. The message is the sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(one if one.isprintable() else ascii(one)[1:-1] for one in sentence))


class CannotReach(JournalError):
    """The files cannot be opened or read *now*: no permission, too many open files, no memory, an input error.

    It says nothing about what is in them. Mend the cause and open again.
    """


class JournalInUse(JournalError):
    """Another server, or a latched journal of this process, holds the directory."""


class JournalMissing(JournalError):
    """There is no journal in the directory. `Journal.create` makes one; opening never does (design rule R15)."""


class JournalExists(JournalError):
    """`Journal.create` was asked to make a journal where there is something already."""


class NotAJournal(JournalError):
    """A file that stands where the journal should stand is something else."""


class NewerJournal(JournalError):
    """The journal was written by a later version of this software (design rule R5)."""


class OldSqlite(JournalError):
    """The SQLite that `apsw` brings can corrupt its write-ahead log."""


class ForeignJournal(JournalError):
    """The journal belongs to another server (design rule R15)."""


class ForeignNode(JournalError):
    """The journal holds the cell with another life, or another incarnation of the node (design rule R15)."""


class UnknownNode(JournalError):
    """The journal never heard of the node. `Journal.admit` makes it known, and nothing else does."""


class JournalDamaged(JournalError):
    """Something that was flushed is not there, or is not what was written.

    Every node of the journal stops for good and counts as one that lost its disk (design rule R16).
    """


class FlushFailed(JournalError):
    """A flush failed, now or earlier: the journal is latched (design rule R16).

    Nothing is acknowledged again by this process. A new one writes anew what it reads, and goes on.
    """


class Refused(JournalError):
    """A batch was refused before its flush: nothing of it is stored, and memory is ahead of the disk.

    `nodes` names whom it concerns: each must be dropped and read back before its next event. The journal goes on.
    """

    def __init__(self, sentence: str, nodes: Iterable[NodeKey]) -> None:
        super().__init__(sentence)
        self.nodes = frozenset(nodes)


class BatchRefused(Refused):
    """A record does not encode or is too large, the batch is too large, or a node must be read back first."""


class JournalFull(Refused):
    """The disk is full. `Journal.full` stays true until a flush finds room, which needs nobody's help."""

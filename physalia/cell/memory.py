"""Everything that a node remembers: put aside and taken back, and compared.

Whoever explores what a node may do goes back and forth between its states, and must tell which it has seen before.
"""

from collections.abc import Hashable
from typing import NamedTuple

from attrs import define

from physalia.cell.acceptor import Acceptor
from physalia.cell.learner import Learner
from physalia.cell.life.leaving import Leaving
from physalia.cell.proposer import Proposer
from physalia.cell.reads import Reads
from physalia.model import Left


class Key(NamedTuple):
    """What a node remembers, as a value: nodes of one cell and one id that have equal keys behave alike from there on.

    `protocol` is what the guards of the step table depend on: alike in it, two nodes take the same actions on the same
    events. `bookkeeping` decides beside it what is sent again, which commands are rejected, and what the next ballot
    is. Of the timer it says only whether it runs. What follows from the rest is in neither.
    """

    protocol: tuple[Hashable, ...]
    bookkeeping: tuple[Hashable, ...]


@define
class Memory:
    """The three roles of a node, its reads, what it waits for to leave, when it is due to send again, and its end."""

    acceptor: Acceptor
    learner: Learner
    proposer: Proposer
    reads: Reads
    leaving: Leaving
    resend_at_ms: int | None
    stopped: str
    pointer: Left | None

    def copy(self) -> "Memory":
        """The same, sharing nothing that can change."""
        learner = self.learner.copy()
        proposer = self.proposer.copy(learner)
        reads = self.reads.copy(proposer)
        acceptor, leaving = self.acceptor.copy(), self.leaving.copy()
        return Memory(acceptor, learner, proposer, reads, leaving, self.resend_at_ms, self.stopped, self.pointer)

    def key(self) -> Key:
        """What there is to tell this memory from another.

        Up to where a flush was asked for is left out: it decides no more than whether one is asked for once again.
        Sets where the order of receipt cannot matter; promises stay in that order, since a proposer looks for the
        highest report among them one after the other. Left out is what follows from `known`: configurations, verdicts,
        and who is invited; and what a promise has made meaningless: an older answer, a lower ballot of one's own.
        """
        acceptor, proposer, promised = self.acceptor, self.proposer, self.acceptor.promised
        leadership, is_answered = proposer.leadership, self.acceptor.answered == self.acceptor.promised
        read, lesson = self.reads.under_way, self.learner.lessons.lesson
        protocol = (
            promised,
            is_answered,
            frozenset(acceptor.accepted.values()),
            tuple(self.learner.known.entries),
            frozenset(self.learner.heard.items()),
            frozenset(ballot for ballot in proposer.used if promised < ballot),
            leadership.prepare,
            tuple(leadership.promises.values()),
            tuple(leadership.proposals.items()),
            tuple((slot, frozenset(voters)) for slot, voters in leadership.votes.items()),
            frozenset(leadership.spent),
            tuple(proposer.waiting),
            tuple(self.reads.waiting),
            None if read is None else (read.round, read.slot, read.requests, frozenset(read.echoes)),
            self.reads.last if self.reads.last.ballot == leadership.prepare.ballot else None,
            self.stopped != "",
            frozenset(
                (node, transfer.slot, transfer.digest, len(transfer.rows), transfer.landing is not None)
                for node, transfer in self.learner.transfers.coming.items()
            ),
            (acceptor.floor, self.learner.known.base, self.learner.has_served, self._base_state()),
        )
        bookkeeping = (
            acceptor.reply if is_answered else None,
            frozenset(leadership.acknowledged.items()),
            frozenset(leadership.refused),
            frozenset(self.learner.taught.items()),
            max(proposer.heard_round, promised.round),
            self.resend_at_ms is not None,
            (lesson.slot if lesson else 0, self.learner.lessons.is_idle, frozenset(self.learner.lessons.given.items())),
            (self.leaving.duty, frozenset(self.leaving.learned.items())),
        )
        return Key(protocol, bookkeeping)

    def _base_state(self) -> bytes:
        """What the dropped part of the log led to, with what followed; nothing as long as the log is whole."""
        return self.learner.state.digest() if self.learner.known.base else b""

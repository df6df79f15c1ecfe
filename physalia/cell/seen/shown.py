"""What a node shows of itself: the state of the step table, and what whoever drives it has to know. Nothing changes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from physalia.cell.acceptor import Acceptor
from physalia.cell.image import weigh
from physalia.cell.learner import Learner
from physalia.cell.life.leaving import Duty, Leaving
from physalia.cell.log import Log
from physalia.cell.memory import Memory
from physalia.cell.proposer import Proposer
from physalia.cell.reads import Consultation, Reads
from physalia.model import NO_BALLOT, Accepted, Ballot, Jury, Left, NodeId, Send, Slot
from physalia.store import Store as Database


class Shown(ABC):
    """The roles of a node, to be looked at."""

    node_id: NodeId
    _acceptor: Acceptor
    _learner: Learner
    _proposer: Proposer
    _reads: Reads
    _leaving: Leaving
    _stopped: str
    _pointer: Left | None

    # The state of the step table

    @property
    def promised(self) -> Ballot:
        """promised[n]: the highest ballot that was promised or voted under."""
        return self._acceptor.promised

    @property
    def accepted(self) -> Mapping[Slot, Accepted]:
        """accepted[n]: the last vote in each slot that has one. Not a copy."""
        return self._acceptor.accepted

    @property
    def active(self) -> Ballot:
        """active[n]: the ballot that this node leads, NO_BALLOT when it is idle."""
        return self._proposer.active

    @property
    def known(self) -> Log:
        """known[n]: the decided prefix, slot 1 first; what is truncated of it cannot be looked at. Not a copy."""
        return self._learner.known

    @property
    def floor(self) -> Slot:
        """Up to which slot this node dropped its votes; a snapshot on its disk holds what came of them (R10)."""
        return self._acceptor.floor

    @abstractmethod
    def snapshot(self) -> Memory:
        """All that it remembers."""

    def log_bytes(self, after: Slot) -> int:
        """About how many bytes the entries of the log take that come after a slot, as far as the log still has them."""
        entries = self._learner.known.entries
        return sum(map(weigh, entries[max(0, after - self._learner.known.base) :]))

    @property
    def state_bytes(self) -> int:
        """How many bytes the items take to which the log led, with their keys: most of what a snapshot takes."""
        return self._learner.state.store.items.size_bytes

    @property
    def refused_lessons(self) -> Mapping[str, int]:
        """How many lessons of others came to nothing, by why (R9). Not a copy."""
        return self._learner.transfers.refused

    @property
    def reading(self) -> Consultation | None:
        """The round of reads that is under way, with what it waits for. Not a copy."""
        return self._reads.under_way

    @property
    def stopped(self) -> str:
        """Why this node has stopped, a sentence for its operator; empty as long as it has not.

        It does nothing any more. Its disk went back in time (design rule R16): then it has stopped for good, until an
        operator gives its place to a new incarnation. Or it has come to a command that it does not understand (R5):
        then it goes on when it is started with software that does. Both are durable.
        """
        return self._stopped

    @property
    def pointer(self) -> Left | None:
        """Who replaced this node, if it left its cell for good (R11). Durable once its last flush is done."""
        return self._pointer

    @property
    def duty(self) -> Duty | None:
        """What others have to learn before this node leaves; None as long as it does not leave."""
        return self._leaving.duty

    @property
    def learned(self) -> Mapping[NodeId, Slot]:
        """How far others said that they have learned, since this node wants to leave. Not a copy."""
        return self._leaving.learned

    @property
    def is_leading(self) -> bool:
        """Whether its ballot may get anything decided yet, as far as the node heard; otherwise it rejects commands."""
        return not self._stopped and self._proposer.is_leading

    @property
    def is_elected(self) -> bool:
        """Whether a majority promised its ballot, as far as the node heard."""
        return self._proposer.is_elected

    @property
    def was_refused(self) -> bool:
        """Whether somebody promised a higher ballot than the active one, and said so."""
        return bool(self._proposer.leadership.refused)

    @property
    def members(self) -> frozenset[NodeId]:
        """Who decides in the first slot that this node does not know."""
        return self._learner.configurations.members(self._learner.first_unknown)

    @property
    def is_member(self) -> bool:
        """Whether it is a member for a slot that it does not know yet, as far as it knows."""
        return self._learner.configurations.last_of(self.node_id) >= self._learner.first_unknown

    @property
    def prefix(self) -> Slot:
        """The last slot of the decided prefix that this node knows; 0 for none."""
        return self._learner.first_unknown - 1

    @property
    def database(self) -> Database:
        """What the decided prefix that this node knows made of the database. Not a copy; to be looked at."""
        return self._learner.state.store

    @property
    def jury(self) -> Jury:
        """The members after all that this node knows, changes that are not yet in force included, and their version."""
        return self._learner.state.jury

    @property
    def has_taught(self) -> bool:
        """Whether there is somebody whom this node will not teach the same again before the next tick (R9)."""
        return bool(self._learner.taught or self._learner.lessons.lesson)

    @property
    def is_restless(self) -> bool:
        """Whether ticks may be of use to it: it leads, or has taught somebody since the last one."""
        learner = self._learner
        return self._proposer.leadership.prepare.ballot != NO_BALLOT or bool(learner.taught or learner.lessons.lesson)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits here for anything: no command, no read, no slot that is open."""
        return not (self._proposer.waiting or self._proposer.leadership.proposals or self._reads.is_busy)

    @property
    def lacks_promises(self) -> bool:
        """Whether reads wait for nothing but a promise of somebody who answers (R7)."""
        return self._reads.lacks_promises

    def silent(self) -> frozenset[NodeId]:
        """The nodes that owe this one an answer, and to which a tick sends again (R14).

        A tick of a node to which nobody owes one, and that has taught nobody since the last, does nothing.
        """
        if self._stopped:
            return frozenset()
        unacknowledged = frozenset(
            effect.to for effect in self._proposer.unacknowledged() if isinstance(effect, Send)
        )  # fmt: skip
        return unacknowledged | self._reads.silent()

    def digest(self) -> bytes:
        """32 bytes that are the same on every node that knows the same: all that later answers depend on (R5)."""
        return self._learner.state.digest()

"""A simulated disk: a journal of encoded records, of which a crash may take what was not flushed.

The disk reads the journal in its own way, which shares nothing with the node's recovery. So it can say after every step
what a restart would bring back, and whether a message may leave: what it depends on must be flushed before (R2, R4).
"""

from collections.abc import Set as AbstractSet

from attrs import Factory, define

from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    Command,
    DurableRecord,
    Known,
    Learned,
    Left,
    Message,
    NodeId,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Refusal,
    Slot,
    Snapshot,
    Stopped,
    UsedBallot,
    Vote,
)
from physalia.wire import decode_record, encode_record


@define
class Journal:
    """What a prefix of the records amounts to, read front to back.

    `votes` has every vote that is in the journal, `accepted` the last of each slot.
    """

    used: set[Ballot] = Factory(set)
    answered: set[Ballot] = Factory(set)
    promised: Ballot = NO_BALLOT
    votes: set[Accepted] = Factory(set)
    voted: set[tuple[Ballot, Slot]] = Factory(set)
    accepted: dict[Slot, Accepted] = Factory(dict)
    known: list[Command | None] = Factory(list)
    """None where a snapshot jumped over the slot, so that nothing but its place is known here."""
    floor: Slot = 0
    stopped: bool = False
    left: bool = False
    changed: set[Slot] = Factory(set)
    """Slots that were read of since somebody last cleared this."""

    def read(self, record: DurableRecord) -> None:
        """Take the next record."""
        match record:
            case UsedBallot(ballot):
                self.used.add(ballot)
            case Promised(ballot):
                self.answered.add(ballot)
                self.promised = max(self.promised, ballot)
            case Accepted(ballot, slot):
                self.votes.add(record)
                self.voted.add((ballot, slot))
                self.accepted[slot] = record
                self.changed.add(slot)
                self.promised = max(self.promised, ballot)
            case Known(slot, value):
                self.known[slot - 1 :] = [value]
                self.changed.add(slot)
            case Snapshot(slot, floor):
                self.known += [None] * (slot - len(self.known))
                self.floor = max(self.floor, floor)
                self.accepted = {at: vote for at, vote in self.accepted.items() if at > floor}
            case Stopped():
                self.stopped = True
            case Left():
                self.left = True

    def missing(self, message: Message) -> str:
        """What the message depends on and is not in this journal; the empty string if everything is."""
        match message:
            case Prepare(ballot) | Proposal(ballot) if ballot not in self.used:
                return "the use of its ballot"
            case Promise(ballot) if ballot not in self.answered:
                return "the promise"
            case Promise(accepted=reports):
                lacking = [r for r in reports if Accepted(r.ballot, r.slot, r.value) not in self.votes]
                return f"the vote that it reports in slot {lacking[0].slot}" if lacking else ""
            case Vote(ballot, slot) if (ballot, slot) not in self.voted:
                return "the vote"
            case Learned(slot) if slot > len(self.known):
                return "what it says that it learned"
            case Refusal(promised=promised) if promised > self.promised:
                return "the promise that it refers to"
            case _:
                return ""


@define
class Disk:
    """The journal of one node: the bytes written, and how many of the records were flushed.

    `written` is what a restart would find if nothing got lost, `flushed` what it finds at least, and `asked` what it
    will find at least when every flush that the node asked for has ended; `unasked` records wait for no flush.
    """

    data: list[bytes] = Factory(list)
    written: Journal = Factory(Journal)
    flushed: Journal = Factory(Journal)
    unflushed: list[DurableRecord] = Factory(list)
    asked: Journal = Factory(Journal)
    unasked: list[DurableRecord] = Factory(list)

    def store(self, record: DurableRecord) -> None:
        """Append a record, through the codec; a crash may take it until the next flush."""
        encoded = encode_record(record)
        record = decode_record(encoded)
        self.data.append(encoded)
        self.unflushed.append(record)
        self.unasked.append(record)
        self.written.read(record)

    def ask(self) -> int:
        """The node asks for a flush of everything stored so far; returns how many records that is."""
        for record in self.unasked:
            self.asked.read(record)
        self.unasked.clear()
        return len(self.data)

    def flush(self, records: int) -> None:
        """The first so many records are safe from here on."""
        ended = len(self.unflushed) - (len(self.data) - records)
        for record in self.unflushed[: max(0, ended)]:
            self.flushed.read(record)
        del self.unflushed[: max(0, ended)]

    def unsafe(self, message: Message | None) -> str:
        """Why nothing, or not this message, may leave even when every flush that was asked for has ended, or "".

        A decision is never unsafe to repeat, so `Known` records may wait for the next flush.
        """
        waiting = [record for record in self.unasked if not isinstance(record, Known)]
        if waiting:
            return f"the record {type(waiting[0]).__name__} was stored and is not flushed"
        missing = "" if message is None else self.asked.missing(message)
        return f"{missing} was never stored and flushed" if missing else ""

    def survivors(self, keep: int) -> tuple[int, int]:
        """Of a crash that loses all but the first `keep` unflushed records: how many there are, and how many Knowns."""
        kept = min(keep, len(self.unflushed))
        known = len(self.flushed.known)
        for record in self.unflushed[:kept]:
            known = record.slot if isinstance(record, Known | Snapshot) else known
        return len(self.data) - len(self.unflushed) + kept, known

    @property
    def safe(self) -> int:
        """How many records were flushed."""
        return len(self.data) - len(self.unflushed)

    def loses(self, records: int) -> bool:
        """Whether a copy with only the first `records` lacks a ballot, a promise or a vote that was flushed."""
        lost = map(decode_record, self.data[max(0, records) : self.safe])
        return any(not isinstance(record, Known) for record in lost)

    def crash(self, records: int) -> list[DurableRecord]:
        """Lose all but the first so many records; return what a restart reads, decoded from its bytes.

        Some of it may be in the page cache alone, until it is written anew.
        """
        safe = len(self.data) - len(self.unflushed)
        del self.data[records:]
        found = [decode_record(encoded) for encoded in self.data]
        self.written, self.flushed, self.asked = Journal(), Journal(), Journal()
        for place, record in enumerate(found):
            for journal in (self.written, self.flushed, self.asked) if place < safe else (self.written,):
                journal.read(record)
        self.unflushed = found[safe:]
        self.unasked = found[safe:]
        return found

    def write_anew(self) -> None:
        """Whatever was read is written once more, and flushed (design rule R16)."""
        self.flush(self.ask())


def bears_loss(members: AbstractSet[NodeId], lost: AbstractSet[NodeId]) -> bool:
    """Whether a configuration survives the loss of these disks: f of its 2f + 1 nodes."""
    return 2 * len(members & lost) < len(members)

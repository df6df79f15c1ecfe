"""A simulated disk: a journal of encoded records, of which a crash may take what was not flushed.

The disk reads the journal in its own way, which shares nothing with the node's recovery. So it can say after every step
what a restart would bring back, and whether a message may leave: whatever it depends on must be flushed before.
"""

from attrs import Factory, define

from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    Command,
    DurableRecord,
    Known,
    Message,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Refusal,
    Slot,
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
    known: list[Command] = Factory(list)
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
            case Refusal(promised=promised) if promised > self.promised:
                return "the promise that it refers to"
            case _:
                return ""


@define
class Disk:
    """The journal of one node: the bytes written, and how many of the records were flushed.

    `written` is what a restart would find if nothing got lost, `flushed` what it finds at least.
    """

    data: list[bytes] = Factory(list)
    written: Journal = Factory(Journal)
    flushed: Journal = Factory(Journal)
    unflushed: list[DurableRecord] = Factory(list)

    def store(self, record: DurableRecord) -> None:
        """Append a record, through the codec; a crash may take it until the next flush."""
        encoded = encode_record(record)
        record = decode_record(encoded)
        self.data.append(encoded)
        self.unflushed.append(record)
        self.written.read(record)

    def flush(self) -> None:
        """Everything stored so far is safe from here on."""
        for record in self.unflushed:
            self.flushed.read(record)
        self.unflushed.clear()

    def unsafe(self, message: Message | None) -> str:
        """Why nothing, or not this message, may leave the node now; the empty string if it may.

        A decision is never unsafe to repeat, so `Known` records may wait for the next flush.
        """
        waiting = [record for record in self.unflushed if not isinstance(record, Known)]
        if waiting:
            return f"the record {type(waiting[0]).__name__} was stored and is not flushed"
        missing = "" if message is None else self.flushed.missing(message)
        return f"{missing} was never stored and flushed" if missing else ""

    def crash(self, keep: int) -> list[DurableRecord]:
        """Lose all but the first `keep` unflushed records; return what a restart finds, decoded from its bytes."""
        lost = len(self.unflushed) - min(keep, len(self.unflushed))
        if lost:
            del self.data[-lost:]
        records = [decode_record(encoded) for encoded in self.data]
        self.written, self.flushed = Journal(), Journal()
        for record in records:
            self.written.read(record)
            self.flushed.read(record)
        self.unflushed.clear()
        return records

"""Compaction: the records of a node made fewer, so that it comes back the same from them (design rule R10).

The last snapshot stands for every decision before it, a vote for all earlier ones in its slot, a promise for all lower
ones. What is left is in an order in which a node could have written it, since recovery believes no other.
"""

from collections.abc import Sequence

from physalia.model import (
    NO_BALLOT,
    Accepted,
    Ballot,
    DurableRecord,
    Known,
    Left,
    Part,
    Promised,
    Slot,
    Snapshot,
    UsedBallot,
)


def compact(records: Sequence[DurableRecord]) -> list[DurableRecord]:
    """Fewer records to the same effect. The log below the snapshot is gone: whoever lacks it is taught the snapshot.

    Parts at the end stay, since their snapshot may be yet to come. Of a node that left nothing stays but that.
    """
    used: list[UsedBallot] = []
    votes: dict[Slot, Accepted] = {}
    answered = promised = NO_BALLOT
    carrier: Accepted | None = None
    parts: list[DurableRecord] = []
    snapshot: list[DurableRecord] = []
    rest: list[DurableRecord] = []
    for record in records:
        if not isinstance(record, Part | Snapshot):
            parts = []
        match record:
            case UsedBallot():
                used.append(record)
            case Promised(ballot):
                answered = promised = ballot
            case Accepted(ballot, slot):
                promised, votes[slot], carrier = ballot, record, record
            case Part(first):
                parts = [*(parts if first else ()), record]
            case Snapshot(slot, floor):
                snapshot, parts = [*parts, record], []
                votes = {at: vote for at, vote in votes.items() if at > floor}
                rest = [known for known in rest if not isinstance(known, Known) or known.slot > slot]
            case Left():
                return [record]
            case _:
                rest.append(record)
    promises = list(votes.values())
    if carrier is not None and answered < promised and all(vote.ballot < promised for vote in promises):
        promises.append(carrier)  # its slot is below the floor, but nothing else says what it promised
    ordered = sorted((vote.ballot, vote.slot) for vote in promises)
    by_place = {(vote.ballot, vote.slot): vote for vote in promises}
    said: list[DurableRecord] = [by_place[place] for place in ordered]
    if answered != NO_BALLOT:
        said.insert(sum(ballot < answered for ballot, _ in ordered), Promised(answered))
    needed = {record.ballot for record in said if isinstance(record, Accepted | Promised)}
    kept = [record for record in used if record.ballot >= promised or record.ballot in needed]
    return [*_rising(kept), *said, *snapshot, *rest, *parts]


def _rising(used: list[UsedBallot]) -> list[UsedBallot]:
    ballots: list[Ballot] = sorted({record.ballot for record in used})
    return [UsedBallot(ballot) for ballot in ballots]

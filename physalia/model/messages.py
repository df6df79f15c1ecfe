"""What nodes say to each other.

The first five are the message sets of the step table, under the same field names, and `Round` and `Echo` those of its
reads. `Ask`, `Chunk`, `Take`, `Refusal`, `HowFar` and `Learned` only help along: no guard of the specification reads
them.
"""

from typing import TypeAlias

from physalia.model.ballots import Ballot
from physalia.model.commands import Command
from physalia.model.ids import NodeId, Slot
from physalia.model.snapshots import Row
from physalia.model.value import value


@value
class Prepare:
    """The ballot's owner asks for a promise, and knows every decision up to `prefix`."""

    ballot: Ballot
    prefix: Slot


@value
class Report:
    """Part of a promise: the last vote of a node in `slot`."""

    slot: Slot
    ballot: Ballot
    value: Command


@value
class Promise:
    """`node` takes no part in lower ballots any more (design rule R2).

    `accepted` holds its votes above the prepare's prefix, by rising slot; `floor` is the slot up to which it dropped
    its votes: what is at or below it is decided.
    """

    ballot: Ballot
    node: NodeId
    accepted: tuple[Report, ...]
    floor: Slot


@value
class Proposal:
    """The ballot's owner asks for votes for `value` in `slot`."""

    ballot: Ballot
    slot: Slot
    value: Command


@value
class Vote:
    """`node` voted in `slot` for what the ballot's owner proposed there."""

    ballot: Ballot
    slot: Slot
    node: NodeId


@value
class Decision:
    """`value` is decided in `slot`, for ever."""

    slot: Slot
    value: Command


@value
class Round:
    """The ballot's owner asks whether the promise of `ballot` still stands, for its round `read` of reads (R7)."""

    ballot: Ballot
    read: int


@value
class Echo:
    """The promise of `node` for `ballot` stands: said after the round with the number `nonce` had come (R7)."""

    ballot: Ballot
    nonce: int
    node: NodeId


@value
class Ask:
    """Teach me what comes after my `prefix`. It also acknowledges everything up to there."""

    prefix: Slot


@value
class Chunk:
    """Part of the sender's snapshot at `slot`: `rows` of it, from number `first` on, counted from 0.

    `digest` vouches for all rows of the snapshot together.
    """

    slot: Slot
    digest: bytes
    first: int
    rows: tuple[Row, ...]


@value
class Take:
    """Of your snapshot at `slot` I hold the first `rows`: go on."""

    slot: Slot
    rows: int


@value
class Refusal:
    """A prepare or proposal of `ballot` came too late: the sender promised `promised`."""

    ballot: Ballot
    promised: Ballot


@value
class HowFar:
    """How far have you learned, on your disk? Whoever asks may leave when enough others hold what it holds (R11)."""


@value
class Learned:
    """The sender holds what came of every slot up to `slot`, on its disk (R11)."""

    slot: Slot


Message: TypeAlias = (
    Prepare | Promise | Proposal | Vote | Decision | Round | Echo | Ask | Chunk | Take | Refusal | HowFar | Learned
)

"""Scenarios: everything that is left to choice in the simulated world, as typed events with a text form.

The world itself decides nothing. Which message arrives next, what is lost, who campaigns, who crashes and how much of
the unflushed disk survives: each is an event of this alphabet, so a scenario is a run and can be told, shrunk,
replayed. One event is one line, such as ``deliver 3 -> 1 vote 2.1 slot 1 node 3``.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias, assert_never

from attrs import frozen

from conformance.wording import (
    UnreadableWords,
    event_words,
    message_words,
    read_ballot,
    read_command,
    read_message,
    read_request,
)
from conformance.world.orders import Create, LoseDisk, Order, order_words, read_order
from conformance.world.setup import EXAMPLE, Setup, read_setup, setup_words
from physalia.model import (
    Asked,
    Campaign,
    Consult,
    Decide,
    Erase,
    Inquire,
    Install,
    Internal,
    Learn,
    Leave,
    Message,
    NodeId,
    NoOp,
    Peek,
    Propose,
    Query,
    Serve,
    Submit,
    Truncate,
)

Given: TypeAlias = Submit | Query | Peek | Campaign | Truncate | Inquire | Leave | Internal
"""The events of a node that the world hands to it as they are."""


@frozen
class Give:
    """Node `node` is given an event: a client's command, a campaign, or an internal event, due or not."""

    node: NodeId
    event: Given


@frozen
class Deliver:
    """A message in flight arrives, out of whatever order."""

    sender: NodeId
    receiver: NodeId
    message: Message


@frozen
class Duplicate:
    """A message in flight arrives, and stays in flight as well."""

    sender: NodeId
    receiver: NodeId
    message: Message


@frozen
class Lose:
    """A message in flight is lost."""

    sender: NodeId
    receiver: NodeId
    message: Message


@frozen
class Forge:
    """A message in flight that names its sender arrives in the name of another node, and stays in flight as well."""

    sender: NodeId
    receiver: NodeId
    message: Message
    name: NodeId


@frozen
class Stray:
    """A proposal in flight arrives at a node that it is not for, and stays in flight as well."""

    sender: NodeId
    receiver: NodeId
    message: Message
    at: NodeId


Another: TypeAlias = Literal["cell", "life", "incarnation"]


@frozen
class Haunt:
    """A message in flight arrives as if it were another's, and stays in flight as well.

    So it was said in another cell, in an earlier life of this one, or to an earlier incarnation of the receiver.
    """

    sender: NodeId
    receiver: NodeId
    message: Message
    another: Another


@frozen
class Pass:
    """`elapsed_ms` of true time pass, in milliseconds; then `node` looks at its own clock."""

    node: NodeId
    elapsed_ms: int


@frozen
class EndFlush:
    """The flush that waits longest at `node` has ended: what depended on it leaves the node.

    If the disk is full, all that waits is refused, and the node is read back from what was flushed.
    """

    node: NodeId


@frozen
class FailFlush:
    """The flush at `node` fails: the journal is latched, nothing that waits is ever sent, and the node starts anew.

    It reads the first `keep` records that were not flushed, from the page cache if not from the disk.
    """

    node: NodeId
    keep: int


@frozen
class FillDisk:
    """The disk of `node` is full from here on."""

    node: NodeId


@frozen
class FreeDisk:
    """The disk of `node` has room again."""

    node: NodeId


@frozen
class Crash:
    """`node` crashes and restarts at once; of what its disk had not flushed the first `keep` records survive.

    What waited for a flush is never sent, also if the record survives.
    """

    node: NodeId
    keep: int


@frozen
class GoBack:
    """`node` crashes, and restarts on an older copy of its disk: the first `records` that were flushed (R15).

    It counts as a lost disk from here on: nothing that it says is heard any more, and what it does is judged by that.
    """

    node: NodeId
    records: int


@frozen
class Calm:
    """The trouble ends: from here on nothing is lost and nobody crashes, until the cell has settled.

    It stands for the ordinary events that follow from this, which leave nothing to choice.
    """


Arrival: TypeAlias = Deliver | Duplicate | Lose | Forge | Stray | Haunt
"""What becomes of a message in flight."""

OfDisks: TypeAlias = EndFlush | FailFlush | FillDisk | FreeDisk | Crash | GoBack

Happening: TypeAlias = Give | Arrival | Pass | OfDisks | Order | Calm


@frozen
class Scenario:
    """A setup and what happens then."""

    setup: Setup
    happenings: tuple[Happening, ...]

    def text(self) -> str:
        """The scenario, a line for the setup and a line per event."""
        return "".join(f"{line}\n" for line in (setup_words(self.setup), *map(happening_words, self.happenings)))


def read_scenario(text: str) -> Scenario:
    """The scenario that `Scenario.text` wrote. Empty lines and lines that start with # are skipped.

    Raises `UnreadableWords`, which names the line.
    """
    setup: Setup | None = None
    happenings: list[Happening] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if setup is None:
                setup = read_setup(words)
            else:
                happenings.append(_read_happening(words))
        except ValueError as error:
            raise UnreadableWords(f"line {number}, {line.strip()!r}: {error}") from None
    if setup is None:
        raise UnreadableWords(f"a scenario starts with a line such as '{EXAMPLE}'")
    return Scenario(setup, tuple(happenings))


def happening_words(happening: Happening) -> str:
    """The event in one line."""
    match happening:
        case Give(node, event):
            return f"node {node} {event_words(event)}"
        case Pass(node, elapsed_ms):
            return f"node {node} tick after {elapsed_ms} ms"
        case Calm():
            return "calm"
        case EndFlush() | FailFlush() | FillDisk() | FreeDisk() | Crash() | GoBack():
            return _disk_words(happening)
        case Create() | LoseDisk():
            return order_words(happening)
        case _:
            return _arrival_words(happening)


def _disk_words(happening: OfDisks) -> str:
    match happening:
        case EndFlush(node):
            return f"flush {node}"
        case FailFlush(node, keep):
            return f"fail flush {node} keep {keep}"
        case FillDisk(node):
            return f"fill disk {node}"
        case FreeDisk(node):
            return f"free disk {node}"
        case Crash(node, keep):
            return f"crash {node} keep {keep}"
        case GoBack(node, records):
            return f"go back {node} to {records}"
        case _:
            assert_never(happening)


def _arrival_words(happening: Arrival) -> str:
    way, message = f"{happening.sender} -> {happening.receiver}", message_words(happening.message)
    match happening:
        case Deliver():
            return f"deliver {way} {message}"
        case Duplicate():
            return f"duplicate {way} {message}"
        case Lose():
            return f"lose {way} {message}"
        case Forge(name=name):
            return f"forge {way} as {name} {message}"
        case Stray(at=at):
            return f"stray {way} at {at} {message}"
        case Haunt(another=another):
            return f"haunt {way} of another {another} {message}"
        case _:
            assert_never(happening)


def tell(happenings: Iterable[Happening]) -> tuple[str, ...]:
    """The events, numbered, for people."""
    return tuple(f"{number:4}  {happening_words(happening)}" for number, happening in enumerate(happenings, start=1))


def _read_happening(words: list[str]) -> Happening:
    match words:
        case ["node", node, "tick", "after", elapsed_ms, "ms"]:
            return Pass(int(node), int(elapsed_ms))
        case ["node", node, *event]:
            return Give(int(node), _read_given(event))
        case [verb, sender, "->", receiver, *rest]:
            return _read_arrival(verb, int(sender), int(receiver), rest)
        case ["flush", node]:
            return EndFlush(int(node))
        case ["fail", "flush", node, "keep", keep]:
            return FailFlush(int(node), int(keep))
        case ["fill", "disk", node]:
            return FillDisk(int(node))
        case ["free", "disk", node]:
            return FreeDisk(int(node))
        case ["crash", node, "keep", keep]:
            return Crash(int(node), int(keep))
        case ["go", "back", node, "to", records]:
            return GoBack(int(node), int(records))
        case ["calm"]:
            return Calm()
        case ["create" | "lose", *_]:
            return read_order(words)
        case _:
            raise UnreadableWords("this is no event")


def _read_arrival(verb: str, sender: NodeId, receiver: NodeId, rest: list[str]) -> Arrival:
    match [verb, *rest]:
        case ["deliver", *message]:
            return Deliver(sender, receiver, read_message(message))
        case ["duplicate", *message]:
            return Duplicate(sender, receiver, read_message(message))
        case ["lose", *message]:
            return Lose(sender, receiver, read_message(message))
        case ["forge", "as", name, *message]:
            return Forge(sender, receiver, read_message(message), int(name))
        case ["stray", "at", node, *message]:
            return Stray(sender, receiver, read_message(message), int(node))
        case ["haunt", "of", "another", "cell" | "life" | "incarnation" as another, *message]:
            return Haunt(sender, receiver, read_message(message), another)
        case _:
            raise UnreadableWords("this is no event")


def _read_given(words: list[str]) -> Given:  # noqa: PLR0912  # one case an event
    match words:
        case ["submit", command]:
            return Submit(_asked(command))
        case ["campaign", ballot]:
            return Campaign(read_ballot(ballot))
        case ["propose", ballot, "slot", slot, value]:
            return Propose(read_ballot(ballot), int(slot), read_command(value))
        case ["decide", ballot, "slot", slot]:
            return Decide(read_ballot(ballot), int(slot))
        case ["query", request]:
            return Query(read_request(request))
        case ["peek", request, "token", token]:
            return Peek(read_request(request), int(token))
        case ["consult", ballot, "read", read]:
            return Consult(read_ballot(ballot), int(read))
        case ["serve", ballot, "read", read]:
            return Serve(read_ballot(ballot), int(read))
        case ["learn", "slot", slot]:
            return Learn(int(slot))
        case ["truncate", "slot", slot]:
            return Truncate(int(slot))
        case ["inquire", *nodes]:
            return Inquire(frozenset(map(int, nodes)))
        case ["leave"]:
            return Leave()
        case ["erase", "slot", slot]:
            return Erase(int(slot))
        case ["install", "from", teacher, "slot", slot]:
            return Install(int(teacher), int(slot))
        case _:
            raise UnreadableWords("this is no event of a node")


def _asked(word: str) -> Asked:
    command = read_command(word)
    if isinstance(command, NoOp):
        raise UnreadableWords("nobody asks for a no-op")
    return command

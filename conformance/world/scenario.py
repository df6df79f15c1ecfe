"""Scenarios: everything that is left to choice in the simulated world, as typed events with a text form.

The world itself decides nothing. Which message arrives next, what is lost, who campaigns, who crashes and how much of
the unflushed disk survives: each is an event of this alphabet, so a scenario is a run and can be told, shrunk,
replayed. One event is one line, such as ``deliver 3 -> 1 vote 2.1 slot 1 node 3``.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias, assert_never

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
from physalia.model import (
    Asked,
    Campaign,
    Consult,
    Decide,
    Internal,
    Learn,
    Message,
    NodeId,
    NoOp,
    Peek,
    Propose,
    Query,
    Serve,
    Submit,
)

Given: TypeAlias = Submit | Query | Peek | Campaign | Internal
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


@frozen
class Pass:
    """`elapsed_ms` of true time pass, in milliseconds; then `node` looks at its own clock."""

    node: NodeId
    elapsed_ms: int


@frozen
class EndFlush:
    """The flush that waits longest at `node` has ended: what depended on it leaves the node."""

    node: NodeId


@frozen
class Crash:
    """`node` crashes and restarts at once; of what its disk had not flushed the first `keep` records survive.

    What waited for a flush is never sent, also if the record survives.
    """

    node: NodeId
    keep: int


@frozen
class Calm:
    """The trouble ends: from here on nothing is lost and nobody crashes, until the cell has settled.

    It stands for the ordinary events that follow from this, which leave nothing to choice.
    """


EXAMPLE = "world nodes 3 members 1,2,3 alpha 3 rates 1,1,1 clocks 0,0,0 slots 96"

Happening: TypeAlias = Give | Deliver | Duplicate | Lose | Forge | Stray | Pass | EndFlush | Crash | Calm


SLOTS = 96
"""Enough for all runs but the long ones: a command fills one slot, and so does a hole."""


@frozen
class Setup:
    """What a world starts from: nodes 1 to `nodes`, the first configuration, alpha, and the clock of each node.

    `rates` has one rate per node, in node milliseconds per true millisecond; `clocks_ms` what each shows at first. The
    run says nothing any more once one of the first `slots` slots does not suffice.
    """

    nodes: int
    members: frozenset[NodeId]
    alpha: int
    rates: tuple[Fraction, ...]
    clocks_ms: tuple[int, ...]
    slots: int

    @classmethod
    def of(
        cls, nodes: int, members: int, alpha: int, rates: Iterable[str] = (), *, late_ms: int = 0, slots: int = SLOTS
    ) -> "Setup":
        """The first `members` of `nodes` nodes are the first configuration; without rates every clock runs true.

        No two clocks show the same, and all of them more than `late_ms`.
        """
        clocks_ms = tuple(late_ms + 1_000 * node for node in range(1, nodes + 1))
        true = tuple(map(Fraction, rates or ("1",) * nodes))
        return cls(nodes, frozenset(range(1, members + 1)), alpha, true, clocks_ms, slots)


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
                setup = _read_setup(words)
            else:
                happenings.append(_read_happening(words))
        except ValueError as error:
            raise UnreadableWords(f"line {number}, {line.strip()!r}: {error}") from None
    if setup is None:
        raise UnreadableWords(f"a scenario starts with a line such as '{EXAMPLE}'")
    return Scenario(setup, tuple(happenings))


def setup_words(setup: Setup) -> str:
    """The setup in one line."""
    members = ",".join(map(str, sorted(setup.members)))
    rates, clocks = ",".join(map(str, setup.rates)), ",".join(map(str, setup.clocks_ms))
    return (
        f"world nodes {setup.nodes} members {members} alpha {setup.alpha} rates {rates} clocks {clocks} "
        f"slots {setup.slots}"
    )


def happening_words(happening: Happening) -> str:
    """The event in one line."""
    match happening:
        case Give(node, event):
            return f"node {node} {event_words(event)}"
        case Deliver(sender, receiver, message):
            return f"deliver {sender} -> {receiver} {message_words(message)}"
        case Duplicate(sender, receiver, message):
            return f"duplicate {sender} -> {receiver} {message_words(message)}"
        case Lose(sender, receiver, message):
            return f"lose {sender} -> {receiver} {message_words(message)}"
        case Forge(sender, receiver, message, name):
            return f"forge {sender} -> {receiver} as {name} {message_words(message)}"
        case Stray(sender, receiver, message, at):
            return f"stray {sender} -> {receiver} at {at} {message_words(message)}"
        case Pass(node, elapsed_ms):
            return f"node {node} tick after {elapsed_ms} ms"
        case EndFlush(node):
            return f"flush {node}"
        case Crash(node, keep):
            return f"crash {node} keep {keep}"
        case Calm():
            return "calm"
        case _:
            assert_never(happening)


def tell(happenings: Iterable[Happening]) -> tuple[str, ...]:
    """The events, numbered, for people."""
    return tuple(f"{number:4}  {happening_words(happening)}" for number, happening in enumerate(happenings, start=1))


def _read_setup(words: list[str]) -> Setup:
    keys, values = ("nodes", "members", "alpha", "rates", "clocks", "slots"), words[2::2]
    if words[:1] != ["world"] or tuple(words[1::2]) != keys or len(values) != len(keys):
        raise UnreadableWords(f"expected a line such as '{EXAMPLE}'")
    nodes, members, alpha, rates, clocks, slots = values
    setup = Setup(
        int(nodes),
        frozenset(map(int, members.split(","))),
        int(alpha),
        tuple(map(Fraction, rates.split(","))),
        tuple(map(int, clocks.split(","))),
        int(slots),
    )
    if len(setup.rates) != setup.nodes or len(setup.clocks_ms) != setup.nodes:
        raise UnreadableWords(f"there must be one rate and one clock for each of {setup.nodes} nodes")
    return setup


def _read_happening(words: list[str]) -> Happening:
    match words:
        case ["node", node, "tick", "after", elapsed_ms, "ms"]:
            return Pass(int(node), int(elapsed_ms))
        case ["node", node, *event]:
            return Give(int(node), _read_given(event))
        case ["deliver" | "duplicate" | "lose" as verb, sender, "->", receiver, *message]:
            kinds: dict[str, type[Deliver | Duplicate | Lose]] = {
                "deliver": Deliver, "duplicate": Duplicate, "lose": Lose,
            }  # fmt: skip
            return kinds[verb](int(sender), int(receiver), read_message(message))
        case ["forge", sender, "->", receiver, "as", name, *message]:
            return Forge(int(sender), int(receiver), read_message(message), int(name))
        case ["stray", sender, "->", receiver, "at", node, *message]:
            return Stray(int(sender), int(receiver), read_message(message), int(node))
        case ["flush", node]:
            return EndFlush(int(node))
        case ["crash", node, "keep", keep]:
            return Crash(int(node), int(keep))
        case ["calm"]:
            return Calm()
        case _:
            raise UnreadableWords("this is no event")


def _read_given(words: list[str]) -> Given:
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
        case _:
            raise UnreadableWords("this is no event of a node")


def _asked(word: str) -> Asked:
    command = read_command(word)
    if isinstance(command, NoOp):
        raise UnreadableWords("nobody asks for a no-op")
    return command

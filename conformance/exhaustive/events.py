"""What can happen to one node, as values: each holds every choice, and has its words."""

from typing import TypeAlias, assert_never

from attrs import frozen

from conformance.exhaustive.translation import Said
from conformance.wording import event_words, message_words
from physalia import model
from physalia.model import Campaign, Internal, Leave, NodeId, Query, Truncate


@frozen
class Give:
    """The node is given an event of its own: an internal one, or what somebody wants of it who sends no message."""

    event: Campaign | Internal | Query | Truncate | Leave

    @property
    def is_internal(self) -> bool:
        """Whether the node itself said that this was due."""
        return not isinstance(self.event, Campaign | Query | Truncate | Leave)


@frozen
class Hear:
    """A message that was sent, or a command that was asked for, arrives, for the first time or again."""

    said: Said


@frozen
class FlushOne:
    """The first entry of the node's queue is flushed and sent."""


@frozen
class Restart:
    """The node crashes, and restarts with its disk, on which `keep` more decisions are found than were flushed."""

    keep: int


@frozen
class Wait:
    """The node looks at its clock, when the time has come to send again if it waits for that."""


@frozen
class Make:
    """The order to make the node arrives, and it is here."""


@frozen
class Lose:
    """The disk of the node is lost, and the node with it."""


Happening: TypeAlias = Give | Hear | FlushOne | Restart | Wait | Make | Lose


def words(node: NodeId, happening: Happening) -> str:
    """The event of a node in one line."""
    match happening:
        case Give(event):
            return f"node {node} {event_words(event)}"
        case Hear(Said(_, model.Submit() as event)):
            return f"node {node} {event_words(event)}"
        case Hear(Said(sender, message)):
            assert isinstance(message, model.Message)
            return f"deliver {sender} -> {node} {message_words(message)}"
        case FlushOne():
            return f"flush {node}"
        case Restart(keep):
            return f"crash {node} keep {keep}"
        case Wait():
            return f"node {node} waits"
        case Make():
            return f"create {node}"
        case Lose():
            return f"lose {node}"
        case _:
            assert_never(happening)

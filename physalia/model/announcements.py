"""What a step says it was: an action of the step table, or a stutter of a declared kind."""

from typing import Literal, TypeAlias

from physalia.model.effects import Effect
from physalia.model.value import value

ActionName: TypeAlias = Literal[
    "issue",
    "prepare",
    "promise",
    "propose",
    "vote",
    "decide",
    "learn",
    "flush",
    "crash",
    "consult",
    "echo",
    "serve",
    "truncate",
    "install",
    "settle",
    "create",
    "erase",
    "lose",
]
StutterKind: TypeAlias = Literal[
    "recorded", "resent", "ignored", "refused", "rejected", "peeked", "stopped", "restarted"
]


@value
class Action:
    """An action of the step table, with its arguments in the table's order; ballots and values are the code's own.

    `issue`, `flush`, `crash`, `create` and `lose` happen to a node, so the world that does them announces them; a
    node the others.
    """

    name: ActionName
    arguments: tuple[object, ...]


@value
class Stutter:
    """A step that leaves the state of the step table as it was. `restarted` too is announced by the world.

    `reason` is a sentence for people; only a node that `stopped` has one.
    """

    kind: StutterKind
    reason: str = ""


Announcement: TypeAlias = Action | Stutter


@value
class Step:
    """What one event did, and what is to be carried out because of it."""

    announces: Announcement
    effects: tuple[Effect, ...]

"""The stutters that every role uses, and what a step is made of."""

from collections.abc import Iterable, Sequence

from physalia.model import Asked, Effect, Message, NodeId, Reason, Reject, Send, Step, Stutter

IGNORED = Step(Stutter("ignored"), ())
RECORDED = Step(Stutter("recorded"), ())


def resent(effects: Sequence[Effect]) -> Step:
    """Bytes that were sent before are sent again; without any, the step is ignored."""
    return Step(Stutter("resent"), tuple(effects)) if effects else IGNORED


def rejected(command: Asked, reason: Reason) -> Step:
    """Nothing is done about the command here and now."""
    return Step(Stutter("rejected"), (Reject(command.request, reason),))


def sends(recipients: Iterable[NodeId], message: Message) -> list[Effect]:
    """The message to each recipient, by rising id: the order of effects must not depend on that of a set."""
    return [Send(node, message) for node in sorted(recipients)]

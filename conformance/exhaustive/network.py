"""The network, the clients and what was said to them, as a set that only grows: a bit for each thing said.

A message that is lost is one that nobody receives, a duplicate is one that is received twice, and every order is
allowed, so that the set of everything ever said is all that there is to know of a network.
"""

from attrs import define, field

from conformance.exhaustive.events import Happening, Hear
from conformance.exhaustive.scopes import Scope
from conformance.exhaustive.translation import NOBODY, TO_WHOEVER_ASKS, Said, Translation, Written
from conformance.refutation import Refuted
from physalia import model
from physalia.model import NodeId
from physalia.wire import CodecError, decode_message, encode_message
from spec.service import reads


@define
class Sent:
    """Everything that was ever said in a scope, each with its bit, in the order in which it was first said.

    `masks[n]` are the bits that matter to node `n`: what it may receive, what it said itself, what clients asked for
    and were told.
    """

    scope: Scope
    translation: Translation
    first_bit: int
    said: list[Said] = field(factory=list)
    written: list[Written | None] = field(factory=list)
    bit_of: dict[Said, int] = field(factory=dict)
    of_sender: dict[tuple[NodeId, object], list[Said]] = field(factory=dict)
    masks: dict[NodeId, int] = field(factory=dict)
    inboxes: dict[NodeId, list[tuple[int, Happening]]] = field(factory=dict)
    """What a node may receive, with its bits."""

    def __attrs_post_init__(self) -> None:
        for node in self.scope.machine.nodes:
            self.masks[node] = 0
            self.inboxes[node] = []

    def bit(self, said: Said) -> int:
        """The bit of something said, which is new the first time. A message goes through the codec then."""
        if said not in self.bit_of:
            self._add(said)
        return self.bit_of[said]

    def _add(self, said: Said) -> None:
        bit = 1 << (self.first_bit + len(self.said))
        written = self.translation.written(said)
        arrives = _through_codec(said)
        self.bit_of[said] = bit
        self.said.append(said)
        self.written.append(written)
        self.of_sender.setdefault((said.sender, said.message), []).append(said)
        receivers = self._receivers(said)
        for node in self.scope.machine.nodes:
            if node in receivers:
                self.inboxes[node].append((bit, Hear(arrives)))
            if node in receivers or said.sender in (node, NOBODY):
                self.masks[node] |= bit

    def _receivers(self, said: Said) -> frozenset[NodeId]:
        """Whom a message may reach: all that the network does, within the bounds of the model."""
        machine, message = self.scope.machine, said.message
        everyone = frozenset(machine.nodes)
        if not said.to <= everyone:
            raise Refuted(f"node {said.sender} sends to a node that there is not", (str(said),))
        reached = said.to | machine.strays
        match message:
            case model.Prepare(ballot) | model.Proposal(ballot=ballot):
                return reached & machine.audience[self.translation.ballot(ballot)]
            case model.Decision():
                return machine.learners - {said.sender}
            case model.Round(ballot):
                return said.to & machine.audience[self.translation.ballot(ballot)]
            case model.Answer() | reads.Round() | reads.Answer():
                return frozenset()
            case model.Submit():
                return everyone
            case _:
                return reached

    def was_said(self, mask: int, said: Said) -> bool:
        """Whether the message went to all these nodes before, in one step or several; or the client was told that."""
        before = [one for one in self.of_sender.get((said.sender, said.message), ()) if mask & self.bit_of[one]]
        return bool(before) and said.to <= TO_WHOEVER_ASKS.union(*(one.to for one in before))


def _through_codec(said: Said) -> Said:
    if isinstance(said.message, model.Answer | model.Submit | reads.Round | reads.Answer):
        return said
    try:
        heard = decode_message(encode_message(said.message))
    except CodecError as error:
        raise Refuted(f"the codec refuses what node {said.sender} sends: {error}", (str(said.message),)) from error
    if heard != said.message:
        raise Refuted("the codec gives back another message than it was given", (f"- {said.message}", f"+ {heard}"))
    return said._replace(message=heard)

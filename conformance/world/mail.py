"""What goes between the nodes of a world as bytes: sealed and opened by the codec, and held to the law of effects."""

from attrs import Factory, define

from conformance.refutation import Refuted
from conformance.wording import message_words
from conformance.world.outcomes import Packet
from physalia.model import Echo, Envelope, Message, NodeId, Origin, Prepare, Promise, Proposal, Round, Send, Vote
from physalia.model.value import evolve
from physalia.wire import CodecError, decode_envelope, decode_message, encode_envelope, encode_message

CELL, LIFE = 1, 2
"""The cell of every world, and its life: there was one before."""


def origin_of(node: NodeId) -> Origin:
    """Who a node of a world is."""
    return Origin(CELL, LIFE, node)


def haunted(envelope: Envelope, another: str, incarnation: int) -> Envelope:
    """The same message as it was said in another cell, in an earlier life, or to an earlier incarnation."""
    origin = envelope.origin
    match another:
        case "cell":
            envelope = evolve(envelope, origin=evolve(origin, cell=CELL + 1))
        case "life":
            envelope = evolve(envelope, origin=evolve(origin, life=LIFE - 1))
        case _:
            envelope = evolve(envelope, to=incarnation)
    return decode_envelope(encode_envelope(envelope))


def names_its_sender(message: Message) -> bool:
    """Whether the message says who sent it, so that a forged one is seen."""
    return isinstance(message, Prepare | Promise | Proposal | Vote | Round | Echo)


@define
class Mail:
    """The codec, which has no memory: so the same bytes are decoded once."""

    _decoded: dict[bytes, Message] = Factory(dict)
    _opened: dict[bytes, Envelope] = Factory(dict)

    def open(self, packet: Packet) -> Envelope:
        """The envelope of a packet."""
        if packet.envelope not in self._opened:
            self._opened[packet.envelope] = decode_envelope(packet.envelope)
        return self._opened[packet.envelope]

    def decode(self, data: bytes) -> Message:
        """The message of these bytes."""
        if data not in self._decoded:
            self._decoded[data] = decode_message(data)
        return self._decoded[data]

    def seal(self, sender: NodeId, effect: Send, envelope: Envelope, previous: Packet | None) -> Packet:
        """A packet for the network, with the bytes of the one before if it says the same.

        Raises `Refuted` for what cannot be encoded, or is decoded as something else.
        """
        receiver, message = effect.to, effect.message
        if previous is not None and previous.message is message:
            return Packet(sender, receiver, previous.data, message, encode_envelope(envelope))
        try:
            data = encode_message(message)
            heard = self.decode(data)
        except Exception as error:
            raise Refuted(f"node {sender} sends what cannot be encoded: {said(error)}", (str(message),)) from error
        if heard != message:
            raise Refuted("the codec gives back another message than it was given", (f"- {message}", f"+ {heard}"))
        return Packet(sender, receiver, data, message, encode_envelope(envelope))


def hold_law(node: NodeId, message: Message | None, unsafe: str) -> None:
    """Raise `Refuted` if what a node lets out, an answer if no message, depends on what is not durable."""
    if unsafe:
        raise Refuted(
            f"node {node} lets something out before what it depends on is durable: {unsafe}",
            (f"sends: {'an answer' if message is None else message_words(message)}",),
        )


def said(error: Exception) -> str:
    """What an encoder complained of, with its kind if it is none of the codec's own complaints."""
    return str(error) if isinstance(error, CodecError) else f"{type(error).__name__}: {error}"

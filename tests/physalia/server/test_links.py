"""What leaves for another server: together what leaves together, and so that a server of an older version hears it."""

from collections.abc import Iterable

import pytest
from attrs import Factory, define

from physalia.model import Ask, Bundle, Carry, Command, Decision, Envelope, Execute, Origin, Traffic, Unread, Write
from physalia.model.ids import RequestId
from physalia.server.links import MOST_TOGETHER_BYTES, Leaving, Links
from physalia.transport import BUNDLES_SINCE, SPOKEN
from physalia.transport.limits import MAX_WHOLE_BYTES
from physalia.wire import decode_traffic
from physalia.wire.limits import MAX_BUNDLED


@define(eq=False)
class Wire:
    """A connection whose other end is the test."""

    version: int = SPOKEN.newest
    has_room: bool = True
    sent: list[bytes] = Factory(list)

    def send(self, message: bytes) -> bool:
        if self.has_room:
            self.sent.append(message)
        return self.has_room

    @property
    def said(self) -> list[Traffic]:
        return [decode_traffic(message) for message in self.sent]


def links(wire: Wire) -> Links:
    made = Links(lambda _: None)
    made._links[2] = Leaving(wire, lambda: None)  # type: ignore[arg-type]
    return made


def envelope(slot: int, value: Command | None = None) -> Envelope:
    return Envelope(Origin(1, 2, 3), 4, Ask(slot) if value is None else Decision(slot, value))


def carry(made: Links, envelopes: Iterable[Envelope]) -> None:
    for each in envelopes:
        made.carry(2, each)
    made.send_all()


def test_what_leaves_in_one_turn_is_one_message_in_its_order() -> None:
    wire = Wire()
    made = links(wire)
    carry(made, map(envelope, range(5)))
    assert wire.said == [Bundle(tuple(map(envelope, range(5))))]
    made.send_all()
    assert len(wire.sent) == 1


def test_a_server_of_the_first_version_gets_one_message_for_each() -> None:
    wire = Wire(version=BUNDLES_SINCE - 1)
    carry(links(wire), map(envelope, range(3)))
    assert wire.said == [Carry(envelope(slot)) for slot in range(3)]


@pytest.mark.parametrize("text", ["", "x" * 250])
def test_a_bundle_travels_whole_and_is_never_too_many(text: str) -> None:
    wire = Wire()
    value = Write(RequestId(text, 1), 0, text, text)
    sent = [envelope(slot, value) for slot in range(1, 3 * MAX_BUNDLED)]
    carry(links(wire), sent)
    assert max(map(len, wire.sent)) <= MAX_WHOLE_BYTES
    assert [each for said in wire.said if isinstance(said, Bundle) for each in said.envelopes] == sent


def test_a_message_that_is_longer_than_a_bundle_leaves_alone() -> None:
    wire = Wire()
    long = Envelope(Origin(1, 2, 3), 4, Decision(1, _long()))
    carry(links(wire), [envelope(1), long, envelope(2)])
    assert [len(said.envelopes) for said in wire.said if isinstance(said, Bundle)] == [1, 1, 1]
    assert max(map(len, wire.sent)) > MOST_TOGETHER_BYTES


def _long() -> Command:
    return Execute(RequestId("c", 1), 1, Unread(bytes(2 * MOST_TOGETHER_BYTES)))


def test_what_has_no_room_or_no_connection_is_counted() -> None:
    made = links(Wire(has_room=False))
    carry(made, map(envelope, range(3)))
    made.carry(9, envelope(1))
    assert made.dropped == 4


def test_what_cannot_be_said_at_all_takes_nothing_along() -> None:
    wire = Wire()
    made = links(wire)
    carry(made, [envelope(1), envelope(-1), envelope(2)])
    assert [each for said in wire.said if isinstance(said, Bundle) for each in said.envelopes] == [
        envelope(1),
        envelope(2),
    ]
    assert made.dropped == 1

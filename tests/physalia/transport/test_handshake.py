"""Who does not know a key is not heard, and what was recorded elsewhere means nothing."""

from itertools import pairwise

import pytest

from physalia.transport import CLIENT, SPOKEN, Answerer, Dialer, Key, KeyRing, Party, Refused, Session, Versions
from physalia.transport.handshake import CONFIRMATION_BYTES, HELLO_BYTES, WELCOME_BYTES
from tests.physalia.transport.pairs import ANN, BOB, CLIENTS, RING, SERVERS, open_pair, pair, refusal, said

NONCE, OTHER = b"n" * 32, b"o" * 32
PAIR = frozenset((1, 2))


@pytest.mark.parametrize("own", [ANN, CLIENT])
def test_both_ends_agree(own: Party) -> None:
    made = open_pair(own=own)
    dialer, answerer = made.dialer.agreed, made.answerer.agreed
    assert dialer is not None
    assert answerer is not None
    assert (dialer.version, dialer.to_server, dialer.to_dialer) == (
        SPOKEN.newest,
        answerer.to_server,
        answerer.to_dialer,
    )
    assert dialer.to_server != dialer.to_dialer


def test_byte_by_byte_it_is_the_same() -> None:
    made = pair()
    for one in said(made.dialer):
        assert made.answerer.receive(bytes([one])) == []
    for one in said(made.answerer):
        made.dialer.receive(bytes([one]))
    assert made.answerer.peer is None
    for one in said(made.dialer):
        made.answerer.receive(bytes([one]))
    assert made.answerer.peer == ANN


def test_every_bit_of_every_part_counts() -> None:
    """There is no byte of the handshake that may be another one."""
    hello = said(pair().dialer)
    assert len(hello) == HELLO_BYTES
    for bit in range(8 * HELLO_BYTES):
        assert refusal(pair().answerer, flipped(hello, bit)), f"bit {bit} of the hello"
    made = pair()
    made.answerer.receive(hello)
    welcome = said(made.answerer)
    assert len(welcome) == WELCOME_BYTES
    for bit in range(8 * WELCOME_BYTES):
        assert refusal(pair().dialer, flipped(welcome, bit)), f"bit {bit} of the welcome"
    dialer = pair().dialer
    said(dialer)
    dialer.receive(welcome)
    confirmation = said(dialer)
    assert len(confirmation) == CONFIRMATION_BYTES
    for bit in range(8 * CONFIRMATION_BYTES):
        answerer = pair().answerer
        answerer.receive(hello)
        assert refusal(answerer, flipped(confirmation, bit)) == "mac", f"bit {bit} of the confirmation"
        assert answerer.peer is None


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_recorded_handshake_leads_nowhere() -> None:
    """The server has another nonce each time, and after a restart too."""
    made = pair(seed=1)
    hello = said(made.dialer)
    made.answerer.receive(hello)
    made.dialer.receive(said(made.answerer))
    confirmation = said(made.dialer)
    restarted = pair(seed=2).answerer
    restarted.receive(hello)
    assert refusal(restarted, confirmation) == "mac"


def test_a_recorded_welcome_is_not_the_answer_to_another_hello() -> None:
    made = pair(seed=1)
    made.answerer.receive(said(made.dialer))
    other = pair(seed=2).dialer
    said(other)
    assert refusal(other, said(made.answerer)) == "mac"


def test_an_end_that_hears_itself_does_not_believe_it() -> None:
    mirror = Dialer(RING, CLIENT, BOB.number, NONCE)
    session = Session(Answerer(RING, BOB.number, OTHER))
    session.receive(mirror.hello)
    welcome = said(session)
    assert refusal(session, welcome[:CONFIRMATION_BYTES]) == "mac"
    assert refusal(Session(Dialer(RING, CLIENT, BOB.number, NONCE)), mirror.hello) == "mac"


@pytest.mark.parametrize(
    ("ring", "own", "kind"),
    [
        (KeyRing([Key(9, "server", b"s" * 32, PAIR)]), ANN, "key"),
        (KeyRing([Key(1, "server", b"x" * 32, PAIR)]), ANN, "mac"),
        (KeyRing([Key(2, "server", b"c" * 32, PAIR)]), ANN, "role"),
        (KeyRing([Key(1, "client", b"s" * 32)]), CLIENT, "role"),
    ],
)
def test_who_has_not_the_right_key_is_refused(ring: KeyRing, own: Party, kind: str) -> None:
    """A client's key makes nobody a server, nor the other way round."""
    made = pair(own=own, ring=ring)
    assert refusal(made.answerer, said(made.dialer)) == kind
    assert said(made.answerer) == b""


def test_without_a_key_nobody_dials() -> None:
    with pytest.raises(Refused, match="key"):
        Dialer(KeyRing([CLIENTS]), ANN, BOB.number, NONCE)


def test_who_wants_another_server_is_not_served() -> None:
    wrong = Session(Dialer(RING, CLIENT, 3, NONCE))
    assert refusal(pair().answerer, said(wrong)) == "server"
    anybody = Session(Dialer(RING, CLIENT, 0, NONCE))
    assert refusal(pair().answerer, said(anybody)) == ""


def test_a_server_that_is_another_one_is_not_believed() -> None:
    """It has the key, and says that it is server 3: a wrong address in somebody's configuration."""
    dialer = Dialer(RING, CLIENT, 0, NONCE)
    welcome = Answerer(RING, 3, OTHER).welcome(dialer.hello)
    strict = Dialer(RING, CLIENT, 0, NONCE)
    strict._to = 2
    assert refusal(Session(strict), welcome) == "server"


@pytest.mark.parametrize("claimed", [3, 4, 2**63])
def test_a_key_of_two_servers_makes_its_holder_no_other_server(claimed: int) -> None:
    """Server 1 has the key of servers 1 and 2, and uses it as if it were that of another one."""
    ring = KeyRing([Key(SERVERS.id, "server", SERVERS.secret, frozenset((claimed, 2)))])
    hello = Dialer(ring, Party("server", claimed), 2, NONCE).hello
    with pytest.raises(Refused, match="server"):
        Answerer(RING, 2, OTHER).welcome(hello)


def test_a_key_of_two_servers_is_believed_by_no_third() -> None:
    """Even if it got into the third one's file."""
    hello = Dialer(KeyRing([Key(1, "server", b"s" * 32, frozenset((1, 3)))]), ANN, 3, NONCE).hello
    with pytest.raises(Refused, match="server"):
        Answerer(RING, 3, OTHER).welcome(hello)


def test_a_key_of_servers_that_names_none_is_nobodys() -> None:
    nobodys = Key(1, "server", b"s" * 32)
    with pytest.raises(Refused, match="key"):
        Dialer(KeyRing([nobodys]), ANN, BOB.number, NONCE)
    with pytest.raises(Refused, match="server"):
        Answerer(KeyRing([nobodys]), BOB.number, OTHER).welcome(Dialer(RING, ANN, BOB.number, NONCE).hello)


class TestVersions:
    """The highest that both speak, and no connection without one."""

    @pytest.mark.parametrize(
        ("mine", "yours", "spoken"),
        [((1, 1), (1, 1), 1), ((1, 3), (2, 4), 3), ((2, 2), (1, 9), 2), ((3, 5), (1, 3), 3)],
    )
    def test_the_highest_is_spoken(self, mine: tuple[int, int], yours: tuple[int, int], spoken: int) -> None:
        dialer = Dialer(RING, ANN, BOB.number, NONCE, Versions(*mine))
        answerer = Answerer(RING, BOB.number, OTHER, Versions(*yours))
        confirmation, agreed = dialer.answer(answerer.welcome(dialer.hello))
        assert answerer.confirmed(confirmation).version == agreed.version == spoken

    @pytest.mark.parametrize(("mine", "yours"), [((2, 3), (1, 1)), ((1, 1), (2, 2)), ((3, 2), (1, 4))])
    def test_an_unknown_one_is_refused(self, mine: tuple[int, int], yours: tuple[int, int]) -> None:
        hello = Dialer(RING, ANN, BOB.number, NONCE, Versions(*mine)).hello
        with pytest.raises(Refused, match="version"):
            Answerer(RING, BOB.number, OTHER, Versions(*yours)).welcome(hello)

    def test_a_server_that_speaks_what_was_not_offered_is_refused(self) -> None:
        dialer = Dialer(RING, ANN, BOB.number, NONCE, Versions(1, 2))
        welcome = Answerer(RING, BOB.number, OTHER, Versions(1, 2)).welcome(dialer.hello)
        dialer._versions = Versions(1, 1)
        with pytest.raises(Refused, match="version"):
            dialer.answer(welcome)


def test_a_key_is_replaced_in_three_steps() -> None:
    """At every step each pair of old and new files speaks."""
    new = Key(7, "server", b"n" * 32, frozenset((1, 2)))
    steps = [KeyRing([SERVERS]), KeyRing([SERVERS, new]), KeyRing([new, SERVERS]), KeyRing([new])]
    for earlier, later in pairwise(steps):
        for dials, answers in ((earlier, later), (later, earlier)):
            made = pair(ring=dials, answering=answers)
            assert refusal(made.answerer, said(made.dialer)) == ""
    made = pair(ring=steps[0], answering=steps[3])
    assert refusal(made.answerer, said(made.dialer)) == "key"

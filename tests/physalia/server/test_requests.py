"""Who asked is told once, under its own number, and never about somebody else's command."""

import pytest
from attrs import Factory, define

from physalia.cell import Node
from physalia.journal import NodeKey
from physalia.model import (
    Answer,
    Decline,
    Found,
    Look,
    NoOp,
    Read,
    Reject,
    Reply,
    Request,
    RequestId,
    Scan,
    ScannedAt,
    Seen,
    Token,
    Traffic,
    Verdict,
    Volume,
    Write,
)
from physalia.model.value import evolve
from physalia.server.looks import needs_round
from physalia.server.requests import Requests
from physalia.wire import decode_verdict, encode_command

KEY, OTHER_KEY = NodeKey(1, 7, 11), NodeKey(2, 7, 11)
COMMAND = Write(RequestId("ann", 1), 3, "a", "b")
RECORD = Volume(3, "a", "b")
VERDICT = Verdict(True, RECORD)


@define(eq=False)
class Ear:
    heard: list[Traffic] = Factory(list)

    def say(self, said: Traffic) -> None:
        self.heard.append(said)


def asked(number: int = 1, command: Read | Write = COMMAND) -> Request:
    return Request(number, 1, encode_command(command))


def named(number: int) -> Write:
    return evolve(COMMAND, request=RequestId("ann", number))


def test_the_verdict_goes_to_who_asked_under_its_number() -> None:
    requests, ear = Requests(), Ear()
    assert requests.take(ear, asked(5), KEY) == COMMAND
    assert ear.heard == []
    requests.tell(Answer(COMMAND.request, VERDICT), "elsewhere")
    (reply,) = ear.heard
    assert isinstance(reply, Reply)
    assert (reply.number, decode_verdict(reply.verdict)) == (5, VERDICT)
    requests.tell(Answer(COMMAND.request, VERDICT), "")
    assert len(ear.heard) == 1
    assert len(requests) == 0


def test_a_rejection_says_where_to_go() -> None:
    requests, ear = Requests(), Ear()
    requests.take(ear, asked(5), KEY)
    requests.tell(Reject(COMMAND.request, "not the proposer"), "127.0.0.1:7")
    assert ear.heard == [Decline(5, "not the proposer", "127.0.0.1:7")]


def test_a_later_attempt_takes_the_place_of_the_earlier_one() -> None:
    """The client counts the earlier one as uncertain: only one is told."""
    requests, first, second = Requests(), Ear(), Ear()
    requests.take(first, asked(1), KEY)
    assert requests.take(second, asked(9), KEY) == COMMAND
    requests.tell(Answer(COMMAND.request, VERDICT), "")
    assert first.heard == []
    assert [said.number for said in second.heard if isinstance(said, Reply)] == [9]


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_one_name_for_two_commands_is_declined(key: NodeKey) -> None:
    """Otherwise one client could be told the verdict on what another one asked."""
    requests, ann, bob = Requests(), Ear(), Ear()
    requests.take(ann, asked(1), KEY)
    command = evolve(COMMAND, primary="x") if key == KEY else COMMAND
    assert requests.take(bob, asked(2, command), key) is None
    assert bob.heard == [Decline(2, "busy", "")]
    requests.tell(Answer(COMMAND.request, VERDICT), "")
    assert len(ann.heard) == 1


@pytest.mark.parametrize("command", [b"", b"\xc1", encode_command(NoOp())])
def test_what_is_no_command_is_declined(command: bytes) -> None:
    requests, ear = Requests(), Ear()
    assert requests.take(ear, Request(4, 1, command), KEY) is None
    assert ear.heard == [Decline(4, "malformed", "")]


def test_so_many_may_wait_and_no_more() -> None:
    requests, ear, other = Requests(most_of_one=2), Ear(), Ear()
    commands = [named(number) for number in range(3)]
    assert requests.take(ear, asked(0, commands[0]), KEY)
    assert requests.take(ear, asked(1, commands[1]), KEY)
    assert requests.take(ear, asked(2, commands[2]), KEY) is None
    assert ear.heard == [Decline(2, "busy", "")]
    assert requests.take(ear, asked(3, commands[1]), KEY)  # again what waits already
    assert requests.take(other, asked(2, commands[2]), KEY)
    requests.tell(Answer(commands[0].request, VERDICT), "")
    assert requests.take(ear, asked(4, named(9)), KEY)


def test_who_is_closed_takes_on_nothing_new() -> None:
    requests, ear = Requests(), Ear()
    requests.take(ear, asked(1), KEY)
    requests.is_closed = True
    assert requests.take(ear, asked(2), KEY) == COMMAND
    assert requests.take(ear, asked(3, named(2)), KEY) is None
    assert ear.heard == [Decline(3, "draining", "")]
    requests.tell(Answer(COMMAND.request, VERDICT), "")
    assert len(ear.heard) == 2


def test_who_left_is_told_nothing_and_leaves_nothing() -> None:
    requests, ear = Requests(), Ear()
    requests.take(ear, asked(), KEY)
    requests.gone(ear)
    requests.gone(ear)
    requests.tell(Answer(COMMAND.request, VERDICT), "")
    assert ear.heard == []
    assert len(requests) == 0
    assert requests.whose(COMMAND.request) is None


NODE = Node(11, {11, 12, 13}, 3)
"""It knows of no slot yet."""


def look(number: int) -> Look:
    return Look(number, 1, 0, ("a",), is_strict=True)


def test_a_read_is_shown_when_its_round_is_over_and_under_its_number() -> None:
    requests, ear = Requests(), Ear()
    first = requests.take_read(ear, look(5), KEY)
    second = requests.take_read(ear, Scan(5, 1, 0, "", 10, None, is_strict=True), KEY)
    assert first is not None
    assert second is not None
    assert first != second, "a round must not answer a later read that looks alike"
    assert ear.heard == []
    requests.found(Found(first, 0, RECORD), NODE)
    requests.found(Found(second, 0, RECORD), NODE)
    assert [type(said) for said in ear.heard] == [Seen, ScannedAt]
    requests.found(Found(first, 0, RECORD), NODE)
    assert len(ear.heard) == 2
    assert len(requests) == 0


@pytest.mark.parametrize(("node", "why"), [(NODE, "behind"), (None, "unknown cell")])
def test_a_node_that_began_anew_since_shows_no_older_state_than_the_round(node: Node | None, why: str) -> None:
    requests, ear = Requests(), Ear()
    request = requests.take_read(ear, look(5), KEY)
    assert request is not None
    requests.found(Found(request, 1, RECORD), node)
    assert ear.heard == [Decline(5, why, "")]  # type: ignore[arg-type]


def test_a_read_is_rejected_as_a_command_is() -> None:
    requests, ear = Requests(), Ear()
    request = requests.take_read(ear, look(5), KEY)
    assert request is not None
    requests.tell(Reject(request, "not the proposer"), "127.0.0.1:7")
    assert ear.heard == [Decline(5, "not the proposer", "127.0.0.1:7")]
    requests.is_closed = True
    assert requests.take_read(ear, look(6), KEY) is None
    assert ear.heard[1:] == [Decline(6, "draining", "")]


def test_reads_that_nobody_answers_make_room_and_commands_do_not() -> None:
    """A client that gave a read up does not say so: it asks again, under another number."""
    requests, ear = Requests(most_of_one=3), Ear()
    names = [requests.take_read(ear, look(number), KEY) for number in range(5)]
    assert None not in names
    assert len(requests) == 3
    requests.take(ear, asked(9), KEY)
    assert len(requests) == 3
    assert ear.heard == []
    requests.take(ear, asked(10, named(2)), KEY)
    requests.take(ear, asked(11, named(3)), KEY)
    assert ear.heard == []
    assert requests.take_read(ear, look(12), KEY) is None, "only commands wait, which may be done yet"
    assert ear.heard == [Decline(12, "busy", "")]
    requests.gone(ear)
    assert len(requests) == 0


def test_a_read_of_the_record_is_a_round_as_well_whatever_its_client_calls_it() -> None:
    """Two rounds for one name, since the answer to the first attempt may be older than the second."""
    requests, ear, read = Requests(most_of_one=2), Ear(), Read(RequestId("ann", 1))
    first, second = (requests.take(ear, asked(number, read), KEY) for number in (5, 6))
    assert isinstance(first, Read)
    assert isinstance(second, Read)
    assert len({read.request, first.request, second.request}) == 3
    assert ear.heard == []
    requests.found(Found(second.request, 4, RECORD), NODE)
    (reply,) = ear.heard
    assert isinstance(reply, Reply)
    assert (reply.number, decode_verdict(reply.verdict)) == (6, VERDICT)
    requests.tell(Reject(first.request, "not the proposer"), "")
    assert ear.heard[1:] == [Decline(5, "not the proposer", "")]
    names = [requests.take(ear, asked(number, read), KEY) for number in (7, 8, 9)]
    assert None not in names, "what nobody answers makes room"
    requests.is_closed = True
    assert requests.take(ear, asked(10, read), KEY) is None
    assert ear.heard[2:] == [Decline(10, "draining", "")]


def test_only_the_first_page_of_a_strict_scan_needs_a_round() -> None:
    def scan(page: Token | None, *, is_strict: bool) -> Scan:
        return Scan(1, 1, 0, "", 10, page, is_strict)

    assert needs_round(look(1))
    assert needs_round(scan(None, is_strict=True))
    assert not needs_round(scan(Token(1, "a"), is_strict=True))
    assert not needs_round(scan(None, is_strict=False))
    assert not needs_round(Look(1, 1, 0, ("a",), is_strict=False))

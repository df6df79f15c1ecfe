"""Ballots, commands and messages in words: one line each, readable, and read back without loss.

A command's words hold everything that is in it, so they are also its name in the specification's state: two commands
have one name only if they are equal.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import assert_never
from urllib.parse import quote, unquote

from conformance.plain import built, plain, read_word, word
from physalia.model import (
    NO_BALLOT,
    Ask,
    Ballot,
    Campaign,
    Change,
    Chunk,
    Command,
    Consult,
    Decide,
    Decision,
    Echo,
    Erase,
    Execute,
    HowFar,
    Inquire,
    Install,
    Learn,
    Learned,
    Leave,
    Message,
    NoOp,
    Peek,
    Prepare,
    Promise,
    Proposal,
    Propose,
    Query,
    Read,
    Receive,
    Refusal,
    Report,
    RequestId,
    Round,
    Serve,
    Submit,
    Take,
    Tick,
    Truncate,
    Vote,
    Write,
)
from physalia.wire import decode_message, encode_message

NO_OP_NAME = "noop"


class UnreadableWords(ValueError):
    """These words describe nothing; the message says where reading stopped."""


@lru_cache(maxsize=4096)
def command_words(command: Command) -> str:
    """The command in one word, such as ``write(c1#2,0,b,c)``: request, expected version, primary, replica."""
    match command:
        case Write(request, expects, primary, replica):
            return f"write({request_words(request)},{expects},{_quoted(primary)},{_quoted(replica)})"
        case Read(request):
            return f"read({request_words(request)})"
        case Change(request, expects, members):
            return f"change({request_words(request)},{expects},{'+'.join(map(str, sorted(members)))})"
        case NoOp():
            return NO_OP_NAME
        case Execute(request, version, body):
            return f"execute({request_words(request)},{version},{word(plain(body))})"
        case _:
            assert_never(command)


def read_command(name: str) -> Command:
    """The command that ``command_words`` wrote."""
    if name == NO_OP_NAME:
        return NoOp()
    if (found := re.fullmatch(r"execute\(([^#,]*)#(\d+),(\d+),(.*)\)", name)) is not None:
        client, number, version, body = found.groups()
        return Execute(RequestId(unquote(client), int(number)), int(version), built(read_word(body)))
    found = re.fullmatch(r"(write|read|change)\(([^#,]*)#(\d+)((?:,[^,]*)*)\)", name)
    if found is None:
        raise UnreadableWords(f"{name!r} is no command")
    kind, client, number, rest = found.groups()
    request = RequestId(unquote(client), int(number))
    match kind, rest.split(",")[1:]:
        case "write", [expects, primary, replica]:
            return Write(request, int(expects), unquote(primary), unquote(replica))
        case "read", []:
            return Read(request)
        case "change", [expects, members]:
            return Change(request, int(expects), frozenset(map(int, members.split("+"))))
        case _:
            raise UnreadableWords(f"{name!r} is no command")


def ballot_words(ballot: Ballot) -> str:
    """The ballot as ``2.1``: round 2 of node 1; 0 is none."""
    return "0" if ballot == NO_BALLOT else f"{ballot.round}.{ballot.node}"


def read_ballot(word: str) -> Ballot:
    """The ballot that ``ballot_words`` wrote."""
    if word == "0":
        return NO_BALLOT
    found = re.fullmatch(r"(\d+)\.(\d+)", word)
    if found is None:
        raise UnreadableWords(f"{word!r} is no ballot")
    return Ballot(int(found[1]), int(found[2]))


def message_words(message: Message) -> str:  # noqa: PLR0912  # one case a message
    """The message in words, such as ``vote 2.1 slot 1 node 3``."""
    match message:
        case Prepare(ballot, prefix):
            return f"prepare {ballot_words(ballot)} prefix {prefix}"
        case Promise(ballot, node, accepted, floor):
            reports = "".join(f" {report_words(report)}" for report in accepted)
            return f"promise {ballot_words(ballot)} node {node} floor {floor} accepted{reports or ' nothing'}"
        case Proposal(ballot, slot, value):
            return f"proposal {ballot_words(ballot)} slot {slot} {command_words(value)}"
        case Vote(ballot, slot, node):
            return f"vote {ballot_words(ballot)} slot {slot} node {node}"
        case Decision(slot, value):
            return f"decision slot {slot} {command_words(value)}"
        case Round(ballot, read):
            return f"round {ballot_words(ballot)} read {read}"
        case Echo(ballot, nonce, node):
            return f"echo {ballot_words(ballot)} nonce {nonce} node {node}"
        case Ask(prefix):
            return f"ask prefix {prefix}"
        case Chunk():
            return f"chunk {message.slot} from {message.first} {encode_message(message).hex()}"
        case Take(slot, rows):
            return f"take {slot} rows {rows}"
        case HowFar():
            return "how far"
        case Learned(slot):
            return f"learned {slot}"
        case Refusal(ballot, promised):
            return f"refusal {ballot_words(ballot)} promised {ballot_words(promised)}"
        case _:
            assert_never(message)


def report_words(report: Report) -> str:
    """Part of a promise as ``1:2.1:noop``: slot, ballot, value."""
    return f"{report.slot}:{ballot_words(report.ballot)}:{command_words(report.value)}"


def event_words(event: object) -> str:  # noqa: PLR0912  # one case an event
    """An event of a node in words. What is no event is told as Python tells it."""
    match event:
        case Submit(command):
            return f"submit {command_words(command)}"
        case Query() | Peek() | Consult() | Serve():
            return _reading_words(event)
        case Campaign(ballot):
            return f"campaign {ballot_words(ballot)}"
        case Propose(Ballot() as ballot, slot, Write() | Read() | Change() | NoOp() | Execute() as value):
            return f"propose {ballot_words(ballot)} slot {slot} {command_words(value)}"
        case Decide(Ballot() as ballot, slot):
            return f"decide {ballot_words(ballot)} slot {slot}"
        case Learn(slot):
            return f"learn slot {slot}"
        case Truncate(slot):
            return f"truncate slot {slot}"
        case Inquire(nodes):
            return " ".join(("inquire", *map(str, sorted(nodes))))
        case Leave():
            return "leave"
        case Erase(slot):
            return f"erase slot {slot}"
        case Install(teacher, slot):
            return f"install from {teacher} slot {slot}"
        case Receive(sender, message):
            return f"receive from {sender} {message_words(message)}"
        case Tick(now_ms):
            return f"tick at {now_ms} ms"
        case None:
            return "crash"
        case _:
            return str(event)


def _reading_words(event: Query | Peek | Consult | Serve) -> str:
    match event:
        case Query(request):
            return f"query {request_words(request)}"
        case Peek(request, token):
            return f"peek {request_words(request)} token {token}"
        case Consult(ballot, read):
            return f"consult {ballot_words(ballot)} read {read}"
        case Serve(ballot, read):
            return f"serve {ballot_words(ballot)} read {read}"


def read_message(words: list[str]) -> Message:  # noqa: PLR0912  # one case a message
    """The message that ``message_words`` wrote, split at its spaces."""
    match words:
        case ["prepare", ballot, "prefix", prefix]:
            return Prepare(read_ballot(ballot), int(prefix))
        case ["promise", ballot, "node", node, "floor", floor, "accepted", *reports]:
            return Promise(read_ballot(ballot), int(node), tuple(_read_reports(reports)), int(floor))
        case ["proposal", ballot, "slot", slot, value]:
            return Proposal(read_ballot(ballot), int(slot), read_command(value))
        case ["vote", ballot, "slot", slot, "node", node]:
            return Vote(read_ballot(ballot), int(slot), int(node))
        case ["decision", "slot", slot, value]:
            return Decision(int(slot), read_command(value))
        case ["round", ballot, "read", read]:
            return Round(read_ballot(ballot), int(read))
        case ["echo", ballot, "nonce", nonce, "node", node]:
            return Echo(read_ballot(ballot), int(nonce), int(node))
        case ["ask", "prefix", prefix]:
            return Ask(int(prefix))
        case ["chunk", _, "from", _, data]:
            return _read_chunk(data)
        case ["take", slot, "rows", rows]:
            return Take(int(slot), int(rows))
        case ["how", "far"]:
            return HowFar()
        case ["learned", slot]:
            return Learned(int(slot))
        case ["refusal", ballot, "promised", promised]:
            return Refusal(read_ballot(ballot), read_ballot(promised))
        case _:
            raise UnreadableWords(f"{' '.join(words)!r} is no message")


def _read_chunk(data: str) -> Message:
    try:
        message = decode_message(bytes.fromhex(data))
    except ValueError as error:
        raise UnreadableWords(f"{data!r} is no chunk of a snapshot") from error
    if not isinstance(message, Chunk):
        raise UnreadableWords(f"{data!r} is no chunk of a snapshot")
    return message


def _read_reports(words: list[str]) -> Iterator[Report]:
    for report in words if words != ["nothing"] else ():
        slot, ballot, value = report.split(":", 2)
        yield Report(int(slot), read_ballot(ballot), read_command(value))


def request_words(request: RequestId) -> str:
    """The request in one word, such as ``c1#2``: client and number."""
    return f"{_quoted(request.client)}#{request.number}"


def read_request(word: str) -> RequestId:
    """The request that ``request_words`` wrote."""
    client, mark, number = word.rpartition("#")
    if not mark or not number.isdecimal():
        raise UnreadableWords(f"{word!r} is no request")
    return RequestId(unquote(client), int(number))


def _quoted(text: str) -> str:
    return quote(text, safe="")

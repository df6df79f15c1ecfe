"""Steps that are written short, as a server does while it serves, and the lines that they stand for (docs/traces.md).

A server writes what a node was given, and what it says that it did, as the values that these are in the code: a list of
a name and fields. Here that is taken apart, in the words of a trace. What is said twice must be the same twice.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec

from physalia import model
from physalia.tracing.words import name_of
from physalia.wire import CodecError, encode_command
from physalia.wire.limits import MAX_NATURAL

Natural = Annotated[int, msgspec.Meta(ge=0, le=MAX_NATURAL)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MAX_NATURAL)]


class Short(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A step, written short. `given` is the message or the command that called for it, if any did."""

    n: Positive
    seq: Positive
    step: model.Action | model.Stutter
    waits: bool
    given: model.Receive | model.Submit | None
    told: str | Natural | None = None
    """The checksum of an answer, or the slot after which somebody read."""


SHORT: Final = b"["
"""How a line begins that is written short."""
FIELDS: Final = Short.__struct_fields__
_decode: Final = msgspec.json.Decoder(Short).decode

SAID: Final[dict[type, Callable[[Any], tuple[object, ...]]]] = {
    model.Prepare: lambda said: (said.ballot, said.prefix),
    model.Promise: lambda said: (
        said.ballot,
        said.node,
        [[each.slot, [*each.ballot], name_of(each.value)] for each in said.accepted],
        said.floor,
    ),
    model.Proposal: lambda said: (said.ballot, said.slot, name_of(said.value)),
    model.Vote: lambda said: (said.ballot, said.slot, said.node),
    model.Decision: lambda said: (said.slot, name_of(said.value)),
    model.Round: lambda said: (said.ballot, said.read),
    model.Echo: lambda said: (said.ballot, said.nonce, said.node),
    model.Ask: lambda said: (said.prefix,),
    model.Chunk: lambda said: (said.slot,),
    model.Take: lambda said: (said.slot,),
    model.Refusal: lambda said: (said.ballot, said.promised),
    model.HowFar: lambda _said: (),
    model.Learned: lambda said: (said.slot,),
}
"""A message by its class: what the specification reads of it."""

REPEATED: Final = {"promise": 1, "vote": 2, "echo": 2, "settle": 0}
"""Actions that a message calls for: after the node, they are of so many parts of the message."""


class IllFormed(ValueError):
    """A line says two things of one, or tells of no command; `field` is where, and the message is told after it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def refuse_twice(text: bytes) -> None:
    """Raise `IllFormed` for an object, as a line that is spelled out is one, in which a name stands twice.

    One of two values would be believed, and not everybody believes the same. What is told of the line otherwise is
    told before.
    """
    json.loads(text, object_pairs_hook=_once, parse_int=len)


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise IllFormed(twice, "this field stands there twice")


def spelled_out(text: bytes, nodes: Mapping[int, int]) -> dict[str, Any]:
    """The fields of the line that a short one stands for; `nodes` are those that have begun, by their numbers.

    Raises `msgspec.DecodeError` and `IllFormed`.
    """
    short = _decode(text)
    step, given = short.step, short.given
    did = step.name if isinstance(step, model.Action) else step.kind
    line: dict[str, Any] = {"n": short.n, "seq": short.seq, "did": did}
    if short.waits:
        line["waits"] = True
    if short.told is not None:
        line["told" if isinstance(short.told, str) else "slot"] = short.told
    said: list[Any] | None = None
    match given:
        case model.Receive(sender, message):
            said = [type(message).__name__.lower(), *_plain(SAID[type(message)](message))]
            line |= {"from": sender, "said": said}
        case model.Submit(command):
            line |= {"asks": name_of(command), "command": _bytes_of(command).hex()}
    if isinstance(step, model.Action):
        args = list(step.arguments)
        if step.name == "propose" and args:
            args[-1] = name_of(_command_of(args[-1]))
        if said is None or did not in REPEATED:
            line["args"] = args
        elif args != (again := [nodes.get(short.n), *said[1 : 1 + REPEATED[did]]]):
            raise IllFormed("step", f"what called for {did} makes it one of {again}, and it says that it is of {args}")
    return line


def objects(texts: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The lines of a whole file as objects, where those that are written short are spelled out."""
    nodes: dict[int, int] = {}
    for text in texts:
        line: dict[str, Any] = spelled_out(text, nodes) if text.startswith(SHORT) else msgspec.json.decode(text)
        if line.get("did") == "start":
            nodes[line["n"]] = line["node"]
        yield line


def _plain(parts: Iterable[object]) -> list[object]:
    return [[*part] if isinstance(part, tuple) else part for part in parts]


def _bytes_of(command: model.Asked) -> bytes:
    try:
        return encode_command(command)
    except CodecError as error:
        raise IllFormed("command", f"this is no command ({error})") from None


def _command_of(given: object) -> model.Command:
    try:
        command: model.Command = msgspec.convert(given, model.Command)
    except msgspec.ValidationError as error:
        raise IllFormed("args[2]", f"this is no command ({error})") from None
    return command

"""``physalia kv``: the database of a cell, from a command line."""

import asyncio
import base64
import json as jsons
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.colony.reaching import FOLDER, At, Deadline, Folder, KeysFile, client
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.client import Item, Partition
    from physalia.model import Condition, Operation

T = TypeVar("T")

app = typer.Typer(help="The database of a cell.", no_args_is_help=True, rich_markup_mode=None)

SCHEMA_VERSION = 1
_DONE, _NOT_DONE, _UNKNOWN = 0, 1, 3
_MOST_CHARACTERS = 1 << 22
"""So much of a transaction is read; what is cut off there is no JSON."""
_INTEGER = re.compile(r"\s*[+-]?\d+(?:_\d+)*\s*")
_MOST_SHOWN = 60
_EXIT_CODES = (
    "Exit code 0: done; 1: not done, since a condition does not hold or nothing is there; 2: it cannot be asked for, "
    "or not be done to what is there; 3: nobody knows whether it was done; 4: not done, since nobody could be asked."
)

PartitionKey = Annotated[str, typer.Argument(metavar="PARTITION", help="A partition key; digits are a cell's number.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="A key in it.")]
IfVersion = Annotated[int | None, typer.Option("--if-version", min=0, help="Only if the key is of this version.")]
IfValue = Annotated[str | None, typer.Option("--if-value", help="Only if this, of the type of --type, is there.")]


class Kind(StrEnum):
    """What a value is."""

    BYTES = "bytes"
    INTEGER = "integer"
    BOOLEAN = "boolean"


ValueType = Annotated[Kind, typer.Option("--type", help="What values on the command line are.")]


@app.command(epilog=_EXIT_CODES)
def get(
    partition: PartitionKey,
    key: Key,
    eventual: Annotated[bool, typer.Option("--eventual", help="As any node knows it: it may be old.")] = False,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """Print what is under a key."""

    async def work(part: "Partition") -> "Item | None":
        return await part.get(key, "eventual" if eventual else "strict")

    code, item = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if code == _DONE:
        _print_items([] if item is None else [item], json)
        return _NOT_DONE if item is None else _DONE
    return code


@app.command(epilog=_EXIT_CODES)
def put(
    partition: PartitionKey,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value; bytes are those of its UTF-8.")],
    type_: ValueType = Kind.BYTES,
    if_version: IfVersion = None,
    if_value: IfValue = None,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """Put a value under a key."""
    conditions = _conditions(key, type_, if_version, if_value)
    new = _value(type_, value)

    async def work(part: "Partition") -> "Item":
        return await part.put(key, new, if_=conditions)

    code, item = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if item is not None:
        _print_items([item], json)
    return code


@app.command(epilog=_EXIT_CODES)
def incr(
    partition: PartitionKey,
    key: Key,
    by: Annotated[str, typer.Argument(metavar="[BY]", help="How much to add.")] = "1",
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """Add to the integer under a key, which must be there."""
    amount = _value(Kind.INTEGER, by)
    assert isinstance(amount, int)

    async def work(part: "Partition") -> "Item":
        return await part.increment(key, amount)

    code, item = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if item is not None:
        _print_items([item], json)
    return code


@app.command("del", epilog=_EXIT_CODES)
def del_(
    partition: PartitionKey,
    key: Key,
    type_: ValueType = Kind.BYTES,
    if_version: IfVersion = None,
    if_value: IfValue = None,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """Leave nothing under a key."""
    conditions = _conditions(key, type_, if_version, if_value)

    async def work(part: "Partition") -> bool:
        await part.delete(key, if_=conditions)
        return True

    code, is_done = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if is_done:
        _print_items([], json)
    return code


@app.command(epilog=_EXIT_CODES)
def scan(
    partition: PartitionKey,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="How the keys begin.")] = "",
    eventual: Annotated[bool, typer.Option("--eventual", help="As any node knows them: they may be old.")] = False,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """Print all items whose keys begin so, as they were at one moment."""

    async def work(part: "Partition") -> "list[Item]":
        return [item async for item in part.scan(prefix, consistency="eventual" if eventual else "strict")]

    code, items = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if items is not None:
        _print_items(items, json)
    return code


@app.command(epilog=_EXIT_CODES)
def txn(
    partition: PartitionKey,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The transaction as JSON; standard input if none.")
    ] = None,
    folder: Folder = FOLDER,
    at: At = None,
    keys: KeysFile = None,
    deadline_s: Deadline = 10.0,
    json: Json = False,
) -> int:
    """If all conditions hold, then these operations, else those: {"if": [..], "then": [..], "else": [..]}.

    Conditions: ["equals", KEY, VALUE], ["exists", KEY], ["absent", KEY], ["version", KEY, N], ["type", KEY, TYPE],
    ["compare", KEY, "<", VALUE]. Operations: ["put", KEY, VALUE], ["delete", KEY], ["add", KEY, N], ["get", KEY]. A
    VALUE is a text (its UTF-8), an integer, true or false, or {"base64": TEXT}.
    """
    from physalia.cli.colony.transactions import conditions_of, operations_of, parts_of  # noqa: PLC0415

    plain = parts_of(_read(file))
    if_, then, else_ = conditions_of(plain["if"]), operations_of(plain["then"]), operations_of(plain["else"])

    async def work(part: "Partition") -> "tuple[bool, tuple[Item | None, ...]]":
        outcome = await part.transact(if_=if_, then=then, else_=else_)
        return outcome.succeeded, outcome.results

    code, told = _ask(partition, client(folder, at, keys, deadline_s), work, json)
    if told is None:
        return code
    succeeded, results = told
    operations: list[Operation] = list(then if succeeded else else_)
    if json:
        shown = [None if item is None else _plain(item) for item in results]
        print_json({"schema_version": SCHEMA_VERSION, "succeeded": succeeded, "results": shown})
    else:
        say("the conditions hold" if succeeded else "a condition does not hold")
        for operation, item in zip(operations, results, strict=True):
            say(f"{operation.key}: nothing" if item is None else _line(item))
    return _DONE if succeeded else _NOT_DONE


def _ask(name: str, reached: Any, work: "Callable[[Partition], Awaitable[T]]", json: bool) -> tuple[int, T | None]:
    """The exit code, and the answer if there is one. That it was not done, or that nobody knows, is printed here."""
    from physalia import errors  # noqa: PLC0415

    async def main() -> T:
        async with reached:
            return await work(reached.partition(int(name) if name.isascii() and name.isdigit() else name))

    try:
        return _DONE, asyncio.run(main())
    except errors.ConditionFailed as failed:
        _print_failure("not done", failed, json)
        return _NOT_DONE, None
    except errors.OutcomeUnknown as unknown:
        _print_failure("unknown", unknown, json)
        return _UNKNOWN, None
    except (errors.LimitExceeded, errors.InvalidRequest, ValueError) as wrong:
        raise BadInput(f"{wrong}".rstrip(".") + ": nothing was done.") from None
    except errors.PhysaliaError as failed:
        raise CannotRun(f"{failed}".rstrip(".") + ".") from None


def _print_failure(kind: str, error: Exception, json: bool) -> None:
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "failure": kind, "why": str(error)})
    else:
        say(f"{kind}: {error}")


def _conditions(key: str, type_: Kind, version: int | None, value: str | None) -> "list[Condition]":
    from physalia.model import Equals, HasVersion  # noqa: PLC0415

    found: list[Condition] = [] if version is None else [HasVersion(key, version)]
    return found if value is None else [*found, Equals(key, _value(type_, value))]


def _value(type_: Kind, text: str) -> bytes | int | bool:
    if type_ is Kind.BYTES:
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode(errors="surrogateescape")  # bytes that are no UTF-8, as the shell gave them
    if type_ is Kind.BOOLEAN:
        if text not in ("true", "false"):
            raise BadInput(f"{text!r} is no boolean: expected true or false.")
        return text == "true"
    from conformance.histories.history import integer  # noqa: PLC0415

    if not _INTEGER.fullmatch(text):
        raise BadInput(
            f"{text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + '...'!r} is no integer: expected digits."
        )
    try:
        return integer(text.strip().replace("_", ""))  # of any size: Python's own reader stops at 4,300 digits
    except ValueError as error:
        raise BadInput(f"the value is more than the store takes: {error}.") from None


def _read(file: Path | None) -> object:
    from conformance.histories.history import integer  # noqa: PLC0415

    try:
        with nullcontext(sys.stdin) if file is None else file.open(encoding="utf-8") as stream:
            text = stream.read(_MOST_CHARACTERS)
        return jsons.loads(text, parse_int=integer, object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{file or 'standard input'} is no transaction in JSON: {error}.") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, whose second part of a name would else take the place of the first in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has one name twice")
    return found


def _print_items(items: "list[Item]", json: bool) -> None:
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "items": [_plain(item) for item in items]})
    else:
        say(*(_line(item) for item in items))


def _line(item: "Item") -> str:
    value = item.value
    if isinstance(value, bytes):
        shown = value.decode(errors="backslashreplace")
    else:
        shown = str(value).lower() if isinstance(value, bool) else _digits(value)
    return f"{item.key}: {shown} (version {item.version})"


def _plain(item: "Item") -> dict[str, Any]:
    value = item.value
    kind = {bytes: "bytes", bool: "boolean", int: "integer"}[type(value)]
    told: dict[str, Any] = {"key": item.key, "type": kind, "version": item.version}
    if isinstance(value, bytes):
        try:
            return {**told, "value": value.decode()}
        except UnicodeDecodeError:
            return {**told, "base64": base64.b64encode(value).decode("ascii")}
    return {**told, "value": _digits(value) if kind == "integer" and abs(value) > MOST_EXACT else value}


MOST_EXACT = 2**53
"""Integers beyond are texts in JSON: most readers of JSON would round them."""


def _digits(number: int) -> str:
    """A decimal, however long: Python refuses to write one of more than 4300 digits, unless in pieces."""
    if abs(number) < 10**4000:
        return str(number)
    return hex(number)

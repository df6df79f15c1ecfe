"""Topologies as JSON files: flat lists of objects, described by ``docs/topology.schema.json``.

Reading is strict: an unknown key, a wrong type or a contradiction is one sentence that names file and object. Writing
is deterministic, and what was written reads back as an equal topology.
"""

import gc
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import evolve

from physalia import outputs
from physalia.placement.errors import BadTopology
from physalia.placement.site.topology import (
    Cell,
    DeviceKind,
    Link,
    Power,
    PowerKind,
    Rack,
    Server,
    Switch,
    Tier,
    Topology,
    link_name,
)
from physalia.placement.site.validity import build

SCHEMA_VERSION: Final = 1


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What all entries share: strict reading, defaults left out in writing."""


class _Power(_Entry):
    name: str
    kind: PowerKind
    supplies: tuple[str, ...] = ()


class _Rack(_Entry):
    name: str
    row: str
    supplies: tuple[str, ...]


class _Switch(_Entry):
    name: str
    tier: Tier
    rack: str | None = None
    supplies: tuple[str, ...] = ()


class _Link(_Entry):
    ends: tuple[str, str]
    name: str | None = None


class _Server(_Entry):
    name: str
    rack: str
    switches: tuple[str, ...]
    color: str
    capacity: int
    nodes: int = 0
    drained: bool = False


class _Cell(_Entry):
    name: str
    servers: tuple[str, ...]
    instance: str | None = None
    primary: str | None = None
    replica: str | None = None


class _Probability(_Entry):
    kinds: dict[DeviceKind, float] = {}
    devices: dict[str, float] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema_version: int
    name: str
    rows: tuple[str, ...]
    power: tuple[_Power, ...]
    racks: tuple[_Rack, ...]
    switches: tuple[_Switch, ...]
    links: tuple[_Link, ...]
    servers: tuple[_Server, ...]
    cells: tuple[_Cell, ...] | msgspec.UnsetType = msgspec.UNSET
    failure_probability: _Probability | msgspec.UnsetType = msgspec.UNSET


def read(path: Path) -> Topology:
    """The topology of a JSON file; BadTopology, in one sentence that names file and object, if it is not one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadTopology(f"{path}: the topology cannot be read: {error.strerror}.") from error
    return loads(content, str(path))


def write(topology: Topology, path: Path) -> None:
    """Write the topology to a file; BadTopology if the file cannot be written."""
    try:
        outputs.write({path: dumps(topology)})
    except OSError as error:
        raise BadTopology(f"{path}: the topology cannot be written: {error.strerror}.") from error


def loads(content: bytes, where: str) -> Topology:
    """The topology that JSON bytes state; ``where`` names them in complaints."""
    with _no_collection():
        try:
            file = msgspec.json.decode(content, type=_File)
        except msgspec.ValidationError as error:
            raise BadTopology(f"{where}: {_complaint(content, str(error))}.") from error
        except (ValueError, RecursionError) as error:
            raise BadTopology(f"{where}: this is not JSON: {error}.") from error
        if content.count(b'":') != _keys(file) or _SPACED.search(content):
            try:
                json.loads(content, object_pairs_hook=_once)
            except BadTopology as error:
                raise BadTopology(f"{where}: {error}") from error
        if file.schema_version != SCHEMA_VERSION:
            version = file.schema_version
            raise BadTopology(f"{where}: schema_version is {version}; this program reads version {SCHEMA_VERSION}.")
        try:
            return evolve(_topology(file), file=where, file_digest=hashlib.sha256(content).hexdigest())
        except BadTopology as error:
            raise BadTopology(f"{where}: {error}") from error


def dumps(topology: Topology) -> bytes:
    """The topology as JSON, one object a line; the same topology always gives the same bytes."""
    lists = _lists(topology)
    head = [
        f'"schema_version": {SCHEMA_VERSION}',
        f'"name": {_text(topology.name)}',
        f'"rows": {_text(topology.rows)}',
    ]
    bodies = []
    for key, entries in lists.items():
        lines = ",\n".join(map(_text, entries))
        bodies.append(f'"{key}": [\n{lines}\n]' if lines else f'"{key}": []')
    told = _Probability(kinds=dict(topology.probability), devices=dict(topology.device_probability))
    return ("{\n" + ",\n".join([*head, *bodies, f'"failure_probability": {_text(told)}']) + "\n}\n").encode()


def digest(topology: Topology) -> str:
    """The SHA-256, in hexadecimal, of the file that the topology was read from, or that it would be written to."""
    return topology.file_digest or hashlib.sha256(dumps(topology)).hexdigest()


def to_document(topology: Topology) -> dict[str, Any]:
    """The topology as plain data, what a file that ``write`` makes holds."""
    document: dict[str, Any] = json.loads(dumps(topology))
    return document


_SPACED = re.compile(rb'"[ \t\r\n]+:')
"""A quotation mark and a colon with space between, as before the value of a key that is written so."""


def _keys(file: _File) -> int:
    """How many keys a file needs to state this. If `":` stands in it no more often, none is there twice.

    For it stands behind every key, but where there is space between; twice behind one that is there twice. It may stand
    elsewhere too, in a name or behind a key that states what would hold without it: then every object is looked at.
    """
    told = file.failure_probability or _Probability()
    unset = (file.cells, file.failure_probability).count(msgspec.UNSET)
    return (
        len(_File.__struct_fields__)
        - unset
        + sum(bool(one) + len(one) for one in (told.kinds, told.devices))
        + sum(2 + bool(one.supplies) for one in file.power)
        + 3 * len(file.racks)
        + sum(2 + (one.rack is not None) + bool(one.supplies) for one in file.switches)
        + sum(1 + (one.name is not None) for one in file.links)
        + sum(5 + (one.nodes != 0) + one.drained for one in file.servers)
        + sum(5 - (one.instance, one.primary, one.replica).count(None) for one in file.cells or ())
    )


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that has a key twice: whoever reads the other of the two values reads another topology."""
    if len({key for key, _ in pairs}) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        name = next((f" ({value})" for key, value in pairs if key == "name" and isinstance(value, str)), "")
        raise BadTopology(f"an object{name} has the key {twice} twice; leave one of them out.")


def _topology(file: _File) -> Topology:
    told = file.failure_probability or _Probability()
    return build(
        name=file.name,
        rows=file.rows,
        powers=[Power(one.name, one.kind, one.supplies) for one in file.power],
        racks=[Rack(one.name, one.row, one.supplies) for one in file.racks],
        switches=[Switch(one.name, one.tier, one.rack, one.supplies) for one in file.switches],
        links=[Link(link_name(*one.ends) if one.name is None else one.name, one.ends) for one in file.links],
        servers=[
            Server(one.name, one.rack, one.switches, one.color, one.capacity, one.nodes, one.drained)
            for one in file.servers
        ],
        cells=[Cell(one.name, one.servers, one.instance, one.primary, one.replica) for one in file.cells or ()],
        probability=told.kinds,
        device_probability=told.devices,
    )


def _lists(topology: Topology) -> dict[str, list[Any]]:
    servers = topology.servers.values()
    return {
        "power": [_Power(one.name, one.kind, one.supplies) for one in topology.powers.values()],
        "racks": [_Rack(one.name, one.row, one.supplies) for one in topology.racks.values()],
        "switches": [_Switch(one.name, one.tier, one.rack, one.supplies) for one in topology.switches.values()],
        "links": [
            _Link(one.ends, None if one.name == link_name(*one.ends) else one.name) for one in topology.links.values()
        ],
        "servers": [
            _Server(one.name, one.rack, one.switches, one.color, one.capacity, one.nodes, one.drained)
            for one in servers
        ],
        "cells": [
            _Cell(one.name, one.servers, one.instance, one.primary, one.replica) for one in topology.cells.values()
        ],
    }


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _complaint(content: bytes, problem: str) -> str:
    """What is wrong with the shape of a file, with the name of the entry where it is wrong."""
    what, _, path = problem.partition(" - at `$")
    at = re.match(r"\.(\w+)\[(\d+)\]", path)
    place = path.rstrip("`").lstrip(".")
    if at:
        name = _name_of_entry(content, at[1], int(at[2]))
        rest = path[at.end() :].rstrip("`").lstrip(".")
        place = f"{at[1]}[{at[2]}]{f' ({name})' if isinstance(name, str) else ''}{f', {rest}' if rest else ''}"
    return f"{place}: {what[0].lower()}{what[1:]}" if place else f"{what[0].lower()}{what[1:]}"


def _name_of_entry(content: bytes, part: str, at: int) -> object:
    """What an entry calls itself, if that can be known; only in a complaint is the file decoded twice."""
    try:
        entry = msgspec.json.decode(content)[part][at]
    except (ValueError, RecursionError):  # beside the entry there is something that cannot be read
        return None
    return entry.get("name") if isinstance(entry, dict) else None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector back: it would walk hundreds of thousands of fresh objects, none of them garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

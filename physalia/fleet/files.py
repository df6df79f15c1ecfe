"""Fleets as files: columns for a million (``.npz``), one object a cell for people (``.json``), the same in both.

Servers are numbers in the order of the topology, so a fleet belongs to one topology, and names its SHA-256. What does
not fit it is refused in one sentence that names file and object. ``docs/fleet.schema.json`` describes the JSON form,
where servers go by name; the columns are those of `COLUMNS`.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from physalia import outputs
from physalia.fleet.errors import BadFleet
from physalia.fleet.fleet import Fleet, Servers, must_have_copies_apart
from physalia.fleet.rules import NOBODY
from physalia.fleet.sites import Site
from physalia.placement.site.format import digest

SCHEMA_VERSION: Final = 1
SUFFIXES: Final = (".npz", ".json")
COLUMNS: Final = ("schema_version", "topology", "clients", "cells", "names")
"""The arrays of a ``.npz``: the version, the topology's SHA-256, clients (instance, primary, replica) and cells, a row
for each volume; and the cells' names, if they are not ``cell-1``, ``cell-2`` and so on."""

MOST_BYTES: Final = 4 << 30
"""No array of a file may be larger, whatever a compressed file says."""


class _Cell(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    instance: str
    servers: tuple[str | None, ...]
    primary: str | None = None
    replica: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema_version: int
    topology: str
    cells: list[_Cell]


def write(fleet: Fleet, site: Site, path: Path) -> None:
    """Write a fleet, in the form that the file's name asks for; BadFleet if it asks for none or cannot be written."""
    try:
        outputs.write({path: content(fleet, site, path)})
    except OSError as error:
        raise BadFleet(f"{path}: the fleet cannot be written: {error.strerror}.") from error


def content(fleet: Fleet, site: Site, path: Path) -> bytes:
    """What a fleet's file holds, in the form that its name asks for; BadFleet if it asks for none."""
    must_be_named(path)
    return _as_json(fleet, site) if path.suffix == ".json" else _as_columns(fleet, site)


def read(path: Path, site: Site, cell_size: int) -> Fleet:
    """The fleet of a file, on this site; BadFleet if it is of another topology, or contradicts itself or the site."""
    must_be_named(path)
    try:
        fleet = _from_json(path, site) if path.suffix == ".json" else _from_columns(path, site)
    except OSError as error:
        raise BadFleet(f"{path}: the fleet cannot be read: {error.strerror}.") from error
    _check(fleet, site, path, cell_size)
    return fleet


def must_be_named(path: Path) -> None:
    """BadFleet for a file whose name says of no form which it is."""
    if path.suffix not in SUFFIXES:
        raise BadFleet(f"{path}: a fleet is kept in a file that ends with {' or '.join(SUFFIXES)}.")


def _as_json(fleet: Fleet, site: Site) -> bytes:
    def name(server: int) -> str | None:
        return None if server == NOBODY else site.names[server]

    lines = []
    for at, (clients, servers) in enumerate(zip(fleet.clients.tolist(), fleet.cells.tolist(), strict=True)):
        told = _Cell(
            name=fleet.name(at),
            instance=site.names[clients[0]],
            servers=tuple(map(name, servers)),
            primary=name(clients[1]),
            replica=name(clients[2]),
        )
        lines.append(msgspec.json.encode(told).decode())
    head = f'{{\n"schema_version": {SCHEMA_VERSION},\n"topology": "{digest(site.topology)}",\n"cells": [\n'
    return (head + ",\n".join(lines) + "\n]\n}\n").encode()


def _as_columns(fleet: Fleet, site: Site) -> bytes:
    columns: dict[str, NDArray[Any]] = {
        "schema_version": np.array(SCHEMA_VERSION, dtype=np.int64),
        "topology": np.frombuffer(digest(site.topology).encode(), dtype=np.uint8),
        "clients": fleet.clients.astype(np.int32),
        "cells": fleet.cells.astype(np.int32),
    }
    if fleet.names is not None:
        columns["names"] = np.array(fleet.names, dtype=np.str_)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **columns)
    return file.getvalue()


def _from_json(path: Path, site: Site) -> Fleet:
    text = path.read_bytes()
    try:
        file = msgspec.json.decode(text, type=_File)
        json.loads(text, object_pairs_hook=_once)
    except BadFleet as error:
        raise BadFleet(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise BadFleet(f"{path}: this is no fleet: {str(error)[0].lower()}{str(error)[1:]}.") from error
    except (ValueError, RecursionError) as error:
        raise BadFleet(f"{path}: this is not JSON: {error}.") from error
    _check_head(path, site, file.schema_version, file.topology)

    def number(cell: str, what: str, name: str | None) -> int:
        if name is None:
            return NOBODY
        if name not in site.number:
            raise BadFleet(f"{path}: {cell}: {what} {name}: {site.topology.where} has no such server.")
        return site.number[name]

    sizes = {len(one.servers) for one in file.cells}
    if len(sizes) > 1:
        raise BadFleet(
            f"{path}: the cells have {' and '.join(map(str, sorted(sizes)))} servers; all have the same number."
        )
    clients = [
        [number(one.name, "instance", one.instance), number(one.name, "primary", one.primary),
         number(one.name, "replica", one.replica)]
        for one in file.cells
    ]  # fmt: skip
    cells = [[number(one.name, "server", server) for server in one.servers] for one in file.cells]
    names = tuple(one.name for one in file.cells)
    if names == tuple(f"cell-{at}" for at in range(1, len(names) + 1)):
        return Fleet(_rows(clients, 3), _rows(cells, max(sizes, default=0)))
    return Fleet(_rows(clients, 3), _rows(cells, max(sizes, default=0)), names)


def _unpacked(path: Path) -> dict[str, Any]:
    """What a file of columns holds, by name. Raises OSError, and BadFleet for what is no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [(one.filename.removesuffix(".npy"), one.file_size) for one in archive.infolist()]
        inside = dict(listed)
        _must_be_columns(inside, path)
        if len(inside) < len(listed):
            _refuse_twice([name for name, _ in listed], path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in inside}
    except (BadFleet, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # zip and numpy raise whatever they stumble over in a damaged file
        raise BadFleet(f"{path}: this is no file of columns: {str(error) or type(error).__name__}.") from error


def _refuse_twice(names: list[str], path: Path) -> NoReturn:
    twice = next(name for at, name in enumerate(names) if name in names[:at])
    raise BadFleet(f"{path}: the column {twice} is there twice; leave one of them out.")


def _must_be_columns(inside: Mapping[str, int], path: Path) -> None:
    """The names and sizes of what a file holds: before anything is unpacked."""
    unknown = sorted(set(inside) - set(COLUMNS))
    if unknown:
        raise BadFleet(f"{path}: there is no column {unknown[0]}; there are {', '.join(COLUMNS)}.")
    missing = [name for name in COLUMNS[:-1] if name not in inside]
    if missing:
        raise BadFleet(f"{path}: the column {missing[0]} is missing.")
    large = next((name for name, size in inside.items() if size > MOST_BYTES), None)
    if large is not None:
        raise BadFleet(f"{path}: the column {large} has more than {MOST_BYTES:,} bytes.")


def _from_columns(path: Path, site: Site) -> Fleet:
    columns = _unpacked(path)
    odd = next((name for name, column in columns.items() if not isinstance(column, np.ndarray)), None)
    if odd is not None:
        raise BadFleet(f"{path}: the column {odd} is no array of numpy.")
    version, topology = columns["schema_version"], columns["topology"]
    if version.shape != () or version.dtype.kind != "i" or topology.dtype != np.uint8 or topology.ndim != 1:
        raise BadFleet(f"{path}: schema_version must be one number, and topology a SHA-256 as bytes.")
    _check_head(path, site, int(version), topology.tobytes().decode("ascii", "replace"))
    for name in ("clients", "cells"):
        if columns[name].dtype != np.int32 or columns[name].ndim != 2:  # noqa: PLR2004  # rows and columns
            raise BadFleet(f"{path}: the column {name} must be rows of 32-bit numbers.")
    names = None
    if "names" in columns:
        if columns["names"].dtype.kind != "U" or columns["names"].shape != (len(columns["cells"]),):
            raise BadFleet(f"{path}: the column names must be a text for each cell.")
        names = tuple(columns["names"].tolist())
    return Fleet(columns["clients"], columns["cells"], names)


def _check_head(path: Path, site: Site, version: int, topology: str) -> None:
    if version != SCHEMA_VERSION:
        raise BadFleet(f"{path}: schema_version is {version}; this program reads version {SCHEMA_VERSION}.")
    own = digest(site.topology)
    if topology != own:
        raise BadFleet(
            f"{path}: this fleet is of another topology: its SHA-256 is {topology[:12]}..., "
            f"and that of {site.topology.where} is {own[:12]}...."
        )


def _check(fleet: Fleet, site: Site, path: Path, cell_size: int) -> None:
    """Whether every number means something: servers that exist, distinct in a cell, and cells of the policy's size."""
    if fleet.clients.shape != (len(fleet.cells), 3):
        raise BadFleet(f"{path}: there are {len(fleet.cells):,} cells; clients must be as many rows of three.")
    if len(fleet) and fleet.cells.shape[1] != cell_size:
        raise BadFleet(f"{path}: the cells have {fleet.cells.shape[1]} servers, and the policy asks for {cell_size}.")
    for what, rows, least in (("client", fleet.clients, NOBODY), ("server", fleet.cells, NOBODY)):
        bad = np.flatnonzero(((rows < least) | (rows >= len(site.names))).any(axis=1))
        if len(bad):
            at = int(bad[0])
            number = next(one for one in rows[at].tolist() if not least <= one < len(site.names))
            raise BadFleet(f"{path}: {fleet.name(at)}: there is no {what} number {number}; {site.topology.where} has "
                           f"{len(site.names):,} servers.")  # fmt: skip
    alone = np.flatnonzero(fleet.clients[:, 0] == NOBODY)
    if len(alone):
        raise BadFleet(f"{path}: {fleet.name(int(alone[0]))} has no instance; every volume has one.")
    must_have_copies_apart(fleet, site, str(path))
    in_order = np.sort(fleet.cells, axis=1)
    twice = ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] != NOBODY)).any(axis=1)
    if twice.any():
        at = int(np.flatnonzero(twice)[0])
        server = next(one for one in fleet.cells[at].tolist() if fleet.cells[at].tolist().count(one) > 1)
        raise BadFleet(f"{path}: {fleet.name(at)} has two nodes on server {site.names[server]}.")
    if fleet.names is not None:
        _check_names(fleet.names, path)


def _check_names(names: tuple[str, ...], path: Path) -> None:
    seen = set[str]()
    for name in names:
        if not name or not name.isprintable():
            raise BadFleet(f"{path}: {name!r} is no name of a cell.")
        if name in seen:
            raise BadFleet(f"{path}: two cells are called {name}.")
        seen.add(name)


def _once(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise BadFleet(f"an object has the key {twice} twice; leave one of them out.")


def _rows(values: list[list[int]], width: int) -> Servers:
    return np.array(values, dtype=np.int32).reshape(len(values), width)  # also where there are none

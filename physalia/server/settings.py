"""What a server is told before it starts: a file in TOML, of which the environment may replace single values.

A value `name` at the top of the file is replaced by `PHYSALIA_NAME`, if that is set. Paths are relative to the file.
"""

import difflib
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from attrs import frozen

from physalia.model import CellId, Life, NodeId
from physalia.server.forgetting import LOG_SLOTS
from physalia.transport import SPOKEN, Address
from physalia.wire.limits import MAX_ALPHA, MAX_MEMBERS, MAX_NATURAL

_FROM_ENVIRONMENT = {
    "listen": str,
    "directory": str,
    "keys": str,
    "watch": str,
    "ping_every_s": float,
    "suspect_after_s": float,
    "drain_s": float,
    "cold_after_s": float,
    "log_slots": int,
    "loop": str,
    "record": str,
    "record_most_mib": int,
    "protocol_newest": int,
}
_PREFIX = "PHYSALIA_"
_SLIP = 0.8
"""A name so close to that of a setting is a slip."""
MOST_BYTES = 1 << 26
"""So long settings may be: a hundred thousand cells and more stand in them."""
RECORD_MOST_MIB = 1024
"""How large the trace of one run becomes, unless it is said otherwise."""
LoopName: TypeAlias = Literal["auto", "asyncio", "uvloop"]


class BadSettings(ValueError):
    """The settings cannot be used; the message is a sentence that says where, why, and what to do."""


@frozen
class CellPlan:
    """A cell as it was created: its life, its window, its first members, and the server of every node."""

    cell: CellId
    life: Life
    alpha: int
    nodes: Mapping[NodeId, int]
    members: frozenset[NodeId]


@frozen
class Settings:
    """All of it. A server is suspected when it has answered no ping for `suspect_after_s`.

    A node that did nothing for `cold_after_s` leaves memory.
    """

    server: int
    listen: Address
    directory: Path
    keys: Path
    peers: Mapping[int, Address]
    public: Mapping[int, Address]
    """Where clients reach servers, this one too, where that is elsewhere than peers do."""
    caches: Mapping[int, Address]
    """The caches that this server tells where its cells are, by their numbers."""
    watch: Address | None
    """Where it can be looked at; nowhere, if that is None."""
    cells: tuple[CellPlan, ...]
    ping_every_s: float
    suspect_after_s: float
    drain_s: float
    cold_after_s: float
    log_slots: int
    """So long a node lets its log become before it puts it into a snapshot, in entries."""
    loop: LoopName
    record: Path | None = None
    """The folder of its traces; none is written if that is None."""
    record_most_mib: int = RECORD_MOST_MIB
    protocol_newest: int = SPOKEN.newest
    """It speaks no newer version of the protocol with anybody, as if its software were older."""

    def public_address(self, server: int) -> Address:
        """Where a client reaches this server, or a peer."""
        return self.public.get(server) or (self.listen if server == self.server else self.peers[server])

    def known_address(self, server: int) -> str | None:
        """The same as a text; None for a server that is neither this one nor a peer."""
        is_known = server == self.server or server in self.peers
        return str(self.public_address(server)) if is_known else None


class _Cell(msgspec.Struct, forbid_unknown_fields=True):
    cell: int
    life: int
    nodes: dict[int, int]
    members: list[int] | None = None
    alpha: int = 3


class _File(msgspec.Struct, forbid_unknown_fields=True):
    server: int
    directory: str
    keys: str
    listen: str = "127.0.0.1:7400"
    peers: dict[int, str] = {}
    public: dict[int, str] = {}
    caches: dict[int, str] = {}
    watch: str = ""
    cells: list[_Cell] = []
    ping_every_s: float = 1.0
    suspect_after_s: float = 2.0
    drain_s: float = 5.0
    cold_after_s: float = 60.0
    log_slots: int = LOG_SLOTS
    loop: LoopName = "auto"
    record: str = ""
    record_most_mib: int = RECORD_MOST_MIB
    protocol_newest: int = SPOKEN.newest


def read_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file. Raises `BadSettings`."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        plain = tomllib.loads(data.decode("utf-8")) if len(data) <= MOST_BYTES else None
    except OSError as error:
        raise BadSettings(f"{path} cannot be read ({error.strerror}): name the settings of a server.") from None
    except ValueError as error:
        raise BadSettings(f"{path} is no TOML: {error}.") from None
    except RecursionError:
        raise BadSettings(f"{path} cannot be used: it is nested too deep.") from None
    if plain is None:
        raise BadSettings(f"{path} cannot be used: it has more than {MOST_BYTES} bytes.")
    unknown = next(iter(plain.keys() - set(_File.__struct_fields__)), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown, _File.__struct_fields__, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(_File.__struct_fields__)}."
        raise BadSettings(f"{path} sets {unknown}, which is no setting; {hint}")
    plain |= _overrides(environment)
    try:
        settings = _settings(msgspec.convert(plain, _File, str_keys=True), path.parent)
    except ValueError as error:
        raise BadSettings(f"{path} cannot be used: {error}.") from None
    for fault in _faults(settings):
        raise BadSettings(f"{path} cannot be used: {fault}.")
    return settings


def _overrides(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets instead of the file. Raises `BadSettings`, also for what was meant to and does not."""
    for variable in environment:
        name = variable.removeprefix(_PREFIX).lower()
        if not variable.startswith(_PREFIX) or name in _FROM_ENVIRONMENT:
            continue  # many have other names, and are options of other commands
        if name in _File.__struct_fields__:
            raise BadSettings(f"{variable} is set, and {name} stands in the file alone: unset it.")
        if close := difflib.get_close_matches(name, _FROM_ENVIRONMENT, n=1, cutoff=_SLIP):
            raise BadSettings(f"{variable} is set, and {name} is no setting; did you mean {_PREFIX}{close[0].upper()}?")
    values: dict[str, Any] = {}
    for name, kind in _FROM_ENVIRONMENT.items():
        text = environment.get(variable := f"{_PREFIX}{name.upper()}")
        if text is None:
            continue
        try:
            values[name] = kind(text)
        except ValueError:
            raise BadSettings(f"{variable} must be a number, and is not: set it to one, or unset it.") from None
    return values


def _settings(file: _File, folder: Path) -> Settings:
    cells = (
        CellPlan(one.cell, one.life, one.alpha, one.nodes, frozenset(one.nodes if one.members is None else one.members))
        for one in file.cells
    )
    return Settings(
        server=file.server,
        listen=_address("listen", file.listen),
        directory=_path("directory", folder, file.directory),
        keys=_path("keys", folder, file.keys),
        peers={number: _address(f"peers.{number}", text) for number, text in file.peers.items()},
        public={number: _address(f"public.{number}", text) for number, text in file.public.items()},
        caches={number: _address(f"caches.{number}", text) for number, text in file.caches.items()},
        watch=_address("watch", file.watch) if file.watch else None,
        cells=tuple(cells),
        ping_every_s=file.ping_every_s,
        suspect_after_s=file.suspect_after_s,
        drain_s=file.drain_s,
        cold_after_s=file.cold_after_s,
        log_slots=file.log_slots,
        loop=file.loop,
        record=_path("record", folder, file.record) if file.record else None,
        record_most_mib=file.record_most_mib,
        protocol_newest=file.protocol_newest,
    )


def _address(name: str, text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _path(name: str, folder: Path, text: str) -> Path:
    if "\0" in text:
        raise ValueError(f"{name}: no path has a zero byte")
    return folder / text


def _faults(settings: Settings) -> Iterator[str]:
    """What no type can say."""
    servers = {settings.server, *settings.peers}
    if not all(1 <= number <= MAX_NATURAL for number in servers):
        yield f"a server's number is from 1 to {MAX_NATURAL}"
    yield from _own_faults(settings)
    if strangers := settings.public.keys() - servers:
        yield f"public: server {min(strangers)} is neither this one nor among its peers"
    if both := settings.caches.keys() & servers:
        yield f"caches: {min(both)} is the number of a server too"
    if not all(1 <= number <= MAX_NATURAL for number in settings.caches):
        yield f"a cache's number is from 1 to {MAX_NATURAL}"
    if settings.server in settings.peers:
        yield f"peers: server {settings.server} is this one, and no peer of its own"
    if not 0 < settings.ping_every_s < settings.suspect_after_s:
        yield "suspect_after_s must be longer than ping_every_s, and both longer than nothing"
    if not settings.record_most_mib >= 1:
        yield "record_most_mib is at least 1"
    for name in ("drain_s", "cold_after_s"):
        if not getattr(settings, name) >= 0:
            yield f"{name} must not be negative"
    if settings.log_slots < 1:
        yield "log_slots is at least 1"
    seen: set[CellId] = set()
    for plan in settings.cells:
        yield from (f"cell {plan.cell}: {fault}" for fault in faults_of(plan, servers))
        if plan.cell in seen:
            yield f"cell {plan.cell} stands there twice"
        seen.add(plan.cell)


def _own_faults(settings: Settings) -> Iterator[str]:
    for name, address in (("listen", settings.listen), ("watch", settings.watch)):
        if address is not None and not address.port:
            yield f"{name}: port 0 is a port that nobody knows"
    if not SPOKEN.oldest <= settings.protocol_newest <= SPOKEN.newest:
        yield f"protocol_newest is from {SPOKEN.oldest} to {SPOKEN.newest}"
    if settings.watch == settings.listen:
        yield "watch and listen are the same address"


def faults_of(plan: CellPlan, servers: Collection[int]) -> Iterator[str]:
    """Why there can be no such cell on these servers."""
    if not all(1 <= number <= MAX_NATURAL for number in (plan.cell, plan.life, *plan.nodes)):
        yield f"cells, lives and nodes are numbers from 1 to {MAX_NATURAL}"
    if not 1 <= plan.alpha <= MAX_ALPHA:
        yield f"alpha is from 1 to {MAX_ALPHA}"
    if not 1 <= len(plan.members) <= MAX_MEMBERS:
        yield f"a cell has 1 to {MAX_MEMBERS} members"
    if strangers := plan.members - plan.nodes.keys():
        yield f"node {min(strangers)} is a member, and nodes does not say on which server it lives"
    if homeless := set(plan.nodes.values()) - set(servers):
        yield f"server {min(homeless)} is neither this one nor among its peers"
    if len(set(plan.nodes.values())) < len(plan.nodes):
        yield "two of its nodes live on one server, and would fail together"

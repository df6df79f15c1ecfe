"""The files of a colony: keys, and for each server its settings and its disk. All names are minted at random, once."""

import errno
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import Factory, frozen

from physalia.client import minted
from physalia.colony.ports import free_ports
from physalia.colony.proxy import CLIENTS, Network, Way, read_ways, write_ways
from physalia.discovery import CacheSettings, read_cache_settings
from physalia.server import Settings, create, read_settings
from physalia.transport import Address, KeyFile, Role

KEYS = "keys.toml"
"""The file with which clients come."""
OPERATOR_KEYS = "operator.toml"
"""The file with which an operator comes."""
SECRET_BYTES = 32
_CELLS = "\n[[cells]]\n"
_CONFIGS = "server-*.toml"
FIRST_CACHE = 1001
"""Caches are numbered from here on: no server of a colony has such a number."""


class ColonyExists(ValueError):
    """There is something where a colony was to be made; the message is a sentence."""


class NoColony(ValueError):
    """There is no colony; the message is a sentence."""


@frozen
class Colony:
    """A colony that was laid out, in a folder; `settings` has each of its servers."""

    folder: Path
    settings: dict[int, Settings]
    ways: tuple[Way, ...] = ()
    cache_settings: dict[int, CacheSettings] = Factory(dict)

    @property
    def caches(self) -> list[str]:
        """Where its caches listen."""
        return [str(one.listen) for one in self.cache_settings.values()]

    @property
    def addresses(self) -> list[str]:
        """Where clients reach its servers."""
        return list(self.by_server.values())

    @property
    def by_server(self) -> dict[int, str]:
        """Where clients reach each server."""
        return {number: str(one.public_address(number)) for number, one in self.settings.items()}

    @property
    def network(self) -> Network:
        """The network between its servers and to its clients, if it was laid out with one that can fail."""
        return Network(self.folder, self.ways)

    @property
    def cells(self) -> list[int]:
        """The names of its cells."""
        return sorted({plan.cell for one in self.settings.values() for plan in one.cells})

    @property
    def ring(self) -> KeyFile:
        """The keys of its clients."""
        return KeyFile(self.folder / KEYS)

    @property
    def operator_ring(self) -> KeyFile:
        """The keys of its operator."""
        return KeyFile(self.folder / OPERATOR_KEYS)

    def config(self, server: int) -> Path:
        """The settings of a server."""
        return config_in(self.folder, server)


def config_in(folder: Path, server: int) -> Path:
    """Where the settings of a server stand."""
    return folder / f"server-{server}.toml"


def lay_out(
    folder: Path,
    servers: int = 3,
    cells: int = 1,
    *,
    alpha: int = 3,
    extra: str = "",
    has_network: bool = False,
    caches: int = 0,
    size: int = 0,
) -> Colony:
    """Make a colony on free ports of this machine, with nodes of every cell on `size` servers, or on all if that is 0.

    `extra` are more settings for all of them. With a network of its own, everything that is said goes through one more
    process, which can be told to fail. Raises `ColonyExists` and what making a server raises.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ColonyExists(f"{folder} is not empty: name another directory, or remove what is in it.")
    lay_out_in = partial(
        _lay_out,
        servers=servers,
        cells=cells,
        alpha=alpha,
        extra=extra,
        has_network=has_network,
        caches=caches,
        size=size,
    )
    if folder.exists():  # it may be the folder in which somebody works, or a disk of its own: it stays what it is
        with TemporaryDirectory(prefix="unfinished.", dir=folder) as unfinished:
            lay_out_in(Path(unfinished))
            _move_into(folder, Path(unfinished))
        return load(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as unfinished:
        made = Path(unfinished, "colony")
        made.mkdir(mode=0o700)
        lay_out_in(made)
        try:
            made.rename(folder)  # whatever cuts this short, there is all of a colony, or none
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            raise ColonyExists(_meanwhile(folder)) from None
    return load(folder)


def _move_into(folder: Path, made: Path) -> None:
    """Let all of a colony be in a folder that has nothing else. Raises `ColonyExists`.

    The settings of servers come last: without them there is no colony, whatever cuts this short.
    """
    if any(one != made for one in folder.iterdir()):
        raise ColonyExists(_meanwhile(folder))
    for one in sorted(made.iterdir(), key=lambda one: one.match(_CONFIGS)):
        one.rename(folder / one.name)


def _meanwhile(folder: Path) -> str:
    return f"somebody else put something into {folder} meanwhile: see whether it is a colony, or name another folder."


def _lay_out(
    folder: Path, *, servers: int, cells: int, alpha: int, extra: str, has_network: bool, caches: int, size: int
) -> None:
    numbers = range(1, servers + 1)
    listens_at = _free(2 * servers + caches)
    listen = dict(zip(numbers, listens_at, strict=False))
    cached = {FIRST_CACHE + place: at for place, at in enumerate(listens_at[2 * servers :])}
    _write_keys(folder, [*numbers, *cached])
    for number, address in cached.items():
        _cache_config(folder, number).write_text(
            f'cache = {number}\nlisten = "{address}"\nkeys = "{_keys_of(number)}"\n', encoding="utf-8"
        )
    ways = _ways(listen, listens_at) if has_network else ()
    if ways:
        write_ways(folder, ways)
    listens = {(way.source, way.target): way.listen for way in ways}
    public = {number: listens.get((CLIENTS, number), listen[number]) for number in numbers}
    ring = [*numbers, *numbers]
    homes = {cell: ring[cell % servers : cell % servers + (size or servers)] for cell in range(1, cells + 1)}
    plans = "".join(_cell(cell, sorted(at), alpha) for cell, at in homes.items())
    for number in numbers:
        at = {other: listens.get((number, other), listen[other]) for other in numbers if other != number}
        peers = _table("peers", at) + (_table("public", public) if ways else "")
        peers += _table("caches", cached) if cached else ""
        config_in(folder, number).write_text(
            f'server = {number}\nlisten = "{listen[number]}"\nwatch = "{listens_at[servers + number - 1]}"\n'
            f'directory = "server-{number}"\nkeys = "{_keys_of(number)}"\n'
            f"{extra}\n{peers}{plans}",
            encoding="utf-8",
        )
    for settings in load(folder).settings.values():
        create(settings, are_cells_new=True)


def load(folder: Path) -> Colony:
    """The colony in a folder. Raises `NoColony` and `BadSettings`."""
    configs = sorted(folder.glob(_CONFIGS))
    if not configs:
        raise NoColony(f"there is no colony in {folder}: `physalia colony up` makes one.")
    settings = [read_settings(config, {}) for config in configs]
    try:
        ways = read_ways(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoColony(f"the network in {folder} cannot be read ({error!r}): make the colony anew.") from None
    caches = {one.number: one for one in map(read_cache_settings, sorted(folder.glob("cache-*.toml")))}
    return Colony(folder, {one.server: one for one in sorted(settings, key=lambda one: one.server)}, ways, caches)


def forget_cells(folder: Path, server: int) -> None:
    """Take all cells out of the settings of a server: who lost its disk has none of those that they name (R15)."""
    config = config_in(folder, server)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.partition(_CELLS)[0], encoding="utf-8")


def _cache_config(folder: Path, number: int) -> Path:
    return folder / f"cache-{number}.toml"


def _ways(listen: dict[int, Address], taken: Sequence[Address]) -> tuple[Way, ...]:
    """From every server and from clients to every other server."""
    pairs = [(source, target) for source in (CLIENTS, *listen) for target in listen if source != target]
    ports = _free(len(pairs), taken=taken)
    return tuple(Way(source, target, port, listen[target]) for (source, target), port in zip(pairs, ports, strict=True))


def _table(name: str, addresses: dict[int, Address]) -> str:
    return f"[{name}]\n" + "".join(f'{number} = "{address}"\n' for number, address in addresses.items())


def _write_keys(folder: Path, servers: Sequence[int]) -> None:
    """A key for each pair of servers, which only those two have; one for clients, one for operators."""
    clients, operators = _key(1, "client"), _key(2, "operator")
    pairs = {pair: _key(3 + place, "server", pair) for place, pair in enumerate(combinations(servers, 2))}
    files = {KEYS: clients, OPERATOR_KEYS: operators} | {
        _keys_of(server): clients + operators + "".join(key for pair, key in pairs.items() if server in pair)
        for server in servers
    }
    for name, text in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="utf-8")


def _keys_of(server: int) -> str:
    return f"server-{server}.keys"


def _key(number: int, role: Role, servers: tuple[int, ...] = ()) -> str:
    of = f"servers = {list(servers)}\n" if servers else ""
    return f'[[keys]]\nid = {number}\nrole = "{role}"\n{of}secret = "{secrets.token_hex(SECRET_BYTES)}"\n\n'


def _cell(cell: int, servers: Sequence[int], alpha: int) -> str:
    nodes = ", ".join(f"{minted()} = {server}" for server in servers)
    return f"{_CELLS}cell = {cell}\nlife = {minted()}\nalpha = {alpha}\nnodes = {{ {nodes} }}\n"


def _free(count: int, taken: Iterable[Address] = ()) -> list[Address]:
    """Addresses of this machine at which a server may listen (`ports`)."""
    return [Address("127.0.0.1", port) for port in free_ports(count, {one.port for one in taken})]

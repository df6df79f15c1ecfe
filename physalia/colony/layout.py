"""The files of a colony: keys, and for each server its settings and its disk. All names are minted at random, once."""

import secrets
import socket
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

from attrs import frozen

from physalia.client import minted
from physalia.server import Settings, create, read_settings
from physalia.transport import KeyFile, Role

KEYS = "keys.toml"
"""The file with which clients come."""
OPERATOR_KEYS = "operator.toml"
"""The file with which an operator comes."""
SECRET_BYTES = 32


class ColonyExists(ValueError):
    """There is something where a colony was to be made; the message is a sentence."""


class NoColony(ValueError):
    """There is no colony; the message is a sentence."""


@frozen
class Colony:
    """A colony that was laid out, in a folder; `settings` has each of its servers."""

    folder: Path
    settings: dict[int, Settings]

    @property
    def addresses(self) -> list[str]:
        """Where its servers listen."""
        return [str(one.listen) for one in self.settings.values()]

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


def lay_out(folder: Path, servers: int = 3, cells: int = 1, *, alpha: int = 3, extra: str = "") -> Colony:
    """Make a colony on free ports of this machine, with a node of every cell on every server.

    `extra` are more settings for all of them. Raises `ColonyExists` and what making a server raises.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ColonyExists(f"{folder} is not empty: name another directory, or remove what is in it.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers = range(1, servers + 1)
    _write_keys(folder, numbers)
    listen = dict(zip(numbers, _free_ports(servers), strict=True))
    plans = "".join(_cell(cell, numbers, alpha) for cell in range(1, cells + 1))
    for number in numbers:
        peers = "".join(f'{other} = "{listen[other]}"\n' for other in numbers if other != number)
        config_in(folder, number).write_text(
            f'server = {number}\nlisten = "{listen[number]}"\n'
            f'directory = "server-{number}"\nkeys = "{_keys_of(number)}"\n'
            f"{extra}\n[peers]\n{peers}{plans}",
            encoding="utf-8",
        )
    colony = load(folder)
    for settings in colony.settings.values():
        create(settings)
    return colony


def load(folder: Path) -> Colony:
    """The colony in a folder. Raises `NoColony` and `BadSettings`."""
    configs = sorted(folder.glob("server-*.toml"))
    if not configs:
        raise NoColony(f"there is no colony in {folder}: `physalia colony up` makes one.")
    settings = [read_settings(config, {}) for config in configs]
    return Colony(folder, {one.server: one for one in sorted(settings, key=lambda one: one.server)})


def _write_keys(folder: Path, servers: range) -> None:
    """A key for each pair of servers, which only those two have; one for clients, one for operators."""
    clients, operators = (_key(number, role) for number, role in ((1, "client"), (2, "operator")))
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


def _cell(cell: int, servers: range, alpha: int) -> str:
    nodes = ", ".join(f"{minted()} = {server}" for server in servers)
    return f"\n[[cells]]\ncell = {cell}\nlife = {minted()}\nalpha = {alpha}\nnodes = {{ {nodes} }}\n"


def _free_ports(count: int) -> list[str]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]

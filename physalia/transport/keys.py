"""Who may speak at all: keys that both sides know, each with a number and the kind of party that it is for.

A ring is an ordered list. A party that dials uses the first key that is for its kind; a server that answers takes any
key of its ring. So a key is replaced without a restart of anybody in three steps: put the new one at the end of every
file, then move it to the front of every file, then take the old one out of every file.

A key for servers is that of two of them, and nobody else has it. So whoever proves to know it is one of the two, and
not the one that is asked: nobody else can say to be a server, not even another server. A key for clients is known to
all servers and to whoever is to be one client; clients that do not trust each other have a key each. A key for
operators makes and changes cells.

A file of keys may also name a certificate; then all connections of its party are made with mutual TLS around them.
"""

import os
import stat
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from attrs import field, frozen

from physalia.transport.tls import Tls, read_tls

Role: TypeAlias = Literal["server", "client", "operator"]

PAIR = 2
MIN_SECRET_BYTES = 16
MAX_KEY_ID = 2**32 - 1
MAX_FILE_BYTES = 1 << 20


class BadKeys(ValueError):
    """The file of keys cannot be used; the message is a sentence that names it, says why, and what to do."""


@frozen
class Key:
    """A shared secret. It is never shown. One for servers is for two of them, and for nobody if it names none."""

    id: int
    role: Role
    secret: bytes = field(repr=False)
    servers: frozenset[int] = frozenset()


class KeyRing:
    """The keys that are believed now, in order of preference, and the certificate, if connections are to have one.

    Raises `ValueError` if one number stands for two keys.
    """

    def __init__(self, keys: Iterable[Key], tls: Tls | None = None) -> None:
        self.tls = tls
        self._keys: dict[int, Key] = {}
        for key in keys:
            if key.id in self._keys:
                raise ValueError(f"key {key.id} stands there twice")
            self._keys[key.id] = key

    def find(self, key_id: int) -> Key | None:
        """The key of this number."""
        return self._keys.get(key_id)

    def preferred(self, role: Role) -> Key | None:
        """The key with which a party of this kind introduces itself, unless it is a server."""
        return next((key for key in self._keys.values() if key.role == role), None)

    def between(self, one: int, other: int) -> Key | None:
        """The key with which a server introduces itself to another one."""
        both = frozenset((one, other))
        return next((key for key in self._keys.values() if key.role == "server" and key.servers == both), None)


Ring: TypeAlias = Callable[[], KeyRing]
"""Where to ask for the ring of the moment."""


class KeyFile:
    """A ring in a file, read again whenever the file has changed. `fault` says why the last change was not taken up.

    Raises `BadKeys` if the file is not there, not as it should be, or open to everybody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._seen, self._ring = _read(path)

    def __call__(self) -> KeyRing:
        """The ring of the moment. A file that went bad changes nothing: what was believed before is believed on."""
        try:
            if _stamp(self.path.stat()) != self._seen:
                self._seen, self._ring = _read(self.path)
            self.fault = ""
        except OSError as error:
            self.fault = f"{self.path} cannot be read ({error.strerror})"
        except BadKeys as error:
            self.fault = str(error)
        return self._ring


_Stamp: TypeAlias = tuple[int, int, int, int]


class _KeyRow(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    role: Role
    secret: str
    servers: list[int] = []


class _TlsTable(msgspec.Struct, forbid_unknown_fields=True):
    certificate: str
    private_key: str
    authorities: str


class _KeyTable(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_KeyRow]
    tls: _TlsTable | None = None


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _read(path: Path) -> tuple[_Stamp, KeyRing]:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            _refuse_open_doors(path, status)
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadKeys(f"{path} cannot be read ({error.strerror}): name a file with the keys of this colony.") from None
    if len(data) > MAX_FILE_BYTES:
        raise BadKeys(f"{path} is larger than {MAX_FILE_BYTES} bytes, and is no file of keys.")
    try:
        table = msgspec.convert(tomllib.loads(data.decode("utf-8")), _KeyTable)
        tls = None if table.tls is None else _tls(table.tls, path.parent)
        return _stamp(status), KeyRing((_key(row) for row in table.keys), tls)
    except ValueError as error:  # what TOML, msgspec and the ring raise; none of them quotes a secret
        raise BadKeys(f"{path} is no file of keys: {error}.") from None
    except RecursionError:
        raise BadKeys(f"{path} is no file of keys: it is nested too deep.") from None


def _open_at_once(name: str, flags: int) -> int:
    """Open a file, and wait for nobody: a server that reads its keys again would stand still before a named pipe."""
    return os.open(name, flags | os.O_NONBLOCK)


def _refuse_open_doors(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BadKeys(f"{path} is no file: name a file with the keys of this colony.")
    if status.st_mode & stat.S_IRWXO:
        raise BadKeys(
            f"{path} is open to everybody, and what it says is no secret: make new keys, and `chmod o= {path}`."
        )


def _tls(table: _TlsTable, folder: Path) -> Tls:
    private_key = folder / table.private_key
    try:
        if private_key.stat().st_mode & stat.S_IRWXO:
            raise ValueError(f"tls: {private_key} is open to everybody: make a new one, and `chmod o=` it")
    except OSError as error:
        raise ValueError(f"tls: {private_key} cannot be read ({error.strerror})") from None
    return read_tls(folder / table.certificate, private_key, folder / table.authorities)


def _key(row: _KeyRow) -> Key:
    if not 1 <= row.id <= MAX_KEY_ID:
        raise ValueError(f"a key's id is from 1 to {MAX_KEY_ID}")
    try:
        secret = bytes.fromhex(row.secret)
    except ValueError:
        raise ValueError(f"the secret of key {row.id} is not written in hexadecimal digits") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"the secret of key {row.id} has fewer than {MIN_SECRET_BYTES} bytes")
    servers = frozenset(row.servers)
    if row.role == "server" and (len(row.servers) != PAIR or len(servers) != PAIR or min(servers) < 1):
        raise ValueError(f"key {row.id} is for servers, and must name the two that have it, such as servers = [1, 2]")
    if row.role != "server" and row.servers:
        raise ValueError(f"key {row.id} is for a {row.role}, and names servers all the same")
    return Key(row.id, row.role, secret, servers)

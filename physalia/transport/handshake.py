"""The handshake: both sides prove that they know a key, and agree on keys that only this connection has.

The party that dials says who it is and which key it uses, and brings a nonce; the server answers with a nonce of its
own; the dialer confirms. Each says with a MAC that it knows the key, and the second and third MAC cover everything that
was said before. The keys of the connection are made of all of it, one for each direction. So nothing that was recorded
on another connection, to another server or before a restart means anything here, and nobody has to remember what was
said before: the only memory is the nonce, which is new. A recorded hello that is sent again is answered, since only the
confirmation can tell, and leads nowhere.

The format of the hello stays as it is for ever; what follows may change with the protocol's version, of which the hello
offers a range.
"""

import hmac
import struct
from typing import NamedTuple

from attrs import frozen

from physalia.transport.keys import Key, KeyRing, Role
from physalia.transport.refused import Refused

NONCE_BYTES = 32
MAC_BYTES = 32
_MAGIC = b"PHYSALIA"
_HELLO = struct.Struct(">8sBBIBQQ32s")
_WELCOME = struct.Struct(">8sBQ32s")
HELLO_BYTES = _HELLO.size + MAC_BYTES
WELCOME_BYTES = _WELCOME.size + MAC_BYTES
CONFIRMATION_BYTES = MAC_BYTES
_ROLES: tuple[Role, ...] = ("server", "client", "operator")
"""By their numbers in a hello, which are for ever."""


@frozen
class Party:
    """Who is at an end of a connection: a server with its number, or a client or an operator, whose number is 0."""

    role: Role
    number: int = 0


CLIENT = Party("client")
OPERATOR = Party("operator")


class Versions(NamedTuple):
    """A range of versions of the protocol, both ends included."""

    oldest: int
    newest: int


SPOKEN = Versions(oldest=1, newest=5)
"""What this software speaks.

From version 2 on, servers understand many envelopes in one message (`Bundle`), from version 3 on everybody is told
where a cell has moved, from version 4 on clients are told that too few members of a cell are there, and from version
5 on of which moment a scan is.
"""

BUNDLES_SINCE, MOVES_SINCE, LACKS_SINCE, MOMENTS_SINCE = 2, 3, 4, 5


class Agreed(NamedTuple):
    """What a handshake ends with: who the other is, which version is spoken, and what seals each direction."""

    peer: Party
    version: int
    key: Key
    to_server: bytes
    to_dialer: bytes


class Dialer:
    """The side that dials, and wants to reach server `to`; any server, if that is 0.

    Raises `Refused("key")` if the ring has no key for `own`; a server must say whom it wants to reach.
    """

    def __init__(self, ring: KeyRing, own: Party, to: int, nonce: bytes, versions: Versions = SPOKEN) -> None:
        key = ring.between(own.number, to) if own.role == "server" else ring.preferred(own.role)
        if key is None:
            raise Refused("key")
        self._key, self._to, self._versions = key, to, versions
        said = _HELLO.pack(_MAGIC, *versions, key.id, _ROLES.index(own.role), own.number, to, nonce)
        self.hello = said + _mac(key, b"hello", said)

    def answer(self, welcome: bytes) -> tuple[bytes, Agreed]:
        """The confirmation, for a welcome of `WELCOME_BYTES`. Raises `Refused`."""
        said = welcome[: _WELCOME.size]
        magic, version, number, _ = _WELCOME.unpack(said)
        if magic != _MAGIC:
            raise Refused("garbage")
        if not _is_mac(welcome[_WELCOME.size :], _mac(self._key, b"welcome", self.hello + said)):
            raise Refused("mac")
        if not self._versions.oldest <= version <= self._versions.newest:
            raise Refused("version")
        if self._to not in (0, number):
            raise Refused("server")
        all_said = self.hello + welcome
        return _mac(self._key, b"confirm", all_said), _agreed(self._key, Party("server", number), version, all_said)


class Answerer:
    """The side that answers: server `number`."""

    def __init__(self, ring: KeyRing, number: int, nonce: bytes, versions: Versions = SPOKEN) -> None:
        self._ring, self._number, self._nonce, self._versions = ring, number, nonce, versions
        self._confirmation = b""
        self._agreed: Agreed | None = None

    def welcome(self, hello: bytes) -> bytes:
        """The answer to a hello of `HELLO_BYTES`. Raises `Refused`."""
        said = hello[: _HELLO.size]
        magic, oldest, newest, key_id, role_number, number, to, _ = _HELLO.unpack(said)
        if magic != _MAGIC:
            raise Refused("garbage")
        key = self._ring.find(key_id)
        if key is None:
            raise Refused("key")
        if not _is_mac(hello[_HELLO.size :], _mac(key, b"hello", said)):
            raise Refused("mac")
        version = min(newest, self._versions.newest)
        if version < max(oldest, self._versions.oldest):
            raise Refused("version")
        if role_number >= len(_ROLES) or _ROLES[role_number] != key.role:
            raise Refused("role")
        if to not in (0, self._number) or (key.role == "server" and key.servers != {number, self._number}):
            raise Refused("server")
        answer = _WELCOME.pack(_MAGIC, version, self._number, self._nonce)
        welcome = answer + _mac(key, b"welcome", hello + answer)
        self._agreed = _agreed(key, Party(key.role, number), version, hello + welcome)
        self._confirmation = _mac(key, b"confirm", hello + welcome)
        return welcome

    def confirmed(self, confirmation: bytes) -> Agreed:
        """What was agreed, if the other side is no recording. Raises `Refused`."""
        if self._agreed is None or not _is_mac(confirmation, self._confirmation):
            raise Refused("mac")
        return self._agreed


def _mac(key: Key, label: bytes, data: bytes) -> bytes:
    return hmac.digest(key.secret, b"physalia %s\0" % label + data, "sha256")


def _is_mac(given: bytes, right: bytes) -> bool:
    return hmac.compare_digest(given, right)


def _agreed(key: Key, peer: Party, version: int, said: bytes) -> Agreed:
    return Agreed(peer, version, key, _mac(key, b"to server", said), _mac(key, b"to dialer", said))

"""Mutual TLS: who shows no certificate, or one of somebody else, comes in nowhere; who listens in reads nothing."""

import asyncio
import os
import re
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from physalia.client import AsyncClient
from physalia.colony import Processes, lay_out
from physalia.colony.layout import KEYS
from physalia.transport import Address, BadKeys, KeyFile, KeyRing, Refusals, Target, dial
from physalia.transport.tls import Tls, read_tls
from tests import PATIENCE_S
from tests.physalia.transport.certificates import authority, certificate, needs_openssl
from tests.physalia.transport.houses import Ears, house
from tests.physalia.transport.pairs import ANN, BOB, RING, SERVERS

pytestmark = needs_openssl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ours", "theirs"):
        authority(tmp_path, name)
    return tmp_path


def ring(folder: Path, name: str, signed_by: str = "ours", address: str = "127.0.0.1", trusts: str = "ours") -> KeyRing:
    certificate(folder, name, signed_by, address)
    tls = read_tls(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{trusts}.pem")
    return KeyRing([SERVERS], tls)


async def reach(address: Address, known: KeyRing) -> bytes:
    """What is answered to a word."""
    ears = Ears()
    connection = await dial(Target(ANN, address, BOB.number), lambda: known, ears, Refusals())
    connection.send(b"a word")
    async with asyncio.timeout(PATIENCE_S):
        answer = await ears.messages.get()
    connection.close()
    return answer


def test_who_says_nothing_is_sent_away_before_tls_is_done_too(folder: Path) -> None:
    """Each kept a file open for a minute: some thousands who never spoke kept everybody else out."""
    server, client = ring(folder, "server"), ring(folder, "client")

    async def test() -> None:
        async with house(lambda: server, handshake_s=0.2) as there, asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*there.address)
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        async with house(lambda: server) as there:
            assert await reach(there.address, client) == b"echo a word"

    asyncio.run(test())


def test_both_sides_show_certificates(folder: Path) -> None:
    server, client = ring(folder, "server"), ring(folder, "client")

    async def test() -> None:
        async with house(lambda: server) as there:
            assert await reach(there.address, client) == b"echo a word"

    asyncio.run(test())


@pytest.mark.parametrize(
    "stranger", ["no TLS", "no certificate", "another authority", "trusts another", "another address"]
)
def test_who_cannot_be_believed_does_not_get_in(folder: Path, stranger: str) -> None:
    """Each has the right key: only TLS stands in the way. A friend is served before and after."""
    friend = ring(folder, "friend")
    server = ring(folder, "server", address="127.0.0.2" if stranger == "another address" else "127.0.0.1")
    bare = ssl.create_default_context(cafile=str(folder / "ours.pem"))
    known = {
        "no TLS": RING,
        "no certificate": KeyRing([SERVERS], Tls(ssl.create_default_context(), bare)),
        "another authority": ring(folder, "mallory", signed_by="theirs"),
        "trusts another": ring(folder, "suspicious", trusts="theirs"),
        "another address": friend,
    }[stranger]

    async def test() -> None:
        async with house(lambda: server, handshake_s=1.0) as there:
            with pytest.raises(OSError):  # noqa: PT011  # of TLS, or that the connection is gone
                await reach(there.address, known)
            assert there.ears.opened_.empty()
            if stranger != "another address":
                assert await reach(there.address, friend) == b"echo a word"

    asyncio.run(test())


def test_garbage_at_the_door_is_no_failure_of_the_loop(folder: Path) -> None:
    server, client = ring(folder, "server"), ring(folder, "client")

    async def test() -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        async with house(lambda: server, handshake_s=1.0) as there:
            for garbage in (b"", b"\x16\x03\x01", os.urandom(2000), b"GET / HTTP/1.1\r\n\r\n"):
                reader, writer = await asyncio.open_connection(*there.address)
                writer.write(garbage)
                writer.write_eof()
                with suppress(OSError):  # it may be cut off before or after it is answered
                    await reader.read()
                writer.close()
            assert await reach(there.address, client) == b"echo a word"
        assert failures == []

    asyncio.run(test())


def test_a_newer_certificate_is_shown_without_a_restart(folder: Path) -> None:
    rings = [ring(folder, "old", address="127.0.0.2")]
    client = ring(folder, "client")

    async def test() -> None:
        async with house(lambda: rings[-1]) as there:
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
                await reach(there.address, client)
            rings.append(ring(folder, "new"))
            assert await reach(there.address, client) == b"echo a word"

    asyncio.run(test())


def test_a_colony_with_certificates_serves_who_has_one(tmp_path: Path) -> None:
    colony = lay_out(tmp_path / "colony", 3, 1)
    authority(colony.folder, "ours")
    table = "[tls]\n" + certificate(colony.folder, "all", "ours")
    without = (colony.folder / KEYS).read_text(encoding="utf-8")
    (colony.folder / "without.toml").touch(0o600)
    (colony.folder / "without.toml").write_text(without, encoding="utf-8")
    for path in (colony.folder / KEYS, *colony.folder.glob("server-*.keys")):
        path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")
    processes = Processes(colony)

    async def serve() -> None:
        async with AsyncClient(colony.addresses, colony.ring, PATIENCE_S) as client:
            assert (await client.write(1, 0, "node-a", "node-b")).done
        async with AsyncClient(colony.addresses, colony.folder / "without.toml", 1.0) as client:
            with pytest.raises(Exception, match="no leader of cell 1 was found"):
                await client.write(1, 1, "node-b", "node-c")

    try:
        processes.start(1, 2, 3)
        asyncio.run(serve())
    finally:
        processes.kill_all()


def test_a_table_that_cannot_be_used_is_told_and_never_quoted(folder: Path) -> None:
    certificate(folder, "one", "ours")
    secret = (folder / "one.key").read_text(encoding="ascii")
    right = {"certificate": "one.pem", "private_key": "one.key", "authorities": "ours.pem"}
    wrong = {
        "certificate": ("ours.pem", "is not its key"),
        "private_key": ("none.key", "cannot be read"),
        "authorities": ("one.key", "has no certificates of authorities"),
    }
    path = folder / "keys.toml"
    path.touch(0o600)
    keys = '[[keys]]\nid = 1\nrole = "client"\nsecret = "' + "00" * 32 + '"\n[tls]\n'
    for name, (value, why) in wrong.items():
        path.write_text(keys + "".join(f'{n} = "{v}"\n' for n, v in (right | {name: value}).items()), encoding="ascii")
        with pytest.raises(BadKeys, match=re.escape(why)) as refused:
            KeyFile(path)
        assert secret.splitlines()[1] not in str(refused.value)
    path.write_text(keys + "".join(f'{n} = "{v}"\n' for n, v in right.items()), encoding="ascii")
    assert KeyFile(path)().tls is not None
    (folder / "one.key").chmod(0o644)
    with pytest.raises(BadKeys, match="open to everybody"):
        KeyFile(path)

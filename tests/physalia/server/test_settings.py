"""Settings are what the file and the environment say, or one sentence that says what is wrong with them."""

import resource
from pathlib import Path

import pytest

from physalia.server import BadSettings, CannotStart, read_settings, settings
from physalia.server.starting import LEAST_FILES, make_room
from physalia.transport import Address

GOOD = """
server = 1
directory = "disk"
keys = "keys.toml"
[peers]
2 = "127.0.0.1:7401"
[[cells]]
cell = 4
life = 77
nodes = { 11 = 1, 12 = 2 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "server.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_file_is_read_and_what_it_leaves_out_is_loopback(file: Path) -> None:
    settings = read_settings(file, {})
    assert settings.server == 1
    assert settings.listen == Address("127.0.0.1", 7400)
    assert settings.directory == file.parent / "disk"
    assert settings.keys == file.parent / "keys.toml"
    assert settings.peers == {2: Address("127.0.0.1", 7401)}
    (plan,) = settings.cells
    assert (plan.cell, plan.life, plan.alpha) == (4, 77, 3)
    assert plan.nodes == {11: 1, 12: 2}
    assert plan.members == {11, 12}


def test_the_environment_replaces_single_values(file: Path) -> None:
    values = {"PHYSALIA_LISTEN": "[::1]:9", "PHYSALIA_PING_EVERY_S": "0.1", "PHYSALIA_KEYS": "/k", "PHYSALIA_JAVA": "x"}
    settings = read_settings(file, values)
    assert settings.listen == Address("::1", 9)
    assert settings.ping_every_s == 0.1
    assert settings.keys == Path("/k")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("server = 1", "server = 1\nlisten_at = 3", "sets listen_at, which is no setting; did you mean listen"),
        ("server = 1", "server = 1\nxyzzy = 3", "sets xyzzy, which is no setting; there are server, "),
        ("server = 1", "server = ", "is no TOML"),
        ("server = 1", "server = " + "[" * 5_000, "is nested too deep"),
        ("server = 1", 'server = 1\nrecord = "a\\u0000b"', "record: no path has a zero byte"),
        ('keys = "', 'keys = "\\u0000', "keys: no path has a zero byte"),
        ('directory = "', 'directory = "\\u0000', "directory: no path has a zero byte"),
        ("server = 1", 'server = 1\nlisten = "a\\u0000b:7400"', "listen: 'a.x00b' is no name of a machine"),
        ("server = 1", 'server = 1\nlisten = "b c:7400"', "listen: 'b c' is no name of a machine"),
        ("127.0.0.1:7401", "http://127.0.0.1:7401", "peers.2: 'http://127.0.0.1' is no name of a machine"),
        ("127.0.0.1:7401", "[::g]:7401", "peers.2: '::g' is no name of a machine"),
        ("127.0.0.1:7401", "me@127.0.0.1:7401", "peers.2: 'me@127.0.0.1' is no name of a machine"),
        ("server = 1", 'server = 1\nwatch = "\u00e9..x:7400"', "watch: .* is no name of a machine"),
        ("server = 1\n", "", "missing required field `server`"),
        ("server = 1", 'server = "1"', "Expected `int`, got `str` - at `\\$.server`"),
        ("server = 1", "server = 0", "a server's number is from 1"),
        ("server = 1", "server = 2", "server 2 is this one, and no peer"),
        ("server = 1", "server = 1\nping_every_s = 3.0", "suspect_after_s must be longer"),
        ("server = 1", "server = 1\nping_every_s = nan", "suspect_after_s must be longer"),
        ("server = 1", "server = 1\ndrain_s = -1.0", "drain_s must not be negative"),
        ("server = 1", "server = 1\ncold_after_s = -1.0", "cold_after_s must not be negative"),
        ("server = 1", "server = 1\nprotocol_newest = 0", "protocol_newest is from 1 to"),
        ("server = 1", "server = 1\nprotocol_newest = 99", "protocol_newest is from 1 to"),
        ("server = 1", 'server = 1\nloop = "fast"', "Invalid enum value 'fast'"),
        ("server = 1", 'server = 1\nlisten = "here"', "listen: expected host:port"),
        ("server = 1", 'server = 1\nlisten = "127.0.0.1:0"', "listen: port 0 is a port that nobody knows"),
        ("server = 1", 'server = 1\nwatch = "127.0.0.1:0"', "watch: port 0 is a port that nobody knows"),
        ("server = 1", 'server = 1\nwatch = "127.0.0.1:7400"', "watch and listen are the same address"),
        ("127.0.0.1:7401", "127.0.0.1", "peers.2: expected host:port"),
        ("cell = 4", "cell = 4\ncolour = 1", "unknown field `colour` - at `\\$.cells\\[0\\]`"),
        ("cell = 4", "cell = 0", "are numbers from 1"),
        ("life = 77", "life = 77\nalpha = 0", "cell 4: alpha is from 1 to 1024"),
        ("life = 77", "life = 77\nalpha = 1025", "cell 4: alpha is from 1 to 1024"),
        ("life = 77", "life = 77\nmembers = [11, 13]", "node 13 is a member"),
        ("life = 77", "life = 77\nmembers = []", "a cell has 1 to 64 members"),
        ("12 = 2", "12 = 3", "server 3 is neither this one nor among its peers"),
        ("12 = 2", "12 = 1", "two of its nodes live on one server"),
        ("nodes = {", "nodes = { 13 = 2, ", "two of its nodes live on one server"),
        ("12 = 2 }", "12 = 2 }\n[[cells]]\ncell = 4\nlife = 5\nnodes = { 11 = 1 }", "cell 4 stands there twice"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(file: Path, old: str, new: str, why: str) -> None:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSettings, match=why) as caught:
        read_settings(file, {})
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_variable_is_named(file: Path) -> None:
    with pytest.raises(BadSettings, match="PHYSALIA_DRAIN_S must be a number"):
        read_settings(file, {"PHYSALIA_DRAIN_S": "long"})


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("PHYSALIA_LISTN", r"listn is no setting; did you mean PHYSALIA_LISTEN\?"),
        ("PHYSALIA_SUSPECT_AFTER", r"did you mean PHYSALIA_SUSPECT_AFTER_S\?"),
        ("PHYSALIA_SERVER", "server stands in the file alone: unset it"),
        ("PHYSALIA_CELLS", "cells stands in the file alone"),
    ],
)
def test_a_variable_that_sets_nothing_and_was_meant_to_is_refused(file: Path, variable: str, why: str) -> None:
    """The server would serve as the file says, elsewhere than it was told to, or as another one."""
    with pytest.raises(BadSettings, match=why):
        read_settings(file, {variable: "1"})


def test_settings_without_an_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MOST_BYTES", 1 << 12)
    with pytest.raises(BadSettings, match="has more than 4096 bytes"):
        read_settings(Path("/dev/zero"), {})


def test_no_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tmp_path / "nothing.toml", {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(BadSettings, match="is no TOML"):
        read_settings(tmp_path / "bytes.toml", {})


def test_a_server_that_may_open_hardly_any_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop of uvloop would abort the process without a word."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, LEAST_FILES - 1))
    with pytest.raises(CannotStart, match=f"may open {LEAST_FILES - 1} here: raise `ulimit -n`"):
        make_room()
    assert not asked
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, LEAST_FILES))
    make_room()
    assert asked == [(LEAST_FILES, LEAST_FILES)]

"""A ring is what its file says, as long as nobody else can read it; a file that went bad changes nothing."""

import os
from pathlib import Path
from threading import Thread

import pytest

from physalia.transport import BadKeys, Key, KeyFile, KeyRing

ONE = '[[keys]]\nid = 1\nrole = "server"\nservers = [1, 2]\nsecret = "{}"\n'.format("ab" * 32)
TWO = '[[keys]]\nid = 2\nrole = "client"\nsecret = "{}"\n'.format("cd" * 16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.touch(mode=0o600)
    path.write_text(ONE + TWO, encoding="utf-8")
    return path


def test_the_ring_of_a_file(file: Path) -> None:
    ring = KeyFile(file)()
    assert ring.find(1) == Key(1, "server", b"\xab" * 32, frozenset((1, 2)))
    assert ring.preferred("client") == Key(2, "client", b"\xcd" * 16)
    assert ring.find(3) is None


def test_a_key_is_never_shown(file: Path) -> None:
    key = KeyFile(file)().find(1)
    assert key is not None
    assert "171" not in repr(key)
    assert "xab" not in repr(key)
    assert "secret" not in repr(key)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601, 0o666])
def test_a_file_that_is_open_to_everybody_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(BadKeys, match=r"open to everybody.*chmod o= "):
        KeyFile(file)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[keys]", "no file of keys"),
        ("", "missing required field `keys`"),
        (ONE + ONE, "key 1 stands there twice"),
        (ONE.replace("id = 1", "id = 0"), "id is from 1"),
        (ONE.replace("id = 1", "id = 4294967296"), "id is from 1"),
        (ONE.replace('"server"', '"king"'), "Invalid enum value"),
        (ONE.replace("servers = [1, 2]\n", ""), "must name the two that have it"),
        (ONE.replace("[1, 2]", "[1]"), "must name the two that have it"),
        (ONE.replace("[1, 2]", "[1, 1]"), "must name the two that have it"),
        (ONE.replace("[1, 2]", "[0, 1]"), "must name the two that have it"),
        (ONE.replace("[1, 2]", "[1, 2, 3]"), "must name the two that have it"),
        (ONE.replace('"server"', '"client"'), "is for a client, and names servers"),
        (ONE.replace("ab", "xy"), "not written in hexadecimal"),
        (ONE.replace("ab" * 32, "ab" * 15), "fewer than 16 bytes"),
        (ONE + 'colour = "red"\n', "unknown field `colour`"),
        ("#" * (1 << 20) + "\n", "larger than"),
        ("keys = " + "[" * 5_000, "nested too deep"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_that_quotes_no_secret(file: Path, text: str, why: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadKeys, match=why) as caught:
        KeyFile(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "abab" not in str(caught.value)
    assert "xyxy" not in str(caught.value)


def test_no_file_and_no_regular_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKeys, match="cannot be read"):
        KeyFile(tmp_path / "nothing")
    with pytest.raises(BadKeys, match=r"cannot be read|no file"):
        KeyFile(tmp_path)


def test_nobody_waits_for_a_pipe_that_nobody_fills(file: Path) -> None:
    """A server reads its keys in its loop: it would stand still for ever."""
    ring = KeyFile(file)
    before = ring()
    file.unlink()
    os.mkfifo(file, 0o600)
    told: list[object] = []
    reader = Thread(target=lambda: told.append(ring()), daemon=True)
    reader.start()
    reader.join(timeout=20)
    assert told == [before]
    assert "is no file" in ring.fault


def test_a_changed_file_is_read_again(file: Path) -> None:
    ring = KeyFile(file)
    file.write_text(TWO + ONE.replace("id = 1", "id = 8"), encoding="utf-8")
    assert ring().between(2, 1) == Key(8, "server", b"\xab" * 32, frozenset((1, 2)))
    assert ring().find(1) is None


@pytest.mark.parametrize("harm", ["bad", "deep", "open", "gone"])
def test_a_file_that_went_bad_changes_nothing_until_it_is_mended(file: Path, harm: str) -> None:
    ring = KeyFile(file)
    before = ring()
    if harm == "bad":
        file.write_text("[[keys]", encoding="utf-8")
    elif harm == "deep":
        file.write_text("keys = " + "[" * 5_000, encoding="utf-8")
    elif harm == "open":
        file.chmod(0o644)
    else:
        file.unlink()
    assert ring() is before
    assert ring.fault
    file.touch()
    file.chmod(0o600)
    file.write_text(ONE, encoding="utf-8")
    assert ring().find(2) is None
    assert not ring.fault


def test_one_number_is_one_key() -> None:
    with pytest.raises(ValueError, match="twice"):
        KeyRing([Key(1, "server", b"a"), Key(1, "client", b"b")])

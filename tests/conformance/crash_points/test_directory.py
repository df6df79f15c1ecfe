"""The real directory beside the simulated one: a directory that leaves something out is told, each thing by itself."""

import os
from collections.abc import Callable
from unittest.mock import patch

import pytest

from conformance.crash_points.refusing.directory import EndlessError, System, unlike_the_simulation
from physalia.journal import Directory, files


def test_the_real_directory_is_the_simulated_one() -> None:
    assert list(unlike_the_simulation()) == []


def _nothing(*_: object) -> None:
    """It is left out."""


def _whole(descriptor: int, size_bytes: int | None) -> bytes:
    return os.pread(descriptor, size_bytes or 1 << 20, 0)


@pytest.mark.parametrize(
    ("where", "what", "instead", "said"),
    [
        (System, "fsync", _nothing, "another disk than the simulated one"),
        (Directory, "sync_names", _nothing, "another disk than the simulated one"),
        (Directory, "_forget", _nothing, "where the new one changes, the real directory says FileNotFoundError"),
        (Directory, "unlock", _nothing, "leaves open"),
        (files, "_read_all", _whole, "bytes of marks are"),
    ],
)
def test_what_is_left_out_is_told(where: object, what: str, instead: Callable[..., object], said: str) -> None:
    with patch.object(where, what, instead):
        told = list(unlike_the_simulation())
    assert any(said in one for one in told), told


def test_a_read_without_an_end_is_told() -> None:
    def never(_: System, __: int, ___: int, ____: int) -> bytes:
        raise EndlessError("it reads on and on")

    with patch.object(System, "pread", never):
        assert "does not come to an end: it reads on and on" in list(unlike_the_simulation())[-1]

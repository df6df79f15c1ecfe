"""Servers of a colony listen at free ports that no outgoing connection is given."""

import socket
from pathlib import Path

import pytest

from physalia.colony import lay_out, ports
from physalia.colony.ports import LEAST, LOCAL_PORT_RANGE, USUAL_RANGE, free_ports, outgoing


def said(folder: Path, text: str) -> Path:
    file = folder / "range"
    file.write_text(text, encoding="ascii")
    return file


def test_ports_are_outside_of_the_range_that_the_system_says(tmp_path: Path) -> None:
    assert outgoing(said(tmp_path, "20000\t60999\n")) == (20_000, 60_999)
    found = free_ports(200, said_in=tmp_path / "range")
    assert len(set(found)) == 200
    assert all(LEAST <= one < 20_000 or one > 60_999 for one in found)


@pytest.mark.parametrize("text", ["", "many\n", "1 2 3\n"])
def test_where_it_does_not_say_they_are_below_every_usual_range(tmp_path: Path, text: str) -> None:
    assert outgoing(said(tmp_path, text)) == outgoing(tmp_path / "nothing") == USUAL_RANGE
    assert all(LEAST <= one < USUAL_RANGE[0] for one in free_ports(50, said_in=tmp_path / "nothing"))


def test_where_connections_are_given_every_port_the_system_chooses(tmp_path: Path) -> None:
    assert len(set(free_ports(5, said_in=said(tmp_path, "1024 65535\n")))) == 5


def test_a_port_at_which_somebody_listens_or_that_is_taken_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = said(tmp_path, "10004 65535\n")
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setattr(ports, "LEAST", port)
        only = said(tmp_path, f"{port + 1} 65535\n")
        assert free_ports(1, said_in=only) != [port]  # the system's choice, since the only one is in use
    monkeypatch.undo()
    free = [one for one in free_ports(4, said_in=everywhere) if LEAST <= one < 10_004]
    assert not set(free) & set(free_ports(4, taken=free, said_in=everywhere))


def test_a_colony_is_laid_out_on_such_ports(tmp_path: Path) -> None:
    colony = lay_out(tmp_path / "colony", servers=3, cells=0, has_network=True, caches=1)
    first, last = outgoing(LOCAL_PORT_RANGE)
    if first <= LEAST:
        pytest.skip("outgoing connections are given every port here")
    at = [one.listen.port for one in colony.settings.values()]
    at += [one.watch.port for one in colony.settings.values() if one.watch is not None]
    at += [way.listen.port for way in colony.ways] + [one.listen.port for one in colony.cache_settings.values()]
    assert len(set(at)) == len(at) == 3 + 3 + 9 + 1
    assert not [one for one in at if first <= one <= last]

"""What a command writes never takes the place of what it reads: that is seen before anything is done."""

import resource
from pathlib import Path

import pytest

from physalia import outputs
from physalia.cli import run
from physalia.placement.site.shipped import example

BEFORE = b"not to be lost"
SITE = example("single-fed.json").read_bytes()

ASKED = [
    "blast-radius SITE FLEET --cert FLEET",
    "blast-radius SITE FLEET --cert SITE",
    "blast-radius SITE FLEET --policy POLICY --cert POLICY",
    "blast-radius SITE FLEET --cert LINK",
    "fleet place SITE -o SITE",
    "fleet place SITE -o new.npz --topology-output SITE",
    "fleet place SITE -o new.json --topology-output new.json",
    "fleet place SITE --policy POLICY -o POLICY",
    "fleet refill SITE FLEET -o SITE",
    "fleet refill SITE FLEET -o FLEET --topology-output FLEET",
    "fleet improve SITE FLEET -o SITE",
    "fleet move SITE FLEET --cell cell-1 -o SITE",
    "place query SITE --instance server-1-01-01 --cert SITE",
    "place prove SITE --instance server-1-01-01 --cert SITE",
    "place repair SITE --drain rack-1-01 --policy POLICY -o POLICY",
    "place import netbox SITE -o SITE",
    "simulate zone --scenario POLICY --html POLICY",
    "simulate zone --topology SITE --fleet FLEET --resume FLEET",
    "history check --model kv HISTORY --html HISTORY",
    "conformance trace HISTORY --itf HISTORY",
    "fleet place SITE -o no/folder/fleet.npz",
    "fleet place SITE -o fleet.txt",
    "blast-radius SITE FLEET --cert no/folder/cert.json",
    "blast-radius SITE FLEET --check HISTORY --cert new.json",
]


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_refused_before_anything_is_written(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"SITE": "site.json", "FLEET": "fleet.npz", "POLICY": "policy.toml", "HISTORY": "history.jsonl"}
    for name in files.values():
        Path(name).write_bytes(SITE if name == "site.json" else BEFORE)
    Path("link.npz").symlink_to("fleet.npz")
    there = {path: path.read_bytes() for path in Path().iterdir()}
    words = [files.get(word, {"LINK": "link.npz"}.get(word, word)) for word in asked.split()]
    assert run(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert any(word in told.err for word in words[-2:])
    assert {path: path.read_bytes() for path in Path().iterdir()} == there


def test_a_fleet_may_take_its_own_place(tmp_path: Path) -> None:
    site, fleet = tmp_path / "site.json", tmp_path / "fleet.json"
    site.write_bytes(SITE)
    assert run(["fleet", "place", str(site), "--volumes", "5", "-o", str(fleet)]) == 0
    before = fleet.read_bytes()
    assert run(["fleet", "refill", str(site), str(fleet), "-o", str(fleet), "--drain", "server-5-06-13"]) == 0
    assert fleet.read_bytes() != before


WRITES = [
    "fleet place SITE --volumes 9 -o FILE --topology-output /dev/full",
    "fleet refill SITE FLEET -o FILE --topology-output /dev/full",
    "fleet refill SITE FLEET --drain rack-1-01 -o FLEET --topology-output /dev/full",
    "fleet improve SITE FLEET -o FILE --topology-output /dev/full",
    "fleet place SITE --volumes 9 -o OTHER --topology-output FILE",
    "fleet place SITE --volumes 3000 -o FILE",
    "fleet move SITE FLEET --cell cell-1 -o FILE",
    "place repair SITE --drain rack-1-01 -o FILE",
    "blast-radius SITE FLEET --cert FILE",
    "simulate zone --topology SITE --fleet FLEET --days 1 --runs 1 --html FILE",
]


@pytest.mark.parametrize("asked", WRITES)
def test_where_one_file_cannot_be_written_whole_none_is(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full took what was there before, and of two files one was written; here a file of 1 kB is much."""
    monkeypatch.chdir(tmp_path)
    Path("site.json").write_bytes(SITE)
    assert run(["fleet", "place", "site.json", "--volumes", "9", "-o", "fleet.npz", "--cores", "1"]) == 0
    Path("file.npz").write_bytes(BEFORE)
    there = {path: path.read_bytes() for path in Path().iterdir()}
    capsys.readouterr()
    names = {"SITE": "site.json", "FLEET": "fleet.npz", "FILE": "file.npz", "OTHER": "other.npz"}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if "/dev/full" not in asked:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        code = run([names.get(word, word) for word in asked.split()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert "written" in told.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == there


def test_what_is_written_keeps_its_rights_and_goes_where_a_link_leads(tmp_path: Path) -> None:
    place, link = tmp_path / "place", tmp_path / "link"
    place.write_bytes(BEFORE)
    place.chmod(0o640)
    link.symlink_to(place)
    outputs.write({link: b"new"})
    assert (place.read_bytes(), place.stat().st_mode & 0o777, link.is_symlink()) == (b"new", 0o640, True)
    assert sorted(tmp_path.iterdir()) == [link, place]

"""Certificates of a blast radius: what is true stands, and nothing else; small files cost little."""

import gc
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from conformance.blast_radius.certified import lies
from physalia.blast_radius.certificates import check as module
from physalia.blast_radius.certificates import ground, recount
from physalia.blast_radius.certificates.certificate import Counted, certificate
from physalia.blast_radius.certificates.check import check, main
from physalia.blast_radius.four import by_servers, monolith, own_servers, worst_group
from physalia.blast_radius.pairs import worst_pair
from physalia.blast_radius.singles import Volumes, singles
from physalia.blast_radius.triples import worst_triple
from physalia.fleet import files as fleets
from physalia.fleet.fleet import Fleet
from physalia.fleet.sites import Site
from physalia.placement.certificates.check import Refused
from physalia.placement.certificates.check import Site as Read
from physalia.placement.effort import Effort
from physalia.placement.site import format as files
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology
from physalia.placement.site.validity import build
from tests.physalia.blast_radius.test_against_definition import by_definition, connected, everything, named
from tests.physalia.fleet.damages import FLIPPED, damages
from tests.physalia.fleet.fleets import small, topology_of

Made = tuple[dict[str, Any], bytes, bytes]
JOINED = (0, 1, 2, 5)
"""Seeds of made-up sites whose volumes are all in one piece."""


def certified(topology: Topology, placed: Fleet, folder: Path, suffix: str = ".npz", *, triple: bool = False) -> Made:
    files.write(topology, folder / "site.json")
    site = Site.of(files.read(folder / "site.json"))
    fleets.write(placed, site, folder / f"fleet{suffix}")
    contents = (folder / "site.json").read_bytes(), (folder / f"fleet{suffix}").read_bytes()
    size = placed.cells.shape[1]
    cells = Volumes(site, placed)
    group, stores = worst_group(cells), {}
    for name in ("cells", "near", "spread"):
        one = cells if name == "cells" else Volumes(site, monolith(site, size, cells.fleet, near=name == "near"))
        four = by_servers(one, group.servers if name == "cells" else own_servers(one, len(group.servers)))
        stores[name] = Counted(volumes=one, alone=list(singles(one, Effort())), four=four)
    pair = worst_pair(cells, {one.devices[0]: one for one in stores["cells"].alone}, Effort())
    three = worst_triple(cells, Effort()) if triple else None
    return certificate(*contents, stores, group, pair, three), *contents


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Made:
    site, _, fleet = small(120)
    return certified(site.topology, fleet, tmp_path_factory.mktemp("zone"), triple=False)


def judged(made: Made, lie: dict[str, Any] | None = None) -> str:
    return check(json.dumps(made[0] if lie is None else lie).encode(), *made[1:])


@pytest.mark.parametrize("seed", JOINED)
def test_it_stands_and_says_what_the_definition_says(seed: int, tmp_path: Path) -> None:
    topology, site, fleet = connected(seed)
    made = certified(topology, fleet, tmp_path, triple=seed == 2)
    assert "any pair of devices at most" in judged(made)
    assert judged(made).startswith(judged(certified(topology, fleet, tmp_path, ".json")))
    some = named(site, fleet)
    every = [frozenset(pair) for pair in combinations(everything(topology), 2)]
    pairs, into = ({pair: sum(by_definition(topology, pair, some)[at]) for pair in every} for at in (1, 0))
    assert made[0]["pair"]["at_most"] == max(pairs.values()) == pairs[frozenset(made[0]["pair"]["devices"])]
    told = made[0]["pair"]["in_blast"]
    assert told["at_most"] == max(into.values()) == into[frozenset(told["devices"])]
    for harm, most in (("pair", pairs), ("in_blast", into)):
        lie, idle = deepcopy(made[0]), next(pair for pair, count in into.items() if count == pairs[pair] == 0)
        inner = lie["pair"] if harm == "pair" else lie["pair"]["in_blast"]
        inner |= {"devices": list(idle), "unserved": 0, "blast": 0, "at_most": max(most.values()) - 1}
        with pytest.raises(Refused, match=r"leave|put|harms"):
            judged((lie, *made[1:]))


def test_a_certificate_of_a_damaged_fleet_is_refused_whatever_happened_to_it(zone: Made) -> None:
    """Somebody may have made up both: the file may have any SHA-256."""
    made, topology, fleet = zone
    said = judged(zone)
    for what, content in damages(fleet, 40):
        lie = {**made, "fleet": {**made["fleet"], "sha256": sha256(content).hexdigest()}}
        try:
            assert check(json.dumps(lie).encode(), topology, content) == said
            assert what == FLIPPED
        except Refused:
            continue


@pytest.mark.parametrize("seed", JOINED)
def test_the_checker_counts_what_the_definition_counts(seed: int) -> None:
    topology, site, fleet = connected(seed)
    where = Read(json.loads(files.dumps(topology)))
    rows = np.concatenate([fleet.clients, fleet.cells], axis=1)
    volumes, some, random = recount.Volumes(ground.Ground(where), rows), named(site, fleet), Random(seed)
    devices, seen = everything(topology), set()
    for size in (1, 2, 3, 5, 9):
        for _ in range(40):
            failed = random.sample(devices, size)
            blast, unserved = by_definition(topology, failed, some)
            assert volumes.under(failed) == (sum(unserved), sum(blast)), failed
            seen.add(sum(unserved) > 0)
    assert seen == {True, False}


def test_no_lie_about_a_number_stands(zone: Made) -> None:
    """Every number of it, one more and one less; but for bounds, which are true if they are larger."""
    assert judged(zone).startswith("any one device leaves at most 0 unserved, any 4 servers leave at most 1 of 120")
    count = 0
    for _, lie in lies(zone[0]):
        with pytest.raises(Refused):
            judged(zone, lie)
        count += 1
    assert count > 20
    looser = deepcopy(zone[0])
    looser["pair"]["at_most"] += 1
    assert judged(zone, looser)


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda made: made.pop(key)


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last, value = path

    def change(made: dict[str, Any]) -> None:
        inner: Any = made
        for key in keys:
            inner = inner[key]
        inner[last] = value

    return change


THREE = {"devices": ["feed-a", "feed-b", "feed-c"], "unserved": 1, "blast": 1, "at_most": 1}
IDLE = {"devices": ["rack-1-01", "server-1-02-01", "server-1-03-01"], "unserved": 0, "blast": 0, "at_most": 0}
DOCTORED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (without("four"), "the key four is missing"),
    (put("trust", "me"), "the key trust is missing, or means nothing here"),
    (put("pair", "note", ""), "the key note is missing, or means nothing here"),
    (put("claim", "optimal"), "is not known"),
    (put("schema_version", 2), "is too much"),
    (put("cells", "worst_blast", "0"), "is no whole number"),
    (put("cells", "worst_blast", True), "is no whole number"),
    (put("cells", "worst_blast", 10**200), "is too much"),
    (put("topology", "sha256", "0" * 64), "it is of another topology"),
    (put("topology", "name", "elsewhere"), "the topology is called"),
    (put("fleet", "sha256", "0" * 64), "it is of another fleet"),
    (put("fleet", "volumes", 119), "the fleet has 120 volumes"),
    (put("pair", "devices", ["feed-a", "feed-d"]), "the pair is not 2 devices"),
    (put("pair", "devices", ["feed-a", "feed-a"]), "cannot be printed, is not known"),
    (put("pair", "devices", ["feed-a"]), "the pair is not 2 devices"),
    (put("pair", "devices", ["feed-a\nthe certificate stands", "feed-b"]), "cannot be printed"),
    (put("four", "servers", ["server-1-01-01"]), "it does not name 4 servers"),
    (put("near", "cell", ["server-1-01-01"] * 7), "cannot be printed, is not known"),
    (put("near", "cell", [f"server-{row}-01-01" for row in (1, 2)]), "the cell is not on 7 servers"),
    (put("spread", "cell", [f"server-1-01-{at:02}" for at in range(1, 8)]), "two nodes in a rack"),
    (put("triple", {**THREE, "in_blast": THREE}), "the triple"),
    (put("triple", THREE), "the key in_blast is missing"),
    (put("triple", {**IDLE, "in_blast": IDLE}), "unserved and .* in blast"),
    (put("triple", {**IDLE, "in_blast": {**IDLE, "unserved": 1}}), "the triple in blast"),
    (put("triple", {**IDLE, "in_blast": {**IDLE, "devices": ["rack-1-01"]}}), "the triple in blast is not 3 devices"),
    (put("cells", "worst", [{"device": "feed-a", "unserved": 0, "blast": 0}]), "cells, feed-a"),
    (put("near", "worst", [{"device": "x", "unserved": 0, "blast": 0}] * 2), "a device is listed twice"),
]


@pytest.mark.parametrize(("change", "said"), DOCTORED)
def test_what_is_doctored_is_refused(zone: Made, change: Callable[[dict[str, Any]], None], said: str) -> None:
    lie = deepcopy(zone[0])
    change(lie)
    with pytest.raises(Refused, match=said):
        judged(zone, lie)


def test_a_row_is_a_row_and_a_device_that_is_worse_is_listed(zone: Made, tmp_path: Path) -> None:
    lie = deepcopy(zone[0])
    lie["near"]["cell"][-1] = "server-2-01-01"
    with pytest.raises(Refused, match="near"):
        judged(zone, lie)
    topology, _, fleet = connected(1)
    made = certified(topology, fleet, tmp_path)
    assert len(made[0]["cells"]["worst"]) > 2
    lie = deepcopy(made[0])
    del lie["cells"]["worst"][0]
    with pytest.raises(Refused, match="a device that is not listed is worse"):
        judged(made, lie)


def bare(made: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Without what may be named otherwise and be as true, and the bounds, which may be larger."""
    told = deepcopy(made)
    for store, key in (("near", "cell"), ("spread", "cell"), ("four", "servers"), ("pair", "devices")):
        del told[store][key]
    del told["pair"]["in_blast"]["devices"]
    return told, tuple(one.pop("at_most") for one in (told["pair"], told["pair"]["in_blast"], told["four"]))


def test_random_damage_is_refused_or_changes_no_count(zone: Made) -> None:
    """With a byte that is another one it is refused, or claims no less."""
    text, random, refused = json.dumps(zone[0]).encode(), Random(7), 0
    real, least = bare(zone[0])
    for _ in range(120):
        at = random.randrange(len(text))
        other = text[:at] + bytes([random.choice(b'0123456789"{}[],:abz- ')]) + text[at + 1 :]
        try:
            check(other, *zone[1:])
        except Refused:
            refused += 1
        else:
            told, bounds = bare(json.loads(other))
            assert told == real
            assert all(one >= other for one, other in zip(bounds, least, strict=True))
    assert refused > 80


def test_a_key_twice_and_a_number_that_is_none_are_refused(zone: Made) -> None:
    text = json.dumps(zone[0])
    twice, none = text.replace('"claim"', '"claim": "blast-radius", "claim"'), text.replace("120", "NaN")
    for bad in (twice, none, "[" * 100_000, "{}", "null", '"\\ud800"'):
        with pytest.raises(Refused):
            check(bad.encode(), *zone[1:])


def columns(**changed: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **changed)
    return file.getvalue()


def fleets_that_are_none(zone: Made) -> Iterator[tuple[bytes, str]]:
    with np.load(io.BytesIO(zone[2])) as file:
        good = {name: file[name] for name in file.files}
    far, same, nobody = (good[name].copy() for name in ("cells", "cells", "clients"))
    far[0, 0], same[0, 0], nobody[0, 0] = 480, same[0, 1], -1
    yield columns(**{**good, "cells": far}), "a server that does not exist"
    yield columns(**{**good, "cells": same}), "two nodes on one server"
    yield columns(**{**good, "clients": nobody}), "no instance"
    yield columns(**{**good, "clients": nobody[:5]}), "one row of three clients"
    together, orphan = good["clients"].copy(), good["clients"].copy()
    together[0, 2], orphan[0, 1] = together[0, 1], -1
    yield columns(**{**good, "clients": together}), "both copies on one server"
    yield columns(**{**good, "clients": orphan}), "a replica and no primary"
    yield columns(**{**good, "cells": far.astype(np.int64)}), "no table of 32-bit numbers"
    yield columns(**{**good, "more": far}), "means nothing here"
    yield columns(**{**good, "topology": good["topology"][::-1].copy()}), "the fleet is of another topology"
    yield columns(**{**good, "cells": np.zeros((4_000_000, 7), dtype=np.int32)}), "unpack to far more than the file"
    yield zone[2][:-30], "cannot be understood"
    yield b"PK not at all", "cannot be understood"
    yield b'{"schema_version": 1, "topology": "x", "cells": [], "more": 1}', "means nothing here"
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        for name in good:
            archive.writestr(
                f"{name}.npy",
                b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999,), }",
            )
    yield broken.getvalue(), "cannot be understood"


def test_fleets_that_are_none_are_refused(zone: Made) -> None:
    for content, said in fleets_that_are_none(zone):
        made = deepcopy(zone[0])
        made["fleet"]["sha256"] = module.hashlib.sha256(content).hexdigest()  # type: ignore[attr-defined]
        with pytest.raises(Refused, match=said):
            check(json.dumps(made).encode(), zone[1], content)


def chain(switches: int) -> Topology:
    """Racks in a line: whatever fails in the middle parts it, and every way is long."""
    racks = [Rack(f"rack-{at}", "row", ("feed",)) for at in range(switches)]
    tors = [Switch(f"tor-{at}", "rack", f"rack-{at}") for at in range(switches)]
    links = [Link(f"tor-{at}--tor-{at + 1}", (f"tor-{at}", f"tor-{at + 1}")) for at in range(switches - 1)]
    servers = [Server(f"s{at}", f"rack-{at}", (f"tor-{at}",), "any", 9) for at in range(switches)]
    return build(name="chain", rows=["row"], powers=[Power("feed", "feed")], racks=racks, switches=tors, links=links,
                 servers=servers)  # fmt: skip


def test_checking_costs_in_proportion_or_is_refused(zone: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of racks costs the square of its length: so a long one is refused when so many steps are taken."""
    short = ground.Ground(Read(json.loads(files.dumps(chain(60)))))
    assert short.state(frozenset({"tor-30"}))[1]
    with pytest.raises(Refused, match="steps to check"):
        ground.Ground(Read(json.loads(files.dumps(chain(3_000)))))
    monkeypatch.setattr(recount, "MOST_LOOKS", 1)
    with pytest.raises(Refused, match="looks at volumes to check"):
        judged(zone)


def test_looks_and_steps_grow_no_faster_than_the_fleet() -> None:
    spent = []
    for volumes in (60, 240):
        site, _, fleet = small(volumes)
        where = ground.Ground(Read(json.loads(files.dumps(site.topology))))
        known = recount.Volumes(where, np.concatenate([fleet.clients, fleet.cells], axis=1))
        known.alone()
        spent.append((known.looks.most - known.looks.left) / volumes)
    assert spent[1] < 1.2 * spent[0]


def test_sites_in_several_pieces_are_refused(tmp_path: Path) -> None:
    topology = topology_of(240)
    switch = next(iter(one for one in topology.switches.values() if one.tier == "rack"))
    alone = Server("apart", switch.rack or "", ("tor-apart",), "any", 9)
    built = build(
        name="two", rows=topology.rows, powers=list(topology.powers.values()), racks=list(topology.racks.values()),
        switches=[*topology.switches.values(), Switch("tor-apart", "rack", switch.rack)],
        links=list(topology.links.values()), servers=[*topology.servers.values(), alone],
    )  # fmt: skip
    with pytest.raises(Refused, match="tor-apart is not joined to the rest"):
        ground.Ground(Read(json.loads(files.dumps(built))))


def test_as_a_program(zone: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in zip(("c", "t", "f"), (json.dumps(zone[0]).encode(), *zone[1:]), strict=True):
        (tmp_path / name).write_bytes(content)
    arguments = [str(tmp_path / name) for name in ("c", "t", "f")]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("the certificate stands: any one device")
    assert main(arguments[:2]) == 1
    (tmp_path / "c").write_text('{"claim": "\\u001b[2J"}')
    assert main(arguments) == 1
    assert gc.isenabled(), "who calls it goes on with a collector"
    assert "\x1b" not in capsys.readouterr().out

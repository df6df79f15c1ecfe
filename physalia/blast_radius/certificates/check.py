"""The checker, which says whether a certificate tells the truth of a fleet on a site.

It shares no code with what made it but the reader of topologies, which is that of the checker of placements. It
believes no number: every device that fails alone is counted again; of pairs and of threes those that no bound decides;
and the proof for any four servers is that no more cells share them. What that may cost is bounded by the size of the
two files (`MOST_STEPS`, `MOST_LOOKS`), whatever the certificate asks for.
"""

import gc
import hashlib
import io
import json
import sys
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physalia.blast_radius.certificates.ground import Ground
from physalia.blast_radius.certificates.recount import NOBODY, Count, Pairs, Volumes
from physalia.blast_radius.certificates.threes import Threes
from physalia.placement.certificates.check import COUNT, Data, Refused, Site, demand, once, read, shown
from physalia.placement.certificates.check import main as program

MOST_LISTED, MOST_UNPACKED = 64, 64
"""So many devices a store may list; and so many times larger than its file a fleet may be."""

HARM = {"unserved": COUNT, "blast": COUNT}
ALONE = {"devices_that_harm": COUNT, "worst_unserved": COUNT, "worst_blast": COUNT, "worst": [{"device": str, **HARM}]}
MONOLITH = {**ALONE, "cell": [str], "unserved_of_four": COUNT}
WORST: Data = {"devices": [str], **HARM, "at_most": COUNT}
SEVERAL: Data = {**WORST, "in_blast": WORST}
CERTIFICATE: Data = {
    "schema_version": range(1, 2), "claim": frozenset({"blast-radius"}), "topology": {"name": str, "sha256": str},
    "fleet": {"sha256": str, "volumes": COUNT}, "cells": ALONE, "near": MONOLITH, "spread": MONOLITH,
    "four": {"servers": [str], "unserved": COUNT, "at_most": COUNT},
    "pair?": SEVERAL, "triple?": SEVERAL,
}  # fmt: skip
DOES = ("leave {} unserved", "put {} into blast")
CELL = {"name": str, "instance": str, "servers": [(str,)], "primary?": (str,), "replica?": (str,)}
FLEET = {"schema_version": range(1, 2), "topology": str, "cells": [CELL]}
COLUMNS = {"schema_version", "topology", "clients", "cells", "names"}


def check(certificate: bytes, topology: bytes, fleet: bytes) -> str:
    """What a certificate proves of a fleet on a topology, in a sentence; Refused if it does not."""
    try:
        made = json.loads(certificate.decode(), object_pairs_hook=once)
        read([made], CERTIFICATE, "the certificate")
        digest = hashlib.sha256(topology).hexdigest()
        demand(digest == made["topology"]["sha256"], f"it is of another topology: this one's SHA-256 is {digest}")
        demand(hashlib.sha256(fleet).hexdigest() == made["fleet"]["sha256"], "it is of another fleet")
        data = json.loads(topology.decode(), object_pairs_hook=once)
        demand(data["name"] == made["topology"]["name"], f"the topology is called {data['name']}")
        site = Site(data)
        return shown(_Case(made, site, _fleet(fleet, site, digest)).judge())
    except (
        Refused,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
        MemoryError,
        OSError,
        zipfile.BadZipFile,
    ) as error:
        why = "" if isinstance(error, Refused) else f"it cannot be understood: {type(error).__name__}: "
        raise Refused(shown(f"{why}{error}")) from None


def _fleet(content: bytes, site: Site, digest: str) -> NDArray[np.int32]:
    """The volumes of a fleet's file that have a cell and a primary: rows of clients and nodes."""
    packed = content.startswith(b"PK")
    clients, cells, topology = _columns(content) if packed else _listed(content, site)
    demand(topology == digest, "the fleet is of another topology")
    demand(clients.shape == (len(cells), 3), "there is not one row of three clients for each cell")
    for rows in (clients, cells):
        known = ((rows >= NOBODY) & (rows < len(site.servers))).all()
        demand(known, "the fleet speaks of a server that does not exist")
    demand((clients[:, 0] != NOBODY).all(), "a volume has no instance")
    primary, replica = clients[:, 1], clients[:, 2]
    demand(not ((primary == replica) & (replica != NOBODY)).any(), "a volume has both copies on one server")
    demand(not ((primary == NOBODY) & (replica != NOBODY)).any(), "a volume has a replica and no primary")
    ordered = np.sort(cells, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NOBODY)).any()
    demand(not twice, "a cell has two nodes on one server")
    counted = (cells != NOBODY).all(axis=1) & (clients[:, 1] != NOBODY)
    found: NDArray[np.int32] = np.concatenate([clients, cells], axis=1)[counted]
    return found


def _columns(content: bytes) -> tuple[NDArray[np.int32], NDArray[np.int32], str]:
    """The columns of a file of those; none is unpacked that would be out of proportion to the file."""
    try:
        version, topology, clients, cells = _unpacked(content)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001  # zip and numpy raise whatever they stumble over in a damaged file
        raise Refused(f"the fleet cannot be understood: {type(error).__name__}: {error}") from None
    for column in (version, topology, clients, cells):
        demand(isinstance(column, np.ndarray), "a column is no array")
    demand(version.shape == () and version.dtype.kind == "i" and version == 1, "the fleet is of another version")
    demand(topology.dtype == np.uint8 and topology.ndim == 1, "the topology of the fleet is no text")
    for rows in (clients, cells):
        demand(rows.dtype == np.int32 and rows.ndim == 2, "a column is no table of 32-bit numbers")  # noqa: PLR2004
    return clients, cells, topology.tobytes().decode("ascii")


def _unpacked(content: bytes) -> list[NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {one.filename.removesuffix(".npy"): one.file_size for one in archive.infolist()}
        demand(len(sizes) == len(archive.infolist()), "a column is there twice")
    demand(COLUMNS - {"names"} <= sizes.keys() <= COLUMNS, "a column is missing, or means nothing here")
    most = MOST_UNPACKED * len(content) + (1 << 20)
    demand(sum(sizes[one] for one in sizes if one != "names") <= most, "its columns unpack to far more than the file")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return [file[one] for one in ("schema_version", "topology", "clients", "cells")]


def _listed(content: bytes, site: Site) -> tuple[NDArray[np.int32], NDArray[np.int32], str]:
    data = json.loads(content.decode(), object_pairs_hook=once)
    read([{**data, "cells": []}], FLEET, "the fleet")
    read([{**one, "servers": []} for one in data["cells"]], CELL, "a cell of the fleet")
    read([server for one in data["cells"] for server in one["servers"]], (str,), "the servers of a cell")
    demand(len({one["name"] for one in data["cells"]}) == len(data["cells"]), "two cells have one name")
    number: dict[str | None, int] = {None: NOBODY, **{name: at for at, name in enumerate(site.servers)}}
    clients = [[number[one["instance"]], number[one.get("primary")], number[one.get("replica")]]
               for one in data["cells"]]  # fmt: skip
    cells = [[number[server] for server in one["servers"]] for one in data["cells"]]
    demand(len({*map(len, cells)}) <= 1, "the cells are not all of one size")
    width = len(cells[0]) if cells else 0
    one, other = (np.array(rows, dtype=np.int32).reshape(-1, wide) for rows, wide in ((clients, 3), (cells, width)))
    return one, other, data["topology"]


class _Case:
    """One certificate of one fleet."""

    def __init__(self, made: Data, site: Site, servers: NDArray[np.int32]) -> None:
        self.made, self.site, self.servers, self.ground = made, site, servers, Ground(site)
        demand(len(servers) == made["fleet"]["volumes"] > 0, f"the fleet has {len(servers)} volumes with a cell")

    def judge(self) -> str:
        """What it proves; Refused if it does not."""
        cells, four, pair = Volumes(self.ground, self.servers), self.made["four"], self.made.get("pair")
        alone = self._alone(cells, "cells")
        size = self.servers.shape[1] - 3
        spare = (size - 1) // 2
        demand(len(four["servers"]) == spare + 1 and self.site.servers.keys() >= {*four["servers"]},
               f"it does not name {spare + 1} servers")  # fmt: skip
        self._equal("the servers that most cells share", four["unserved"], cells.under(four["servers"])[0])
        demand(cells.shared() <= four["at_most"], f"more than {four['at_most']} cells share {spare + 1} servers")
        demand(four["unserved"] <= four["at_most"], "more are unserved by these servers than may be by any")
        said = f"any {spare + 1} servers leave at most {four['at_most']} of {len(self.servers)} volumes unserved"
        for name in ("near", "spread"):
            self._monolith(name, size)
        if pair is not None:
            self._pair(pair, cells, alone)
            said += f", any pair of devices at most {pair['at_most']} and {pair['in_blast']['at_most']} in blast"
        if "triple" in self.made:
            self._triple(self.made["triple"], cells)
            triple = self.made["triple"]
            said += f", any three at most {triple['at_most']} and {triple['in_blast']['at_most']} in blast"
        return f"any one device leaves at most {self.made['cells']['worst_unserved']} unserved, {said}"

    def _equal(self, what: str, told: object, real: object) -> None:
        demand(told == real, f"{what}: {told} is told, and it is {real}")

    def _alone(self, volumes: Volumes, name: str) -> dict[str, Count]:
        """Every device alone, against what is told of a store; the worst are listed, and none that is not is worse."""
        told, found = self.made[name], volumes.alone()
        self._equal(f"{name}, devices that harm", told["devices_that_harm"], len(found))
        for what, at in (("worst_unserved", 0), ("worst_blast", 1)):
            self._equal(f"{name}, {what}", told[what], max((one[at] for one in found.values()), default=0))
        listed = {one["device"]: (one["unserved"], one["blast"]) for one in told["worst"]}
        demand(len(listed) == len(told["worst"]) <= MOST_LISTED, f"{name}: a device is listed twice, or too many are")
        for device, counts in listed.items():
            self._equal(f"{name}, {device}", counts, found.get(device))
        least = min(listed.values(), default=None)
        others = max((one for device, one in found.items() if device not in listed), default=(0, 0))
        demand(least is None or others <= least, f"{name}: a device that is not listed is worse than one that is")
        return found

    def _monolith(self, name: str, size: int) -> None:
        """One database for all: its cell is in one row, or in as many racks as it has nodes if there are so many."""
        told, servers = self.made[name], self.site.servers
        cell = told["cell"]
        demand(len(cell) == size and servers.keys() >= {*cell}, f"{name}: the cell is not on {size} servers")
        racks = {servers[one]["rack"] for one in cell}
        if name == "near":
            demand(len({self.site.racks[one]["row"] for one in racks}) == 1, "the cell that is near is in several rows")
        else:
            inhabited = {one["rack"] for one in servers.values()}
            demand(len(racks) == size or len(inhabited) < size, "the cell that is spread has two nodes in a rack")
        number = {server: at for at, server in enumerate(servers)}
        nodes = np.tile(np.array([number[one] for one in cell], dtype=np.int32), (len(self.servers), 1))
        volumes = Volumes(self.ground, np.concatenate([self.servers[:, :3], nodes], axis=1))
        self._alone(volumes, name)
        first = cell[: (size - 1) // 2 + 1]
        self._equal(f"{name}, its first servers", told["unserved_of_four"], volumes.under(first)[0])

    def _named(self, what: str, told: Data, many: int, volumes: Volumes) -> None:
        devices = told["devices"]
        known = all(one in self.site.devices or one in self.site.servers for one in devices)
        demand(len(devices) == many and known, f"the {what} is not {many} devices")
        self._equal(f"the {what}", (told["unserved"], told["blast"]), volumes.under(devices))

    def _both(self, what: str, told: Data, many: int, volumes: Volumes) -> tuple[int, int]:
        """The sets that are said to be worst, for what is unserved and for what is in blast; their bounds."""
        in_blast = told["in_blast"]
        for name, one, harm in ((what, told, "unserved"), (f"{what} in blast", in_blast, "blast")):
            self._named(name, one, many, volumes)
            demand(one[harm] <= one["at_most"], f"the {name} does more than any may")
        return told["at_most"], in_blast["at_most"]

    def _pair(self, told: Data, volumes: Volumes, alone: dict[str, Count]) -> None:
        most = self._both("pair", told, 2, volumes)
        for costs in (self.ground.steps, volumes.looks):
            costs.allow(2)  # it is bounded in two senses, one after the other
        for at, bound in enumerate(most):
            if bound < len(self.servers):
                harm = {device: counts[at] for device, counts in alone.items()}
                for pair, rows in Pairs(volumes, harm, bound).open():
                    found = volumes.under(pair, rows)[at]
                    demand(found <= bound, f"{' and '.join(pair)} {DOES[at].format(found)}")

    def _triple(self, told: Data, volumes: Volumes) -> None:
        most = self._both("triple", told, 3, volumes)
        if min(most) < len(self.servers):
            for three, found in Threes(volumes, min(most)).open():
                worse = any(count > may for count, may in zip(found, most, strict=True))
                demand(not worse, f"{', '.join(three)} leave {found[0]} unserved and {found[1]} in blast")


def main(arguments: list[str]) -> int:
    """Check the files that are named: a certificate, a topology, a fleet. 0 if it stands, 1 if not."""
    return program(arguments, check)


if __name__ == "__main__":
    gc.disable()  # a process that ends at once: what it makes is no garbage before
    sys.exit(main(sys.argv[1:]))

"""Any three devices, from above: what bounds do not decide is counted, for a fleet whose volumes are all served.

A part of which a device cuts every way that is known is a suspect. It is *hit hard* if the device kills it whatever
else fails. A volume of which three devices hit some parts hard, and make none a suspect otherwise, has the fate that
two of them give it, unless each of the three hits a part of it. So three leave no more unserved than each two of them,
and the volumes that each hits hard, and those with a part that is a suspect otherwise: by one, by two, or by all three.

A server, or a link of one, changes no volume but its own. Beside others it harms at most its volumes that are *at risk*
there: not lost, and with too few nodes to spare in the main piece.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from physalia.blast_radius.certificates.ground import APART, Rooted, State
from physalia.blast_radius.certificates.recount import CHUNK, NOBODY, Count, Rows, Volumes
from physalia.placement.certificates.check import JOINT, demand

THREE, TIMES, MOST_FABRIC = 3, 64, 1_024
"""Three devices may cost so many times as much as all else; and so many devices of the fabric are compared."""

Counts = NDArray[np.int64]


class Threes:
    """Which three devices may leave more than ``most`` volumes unserved, and how many each of these does."""

    def __init__(self, volumes: Volumes, most: int) -> None:
        self.volumes, self.most = volumes, most
        self.fabric = volumes.ground.fabric
        demand(len(self.fabric) <= MOST_FABRIC, f"three of more than {MOST_FABRIC} devices are not compared")
        for steps in (volumes.ground.steps, volumes.looks):
            steps.allow(TIMES)
        self._known: dict[bytes, Count] = {}
        self._pairs = np.zeros((len(self.fabric),) * 2, dtype=np.int64)
        for one, other in combinations(range(len(self.fabric)), 2):
            found = self.count((self.fabric[one], self.fabric[other]))[0]
            self._pairs[one, other] = self._pairs[other, one] = found

    def count(self, failed: Sequence[str]) -> Count:
        """What devices of the fabric leave unserved, and in blast: counted once for all that leave the same."""
        state, changed = self.volumes.ground.state(frozenset(failed))
        key = np.array(changed).tobytes() + state.pieces[changed].tobytes() + state.lit[changed].tobytes()
        if key not in self._known:
            self._known[key] = self.volumes.count((), self.volumes.at(changed), state)
        return self._known[key]

    def open(self) -> Iterator[tuple[tuple[str, ...], Count]]:
        """The sets of three that no bound decides, with what they leave unserved and in blast."""
        for three in self._of_fabric():
            yield three, self.count(three)
        for three in self._with_servers():
            yield three, self.volumes.under(three)

    def _of_fabric(self) -> Iterator[tuple[str, ...]]:
        bounds = [_Bounds(self.volumes, root) for root in self.volumes.ground.roots]
        yield from sorted({three for one in bounds for three in one.joint})
        for at, first in enumerate(self.fabric):
            together = self._pairs[at][:, None] + self._pairs[at][None, :] + self._pairs
            least = np.minimum.reduce([one.beside(at) for one in bounds])
            for one, other in np.argwhere(np.triu(together + least > self.most, 1)[at + 1 :, at + 1 :]).tolist():
                yield first, self.fabric[at + 1 + one], self.fabric[at + 1 + other]

    def _with_servers(self) -> Iterator[tuple[str, ...]]:
        """Sets with servers or links of some: beside two devices of the fabric, one, or none."""
        touching = np.sort([len(self.volumes.on(one)) for one in self.volumes.names])[::-1]
        for size in range(THREE):
            most_more = int(touching[: THREE - size].sum())
            for failed in combinations(range(len(self.fabric)), size):
                names = tuple(self.fabric[one] for one in failed)
                known = int(self._pairs[failed]) if size == 2 else self.count(names)[0]  # noqa: PLR2004  # a pair
                if known + most_more > self.most:
                    yield from ((*names, *some) for some in self._beside(names, self.most - known))

    def _beside(self, failed: Sequence[str], spare: int) -> Iterator[tuple[str, ...]]:
        """Servers and their links that may harm more volumes than are to spare beside some devices of the fabric.

        Whoever has no volume at risk changes nothing there: some of these stand for all.
        """
        missing = THREE - len(failed)
        risk = self._at_risk(self.volumes.ground.state(frozenset(failed))[0], missing)
        own = list[tuple[int, str]]()
        for at in np.argsort(-risk, kind="stable")[: np.count_nonzero(risk) + missing].tolist():
            name, ways = self.volumes.names[at], self.volumes.ways[at]
            own += [(int(risk[at]), device) for device in (name, *(name + JOINT + switch for switch in ways))]
        yield from _more_than(own, missing, spare, self.volumes)

    def _at_risk(self, state: State, missing: int) -> Counts:
        """For each server how many volumes that are at risk have it."""
        volumes, base = self.volumes, self.volumes.ground.base
        volumes.looks.take(len(volumes.servers))
        steady = np.append((state.pieces == base.pieces).all(axis=1) & state.lit, False)
        dark = np.append((state.pieces == APART).all(axis=1), True)
        found = np.zeros(len(volumes.names), dtype=np.int64)
        for start in range(0, len(volumes.servers), CHUNK):
            servers, stands = volumes.servers[start : start + CHUNK], volumes._stand[start : start + CHUNK]
            cell = servers.shape[1] - 3
            nodes = steady[stands[:, 3:]].sum(axis=1)
            clients = steady[stands[:, 0]] & (steady | dark)[stands[:, 1:3]].all(axis=1)
            fine = clients & (nodes - missing > cell // 2)
            lost = dark[stands[:, 0]] | dark[stands[:, 1:3]].all(axis=1)
            risky = servers[~fine & ~lost]
            found += np.bincount(risky[risky != NOBODY], minlength=len(volumes.names))
        return found


class _Bounds:
    """What the ways to one root tell of three devices of the fabric, beside what each two of them do."""

    def __init__(self, volumes: Volumes, root: Rooted) -> None:
        ground, fabric = volumes.ground, volumes.ground.fabric
        number = {device: at for at, device in enumerate(fabric)}
        self.joint = root.joint_of_three().keys()
        hard, self._soft = [], np.zeros(len(fabric), dtype=np.int64)
        for at, device in enumerate(fabric):
            parts = [part for part in root.suspected.get(device, ()) if part in ground.stands_at]
            hit = [part for part in parts if device in ground.site.kills[part]]
            hard.append(_of(volumes, hit))
            self._soft[at] = len(_of(volumes, [part for part in parts if part not in hit]))
        self._together = _common(volumes, hard)
        self._by_two = np.zeros_like(self._together)
        for pair, parts in root.joint().items():
            one, other = (number[device] for device in pair)
            self._by_two[one, other] = self._by_two[other, one] = len(_of(volumes, parts))

    def beside(self, at: int) -> Counts:
        """For one device and each two others the volumes that all three hit hard, and those with other suspects."""
        common, by_two, soft = self._together, self._by_two, self._soft
        all_three: Counts = np.minimum(np.minimum(common[at][:, None], common[at][None, :]), common)
        found: Counts = (
            all_three + by_two[at][:, None] + by_two[at][None, :] + by_two + soft[at] + soft[:, None] + soft[None, :]
        )
        return found


def _of(volumes: Volumes, parts: Sequence[str]) -> Rows:
    """The volumes with a server at one of these parts."""
    return volumes.at({at for part in parts for at in volumes.ground.stands_at[part]})


def _common(volumes: Volumes, touched: Sequence[Rows]) -> Counts:
    """For each two devices how many volumes both touch."""
    common = np.zeros((len(touched),) * 2, dtype=np.int64)
    for start in range(0, len(volumes.servers), CHUNK):
        width = min(CHUNK, len(volumes.servers) - start)
        table = np.zeros((len(touched), width), dtype=np.float32)  # sums of ones, exact below 2**24
        for at, rows in enumerate(touched):
            table[at, rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + width)] - start] = 1
        common += np.rint(table @ table.T).astype(np.int64)
    return common


def _more_than(
    own: Sequence[tuple[int, str]], missing: int, most: int, volumes: Volumes, first: int = 0
) -> Iterator[tuple[str, ...]]:
    """Sets of so many devices with more than so many volumes together; those with most come first."""
    for at in range(first, len(own) - missing + 1):
        volumes.ground.steps.take(1)
        if sum(count for count, _ in own[at : at + missing]) <= most:
            return
        count, device = own[at]
        if missing == 1:
            yield (device,)
        else:
            for others in _more_than(own, missing - 1, most - count, volumes, at + 1):
                yield device, *others

"""What the words mean, for one volume and any set of failed devices; slow, and meant to be read.

F is a set of failed devices, links included. x and y reach each other if both live and a path over living switches and
links that carry joins them; servers do not forward. A server that lives reaches itself.

* **up**: the instance lives and has a link that carries to a switch that lives.
* **whole**: the instance reaches the primary, and the primary the replica. Nobody asks the configuration store.
* **needy**: the instance is up and reaches at least one copy, and the volume is not whole. Somebody must change it.
* **served**: the instance reaches some copy that reaches a majority of the cell.
* **blast**: needy and not served: lost because of the configuration store alone.
* **unserved**: the instance is up and reaches a copy, and the volume is not served: lost at the next need.

Whose instance is down, or reaches no copy, is lost anyway and is not counted.
"""

from collections.abc import Set as AbstractSet

from attrs import field, frozen

from physalia.placement.site.topology import Topology, link_name, supplies_first


@frozen
class Volume:
    """The servers of a volume and of its cell."""

    instance: str
    primary: str
    replica: str | None
    cell: tuple[str, ...]

    @property
    def copies(self) -> tuple[str, ...]:
        """The servers that hold its data."""
        return (self.primary,) if self.replica is None else (self.primary, self.replica)


@frozen
class Fate:
    """What a set of failures makes of a volume."""

    up: bool
    whole: bool
    needy: bool
    served: bool
    unserved: bool

    @property
    def blast(self) -> bool:
        """Whether it is lost because of the configuration store alone."""
        return self.needy and not self.served


@frozen(eq=False)
class Living:
    """What lives under a set of failed devices, by the definitions of ``physalia.placement.site.topology``."""

    topology: Topology
    failed: AbstractSet[str]
    racks: AbstractSet[str] = field(init=False)
    switches: AbstractSet[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        topology, failed = self.topology, self.failed
        lit: set[str] = set()
        for power in supplies_first(topology.powers):
            if power.name not in failed and (power.kind == "feed" or lit.intersection(power.supplies)):
                lit.add(power.name)
        racks = {one.name for one in topology.racks.values() if one.name not in failed and lit & set(one.supplies)}
        switches = {
            one.name
            for one in topology.switches.values()
            if one.name not in failed
            and (one.rack in racks if one.rack is not None else not one.supplies or bool(lit & set(one.supplies)))
        }
        object.__setattr__(self, "racks", racks)
        object.__setattr__(self, "switches", switches)

    def server(self, name: str) -> bool:
        """Whether a server lives."""
        return name not in self.failed and self.topology.servers[name].rack in self.racks

    def next_to(self, server: str) -> set[str]:
        """The living switches that a living server has a link to that carries."""
        if not self.server(server):
            return set()
        own = self.topology.servers[server].switches
        return {one for one in own if one in self.switches and link_name(server, one) not in self.failed}

    def reach(self, one: str, other: str) -> bool:
        """Whether two servers reach each other."""
        if one == other:
            return self.server(one)
        seen, goal = self.next_to(one), self.next_to(other)
        waiting = list(seen)
        while waiting:
            for link, switch in self.topology.neighbours[waiting.pop()]:
                if link not in self.failed and switch in self.switches and switch not in seen:
                    seen.add(switch)
                    waiting.append(switch)
        return bool(seen & goal)


def fate(living: Living, volume: Volume) -> Fate:
    """What becomes of a volume."""
    reach, majority = living.reach, len(volume.cell) // 2 + 1
    up = bool(living.next_to(volume.instance))
    whole = reach(volume.instance, volume.primary) and (volume.replica is None or reach(volume.primary, volume.replica))
    reached = [copy for copy in volume.copies if reach(volume.instance, copy)]
    served = any(sum(reach(copy, node) for node in volume.cell) >= majority for copy in reached)
    counts = up and bool(reached)
    return Fate(
        up=up, whole=whole, needy=counts and not whole, served=served, unserved=counts and not served
    )  # fmt: skip

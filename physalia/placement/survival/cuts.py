"""What each single failure cuts off from an instance: ``Cut(f)``, which does not depend on where the cell is.

A cell of n survives the failure f if at most n - majority of its nodes are in Cut(f), so a placement that survives is
one that keeps a cap on some more domains. Dominators would not do, because a rack or an element of power takes whole
groups of devices down. Instead there is one breadth-first tree from the instance over the switches; a failure can only
cut off what hangs below something that it took down, and of that a part comes back over other links.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from attrs import define, field, frozen

from physalia.placement.site.topology import Server, Topology, link_name
from physalia.placement.survival.failures import Failure, failures


@frozen
class Cut:
    """The servers that one failure cuts off: all those of some racks, and single ones in other racks."""

    racks: frozenset[str]
    servers: frozenset[str]
    size: int

    def holds(self, server: Server) -> bool:
        """Whether the server is cut off."""
        return server.rack in self.racks or server.name in self.servers


MOST_REMEMBERED = 3
"""The cuts of so many servers are kept: those of the clients of one volume."""

Groups = dict[tuple[str, tuple[str, ...]], list[str]]
"""Servers by rack and switches: what cannot be told apart from the outside, but for its own links."""


def cut_sets(topology: Topology, instance: str, more_than: int = 0) -> Mapping[str, Cut]:
    """For every single failure that leaves the instance up and cuts off more than so many servers: what it cuts off.

    A cell of n nodes needs those of more than n - majority servers alone. In the order of the topology: racks, power,
    switches, links between switches, links of servers. Those that were asked for last are kept: whoever explains an
    answer asks a dozen questions about one volume.
    """
    last = topology.remembered("cuts")
    if (instance, more_than) not in last:
        found = _cut_sets(topology, instance, more_than)
        if len(last) >= MOST_REMEMBERED:
            last.pop(next(iter(last)))
        last[instance, more_than] = found
    cuts: Mapping[str, Cut] = last[instance, more_than]
    return cuts


def cuts_seen_from(topology: Topology, instance: str, client: str, more_than: int = 0) -> Mapping[str, Cut]:
    """What each single failure cuts off from a client of the volume, if the instance is up and reaches that client.

    Reaching is mutual, so these are the cuts of the client in which the instance is not.
    """
    found = cut_sets(topology, client, more_than)
    if client == instance:
        return found
    asked = topology.servers[instance]
    return {device: cut for device, cut in found.items() if not cut.holds(asked)}


def _cut_sets(topology: Topology, instance: str, more_than: int) -> dict[str, Cut]:
    tree = _Tree.grow(topology, instance)
    found: dict[str, Cut] = {}
    for failure in failures(topology):
        if tree.leaves_instance_up(failure):
            tree.note(found, failure.device, tree.lost_groups(failure), more_than)
    own = list(topology.links_of(instance))
    for link, switch in own if len(own) > 1 else ():
        # The others of its rack may reach that switch in another way, so this is a failure like those of the fabric.
        tree.note(found, link, tree.groups_on(tree.without_own(link, switch)), more_than)
    # One link of a server takes that server at most; beside what nothing reaches, which is lost whatever fails.
    lost_anyway = sum(len(tree.groups[group]) for group in tree.always_lost)
    for server in topology.servers.values() if lost_anyway >= more_than else ():
        only = tree.only_link(server)
        for link, _ in topology.links_of(server.name) if server.name != instance else ():
            tree.note(found, link, (), more_than, {server.name} if link == only else ())
    return found


@define
class _Tree:
    """The breadth-first tree from an instance over the switches, and who hangs on them."""

    topology: Topology
    instance: Server
    neighbours: Mapping[str, Sequence[tuple[str, str]]]
    groups: Groups
    reached: set[str] = field(factory=set)
    parent: dict[str, str | None] = field(factory=dict)
    by_link: dict[str, str] = field(factory=dict)
    below: dict[str, list[str]] = field(factory=dict)
    hanging: dict[str, list[tuple[str, tuple[str, ...]]]] = field(factory=dict)
    in_rack: dict[str, list[tuple[str, tuple[str, ...]]]] = field(factory=dict)
    always_lost: list[tuple[str, tuple[str, ...]]] = field(factory=list)

    @classmethod
    def grow(cls, topology: Topology, instance: str) -> "_Tree":
        """Walk the fabric once, all of it living."""
        groups: Groups = {}
        for server in topology.servers.values():
            groups.setdefault((server.rack, server.switches), []).append(server.name)
        tree = cls(topology, topology.servers[instance], topology.neighbours, groups)
        tree._walk()
        for group in groups:
            tree.in_rack.setdefault(group[0], []).append(group)
            for switch in group[1]:
                tree.hanging.setdefault(switch, []).append(group)
            if tree.reached.isdisjoint(group[1]):
                tree.always_lost.append(group)
        return tree

    def _walk(self) -> None:
        level = list(self.instance.switches)
        for switch in level:
            self.parent[switch] = None
        while level:
            self.reached.update(level)
            following = []
            for switch in level:
                for link, other in self.neighbours[switch]:
                    if other not in self.parent:
                        self.parent[other] = switch
                        self.by_link[link] = other
                        self.below.setdefault(switch, []).append(other)
                        following.append(other)
            level = following

    def leaves_instance_up(self, failure: Failure) -> bool:
        """Whether the instance has power and a switch; its server and its links live, for another device failed."""
        return self.instance.rack not in failure.racks and not failure.switches.issuperset(self.instance.switches)

    def lost_groups(self, failure: Failure) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The groups that the failure cuts off, among those that are reached while all lives; some may come twice."""
        roots = list(failure.switches)
        if failure.link in self.by_link:
            roots.append(self.by_link[failure.link])
        yield from self.groups_on(self._lost(roots, failure.switches, failure.link))
        for rack in failure.racks:
            yield from self.in_rack.get(rack, ())

    def without_own(self, link: str, switch: str) -> set[str]:
        """The switches that the instance no longer reaches when one of its own links fails."""
        return self._lost([switch], frozenset(), link)

    def groups_on(self, lost: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The groups that have a link to these switches alone, or to such as are never reached."""
        for switch in lost:
            for group in self.hanging.get(switch, ()):
                if all(other in lost or other not in self.reached for other in group[1]):
                    yield group

    def _lost(self, roots: Iterable[str], dead: frozenset[str], link: str | None) -> set[str]:
        """Everything below the roots, but for what comes back over a living link from what is not below them."""
        lost: set[str] = set()
        waiting = [root for root in roots if root in self.reached]
        while waiting:
            switch = waiting.pop()
            if switch not in lost:
                lost.add(switch)
                waiting.extend(self.below.get(switch, ()))
        back = [switch for switch in lost if switch not in dead and self._comes_back(switch, lost, link)]
        while back:
            switch = back.pop()
            if switch in lost:
                lost.discard(switch)
                back.extend(
                    other for by, other in self.neighbours[switch] if by != link and other in lost and other not in dead
                )
        return lost

    def _comes_back(self, switch: str, lost: set[str], link: str | None) -> bool:
        # The instance is a neighbour too, but for the one link of its own that may have failed.
        if self.parent[switch] is None and link != link_name(self.instance.name, switch):
            return True
        return any(by != link and other in self.reached and other not in lost for by, other in self.neighbours[switch])

    def only_link(self, server: Server) -> str | None:
        """The link without which a server is cut off, if all the rest lives; none if there is another or no way."""
        ways = [switch for switch in server.switches if switch in self.reached]
        return link_name(server.name, ways[0]) if len(ways) == 1 else None

    def note(
        self,
        found: dict[str, Cut],
        device: str,
        lost: Iterable[tuple[str, tuple[str, ...]]],
        more_than: int,
        single: Collection[str] = (),
    ) -> None:
        """Note what a device cuts off, if that is more than so many servers."""
        groups = {*lost, *self.always_lost}
        count = sum(len(self.groups[group]) for group in groups) + len(single)
        if count > more_than:
            by_rack: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
            for group in groups:
                by_rack.setdefault(group[0], []).append(group)
            whole = {rack for rack, parts in by_rack.items() if len(parts) == len(self.in_rack[rack])}
            servers = {name for group in groups if group[0] not in whole for name in self.groups[group]} | set(single)
            found[device] = Cut(frozenset(whole), frozenset(servers), count)

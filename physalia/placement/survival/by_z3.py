"""``MajoritySurvives`` put to z3: it looks for a failure that leaves the instance up and takes the majority away.

Exactly one device fails. Power and life follow by their definitions. ``reached`` is any set of switches that holds
those next to the instance and is closed under living links; z3 may choose it too large but never too small, so a
majority that is outside of it is outside of what is really reached, and what z3 finds is real. If it finds nothing, a
majority survives: the least such set is among those that it tried.

The links of servers that are neither in the cell nor the instance change nothing that is asked about; one variable
stands for the failure of any of them.
"""

from collections.abc import Sequence

import z3

from physalia.placement.site.topology import Topology, link_name
from physalia.placement.survival.by_cuts import Survival, check_names, count

_ELSEWHERE = "elsewhere"


def refute(topology: Topology, instance: str, servers: Sequence[str], timeout_ms: int) -> Survival:
    """Ask z3 for a failure that breaks the cell on ``servers``; ``holds`` is None when it gives up."""
    check_names(topology, instance, servers)
    question = _Question(topology, instance, servers)
    solver = z3.SolverFor("QF_FD")
    solver.set("ctrl_c", False)  # z3 would take an interrupt for its own, and only give up
    solver.set("timeout", timeout_ms)
    solver.set("random_seed", 0)
    solver.add(*question.meaning(), question.instance_is_up(), question.majority_is_lost())
    answer = solver.check()
    failures = count(topology)
    if answer == z3.unknown:
        return Survival(holds=None, method="z3", failures=failures)
    if answer == z3.unsat:
        return Survival(holds=True, method="z3", failures=failures)
    model = solver.model()
    failed = next(device for device, fails in question.fails.items() if z3.is_true(model[fails]))
    lost = tuple(name for name, node in question.nodes.items() if not z3.is_true(model[node]))
    return Survival(holds=False, method="z3", failures=failures, breaks=question.told(failed), lost=lost)


class _Question:
    """The variables, and what is said of them."""

    def __init__(self, topology: Topology, instance: str, servers: Sequence[str]) -> None:
        self.topology, self.instance, self.servers = topology, instance, servers
        self.own_links = {name: list(topology.links_of(name)) for name in dict.fromkeys([instance, *servers])}
        self.devices = [*topology.racks, *topology.powers, *topology.switches, *topology.links]
        self.devices += [link for links in self.own_links.values() for link, _ in links]
        if len(topology.servers) > len(self.own_links):
            self.devices.append(_ELSEWHERE)
        # Names of devices hold no "!", so none of these collide.
        self.fails = {device: z3.Bool(f"fails!{device}") for device in self.devices}
        self.lives = {name: z3.Bool(f"lives!{name}") for name in self._powered()}
        self.reached = {switch: z3.Bool(f"reached!{switch}") for switch in topology.switches}
        self.nodes = {name: z3.Bool(f"node!{name}") for name in servers}

    def told(self, device: str) -> str:
        """The device by its name; of those that change nothing the first."""
        if device != _ELSEWHERE:
            return device
        other = next(server for server in self.topology.servers.values() if server.name not in self.own_links)
        return link_name(other.name, other.switches[0])

    def meaning(self) -> list[z3.BoolRef]:
        """One device fails; who lives; what is reached."""
        topology = self.topology
        said = [z3.PbEq([(fails, 1) for fails in self.fails.values()], 1)]
        for name, supplies in self._powered().items():
            has_power = z3.Or([self.lives[supply] for supply in supplies]) if supplies else z3.BoolVal(True)
            said.append(self.lives[name] == z3.And(z3.Not(self.fails[name]), has_power))
        for link in topology.links.values():
            one, other = link.ends
            carries = z3.Not(self.fails[link.name])
            for here, there in ((one, other), (other, one)):
                said.append(z3.Implies(z3.And(self.reached[here], carries, self.lives[there]), self.reached[there]))
        for link_of_instance, switch in self.own_links[self.instance]:
            said.append(z3.Implies(self._carries(link_of_instance, switch), self.reached[switch]))
        said += [self._node(name) for name in self.servers]
        return said

    def instance_is_up(self) -> z3.BoolRef:
        """It has power, and a living link to a living switch."""
        rack = self.topology.servers[self.instance].rack
        ways = [self._carries(link, switch) for link, switch in self.own_links[self.instance]]
        return z3.And(self.lives[rack], z3.Or(ways))

    def majority_is_lost(self) -> z3.BoolRef:
        """Fewer than a majority of the nodes are reached."""
        return z3.PbLe([(node, 1) for node in self.nodes.values()], len(self.servers) // 2)

    def _powered(self) -> dict[str, tuple[str, ...]]:
        """Everything that needs power, and what any one of is enough; a feed needs nothing."""
        topology = self.topology
        found = {element.name: element.supplies for element in topology.powers.values()}
        found |= {rack.name: rack.supplies for rack in topology.racks.values()}
        for switch in topology.switches.values():
            found[switch.name] = switch.supplies if switch.rack is None else (switch.rack,)
        return found

    def _carries(self, link: str, switch: str) -> z3.BoolRef:
        return z3.And(z3.Not(self.fails[link]), self.lives[switch])

    def _node(self, name: str) -> z3.BoolRef:
        """A node is reached at least if its server has power and a living link to a reached, living switch."""
        if name == self.instance:
            return self.nodes[name] == z3.BoolVal(True)  # it is up, and reaches itself
        ways = [z3.And(self._carries(link, switch), self.reached[switch]) for link, switch in self.own_links[name]]
        return self.nodes[name] == z3.And(self.lives[self.topology.servers[name].rack], z3.Or(ways))

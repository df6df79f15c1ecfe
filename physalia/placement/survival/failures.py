"""Every single failure that counts for survival, and what each one takes down by itself.

A rack, an element of power, a switch or a link may fail, the links of servers included; a server that fails takes one
node and is no matter of placement. What loses its power with a failed element follows from the meaning of power: an
element, a rack or a switch in no rack is without power once *all* of its supplies are.
"""

from collections.abc import Iterator

from attrs import field, frozen

from physalia.placement.site.topology import Topology

_NONE: frozenset[str] = frozenset()


@frozen
class Failure:
    """One device fails alone: the racks and switches that no longer live, and the link that no longer carries."""

    device: str
    racks: frozenset[str] = _NONE
    switches: frozenset[str] = _NONE
    link: str | None = None


@frozen
class _Hanging:
    """What hangs on each rack and on each element of power."""

    elements: dict[str, list[str]] = field(factory=dict)
    racks: dict[str, list[str]] = field(factory=dict)
    switches: dict[str, list[str]] = field(factory=dict)
    in_rack: dict[str, list[str]] = field(factory=dict)

    @classmethod
    def of(cls, topology: Topology) -> "_Hanging":
        hanging = cls()
        for kind, parts in (
            (hanging.elements, topology.powers),
            (hanging.racks, topology.racks),
            (hanging.switches, topology.switches),
        ):
            for name, part in parts.items():
                for supply in part.supplies:
                    kind.setdefault(supply, []).append(name)
        for switch in topology.switches.values():
            if switch.rack is not None:
                hanging.in_rack.setdefault(switch.rack, []).append(switch.name)
        return hanging


def failures(topology: Topology) -> Iterator[Failure]:
    """Every failure but those of links of servers, in the order of the topology: racks, power, switches, links."""
    hanging = _Hanging.of(topology)
    for rack in topology.racks:
        yield Failure(rack, frozenset({rack}), frozenset(hanging.in_rack.get(rack, ())))
    for element in topology.powers:
        yield _without(topology, hanging, element)
    for switch in topology.switches:
        yield Failure(switch, switches=frozenset({switch}))
    for link in topology.links:
        yield Failure(link, link=link)


def _without(topology: Topology, hanging: _Hanging, element: str) -> Failure:
    """What is without power when an element fails alone."""
    dark, waiting = {element}, [element]
    while waiting:
        for below in hanging.elements.get(waiting.pop(), ()):
            if below not in dark and dark.issuperset(topology.powers[below].supplies):
                dark.add(below)
                waiting.append(below)
    racks = {
        rack for lost in dark for rack in hanging.racks.get(lost, ()) if dark.issuperset(topology.racks[rack].supplies)
    }
    switches = {switch for rack in racks for switch in hanging.in_rack.get(rack, ())}
    switches |= {
        switch
        for lost in dark
        for switch in hanging.switches.get(lost, ())
        if dark.issuperset(topology.switches[switch].supplies)
    }
    return Failure(element, frozenset(racks), frozenset(switches))

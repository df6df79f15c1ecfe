"""The models of ``tla/Placement.tla`` as questions to the running code, and what TLC printed of them.

The constants stand once, in the modules; they are read from there, so that TLC and the code cannot be asked different
things. A server, rack or switch has the name that it has in the module, a link between switches that of its ends.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from conformance.placement.definition import Cell, Question
from conformance.tlc.values import Function, parse_value
from physalia.placement.rules.policy import Policy, from_document
from physalia.placement.site.topology import Cell as Existing
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch, Topology, link_name
from physalia.placement.site.validity import build

RUNG = "Placement"
_PRINTED = re.compile(r'^"<<\\"cell\\", (?P<value>.*)>>"$')


@frozen
class Listed:
    """What TLC says of one whole cell."""

    legal: bool
    optimal: bool
    survives: bool
    value: tuple[int, int, int, int]


@frozen
class Listing:
    """The lines that TLC printed, by cell, while they come in; a cell that comes twice is an error."""

    servers: tuple[str, ...]
    cells: dict[Cell, Listed] = field(factory=dict)

    def read(self, line: str) -> None:
        """Take a line of TLC's output; those that list no cell are passed over."""
        printed = _PRINTED.match(line)
        if printed is None:
            return
        told: Any = parse_value(f"<<{printed['value']}>>")
        numbers, legal, optimal, survives, value = told
        cell = frozenset(self.servers[number - 1] for number in numbers)
        if cell in self.cells:
            raise ValueError(f"TLC listed the cell {sorted(cell)} twice")
        self.cells[cell] = Listed(legal, optimal, survives, value)


def question(folder: Path, name: str) -> Question:
    """The question that a model asks; ValueError or KeyError if its module does not state one."""
    text = (folder / f"{name}.tla").read_text(encoding="utf-8")
    site, policy, query = (_plain(_definition(text, constant)) for constant in ("TheSite", "ThePolicy", "TheQuery"))
    return Question(
        topology=_topology(name, site),
        policy=_policy(name, policy),
        color=None if query["color"] == "any" else query["color"],
        **query["clients"],
    )


def _definition(text: str, name: str) -> Any:
    found = re.search(rf"^{name}\s*==(.*?)(?=^\S|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"there is no definition of {name}")
    return parse_value(found[1].strip())


def _plain(value: Any) -> Any:
    """Records as dictionaries, sequences and sets as sorted lists."""
    if isinstance(value, Function):
        return {key: _plain(one) for key, one in value.pairs}
    if isinstance(value, frozenset):
        return sorted((_plain(one) for one in value), key=repr)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _topology(name: str, site: Mapping[str, Any]) -> Topology:
    devices: Mapping[str, Mapping[str, Any]] = site["devices"]
    racks = {device for device, part in devices.items() if part["kind"] == "rack"}

    def of(*kinds: str) -> list[tuple[str, Mapping[str, Any]]]:
        return [(device, devices[device]) for device in sorted(devices) if devices[device]["kind"] in kinds]

    def switch(device: str, part: Mapping[str, Any]) -> Switch:
        stands_in = [supply for supply in part["supplies"] if supply in racks]
        supplies = () if stands_in else tuple(part["supplies"])
        return Switch(device, part["tier"], stands_in[0] if stands_in else None, supplies)

    return build(
        name=name,
        rows=sorted({devices[rack]["row"] for rack in racks}),
        powers=[Power(device, part["kind"], tuple(part["supplies"])) for device, part in of("feed", "ups", "pdu")],
        racks=[Rack(device, part["row"], tuple(part["supplies"])) for device, part in of("rack")],
        switches=[switch(device, part) for device, part in of("switch")],
        links=[Link(link_name(*ends), tuple(ends)) for ends in site["links"]],
        servers=[
            Server(
                one["name"],
                one["rack"],
                tuple(one["switches"]),
                one["color"],
                one["capacity"],
                one["nodes"],
                drained=one["name"] in site["drained"],
            )
            for one in site["servers"]
        ],
        cells=[Existing(f"cell{at}", tuple(servers)) for at, servers in enumerate(site["cells"], start=1)],
    )


def _policy(name: str, stated: Mapping[str, Any]) -> Policy:
    rules = [
        {**rule, "id": f"rule-{at}"} | ({"name": "+".join(rule["name"])} if "name" in rule else {})
        for at, rule in enumerate(stated["rules"], start=1)
    ]
    document = {
        "cell_size": stated["size"],
        "one_color": stated["color"] == "one",
        "spread": stated["spread"],
        "rules": rules,
    }
    return from_document(document, name)

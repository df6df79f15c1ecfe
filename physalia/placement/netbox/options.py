"""What an inventory leaves out and the importer must be told, and the record of what it assumed and left out."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import chain, count
from typing import Any, Final

from attrs import define, field, frozen

from physalia.placement.site.topology import ALSO, JOINT, TOGETHER, Topology

_POWER: Final = ("panel", "power feed", "source")


class Use(StrEnum):
    """What the devices of a role are to us."""

    SERVER = "server"
    TOP_OF_RACK = "rack"
    AGGREGATION = "aggregation"
    CORE = "core"
    IGNORE = "ignore"


class Chassis(StrEnum):
    """What a virtual chassis is: one device that fails as a whole, or its members, each failing alone."""

    ONE = "one"
    EACH = "each"


class Cords(StrEnum):
    """What becomes of servers whose power cords lead to fewer feeds than their rack has."""

    LEAVE_OUT = "leave-out"
    AS_RACK = "as-rack"


class Uplinks(StrEnum):
    """Where switches are assumed to lead if no cable leads there."""

    NONE = "none"
    AGGREGATION = "aggregation"
    CORE = "core"


@frozen(kw_only=True)
class Options:
    """What the importer is told. Nothing is assumed unless asked for, except colour and capacity of servers.

    ``site`` is a name or slug, needed unless only one site has racks. Racks are filled up to ``servers_per_rack``
    servers and ``switches_per_rack`` top-of-rack switches; with ``rack_roles``, only racks of these roles are.
    Racks that no power feed leads to get ``feeds_per_rack`` circuits each, from ``feeds`` assumed ones in turn. Servers
    whose cords lead to fewer feeds than their rack has are left out, or fed like their rack (``single_corded``).
    ``roles`` says what the devices of a role are, by slug, where its name does not. ``sources`` says what feeds a
    panel, by the panel's name. Servers take ``colors`` in turn and hold up to ``capacity`` nodes each.
    """

    site: str | None = None
    rack_statuses: tuple[str, ...] = ("active",)
    rack_roles: tuple[str, ...] = ()
    servers_per_rack: int = 0
    switches_per_rack: int = 0
    chassis: Chassis = Chassis.ONE
    uplinks: Uplinks = Uplinks.NONE
    roles: Mapping[str, Use] = field(factory=dict)
    sources: Mapping[str, str] = field(factory=dict)
    colors: tuple[str, ...] = ("blue",)
    capacity: int = 100
    feeds_per_rack: int = 0
    feeds: int = 0
    single_corded: Cords = Cords.LEAVE_OUT


@frozen
class Note:
    """Something that was assumed or left out, and the objects that it concerns."""

    what: str
    objects: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The note as plain data."""
        return {"what": self.what, "objects": list(self.objects)}


@frozen
class Imported:
    """The topology of a site, and what the inventory did not say."""

    topology: Topology
    assumed: tuple[Note, ...]
    left_out: tuple[Note, ...]


@define(eq=False)
class Ledger:
    """The notes as they come, and the names that are taken: unique over a topology, though not over an inventory."""

    _assumed: dict[str, list[str]] = field(factory=dict)
    _left_out: dict[str, list[str]] = field(factory=dict)
    _taken: set[str] = field(factory=set)

    def assume(self, what: str, *objects: str) -> None:
        """Note that something was assumed of these objects."""
        self._assumed.setdefault(what, []).extend(objects)

    def leave_out(self, what: str, *objects: str) -> None:
        """Note that these objects were left out."""
        self._left_out.setdefault(what, []).extend(objects)

    @property
    def assumed(self) -> tuple[Note, ...]:
        """What was assumed, in the order in which it came up."""
        return tuple(Note(what, tuple(objects)) for what, objects in self._assumed.items())

    @property
    def left_out(self) -> tuple[Note, ...]:
        """What was left out, in the order in which it came up."""
        return tuple(Note(what, tuple(objects)) for what, objects in self._left_out.items())

    def name(self, kind: str, wanted: str, key: int | str) -> str:
        """A name for a thing of the inventory that nothing else has; noted if it is not the one wanted."""
        plain = wanted.replace(TOGETHER, " and ") if kind in _POWER else wanted
        while JOINT in plain:
            plain = plain.replace(JOINT, "-")
        plain = f" {plain.strip('- ')} "
        while ALSO in plain:
            plain = plain.replace(ALSO, " and ")
        plain = plain.strip() or f"{kind}-{key}"
        numbered = (f"{plain} ({kind} {key}, {number})" for number in count(1))
        name = next(one for one in chain((plain, f"{kind} {plain}"), numbered) if one not in self._taken)
        self._taken.add(name)
        if wanted and name != wanted:
            self.assume("names are unique here: these were changed", f"{kind} {wanted} -> {name}")
        return name

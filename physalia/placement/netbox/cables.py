"""Where a cable of a NetBox inventory leads, through the front and rear ports of patch panels.

A cable has terminations at its ends A and B. At a front port the way goes on at the rear port behind it; at a rear
port, at the front port of the position by which the way entered the panel at the other side. It ends at whatever is no
port of a panel, or at a port where nothing is plugged in. Which ports belong together says the front port, or, since
NetBox 4.5, an entry of its own (``dcim.portmapping``), by which a front port may have several rear ports behind it.
"""

from collections.abc import Iterator
from typing import Final

from physalia.placement.errors import BadTopology
from physalia.placement.netbox.dump import Dump, Entry

_PANEL_PORTS: Final = ("frontport", "rearport")
_FOLLOWED: Final = (*_PANEL_PORTS, "interface", "powerport", "powerfeed", "poweroutlet")
"""The models whose cables matter here; those of consoles and of other applications are ends like any other."""

USABLE: Final = "connected"
"""The status of a cable that carries something; cables that are planned or being taken out do not."""

_STRAIGHT: Final = ("single-", "trunk-")
_SHUFFLED: Final = "-shuffle"
"""Cables whose profile, since NetBox 4.5, says that each connector leads to the one of its number at the other end."""

_Place = tuple[str, int]


class Cabling:
    """The cables of a dump, and the ends of each one."""

    def __init__(self, dump: Dump) -> None:
        self._dump = dump
        self.unusable: list[Entry] = []
        self._ends: dict[tuple[int, str], list[_Place]] = {}
        self._plugged: dict[_Place, tuple[int, str]] = {}
        self._connector: dict[_Place, int | None] = {}
        self._straight: set[int] = set()
        self._front: dict[tuple[int, int], int] = {}
        self._rears: dict[int, list[tuple[int, int]]] = {}
        self._read_ends()
        for front, rear, position in self._mappings():
            self._front[rear, position] = front
            self._rears.setdefault(front, []).append((rear, position))

    def far_ends(self, start: Entry, model: str) -> list[Entry]:
        """The entries of a model that the cable plugged in at ``start`` leads to, panels walked through."""
        found: set[_Place] = set()
        seen: set[tuple[_Place, tuple[int, ...]]] = set()
        waiting: list[tuple[_Place, tuple[int, ...]]] = [((start.model, start.key), ())]
        while waiting:
            state = waiting.pop()
            if state in seen:  # panels cabled in a circle
                continue
            seen.add(state)
            place, positions = state
            for far in self._across(place):
                if far[0] in _PANEL_PORTS:
                    waiting += self._through(far, positions)
                elif far[0] == model:
                    found.add(far)
        return [self._dump.get(*place, start) for place in sorted(found - {(start.model, start.key)})]

    def is_plugged(self, port: Entry) -> bool:
        """Whether a cable that carries something is plugged in here."""
        return (port.model, port.key) in self._plugged

    def _across(self, place: _Place) -> list[_Place]:
        """The terminations at the other end of the cable that is plugged in here."""
        if place not in self._plugged:
            return []
        cable, end = self._plugged[place]
        ends = self._ends.get((cable, "B" if end == "A" else "A"), [])
        if cable in self._straight:
            return [far for far in ends if self._connector[far] == self._connector[place]]
        return ends

    def _through(self, port: _Place, positions: tuple[int, ...]) -> Iterator[tuple[_Place, tuple[int, ...]]]:
        """Where the way goes on behind a port of a panel; ``positions`` are those of the panels not yet left."""
        model, key = port
        if model == "frontport":
            for rear, position in self._rears.get(key, ()):
                yield ("rearport", rear), (*positions, position)
        else:
            # Entered from behind: leave at the position by which the way entered the panel at the other side.
            position, left = (positions[-1], positions[:-1]) if positions else (1, ())
            front = self._front.get((key, position))
            if front is not None:
                yield ("frontport", front), left

    def _mappings(self) -> Iterator[tuple[int, int, int]]:
        """Front port, rear port, and the position at the rear port, of all that belong together."""
        dump = self._dump
        for mapping in dump.all("portmapping"):
            front, rear = mapping.number("front_port"), mapping.number("rear_port")
            dump.get("frontport", front, mapping)
            dump.get("rearport", rear, mapping)
            yield front, rear, mapping.number("rear_port_position")
        for port in dump.all("frontport"):
            if not port.has("rear_port"):
                if "portmapping" not in dump.tables and self.is_plugged(port):
                    port.refuse(
                        "it does not name its rear port, as in NetBox 4.5 and later, and the file holds no "
                        "dcim.portmapping, which would; dump that model too"
                    )
            elif (rear_key := port.reference("rear_port")) is not None:
                yield port.key, rear_key, port.number("rear_port_position")

    def _read_ends(self) -> None:
        dump = self._dump
        usable = {}
        for cable in dump.all("cable"):
            usable[cable.key] = cable.text("status") == USABLE
            profile = cable.text("profile") if cable.has("profile") else ""
            if profile.startswith(_STRAIGHT) and not profile.endswith(_SHUFFLED):
                self._straight.add(cable.key)
            if not usable[cable.key]:
                self.unusable.append(cable)
        if usable and "cabletermination" not in dump.tables:
            raise BadTopology(f"{dump.where}: there is dcim.cable but no dcim.cabletermination; dump that model too.")
        for port in (port for model in _FOLLOWED for port in dump.all(model)):
            plugged = port.fields.get("cable")
            if isinstance(plugged, int) and plugged not in usable:
                dump.get("cable", plugged, port)
        for termination in dump.all("cabletermination"):
            cable_key = termination.number("cable")
            if cable_key not in usable:
                dump.get("cable", cable_key, termination)
            place = (_termination_model(termination), termination.number("termination_id"))
            end = termination.text("cable_end")
            if place[0] in _FOLLOWED:
                dump.get(*place, termination)
            if usable[cable_key]:
                self._ends.setdefault((cable_key, end), []).append(place)
                self._plugged[place] = (cable_key, end)
                self._connector[place] = termination.reference("connector") if termination.has("connector") else None


def _termination_model(termination: Entry) -> str:
    """The model of what a cable ends at, without its application; other applications keep theirs."""
    kind = termination.fields.get("termination_type")
    if not (isinstance(kind, list) and len(kind) == 2 and all(isinstance(part, str) for part in kind)):  # noqa: PLR2004
        termination.refuse(f"its termination_type is {kind!r}; dump with --natural-foreign")
    application, model = kind
    return model if application == "dcim" else f"{application}.{model}"

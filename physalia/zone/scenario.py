"""What is simulated: how often what fails, what the volumes and the control plane do, and on which site.

A scenario is a TOML file; what it leaves out is as in ``zone.toml``, which is shipped. Each number has its unit in its
name: hours, GiB, and failures in a year of one device.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec
from attrs import asdict, field, fields, frozen

from physalia.zone.errors import BadScenario

Kind = Literal["server", "rack", "pdu", "ups", "feed", "top-of-rack", "aggregation", "core"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

HOURS_A_YEAR: Final = 8760.0

MOST: Final = 1_000_000
"""No number is larger: a million servers, or hours, are more than anybody waits for."""

_UNLIMITED = frozenset({"at_once", "at_once_per_server", "steps_per_hour"})
"""For these 0 stands for no limit."""
_FROM_NOUGHT = frozenset({"per_year", "moves_per_year", "at_hours", "after_hours", "resync_hours", "api_per_second"})
_SHARES = frozenset({"per_year", "share", "fill"})
"""These are at most 1: a device that fails more often than once a year is no device but a defect."""


def _check(one: Any) -> None:
    """ValueError, with the name of the number, if one of them cannot be."""
    for attribute in fields(type(one)):
        value = getattr(one, attribute.name)
        if isinstance(value, str):
            continue
        least = attribute.name in _UNLIMITED or attribute.name in _FROM_NOUGHT
        if not isfinite(value) or value < 0 or (value == 0 and not least):
            raise ValueError(f"{attribute.name} is {value:g}, and must be {'0 or more' if least else 'above 0'}")
        if value > MOST:
            raise ValueError(f"{attribute.name} is {value:g}, and must be at most {MOST:,}")
        if attribute.name in _SHARES and value > 1:
            raise ValueError(f"{attribute.name} is {value:g}, and must be at most 1")


@frozen(kw_only=True)
class _Numbers:
    def __attrs_post_init__(self) -> None:
        _check(self)


@frozen(kw_only=True)
class Ground(_Numbers):
    """The site that is generated, and how many volumes are on it."""

    servers: int
    servers_per_rack: int
    racks_per_row: int
    capacity: int
    volumes: int


@frozen(kw_only=True)
class Failing(_Numbers):
    """How often a device fails in a year, at most once, and the mean hours until it is back."""

    per_year: float
    repair_hours: float

    @property
    def down(self) -> float:
        """The share of time in which it is down, in the long run."""
        failing = self.per_year * self.repair_hours / HOURS_A_YEAR
        return failing / (1 + failing)


@frozen(kw_only=True)
class Mirroring(_Numbers):
    """When a lost copy is replaced, how fast, and how many at a time; 0 for no limit."""

    after_hours: float
    resync_hours: float
    size_gib: float
    gib_per_hour: float
    at_once: int
    at_once_per_server: int
    copies_per_server: int

    @property
    def copy_hours(self) -> float:
        """How long one transfer takes."""
        return self.size_gib / self.gib_per_hour


@frozen(kw_only=True)
class Keeping(_Numbers):
    """When the control plane replaces a node, how long a step takes, and how many it starts in an hour at most."""

    after_hours: float
    step_hours: float
    steps_per_hour: float


@frozen(kw_only=True)
class Clients(_Numbers):
    """How often an instance moves."""

    moves_per_year: float


@frozen(kw_only=True)
class Storm(_Numbers):
    """Many volumes lose a copy at once, and look for room, on a control plane that customers need too."""

    volumes: int
    servers: int
    share: float
    fill: float
    size_gib: float
    gib_per_hour: float
    requests_per_second: float
    tries_per_second: float
    api_per_second: float
    heal_hours: float
    hours: float
    at_once_per_server: int
    backoff_most_seconds: float


@frozen(kw_only=True)
class Event(_Numbers):
    """So many devices of a kind fail at once."""

    at_hours: float
    kind: Kind
    count: int
    for_hours: float


@frozen(kw_only=True)
class Scenario:
    """Everything that a run depends on but for its seed, its length and the site."""

    site: Ground
    failures: Mapping[Kind, Failing]
    mirroring: Mirroring
    keeper: Keeping
    clients: Clients
    storm: Storm
    events: tuple[Event, ...] = ()
    where: str = field(default="the scenario", eq=False, repr=False)

    def document(self) -> dict[str, Any]:
        """The scenario as plain data."""
        return {key: value for key, value in asdict(self).items() if key != "where"}


def default() -> Scenario:
    """The scenario that is shipped: ``zone.toml``."""
    return _converted(_shipped(), "zone.toml")


def read(path: Path) -> Scenario:
    """The scenario of a file; BadScenario, in one sentence with file and object, if it is none."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"{path}: the scenario cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise BadScenario(f"{path}: this is not TOML: {str(error).rstrip('.')}.") from error
    return _converted(_over(_shipped(), document), str(path))


def _shipped() -> dict[str, Any]:
    return tomllib.loads(files("physalia.zone").joinpath("zone.toml").read_text(encoding="utf-8"))


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One document over another: tables are joined, all else is replaced."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def _converted(document: Mapping[str, Any], where: str) -> Scenario:
    known = {one.name for one in fields(Scenario)} - {"where"}
    for key in document:
        if key not in known:
            raise BadScenario(f"{where}: there is no setting {key}; there are {', '.join(sorted(known))}.")
    shipped = _shipped()
    for key, table in document.items():
        if isinstance(table, dict) and key != "failures":
            for name in table:
                if name not in shipped[key]:
                    raise BadScenario(
                        f"{where}: {key}: there is no setting {name}; there are {', '.join(shipped[key])}."
                    )
    _check_entries(document, where)
    try:
        return msgspec.convert({**document, "where": where}, Scenario)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        place = path.rstrip("`").lstrip(".") or "the file"
        raise BadScenario(f"{where}: {_named(document, place)}: {reason}.") from error


def _check_entries(document: Mapping[str, Any], where: str) -> None:
    """BadScenario for a setting of a failure or of an event that there is not: nobody would miss it otherwise."""
    failures, events = document.get("failures"), document.get("events")
    tables: list[tuple[str, Any, type[_Numbers]]] = []
    if isinstance(failures, dict):
        tables += [(f"failures.{kind}", one, Failing) for kind, one in failures.items()]
    if isinstance(events, list):
        tables += [(f"event {at}", one, Event) for at, one in enumerate(events, 1)]
    for name, table, kind in tables:
        known = [one.name for one in fields(kind)]
        for key in table if isinstance(table, dict) else ():
            if key not in known:
                raise BadScenario(f"{where}: {name}: there is no setting {key}; there are {', '.join(known)}.")


def _named(document: Mapping[str, Any], place: str) -> str:
    """The place of a mistake with the kind of device in it, which msgspec does not tell."""
    if place.startswith(_ANY_KIND):
        for kind, table in document["failures"].items():
            try:
                msgspec.convert(table, Failing)
            except msgspec.ValidationError:
                return place.replace(_ANY_KIND, f"failures.{kind}", 1)
    return place


_ANY_KIND = "failures[...]"

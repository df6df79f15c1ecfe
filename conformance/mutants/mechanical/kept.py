"""The outcomes of a run, kept as they come in, so that one that was cut short goes on where it was.

An outcome holds as long as nothing has changed that it depends on: a kill, on what matters to the link that killed;
what no link killed, on what matters to all that were asked. What does not build is tried again after every change.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from conformance.links import BadInput
from conformance.mutants.matters import matters_to
from conformance.mutants.mechanical import pool
from conformance.mutants.mechanical.fault import Fault
from conformance.mutants.mechanical.trying import Outcome, Status

RUNS = Path(".physalia", "runs", "mutants")
_ASKS = ("ask.py", "glance.py", "pool.py")
"""Who asks, and how much."""
_LINK_OF = {"glance": "lockstep", "mirror": "graph"}
"""What is asked and is not called as its link."""
_PACKAGES = ("spec", "physalia", "conformance", "tla")
_OF_PROJECT = (".py", ".tla", ".cfg", ".toml")


@cache
def _project() -> str:
    """What the project is: another one has other types."""
    told = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((pool.ROOT / package).rglob("*")):
            if path.suffix in _OF_PROJECT and "states" not in path.parts:
                told.update(path.relative_to(pool.ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()


@cache
def _matters_to(links: frozenset[str]) -> str:
    """All that these links depend on, and whoever asks them."""
    asking = Path(__file__).parent
    told = [*(matters_to(link) for link in sorted(links)), *((asking / name).read_text("utf-8") for name in _ASKS)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()


def key_of(fault: Fault, outcome: Outcome, most_asks: int | None) -> str:
    """Names a fault, what became of it, and all that this depends on."""
    asks = pool.asks_of(fault.file, fault.where)[:most_asks]
    if outcome.status is Status.KILLED:
        asks = [outcome.link]
    links = frozenset(_LINK_OF.get(name, name) for name in (ask.partition(":")[0] for ask in asks))
    matters = _project() if outcome.status is Status.BUILD_FAILED else _matters_to(links)
    return hashlib.sha256("\0".join((fault.name, outcome.status, *sorted(asks), matters)).encode()).hexdigest()[:24]


@define
class Kept:
    """The file of outcomes of one draw, of whose faults no more than ``most_asks`` are asked about each."""

    path: Path
    most_asks: int | None = None
    _before: Mapping[str, tuple[str, Outcome]] = field(factory=dict, init=False)

    def begin(self) -> None:
        """An empty file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("", encoding="utf-8")

    def resume(self) -> None:
        """Go on with what was kept. BadInput if there is no such file."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{self.path} cannot be read ({error}); run it without --resume.") from None
        self._before = {outcome.name: (key, outcome) for key, outcome in _outcomes(lines)}

    def get(self, fault: Fault) -> Outcome | None:
        """What became of it, if that still holds."""
        key, outcome = self._before.get(fault.name, ("", None))
        return outcome if outcome is not None and key == key_of(fault, outcome, self.most_asks) else None

    def add(self, fault: Fault, outcome: Outcome) -> None:
        """One more outcome; a line is written whole or, at a crash, not read."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key_of(fault, outcome, self.most_asks), **asdict(outcome)}) + "\n")


def _outcomes(lines: list[str]) -> Iterator[tuple[str, Outcome]]:
    for line in lines:
        entry = _entry(line)
        try:
            yield str(entry.pop("key")), Outcome(**{**entry, "status": Status(entry.get("status", ""))})
        except (TypeError, ValueError, KeyError):
            continue  # the line that a crash cut short


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}

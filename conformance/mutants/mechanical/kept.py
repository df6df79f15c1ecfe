"""The outcomes of a run, kept as they come in, so that one that was cut short goes on where it was."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from conformance.links import BadInput
from conformance.mutants.mechanical.pool import ROOT
from conformance.mutants.mechanical.trying import Outcome, Status

RUNS = Path(".physalia", "runs", "mutants")
_PACKAGES = ("spec", "physalia", "conformance", "tla")
_OF_PROJECT = (".py", ".tla", ".cfg", ".toml")


def digest() -> str:
    """What the project is: another one has other faults, and other judges."""
    told = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in _OF_PROJECT and "states" not in path.parts:
                told.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()[:16]


@frozen
class Kept:
    """The file of outcomes of one draw: a line that says of which project, and a line for each outcome."""

    path: Path
    project: str

    def begin(self) -> None:
        """An empty file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"project": self.project}) + "\n", encoding="utf-8")

    def add(self, outcome: Outcome) -> None:
        """One more outcome; a line is written whole or, at a crash, not read."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")

    def read(self) -> Mapping[str, Outcome]:
        """The outcomes by their names. BadInput if there is no such file, or if it is of another project."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{self.path} cannot be read ({error}); run it without --resume.") from None
        if not lines or _entry(lines[0]) != {"project": self.project}:
            raise BadInput(f"{self.path} has outcomes of another state of the project; run it without --resume.")
        return {outcome.name: outcome for outcome in _outcomes(lines[1:])}


def _outcomes(lines: list[str]) -> Iterator[Outcome]:
    for line in lines:
        entry = _entry(line)
        try:
            yield Outcome(**{**entry, "status": Status(entry.get("status", ""))})
        except (TypeError, ValueError):
            continue  # the line that a crash cut short


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}

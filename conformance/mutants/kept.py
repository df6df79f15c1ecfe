"""What became of mutants, kept line by line as it is found out, so that a run that was cut short goes on where it was.

A line holds for as long as its key does: the digest of the fault, of who was asked, and of all that matters to them.
What a machine had no time for, or broke on, is asked again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from attrs import asdict, field, frozen

from conformance.links import BadInput
from conformance.mutants.copies import Judgement, Status
from conformance.mutants.entries import Mutant
from conformance.mutants.matters import matters_to

FILE = Path(".physalia", "runs", "mutants", "catalogue.jsonl")
_LASTS = (Status.KILLED, Status.SURVIVED)


@frozen
class Line:
    """A judgement that is kept, and what it took."""

    judgement: Judgement
    seconds: float


@frozen
class Kept:
    """The file of judgements, and those of them that are taken as they are."""

    path: Path = FILE
    lines: Mapping[str, Line] = field(factory=dict)

    @classmethod
    def resumed(cls, path: Path = FILE) -> "Kept":
        """With all that was kept; BadInput if there is nothing."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path} cannot be read ({error}); run it without --resume.") from None
        return cls(path, dict(one for line in lines if (one := _line(line)) is not None))

    def get(self, key: str) -> Line | None:
        """What was said, if that still holds."""
        return self.lines.get(key)

    def add(self, key: str, name: str, judgement: Judgement, seconds: float) -> None:
        """One more judgement; a line is written whole or, at a crash, not read."""
        if judgement.status not in _LASTS:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = {"key": key, "name": name, "seconds": round(seconds, 1), **asdict(judgement)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def key_of_control(killer: str, command: tuple[str, ...]) -> str:
    """Names a command and all that its verdict on the project as it is depends on."""
    return _digest("control", *command, matters_to(killer))


def key_of(mutant: Mutant) -> str:
    """Names a fault, whoever is asked about it, and all that their verdict depends on."""
    fault = (mutant.twin, mutant.file, mutant.replace, mutant.with_)
    return _digest("mutant", *fault, *mutant.control(), matters_to(mutant.killer))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _line(text: str) -> tuple[str, Line] | None:
    try:
        entry = json.loads(text)
        key, seconds = str(entry.pop("key")), float(entry.pop("seconds"))
        del entry["name"]
        return key, Line(
            Judgement(**{**entry, "status": Status(entry["status"]), "parts": tuple(entry["parts"])}), seconds
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # the line that a crash cut short

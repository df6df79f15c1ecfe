"""What a TLC configuration checks, and the name of what was violated.

TLC names an invariant that falls. Of a refinement it says only in which line of the upper module the formula stands,
and of a temporal property nothing at all; the configuration and the modules tell the rest.
"""

import re
from pathlib import Path

from conformance.tlc.messages import TEMPORAL

REFINEMENT = "Refines"
_PROPERTY = ("PROPERTY", "PROPERTIES")
_INVARIANT = ("INVARIANT", "INVARIANTS")
_KEYWORD = re.compile(
    r"\b(SPECIFICATION|INIT|NEXT|CONSTANTS?|INVARIANTS?|PROPERTY|PROPERTIES|(?:ACTION_)?CONSTRAINTS?|SYMMETRY|VIEW)\b"
)
_LINE_COMMENT = re.compile(r"\\\*.*")
_BLOCK_COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)
_PLACE = re.compile(
    r"line (?P<line>\d+), col (?P<column>\d+) to line (?P<last>\d+), col (?P<end>\d+) of module (?P<module>\w+)"
)
_NO_PLAIN_CONJUNCTS = re.compile(r"\\[AE]\b|\\/|=>|\b(?:LET|IF|CASE)\b")
_ASSUME = re.compile(r"(?:ASSUME|ASSUMPTION|AXIOM)\b(?:\s+(?P<name>\w+)\s*==)?")
_DEFINITION = re.compile(r"(?P<name>\w+)\s*==")


def config_properties(config: Path) -> tuple[str, ...]:
    """The names under PROPERTY and PROPERTIES, in order."""
    sections = _sections(config.read_text(encoding="utf-8"))
    return tuple(name for keyword, body in sections if keyword in _PROPERTY for name in body.split())


def take_refinement_out(config: Path) -> None:
    """Rewrite a copy of a configuration without the properties that are called Refines..."""
    lines = []
    for keyword, body in _sections(config.read_text(encoding="utf-8")):
        if keyword in _PROPERTY:
            names = [name for name in body.split() if not name.startswith(REFINEMENT)]
            lines += [f"{keyword} {' '.join(names)}"] if names else []
        else:
            lines.append(f"{keyword} {body.strip()}")
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")


def take_checks_out(config: Path) -> None:
    """Rewrite a copy of a configuration so that nothing is checked: what is left is the state space."""
    sections = _sections(config.read_text(encoding="utf-8"))
    kept = [f"{keyword} {body.strip()}" for keyword, body in sections if keyword not in (*_PROPERTY, *_INVARIANT)]
    config.write_text("\n".join(kept) + "\n", encoding="utf-8")


def resolve_violated(violated: str, folder: Path, properties: tuple[str, ...], *, is_assumption: bool = False) -> str:
    """The name of what TLC calls ``violated``, where the name can be told; else TLC's words.

    An ASSUME without a name is told by its place and its text: its bounds contradict each other.
    """
    if violated == TEMPORAL:
        own = [name for name in properties if not name.startswith(REFINEMENT)]
        return " or ".join(own or properties)
    place = _PLACE.search(violated)
    if place is None:
        return violated
    lines = (folder / f"{place['module']}.tla").read_text(encoding="utf-8").splitlines()
    if is_assumption:
        return _assumption(place, lines)
    definition = next(filter(None, map(_DEFINITION.match, reversed(lines[: int(place["line"])]))), None)
    if definition and definition["name"] in properties:
        return definition["name"]
    refinement = REFINEMENT + place["module"]
    if refinement in properties:
        return refinement
    return properties[0] if len(properties) == 1 else violated


def part_assumption(violated: str, folder: Path) -> bool:
    """Rewrite a copy of a module so that every conjunct of the ASSUME at that place stands alone; False if none would.

    TLC says where an ASSUME is that is false, and not which part of it. Run once more, it does.
    """
    place = _PLACE.search(violated)
    if place is None:
        return False
    file = folder / f"{place['module']}.tla"
    lines = file.read_text(encoding="utf-8").splitlines()
    text, first = _text_at(place, lines), int(place["line"])
    conjuncts = _listed(place, lines) if _NO_PLAIN_CONJUNCTS.search(text) else text.split("/\\")
    conjuncts = [part.strip() for part in conjuncts if part.strip()]
    balanced = all(
        part.count(opening) == part.count(closing) for part in conjuncts for opening, closing in ("()", "[]")
    )
    if len(conjuncts) < len("ab") or not balanced or not _ASSUME.match(lines[first - 1]):
        return False
    alone = [" ".join(f"ASSUME {part}" for part in conjuncts)]
    lines[first - 1 : int(place["last"])] = alone  # in one line, so that its number is that of the whole
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return True


def _listed(place: "re.Match[str]", lines: list[str]) -> list[str]:
    """The conjuncts of a list, one below the other, whatever stands in each of them; none if a list stands in one."""
    column = int(place["column"]) - 1
    parts: list[str] = []
    for line in _lines_at(place, lines):
        if line[column:].startswith("/\\"):
            parts.append(line[column:].removeprefix("/\\"))
        elif not parts or line.lstrip().startswith(("/\\", "\\/")):
            return []
        else:
            parts[-1] += f" {line}"
    return [" ".join(part.split()) for part in parts]


def _assumption(place: "re.Match[str]", lines: list[str]) -> str:
    """An ASSUME by its name, or by where it stands and what it says."""
    first = int(place["line"])
    head = next(filter(None, map(_ASSUME.match, reversed(lines[:first]))), None)
    if head and head["name"]:
        return head["name"]
    return f"the ASSUME in {place['module']}.tla:{first}: {_text_at(place, lines)}"


def _text_at(place: "re.Match[str]", lines: list[str]) -> str:
    """What stands at a place of a module, in one line and without comments."""
    return " ".join(" ".join(_lines_at(place, lines))[int(place["column"]) - 1 :].split())


def _lines_at(place: "re.Match[str]", lines: list[str]) -> list[str]:
    """The lines of a place, up to its end and without comments; what stands before it in the first one is blank."""
    part = lines[int(place["line"]) - 1 : int(place["last"])]
    part[-1] = part[-1][: int(place["end"])]
    part[0] = part[0][int(place["column"]) - 1 :].rjust(len(part[0]))
    return [_LINE_COMMENT.sub("", line) for line in part]


def _sections(text: str) -> list[tuple[str, str]]:
    """Every keyword of the configuration with the text below it."""
    parts = _KEYWORD.split(_BLOCK_COMMENT.sub("", _LINE_COMMENT.sub("", text)))
    return list(zip(parts[1::2], parts[2::2], strict=True))

"""Which part of its killer met a fault the last time: it is asked first, and a run writes it down again.

``first.toml`` is no catalogue: nobody writes it by hand. A name in it is a guess about where to look, and a wrong one
is told, since it costs a run of the whole link for nothing.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from conformance.links import BadInput

FILE = Path(__file__).with_name("first.toml")
_TEXT = """\
# The part of its killer that met a fault: a run asks it first. Written by `physalia conformance mutants --record`.

"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def read(file: Path = FILE) -> Mapping[str, str]:
    """The parts by the names of the mutants; BadInput if the file cannot be read."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise BadInput(f"{file.name} cannot be read ({error}); remove it, and write it again with --record.") from None
    if not all(isinstance(part, str) for part in told.values()):
        raise BadInput(f"{file.name} is no list of names and parts; remove it, and write it again with --record.")
    return told


def write(parts: Mapping[str, str], known: Iterable[str], file: Path = FILE) -> None:
    """Write down what is new beside what is there, for those that are known."""
    all_parts = {**read(file), **parts}
    names = sorted(set(known) & set(all_parts))
    lines = [f"{name if _BARE.fullmatch(name) else json.dumps(name)} = {json.dumps(all_parts[name])}" for name in names]
    file.write_text(_TEXT + "".join(f"{line}\n" for line in lines), encoding="utf-8")

"""The entries of the catalogue: a fault, the link that must refute it, and the commands that ask this link."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from attrs import frozen

from conformance.links import BadInput

KILLERS: Mapping[str, tuple[str, ...]] = {
    "tlc": ("spec", "tlc"),
    "graph": ("spec", "graph"),
    "induction": ("verify", "induction", "--quick"),
    "exhaustive": ("verify", "exhaustive", "--quick"),
    "lockstep": ("verify", "lockstep", "--quick"),
    "histories": ("verify", "histories", "--quick"),
    "shell": ("verify", "shell", "--quick"),
    "traces": ("verify", "traces", "--quick"),
    "crash-points": ("verify", "crash-points"),
    "placement": ("verify", "placement", "--quick"),
    "blast-radius": ("verify", "blast-radius", "--quick"),
}
"""How each link is asked."""
IN_ONE_PIECE = ("tlc", "graph", "induction", "traces")
"""These have no parts that could be asked one by one; the first two are given a model."""
SHRINKING = ("lockstep", "shell")
"""These make what they found shorter, for as long as they are given."""


@frozen(kw_only=True)
class Mutant:
    """One fault, and the link that must refute it.

    ``family`` is where the fault belongs: A ballots and votes, B durability, C log and learning, E clients and apply,
    F membership, G environment and placement, H reports of 2022 to 2026. With ``file``, the text ``replace`` occurs
    there once and becomes ``with_`` (``with`` in the catalogue); else ``twin`` names one of the manifest. ``killer`` is
    the link that must refute it, and ``model`` is where the killers ``tlc`` and ``graph`` look. ``like`` says what went
    wrong in real systems that this one stands for; docs/mutants.md has the list. ``mark`` is what a campaign of the
    lockstep must have reached to meet the fault at all.
    """

    name: str
    family: str
    fault: str
    killer: str
    like: str = ""
    model: str = ""
    mark: str = ""
    twin: str = ""
    file: str = ""
    replace: str = ""
    with_: str = ""

    @property
    def has_parts(self) -> bool:
        """Whether its killer can be asked part by part."""
        return self.killer not in IN_ONE_PIECE

    def control(self, part: str = "") -> tuple[str, ...]:
        """The arguments of ``physalia`` that hold as long as there is no mutant: the killer, or a part of it."""
        where = [self.model] if self.model else ["--part", part] if part else []
        return (*KILLERS[self.killer], *where, "--json")


def catalogue() -> tuple[Mutant, ...]:
    """Every mutant that the project ships, file by file of the folder ``catalogue``; BadInput for a malformed entry."""
    folder = resources.files(__package__).joinpath("catalogue")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    mutants = tuple(one for file in files for one in read(file.read_text(encoding="utf-8"), file.name))
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"two mutants are called {name}; give each a name of its own.")
    return mutants


def read(text: str, file: str) -> tuple[Mutant, ...]:
    """The mutants in the text of one file of the catalogue; BadInput names the file and the entry that is malformed."""
    try:
        entries = tomllib.loads(text)["mutant"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BadInput(f"{file} is no list of [[mutant]] entries: {error}.") from None
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadInput(f"{file} is no list of [[mutant]] entries: `mutant` is something else.")
    return tuple(_mutant(entry, file) for entry in entries)


def _mutant(entry: Mapping[str, Any], file: str) -> Mutant:
    name = entry.get("name", "without a name")
    try:
        mutant = Mutant(**{"with_" if key == "with" else key: value for key, value in entry.items()})
    except TypeError as error:
        raise BadInput(f"{file}, mutant {name}: {str(error).partition(') ')[2] or error}.") from None
    if mutant.killer not in KILLERS:
        raise BadInput(f"{file}, mutant {name}: no killer {mutant.killer!r}; there are {', '.join(KILLERS)}.")
    if bool(mutant.twin) == bool(mutant.file):
        raise BadInput(f"{file}, mutant {name}: give either a twin or a file with what to replace.")
    return mutant

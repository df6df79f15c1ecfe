"""All faults that there are, room by room, and who is asked about each.

The order of the asks is that of their price: whoever is likely to refute a fault of the file for little comes first.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from attrs import frozen

from conformance.links import Profile
from conformance.lockstep.campaigns import CAMPAIGNS
from conformance.lockstep.link import BESIDE
from conformance.manifest import HOLDS, Manifest, Model, load_manifest
from conformance.mutants.mechanical import python_faults, tla_faults
from conformance.mutants.mechanical.fault import Fault
from conformance.tlc.counterexamples import mirrored
from spec.models import MODELS

ROOT = Path(__file__).resolve().parents[3]
FEW_STATES, MANY_STATES = 5_000, 60_000
MOST_NEAR, MOST_MODELS, MOST_TWINS, MOST_GRAPHS = 4, 10, 6, 4
"""A fault of a specification is looked for in so many models at most, and in none with more than many states."""
NOT_DRAWN = {
    "spec/differences.py": "it tells in words what others judge",
    "spec/explain.py": "it tells in words what others judge",
    "spec/induction": "`physalia prove --mutants` leaves out each part of the proof, and keeps a score of its own",
}
"""Files, or folders of files, of the rooms that have no faults here, and why."""
_NO_ACTIONS = re.compile(r"MC\w+|\w*(?:Properties|Witnesses|Claims)")
_IMPORT = re.compile(r"(?:^EXTENDS|\bINSTANCE) +(\w+(?:, *\w+)*)", re.MULTILINE)


@frozen(kw_only=True)
class Room:
    """A part of the project: its ``files``, and the ``share`` of the draw that comes from there."""

    name: str
    share: int
    files: Callable[[], Sequence[str]]
    asks: Callable[[str, str], Sequence[str]]


def faults_of(room: Room) -> tuple[Fault, ...]:
    """Every fault of a room."""
    return tuple(fault for file in room.files() for fault in faults_in(file))


@cache
def faults_in(file: str) -> tuple[Fault, ...]:
    """Every fault of one file of the project."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".py"):
        return python_faults.faults_of(file, text)
    return tla_faults.faults_of(file, text, _claims())


@cache
def _claims() -> frozenset[str]:
    """Whatever a model checks, or must reach: no guard. Twins are there for that."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tla").glob("*.cfg"))
    return frozenset(word for text in texts for word in re.findall(r"^\s+(\w+)$", text, re.MULTILINE))


def asks_of(file: str, where: str = "") -> Sequence[str]:
    """Whom to ask about a fault in this file, in the definition `where`, the cheapest first."""
    return next(room.asks(file, where) for room in ROOMS if file in room.files())


def _python(folder: str) -> Callable[[], Sequence[str]]:
    def files() -> Sequence[str]:
        found = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))
        return [file for file in found if not any(file.startswith(left_out) for left_out in NOT_DRAWN)]

    return files


def _modules() -> Sequence[str]:
    found = sorted(path for path in (ROOT / "tla").glob("*.tla") if not _NO_ACTIONS.fullmatch(path.stem))
    return [path.relative_to(ROOT).as_posix() for path in found]


_FIRST: Mapping[str, tuple[str, ...]] = {
    "compaction": ("disks", "forgetting"), "recovery": ("disks", "forgetting", "older disks"),
    "forgetting": ("forgetting",), "memory": ("forgetting",), "leaving": ("leaving",),
    "image": ("snapshots", "forgetting"), "inspecting": ("readers", "forgetting"), "shown": ("readers", "forgetting"),
    "teaching": ("snapshots", "forgetting"), "loss": ("older disks",), "stopping": ("older disks", "mixed"),
    "reads": ("readers",), "node": ("disks", "older disks"),
    "sessions": ("the store",), "state": ("the store", "forgetting"), "log": ("forgetting",),
    "configuration": ("3 + 1 nodes, alpha 3", "forgetting"),
}  # fmt: skip
"""Which campaigns of the lockstep are about a module of the cell, by the first words of their names."""
_IN_GENERAL = (
    "3 + 1 nodes, alpha 2", "forgetting", "readers", "3 nodes", "the store", "older disks", "1 to 9", "3 + 1 nodes",
    "leaving", "long", "mixed", "7 + 1", "leases", "the door", "scans", "snapshots",
)  # fmt: skip


def _glance(*first: str) -> str:
    return f"glance: {' / '.join(first)}" if first else "glance"


def _campaigns(*first: str) -> list[str]:
    """The campaigns of the quick profile, those first that begin with the words given."""
    names = [campaign.name for campaign in CAMPAIGNS if Profile.QUICK in campaign.amounts]
    ordered = dict.fromkeys(name for words in (*first, *_IN_GENERAL) for name in names if name.startswith(words))
    assert set(ordered) == set(names), "a campaign is never asked"
    return [f"lockstep: {name}" for name in ordered]


def _beside(*first: str) -> list[str]:
    """What the lockstep has beside its campaigns, that first which begins with the words given."""
    ordered = dict.fromkeys(name for words in (*first, "") for name in BESIDE if name.startswith(words))
    return [f"lockstep: {name}" for name in ordered]


def _of_cell(file: str, _: str) -> Sequence[str]:
    first = _FIRST.get(Path(file).stem, ())
    campaigns, beside = _campaigns(*first), _beside(*first)
    near = sum(name.removeprefix("lockstep: ").startswith(first) for name in beside) if first else 0
    return (
        *beside[:near], _glance(*first), *beside[near:], campaigns[0], "exhaustive", *campaigns[1:], "crash-points",
        "histories: clients",
    )  # fmt: skip


def _of_store(file: str, _: str) -> Sequence[str]:
    near = ("the door", "scans") if Path(file).stem in ("door", "batches") else ("scans", "the door")
    beside, campaigns = _beside(*near), _campaigns("the store", "forgetting")
    return (
        *beside[:2], _glance("the store"), "histories: clients", campaigns[0], *beside[2:], campaigns[1],
        "lockstep: long, 3 + 1 nodes", "crash-points",
    )  # fmt: skip


def _of_journal(_: str, __: str) -> Sequence[str]:
    parts = (
        "directory",
        "entries",
        "asked",
        "forged",
        "versions",
        "journal",
        "cells",
        "journal default",
        "cells default",
    )
    return [f"crash-points: {part}" for part in parts]


def _of_spec(file: str, where: str) -> Sequence[str]:
    names = _chosen(
        [model for model in _models() if file == _home_of(model.name)],
        [model for model in _models() if file in _modules_below(_home_of(model.name))],
    )
    parts = where.split(".")
    falling = [
        twin for twin in _manifest().twins
        if mirrored(twin.kills) in parts and file in _modules_below(_home_of(twin.model))
    ]  # fmt: skip
    falling.sort(key=lambda twin: (twin.model not in names, _manifest().model(twin.model).generated))
    claims = [f"tlc: {twin.model} {twin.name}" for twin in falling[:MOST_TWINS]]
    twins = [f"tlc: {twin.model} {twin.name}" for twin in _manifest().twins if twin.model in names[:MOST_NEAR]]
    graphs = [f"graph: {name}" for name in names if _manifest().model(name).graph is not None]
    if file.startswith("spec/sites"):
        links = ["blast-radius", "placement"]
    elif file == "spec/service/transactions.py":
        links = ["lockstep: the store, 3 nodes", "histories: clients"]
    elif any(name.startswith(("MCCell", "MCTeaching", "MCReads")) for name in names):
        links = ["exhaustive", "lockstep: 3 + 1 nodes, alpha 2", "lockstep: forgetting, 3 + 1 nodes, alpha 1 to 3"]
    else:
        links = []
    mirrors = [f"mirror: {name}" for name in names]
    if claims:  # a weaker claim shows in no graph: whoever must fall with it is asked
        return (*mirrors[:MOST_NEAR], *claims, *mirrors[MOST_NEAR:], *links)
    # as many states may be other ones: that shows in no mirror alone
    graph, further = graphs[:1], graphs[1:MOST_GRAPHS]
    return (*mirrors[:MOST_NEAR], *graph, *mirrors[MOST_NEAR:], *links, *further, *twins[:MOST_TWINS])


def _of_module(file: str, _: str) -> Sequence[str]:
    module = Path(file).stem
    names = _chosen(
        [model for model in _models() if model.rung == module],
        [model for model in _models() if module in _extended(model.name)],
    )
    graphs = [name for name in names if _manifest().model(name).graph is not None and name in MODELS]
    return (*(f"tlc: {name}" for name in names), *(f"graph: {name}" for name in graphs[:2]))


def _chosen(near: Sequence[Model], using: Sequence[Model]) -> list[str]:
    """Models to look for a fault in: small ones of its own rung, one of each rung that builds on it, then others.

    The smallest of its rung, if none is small.
    """
    few = [model for model in near if model.distinct <= FEW_STATES][:MOST_NEAR] or list(near[:1])
    of_rungs = {model.rung: model for model in reversed(using) if model.distinct <= MANY_STATES}
    further = [model for rung, model in sorted(of_rungs.items()) if rung not in {one.rung for one in few}]
    small = [model for model in using if model.distinct <= FEW_STATES]
    larger = [model for model in near if model.distinct <= MANY_STATES]
    large = [model for model in using if FEW_STATES < model.distinct <= MANY_STATES // 3][-MOST_NEAR:]
    chosen = [*few, *sorted(further, key=lambda model: model.generated), *larger, *small]
    names = dict.fromkeys(model.name for model in chosen)
    return [*dict.fromkeys([*[*names][:MOST_MODELS], *(model.name for model in large)])]


@cache
def _manifest() -> Manifest:
    return load_manifest()


@cache
def _models() -> Sequence[Model]:
    """The models that hold, the smallest first."""
    found = [model for model in _manifest().models if model.expect == HOLDS]
    return sorted(found, key=lambda model: model.generated)


@cache
def _extended(module: str) -> frozenset[str]:
    """A module of TLA+, and all that it extends or instantiates."""
    path = ROOT / "tla" / f"{module}.tla"
    if not path.is_file():
        return frozenset()
    named = [name.strip() for line in _IMPORT.findall(path.read_text(encoding="utf-8")) for name in line.split(",")]
    return frozenset({module}).union(*(_extended(name) for name in named))


def _home_of(model: str) -> str:
    """The file of the machine that mirrors a model."""
    machine = MODELS.get(model)
    return "" if machine is None else f"{type(machine).__module__.replace('.', '/')}.py"


@cache
def _modules_below(file: str) -> frozenset[str]:
    """A file of the specification, and all of them that it imports."""
    below: set[str] = set()
    waiting = [file] if file else []
    while waiting:
        one = waiting.pop()
        if one in below or not (ROOT / one).is_file():
            continue
        below.add(one)
        for node in ast.walk(ast.parse((ROOT / one).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spec"):
                assert node.module is not None
                waiting.append(f"{node.module.replace('.', '/')}.py")
    return frozenset(below) | {"spec/models.py"} if below else frozenset()


ROOMS = (
    Room(name="physalia/cell", share=100, files=_python("physalia/cell"), asks=_of_cell),
    Room(name="physalia/store", share=50, files=_python("physalia/store"), asks=_of_store),
    Room(name="physalia/journal", share=50, files=_python("physalia/journal"), asks=_of_journal),
    Room(name="spec", share=60, files=_python("spec"), asks=_of_spec),
    Room(name="tla", share=40, files=_modules, asks=_of_module),
)
"""Where faults are drawn from. The shares are of 300, half of them for what runs on a server's path to the disk."""

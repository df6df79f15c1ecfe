"""The constants of `spec/models.py` are those of `tla/MC*.cfg` and `tla/MC*.tla`, constant by constant."""

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.links import Profile
from conformance.manifest import load_manifest
from conformance.tlc.values import Function, parse_value
from spec.commands import Change, Content, Read, Write
from spec.leaving import Leaving
from spec.lives import Lives
from spec.models import MODELS, PROGRESS
from spec.service.clients import Clients
from spec.service.discovery import Discovery
from spec.service.leases import Leases
from spec.service.peeks import Peeks
from spec.service.reads import Reads
from spec.service.versions import Versions
from spec.sites.blast_radius import BlastRadius
from spec.sites.site import Site
from spec.teaching import Teaching
from spec.volumes.chain import Chain
from spec.volumes.register import Register

TLA = Path(__file__).resolve().parents[3] / "tla"
ABOUT_PLACEMENT = {model.name for model in load_manifest(TLA).models if model.rung == "Placement"}
KINDS: dict[str, type[Content]] = {"write": Write, "read": Read, "change": Change}


def constants(name: str, but: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The constants of a model, with its tables, as TLC would read them, but those that are read elsewhere."""
    config = (TLA / f"{name}.cfg").read_text(encoding="utf-8")
    module = (TLA / f"{name}.tla").read_text(encoding="utf-8")
    found: dict[str, Any] = {
        constant: parse_value(text) for constant, text in re.findall(r"^  (\w+) = (.*)$", config, flags=re.MULTILINE)
    }
    for constant, table in re.findall(r"^  (\w+) <- (\w+)$", config, flags=re.MULTILINE):
        if constant in but:
            continue
        definition = re.search(rf"^{table}\s*==(.*?)(?=^\S|\Z)", module, flags=re.MULTILINE | re.DOTALL)
        assert definition is not None
        found[constant] = parse_value(definition[1].strip())
    return found


def content(table: Any) -> dict[str, Content]:
    """The commands of a table."""
    assert isinstance(table, Function)
    commands = {}
    for name, command in table.pairs:
        assert isinstance(name, str)
        assert isinstance(command, Function)
        fields: dict[Any, Any] = dict(command.pairs)
        commands[name] = KINDS[fields.pop("kind")](**fields)
    return commands


def test_every_model_has_a_mirror_but_those_about_placement() -> None:
    assert {file.stem for file in TLA.glob("MC*.cfg")} == set(MODELS) | set(PROGRESS) | ABOUT_PLACEMENT


OF_VOLUMES = [name for name, machine in {**MODELS, **PROGRESS}.items() if isinstance(machine, Register | Chain)]


@pytest.mark.parametrize("name", OF_VOLUMES)
def test_the_constants_are_the_models_of_volumes(name: str) -> None:
    machine: Any = {**MODELS, **PROGRESS}[name]
    mirrored: dict[str, Any] = {"Write": frozenset(machine.writes), "Reader": frozenset(machine.readers)}
    if isinstance(machine, Chain):
        assert list(machine.writer) == list(machine.writes)
        mirrored |= {
            "Server": frozenset(machine.servers), "Writer": tuple(machine.writer.values()), "Gone": machine.gone,
            "MaxEpoch": machine.max_epoch, "MaxConn": machine.max_conn,
        }  # fmt: skip
    assert mirrored == constants(name)


@pytest.mark.parametrize("name", [name for name, machine in MODELS.items() if isinstance(machine, Leases)])
def test_the_constants_of_leases_are_the_models(name: str) -> None:
    model: Any = MODELS[name]
    mirrored = {
        "Length": tuple(model.length.values()), "Rates": model.rates, "MaxVersion": model.max_version,
        "Generous": model.generous, "Frail": model.frail,
    }  # fmt: skip
    assert mirrored == constants(name)


@pytest.mark.parametrize("name", [name for name, machine in MODELS.items() if isinstance(machine, Discovery)])
def test_the_constants_of_discovery_are_the_models(name: str) -> None:
    model: Any = MODELS[name]
    mirrored = {
        "Nodes": frozenset(model.nodes), "Plan": tuple(model.plan.values()), "Alpha": model.alpha,
        "Caches": frozenset(model.caches), "Clients": frozenset(model.clients), "Knowing": model.knowing,
        "Frail": model.frail,
    }  # fmt: skip
    assert mirrored == constants(name)


@pytest.mark.parametrize("name", [name for name, machine in MODELS.items() if isinstance(machine, Versions)])
def test_the_constants_of_versions_are_the_models(name: str) -> None:
    model: Any = MODELS[name]
    mirrored = {
        "Needs": tuple(model.needs.values()), "First": tuple(model.first.values()),
        "Changes": tuple(model.changes.values()), "MaxSlot": model.max_slot,
    }  # fmt: skip
    assert mirrored == constants(name)


@pytest.mark.parametrize("name", [name for name, machine in MODELS.items() if isinstance(machine, Clients)])
def test_the_constants_of_clients_are_the_models(name: str) -> None:
    model: Any = MODELS[name]
    mirrored = {
        "Requests": tuple(model.requests.values()), "MaxAttempts": model.max_attempts, "MaxSlot": model.max_slot,
        "MaxSessions": model.max_sessions, "Nodes": frozenset(model.nodes), "Careless": model.careless,
    }  # fmt: skip
    assert mirrored == constants(name)


def site_of(name: str, table: str) -> Any:
    """A site of `tla/`, as TLC would read it; a model may define it in a module of its own, or add to another's."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in TLA.glob("*.tla")}
    definitions = {
        found[1]: (module, found[2])
        for module, text in texts.items()
        if module == name or module.startswith("Site")
        for found in re.finditer(r"^(\w+)\s*==(.*?)(?=^\w|^====|^----|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    }
    body = definitions[table][1].strip()
    if body in definitions:
        return site_of(name, body)
    extended = re.fullmatch(r"\[(\w+) EXCEPT !\.servers =\s*@ \\o <<(.*)>>\]", body, flags=re.DOTALL)
    if extended is not None:
        before = dict(site_of(name, extended[1]).pairs)
        before["servers"] = (*before["servers"], parse_value(extended[2].strip()))
        return before
    return parse_value(body)


def mirrored_site(site: Site) -> dict[str, Any]:
    """A site of the mirror, as `tla/` writes it."""
    return {
        "servers": [
            {"name": one.name, "rack": one.rack, "switches": one.switches} for one in site.servers
        ],
        "devices": {
            name: {"kind": one.kind, "supplies": one.supplies}
            | ({"row": one.row} if one.row else {})
            | ({"tier": one.tier} if one.tier else {})
            for name, one in site.devices.items()
        },
        "links": site.links,
    }  # fmt: skip


def plain(value: Any) -> Any:
    """TLC's records as dictionaries, its sequences as lists."""
    if isinstance(value, Function):
        return {key: plain(part) for key, part in value.pairs}
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [plain(part) for part in value] if any(isinstance(part, Function) for part in value) else value
    return value


@pytest.mark.parametrize("name", [name for name, machine in MODELS.items() if isinstance(machine, BlastRadius)])
def test_the_constants_of_the_blast_radius_are_the_models(name: str) -> None:
    model: Any = MODELS[name]
    config = (TLA / f"{name}.cfg").read_text(encoding="utf-8")
    (table,) = re.findall(r"^  Site <- (\w+)$", config, flags=re.MULTILINE)
    assert plain(site_of(name, table)) == mirrored_site(model.site)
    found = constants(name, but=frozenset({"Site"}))
    mirrored = {
        "Clients": dict(model.clients), "Size": model.size, "Rules": model.rules, "Fallible": model.fallible,
        "MaxEpoch": model.max_epoch,
    }  # fmt: skip
    assert found | {"Clients": plain(found["Clients"])} == mirrored


OF_A_CELL = [
    name
    for name, machine in {**MODELS, **PROGRESS}.items()
    if not isinstance(machine, BlastRadius | Register | Chain | Clients | Discovery | Leases | Versions)
]


@pytest.mark.parametrize("name", OF_A_CELL)
def test_the_constants_are_the_models(name: str) -> None:
    model: Any = {**MODELS, **PROGRESS}[name]
    machine = model.cell if isinstance(model, Lives) else model
    found = constants(name)
    mirrored = {
        "Content": machine.content, "First": machine.first, "Alpha": machine.alpha, "Early": machine.early,
    }  # fmt: skip
    if "MaxSlot" in found:
        mirrored["MaxSlot"] = machine.max_slot
    if "Nodes" in found:
        mirrored |= {"Nodes": frozenset(machine.nodes), "MaxBallot": machine.max_ballot}
    if "Owner" in found:
        assert list(machine.owner) == list(machine.audience) == list(machine.ballots)
        mirrored |= {
            "Owner": tuple(machine.owner.values()), "Audience": tuple(machine.audience.values()),
            "Strays": machine.strays, "Learners": machine.learners, "Mortals": machine.mortals,
        }  # fmt: skip
    if isinstance(model, Lives):
        assert list(model.heir) == list(model.nodes)
        mirrored |= {"Law": model.law, "Frail": model.frail, "Heir": tuple(model.heir.values())}
    if isinstance(model, Peeks):
        mirrored |= {"MaxLooks": tuple(model.max_looks.values())}
    if isinstance(model, Reads):
        assert list(model.max_reads) == list(model.ballots)
        mirrored |= {"MaxReads": tuple(model.max_reads.values())}
    if isinstance(model, Teaching):
        mirrored |= {"Truncators": model.truncators, "Students": model.students}
    if isinstance(model, Leaving):
        mirrored |= {"Newcomers": model.newcomers, "Leavers": model.leavers, "Frail": model.frail}
    assert mirrored == found | {"Content": content(found["Content"])}


RUNGS = (
    "BlastRadius",
    "Discovery",
    "Store",
    "Log",
    "Window",
    "Ballots",
    "Cell",
    "Leaving",
    "Lives",
    "Peeks",
    "Reads",
    "Teaching",
    "Clients",
    "Leases",
    "Versions",
    "Register",
    "Volume",
)

PROPERTIES = {
    "BlastRadius": ("BlastRadiusClaims",), "Cell": ("CellProperties",), "Clients": ("ClientsProperties",),
    "Teaching": ("CellProperties", "Teaching"),
}  # fmt: skip
"""Where the invariants of a rung stand, if not in its own module."""

INVARIANTS_LEFT_OUT = {
    "MCCellChangeRefines": "only the refinement", "MCCellTwoBallotsRefines": "only the refinement",
    "MCCellSharedCrashRefines": "only the refinement",
    "MCTeachingRefines": "only the refinement and what is recoverable",
    "MCBallotsThreeBallots": "too large for the refinement",
    "MCCellContestCrash": "too large for all and the refinement",
    "MCBlastRadiusMonolith": "only what is to fall",
    **dict.fromkeys(("MCLivesTrust", "MCLivesStop"), "only what is to fall"),
    **dict.fromkeys(PROGRESS, "about progress"),
}  # fmt: skip
"""Models whose configuration leaves some invariant of its rung out, and why; their mirrors check all the same."""


@pytest.mark.parametrize("name", [name for name in MODELS if name not in INVARIANTS_LEFT_OUT])
def test_a_model_checks_every_invariant_of_its_rung(name: str) -> None:
    config = (TLA / f"{name}.cfg").read_text(encoding="utf-8")
    listed = re.split(r"^PROPERT\w+$", config.split("INVARIANTS\n")[1], flags=re.MULTILINE)[0].split()
    rung = next(part for part in RUNGS if name.startswith(f"MC{part}"))
    modules = PROPERTIES.get(rung, (rung,))
    first, *others = ((TLA / f"{module}.tla").read_text(encoding="utf-8") for module in modules)
    after_next = first.split("\nTypeOK ==")[1] + "".join(others)
    defined = re.findall(r"^(\w+) ==$(?!\n  \[\])", after_next, flags=re.MULTILINE)
    defined += re.findall(r"^(\w+) +== (?!\[|INSTANCE)\S", after_next, flags=re.MULTILINE)
    mirrored = {part.replace("_", "") for part in MODELS[name].invariant_names()}
    invariants = {found for found in defined if found.lower() in mirrored}
    assert set(listed) == {"TypeOK", "Witnesses"} | invariants


COMPARED = [model for model in load_manifest(TLA).models if model.graph and Profile.DEFAULT.includes(model.graph)]


@pytest.mark.parametrize("rung", dict.fromkeys(model.rung for model in COMPARED))
def test_in_the_default_profile_every_action_of_a_rung_is_compared(rung: str) -> None:
    """The link says so at the end of a long run; by what the manifest says of each model it is known before."""
    models = [model for model in COMPARED if model.rung == rung]
    taken = frozenset[str]().union(*(model.actions or () for model in models))
    assert taken == {name.capitalize() for name in MODELS[models[0].name].action_names()}


def test_every_invariant_has_a_mirror_of_its_name() -> None:
    names = {invariant.replace("_", "") for machine in MODELS.values() for invariant in machine.invariant_names()}
    listed = {
        invariant.lower()
        for name in MODELS
        for invariant in (TLA / f"{name}.cfg").read_text(encoding="utf-8").split("INVARIANTS\n")[1].split()
    }
    kept = {part for part in listed if not part.startswith("refines")}
    assert kept - names == {
        "witnesses", "properties", "ballotsrise", "chosenstays", "configurationfixed", "effectsstay", "entriesstay",
        "goneforgood", "leadersact", "newerlistwins", "property", "recordskeepversions", "stoppedforgood",
    }  # fmt: skip
    assert names <= listed

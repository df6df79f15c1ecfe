"""``physalia place generate``, ``import`` and ``examples``: where topologies come from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput
from physalia.cli.options import Json, Seed, must_be_free
from physalia.cli.terminal import print_json, say
from physalia.placement.netbox.options import Chassis, Cords, Imported, Note, Options, Uplinks, Use
from physalia.placement.site.generate import Fabric, Feeding

if TYPE_CHECKING:
    from physalia.placement.site.topology import Topology

importer = typer.Typer(help="Make a topology from an inventory.", no_args_is_help=True, rich_markup_mode=None)

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write the topology to.")]

_DEFAULT = Fabric()
_SHOWN = 6


def generate(
    output: Output,
    servers: Annotated[int, typer.Option(min=1, help="How many servers.")] = _DEFAULT.servers,
    servers_per_rack: Annotated[int, typer.Option(min=1)] = _DEFAULT.servers_per_rack,
    racks_per_row: Annotated[int, typer.Option(min=1)] = _DEFAULT.racks_per_row,
    feeding: Annotated[Feeding, typer.Option(help="Racks fed from one side, from two, or in turn by row.")] = (
        _DEFAULT.feeding
    ),
    feeds: Annotated[int | None, typer.Option(help="How many feeds; 3 if single-fed, else 2.")] = None,
    redundant_racks: Annotated[
        bool, typer.Option("--redundant-racks", help="Two top-of-rack switches a rack.")
    ] = False,
    aggregation_per_row: Annotated[int, typer.Option(min=1, help="1 makes it a single point of failure.")] = (
        _DEFAULT.aggregation_per_row
    ),
    cores: Annotated[int, typer.Option(min=1, help="How many core switches.")] = _DEFAULT.cores,
    colors: Annotated[int, typer.Option(min=1, help="How many colors, which servers take in turn.")] = _DEFAULT.colors,
    capacity: Annotated[int, typer.Option(min=0, help="Nodes that a server may hold at most.")] = _DEFAULT.capacity,
    fill: Annotated[float, typer.Option(min=0, max=1, help="Mean share that is already held.")] = _DEFAULT.fill,
    cells: Annotated[
        int | None, typer.Option(min=0, help="Existing cells; one for every 20 servers if absent.")
    ] = None,
    clients: Annotated[
        bool, typer.Option("--clients", help="Existing cells name the server of their instance, for an audit.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> int:
    """Generate a leaf-spine fabric with rows and feeds, the same for the same seed, and write it to a file."""
    from physalia.placement.site.format import write  # noqa: PLC0415
    from physalia.placement.site.generate import generate as make  # noqa: PLC0415

    fabric = Fabric(
        servers=servers,
        servers_per_rack=servers_per_rack,
        racks_per_row=racks_per_row,
        feeding=feeding,
        feeds=feeds,
        redundant_racks=redundant_racks,
        aggregation_per_row=aggregation_per_row,
        cores=cores,
        colors=colors,
        capacity=capacity,
        fill=fill,
        cells=cells,
        clients=clients,
        seed=seed,
    )
    topology = make(fabric)
    write(topology, output)
    if json:
        print_json({"schema_version": 1, "topology": str(output), "seed": seed, "counts": _counts(topology)})
    else:
        say(f"{output}: {_summary(topology)} (seed {seed})")
    return 0


@importer.command()
def netbox(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `manage.py dumpdata` wrote, as JSON.")],
    output: Output,
    site: Annotated[str | None, typer.Option(help="Name or slug; needed if several sites have racks.")] = None,
    rack_status: Annotated[list[str] | None, typer.Option(help="Racks to use, by status; active if absent.")] = None,
    rack_role: Annotated[list[str] | None, typer.Option(help="Racks to fill, by slug of role; all if absent.")] = None,
    servers_per_rack: Annotated[int, typer.Option(min=0, help="Assume servers until a rack has so many.")] = 0,
    switches_per_rack: Annotated[int, typer.Option(min=0, help="Assume top-of-rack switches likewise.")] = 0,
    virtual_chassis: Annotated[Chassis, typer.Option(help="One device that fails as a whole, or each member.")] = (
        Chassis.ONE
    ),
    feeds_per_rack: Annotated[
        int, typer.Option(min=0, help="Assume so many circuits for a rack that no power feed leads to.")
    ] = 0,
    feeds: Annotated[
        int, typer.Option(min=0, help="From so many feeds, in turn; as many as a rack has circuits if absent.")
    ] = 0,
    single_corded: Annotated[
        Cords, typer.Option(help="Servers whose cords lead to fewer feeds than their rack has.")
    ] = Cords.LEAVE_OUT,
    uplinks: Annotated[Uplinks, typer.Option(help="Assume a way up to this tier where no cable leads.")] = Uplinks.NONE,
    role: Annotated[list[str] | None, typer.Option(metavar="SLUG=USE", help=f"Use: {', '.join(Use)}.")] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="PANEL=FEED", help="What feeds a power panel.")] = None,
    color: Annotated[list[str] | None, typer.Option(help="Colors that servers take in turn; blue if absent.")] = None,
    capacity: Annotated[int, typer.Option(min=0, help="Nodes that a server may hold.")] = 100,
    json: Json = False,
) -> int:
    """Make a topology from one site of a NetBox inventory, and list what was assumed and what was left out.

    The inventory is a dump with natural foreign keys: `manage.py dumpdata dcim contenttypes --natural-foreign`.
    """
    must_be_free("--output", output, file)
    from physalia.placement.netbox.dump import read  # noqa: PLC0415
    from physalia.placement.netbox.inventory import import_site  # noqa: PLC0415
    from physalia.placement.site.format import write  # noqa: PLC0415

    options = Options(
        site=site,
        rack_statuses=tuple(rack_status or ["active"]),
        rack_roles=tuple(rack_role or []),
        servers_per_rack=servers_per_rack,
        switches_per_rack=switches_per_rack,
        chassis=virtual_chassis,
        uplinks=uplinks,
        roles={slug: _use(slug, use) for slug, use in _pairs("role", role).items()},
        sources=_pairs("source", source),
        colors=tuple(color or ["blue"]),
        capacity=capacity,
        feeds_per_rack=feeds_per_rack,
        feeds=feeds,
        single_corded=single_corded,
    )
    imported = import_site(read(file), options)
    write(imported.topology, output)
    if json:
        print_json(_as_json(imported, output))
    else:
        say(f"{output}: {_summary(imported.topology)}")
        _print_notes("assumed", imported.assumed)
        _print_notes("left out", imported.left_out)
    return 0


def examples(json: Json = False) -> int:
    """List the examples that are installed, topologies, an inventory and policies, and where they are."""
    from physalia.placement.site.shipped import EXAMPLES, example  # noqa: PLC0415

    if json:
        told = [{"path": str(example(name)), "what": what} for name, what in EXAMPLES.items()]
        print_json({"schema_version": 1, "examples": told})
    else:
        for name, what in EXAMPLES.items():
            say(str(example(name)), f"    {what}")
    return 0


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    found = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise BadInput(f"--{option} {text}: this must be two names with = between them.")
        found[name] = value
    return found


def _use(slug: str, use: str) -> Use:
    if use not in list(Use):
        raise BadInput(f"--role {slug}={use}: there is no use {use}; there are {', '.join(Use)}.")
    return Use(use)


def _counts(topology: "Topology") -> dict[str, int]:
    parts = ("servers", "racks", "rows", "powers", "switches", "links", "cells")
    return {part: len(getattr(topology, part)) for part in parts}


def _summary(topology: "Topology") -> str:
    counts = _counts(topology)
    powers = counts.pop("powers")
    return ", ".join([*(f"{count:,} {part}" for part, count in counts.items()), f"{powers:,} elements of power"])


def _as_json(imported: Imported, output: Path) -> dict[str, object]:
    return {
        "schema_version": 1,
        "topology": str(output),
        "counts": _counts(imported.topology),
        "assumed": [note.as_json() for note in imported.assumed],
        "left_out": [note.as_json() for note in imported.left_out],
    }


def _print_notes(title: str, notes: tuple[Note, ...]) -> None:
    say(f"{title}:" if notes else f"{title}: nothing")
    for note in notes:
        more = len(note.objects) - _SHOWN
        say(f"  {note.what}:")
        say(f"    {', '.join(note.objects[:_SHOWN])}{f' and {more} more' if more > 0 else ''}")

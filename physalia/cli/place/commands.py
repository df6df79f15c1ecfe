"""``physalia place``: ask where a cell should live, get the best answer, and check it without trusting us."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput
from physalia.cli.options import Json, Limit, must_be_free
from physalia.cli.place import availability, topologies
from physalia.cli.place.audit import command as audit
from physalia.cli.place.cells import Servers, cell_of
from physalia.cli.place.inputs import must_be_toml, needs, not_swapped, read
from physalia.cli.place.told import EXIT_CODES, SCHEMA_VERSION, Told, brief, survival_code, write_certificate
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.placement.effort import Effort
    from physalia.placement.rules.queries import Query
    from physalia.placement.solver.answer import Answer

app = typer.Typer(
    help="Where a cell should live: the best placement, its proof, and why there is none.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("generate")(topologies.generate)
app.command("examples")(topologies.examples)
app.command("availability")(availability.availability)
app.command("audit")(audit.audit)
app.add_typer(topologies.importer, name="import")

_REFUSED = 1

TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology, a JSON file.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy, a TOML file; else the shipped one.")]
Instance = Annotated[str, typer.Option(help="The server of the volume's instance.")]
Primary = Annotated[str | None, typer.Option(help="The server of the volume's primary.")]
Replica = Annotated[str | None, typer.Option(help="The server of the volume's replica.")]
Color = Annotated[str | None, typer.Option(help="The color of the cell; all are tried if absent.")]
CertFile = Annotated[Path | None, typer.Option("--cert", help="Write the certificate to this file.")]
Devices = Annotated[
    int, typer.Option(min=0, metavar="N", help="List the N devices that matter most for the availability.")
]


@app.command()
def query(
    topology: TopologyFile,
    instance: Instance,
    primary: Primary = None,
    replica: Replica = None,
    color: Color = None,
    policy: PolicyFile = None,
    cert: CertFile = None,
    time_limit_s: Limit = None,
    devices: Devices = 0,
    json: Json = False,
) -> int:
    """Find the best placement of a cell for a volume, with a certificate that it is.

    Exit code 0: placed; 1: proven impossible, with an explanation; 2: bad input; 3: time ran out.
    """
    must_be_free("--cert", cert, topology, policy)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.placement.solver.answer import query as ask  # noqa: PLC0415  # brings numpy and highspy

        asked = _asked(instance, primary, replica, color)
        with effort("place", time_limit_s) as spent:
            site, rules = read(topology, policy)
            answer = ask(site, rules, asked, effort=spent)
            told = _concluded(answer, topology, cert, devices, spent)
        return told.printed(json=json)


@app.command()
def prove(
    topology: TopologyFile,
    instance: Instance,
    primary: Primary = None,
    replica: Replica = None,
    color: Color = None,
    policy: PolicyFile = None,
    cert: CertFile = None,
    time_limit_s: Limit = None,
    survives: Annotated[
        bool, typer.Option("--survives", help="Prove that a majority survives every single failure, too.")
    ] = False,
    servers: Servers = None,
    devices: Devices = 0,
    json: Json = False,
) -> int:
    """Find the best placement, and let z3 refute everything that would be better.

    With --survives z3 also looks for a single failure that leaves the instance up without a majority of the cell; with
    --servers it judges that cell instead of the best placement, by the rules of --policy too if that is given. Exit
    code 0: proven; 1: refuted; 2: bad input; 3: time ran out.
    """
    if servers and not survives:
        raise BadInput("--servers names the cell that --survives judges: give both, or none.")
    must_be_free("--cert", cert, topology, policy)
    with needs():
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich

        asked = _asked(instance, primary, replica, color)
        with effort("place", time_limit_s) as spent:
            site, rules = read(topology, policy)
            if servers:
                from physalia.cli.place.given_cell import judged  # noqa: PLC0415  # brings z3

                named = None if policy is None and cert is None else rules
                told = judged(site, named, asked, cell_of(site, servers), cert, devices, spent)
            else:
                from physalia.placement.solver.answer import prove as ask  # noqa: PLC0415  # brings numpy and highspy

                answer = ask(site, rules, asked, effort=spent)
                told = _concluded(answer, topology, cert, devices, spent, survives=survives)
        return told.printed(json=json)


@app.command()
def explain(
    topology: TopologyFile,
    instance: Instance,
    primary: Primary = None,
    replica: Replica = None,
    color: Color = None,
    policy: PolicyFile = None,
    time_limit_s: Limit = None,
    json: Json = False,
) -> int:
    """Say which rules conflict when a cell cannot be placed, and which single changes would help, or which pair.

    Exit code 0: there is a placement, so there is nothing to explain; 1: there is none; 2: bad input; 3: neither
    was found, or time ran out.
    """
    with needs():
        from physalia.cli.place.printing import explanation_json, explanation_lines  # noqa: PLC0415
        from physalia.cli.progress import effort  # noqa: PLC0415  # brings rich
        from physalia.placement.explanations.explain import explain as ask  # noqa: PLC0415

        with effort("place", time_limit_s) as spent:
            site, rules = read(topology, policy)
            explained = ask(site, rules, _asked(instance, primary, replica, color), effort=spent)
        told = Told(explanation_json(explained), tuple(explanation_lines(explained)), EXIT_CODES[explained.verdict])
        return told.printed(json=json)


@app.command()
def check(
    certificate: Annotated[Path, typer.Argument(metavar="CERT", help="The certificate, a JSON file.")],
    topology: TopologyFile,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A policy, a TOML file: the certificate must be of this one.")
    ] = None,
    json: Json = False,
) -> int:
    """Check a certificate against a topology, without anything of what made it.

    Exit code 0: it stands, whatever it claims; 1: it does not prove its claim; 2: a file cannot be read.
    """
    from physalia.placement.certificates.check import Refused  # noqa: PLC0415
    from physalia.placement.certificates.check import check as judge  # noqa: PLC0415
    from physalia.placement.effort import no_collection  # noqa: PLC0415

    with no_collection():  # a topology is a million objects, none of them garbage
        contents = [_bytes(file) for file in (certificate, topology, *([] if policy is None else [policy]))]
        if policy is not None:
            must_be_toml(policy, contents[-1])
        try:
            stands, reason = True, judge(*contents)
        except Refused as refused:
            not_swapped({"CERT": (certificate, contents[0]), "TOPOLOGY": (topology, contents[1])})
            stands, reason = False, str(refused)
    if json:
        verdict = "stands" if stands else "refused"
        print_json({"schema_version": SCHEMA_VERSION, "verdict": verdict, "reason": reason})
    else:
        say(f"the certificate stands: {reason}." if stands else f"refused: {reason}.")
    return 0 if stands else _REFUSED


def _asked(instance: str, primary: str | None, replica: str | None, color: str | None) -> "Query":
    from physalia.placement.rules.queries import Query  # noqa: PLC0415

    return Query(instance, primary, replica, color)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: the file cannot be read: {error.strerror}.") from error


def _concluded(
    answer: "Answer", topology: Path, cert: Path | None, devices: int, spent: "Effort", *, survives: bool = False
) -> Told:
    """Write the certificate, and put together what was found and the exit code."""
    from physalia.cli.place.availability import measured  # noqa: PLC0415
    from physalia.cli.place.printing import answer_json, answer_lines  # noqa: PLC0415
    from physalia.placement.certificates.certificate import NoCertificate, certificate  # noqa: PLC0415
    from physalia.placement.explanations.explain import explain as ask  # noqa: PLC0415

    made, missing, stated = None, "", answer.problem
    try:
        made = certificate(answer)
    except NoCertificate as reason:
        missing = str(reason)
    written = cert if made is not None else None
    if written is not None and made is not None:
        write_certificate(made, written)
    explained = survived = None
    available: dict[str, Any] = {"availability": None, "unavailability": None}
    if answer.verdict == "impossible":
        explained = ask(stated.topology, stated.policy, stated.query, spent)
    if answer.servers:
        available = brief(measured(stated.topology, stated.query.instance, answer.servers, devices, spent))
    if survives and answer.servers:
        from physalia.placement.survival.prove import prove as show  # noqa: PLC0415  # brings z3

        survived = show(stated.topology, stated.query.instance, answer.servers, spent)
    told = answer_json(answer, made, missing, written, explained, survived, available)
    code = EXIT_CODES[answer.verdict]
    code = max(code, survival_code(survived)) if survived is not None and code == 0 else code
    return Told(told, tuple(answer_lines(answer, told, topology, explained, survived)), code)

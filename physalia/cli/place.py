"""``physalia place``: ask where a cell should live, get the best answer, and check it without trusting us."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli import availability, topologies
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

if TYPE_CHECKING:
    from physalia.placement.rules.policy import Policy
    from physalia.placement.rules.queries import Query
    from physalia.placement.site.topology import Topology
    from physalia.placement.solver.answer import Answer

app = typer.Typer(
    help="Where a cell should live: the best placement, its proof, and why there is none.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("generate")(topologies.generate)
app.command("examples")(topologies.examples)
app.command("availability")(availability.availability)
app.add_typer(topologies.importer, name="import")

SCHEMA_VERSION = 1
EXIT_CODES = {"placed": 0, "impossible": 1, "inconclusive": 3}
_REFUSED = 1
_INSTALL = {"z3": "z3-solver", "numpy": "highspy"}

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
Limit = Annotated[
    float | None, typer.Option("--time-limit-s", min=0, help="Give up after so many seconds, with what is known then.")
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
    with _needs():
        from physalia.placement.solver.answer import query as ask  # noqa: PLC0415  # brings numpy and highspy

        asked = _asked(instance, primary, replica, color)
        site, rules = _read(topology, policy)
        with _progress() as told:
            answer = ask(site, rules, asked, time_limit_s=time_limit_s, told=told)
        return _conclude(answer, topology, cert, devices, json=json)


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
    servers: Annotated[
        str | None, typer.Option(help="With --survives: the nodes of a cell, by commas; else of the best placement.")
    ] = None,
    devices: Devices = 0,
    json: Json = False,
) -> int:
    """Find the best placement, and let z3 refute everything that would be better.

    With --survives z3 also looks for a single failure that leaves the instance up without a majority of the cell; with
    --servers it judges those instead of the best placement. Exit code 0: proven; 1: refuted; 2: bad input; 3: time ran
    out.
    """
    if servers is not None and not survives:
        raise BadInput("--servers names the cell that --survives judges: give both, or none.")
    with _needs():
        asked = _asked(instance, primary, replica, color)
        site, rules = _read(topology, policy)
        if servers is not None:
            return _survive(site, asked, tuple(servers.split(",")), json=json)
        from physalia.placement.solver.answer import prove as ask  # noqa: PLC0415  # brings numpy and highspy

        with _progress() as told:
            answer = ask(site, rules, asked, time_limit_s=time_limit_s, told=told)
        return _conclude(answer, topology, cert, devices, json=json, survives=survives)


@app.command()
def explain(
    topology: TopologyFile,
    instance: Instance,
    primary: Primary = None,
    replica: Replica = None,
    color: Color = None,
    policy: PolicyFile = None,
    json: Json = False,
) -> int:
    """Say which rules conflict when a cell cannot be placed, and which single changes would help.

    Exit code 0: there is a placement, so there is nothing to explain; 1: there is none; 2: bad input; 3: neither
    was found.
    """
    with _needs():
        from physalia.cli.placement_printing import explanation_json, explanation_lines  # noqa: PLC0415
        from physalia.placement.explanations.explain import explain as ask  # noqa: PLC0415

        site, rules = _read(topology, policy)
        explained = ask(site, rules, _asked(instance, primary, replica, color))
        if json:
            print_json({"schema_version": SCHEMA_VERSION, **explanation_json(explained)})
        else:
            say(*explanation_lines(explained))
        return EXIT_CODES[explained.verdict]


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

    gc.disable()  # a topology is a million objects, none of them garbage
    contents = [_bytes(file) for file in (certificate, topology, *([] if policy is None else [policy]))]
    try:
        stands, reason = True, judge(*contents)
    except Refused as refused:
        stands, reason = False, str(refused)
    finally:
        gc.enable()
    if json:
        verdict = "stands" if stands else "refused"
        print_json({"schema_version": SCHEMA_VERSION, "verdict": verdict, "reason": reason})
    else:
        say(f"the certificate stands: {reason}." if stands else f"refused: {reason}.")
    return 0 if stands else _REFUSED


def _asked(instance: str, primary: str | None, replica: str | None, color: str | None) -> "Query":
    from physalia.placement.rules.queries import Query  # noqa: PLC0415

    return Query(instance, primary, replica, color)


def _read(topology: Path, policy: Path | None) -> "tuple[Topology, Policy]":
    from physalia.placement.rules import policy as policies  # noqa: PLC0415
    from physalia.placement.site import format as files  # noqa: PLC0415

    rules = policies.default() if policy is None else policies.read(policy)
    return files.read(topology), rules


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: the file cannot be read: {error.strerror}.") from error


def _conclude(
    answer: "Answer", topology: Path, cert: Path | None, devices: int, *, json: bool, survives: bool = False
) -> int:
    """Write the certificate, say what was found, and return the exit code."""
    from physalia.cli.placement_printing import answer_json, answer_lines  # noqa: PLC0415
    from physalia.placement.certificates.certificate import NoCertificate, certificate, dumps  # noqa: PLC0415
    from physalia.placement.explanations.explain import explain as ask  # noqa: PLC0415

    made, missing, stated = None, "", answer.problem
    try:
        made = certificate(answer)
    except NoCertificate as reason:
        missing = str(reason)
    written = cert if made is not None else None
    if written is not None and made is not None:
        try:
            written.write_text(dumps(made), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{written}: the certificate cannot be written: {error.strerror}.") from error
    explained = None
    if answer.verdict == "impossible":
        explained = ask(stated.topology, stated.policy, stated.query)
    survived = _survival(stated.topology, stated.query, answer.servers) if survives and answer.servers else None
    told = answer_json(answer, made, missing, written, explained, survived, devices)
    if json:
        print_json({"schema_version": SCHEMA_VERSION, **told})
    else:
        say(*answer_lines(answer, told, topology, explained, survived))
    code = EXIT_CODES[answer.verdict]
    return max(code, _survival_code(survived)) if survived is not None and code == 0 else code


def _survive(site: "Topology", asked: "Query", servers: tuple[str, ...], *, json: bool) -> int:
    """Judge whether a given cell survives every single failure."""
    from physalia.cli.placement_printing import survival_json  # noqa: PLC0415

    asked.judge(site)
    found = _survival(site, asked, servers)
    if json:
        told = {"query": asked.to_document(), "servers": list(servers), "survival": survival_json(found)}
        print_json({"schema_version": SCHEMA_VERSION, **told})
    else:
        say(*(one.sentence for one in found))
    return _survival_code(found)


def _survival(site: "Topology", asked: "Query", servers: tuple[str, ...]) -> Any:
    from physalia.placement.survival.prove import prove as ask  # noqa: PLC0415  # brings z3

    return ask(site, asked.instance, servers)


def _survival_code(found: Any) -> int:
    if any(one.holds is False for one in found):
        return EXIT_CODES["impossible"]
    return 0 if all(one.holds for one in found) else EXIT_CODES["inconclusive"]


@contextmanager
def _needs() -> Iterator[None]:
    """Turn a missing package into a sentence that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in {"z3", "highspy", "numpy", "networkx", "dd"}:
            missing = _INSTALL.get(name, name)
            raise CannotRun(f"this needs the package {missing}: pip install 'physalia[placement]'.") from error
        raise


@contextmanager
def _progress() -> Iterator[Any]:
    """Count on standard error what was done."""
    from physalia.cli.progress import display  # noqa: PLC0415  # brings rich

    done: dict[str, int] = {}
    with display() as shown:

        def told(what: str) -> None:
            done[what] = done.get(what, 0) + 1
            shown.update("place", done[what], what)

        yield told

"""The link ``exhaustive``: the real code through everything that can happen in small scopes, beside the specification.

In each scope the real node, codec and disk law take every order, loss, duplication, crash and flush. States and
labelled steps, as the specification sees them, are those of the mirror, which the link graph holds to TLC; and the
exploration audits itself. What is refuted is told as a shortest scenario, and kept with a script that replays it.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from conformance import beside
from conformance.alone import Task
from conformance.exhaustive.audits import Untrue, audit
from conformance.exhaustive.graph import Graph
from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.product import Disagreement, Found, NeverTaken, Product
from conformance.exhaustive.rows import TooLarge
from conformance.exhaustive.scopes import SCOPES, Scope
from conformance.exhaustive.telling import RUNS, finding, keep
from conformance.links import BadInput, Failure, LinkReport, Progress, Row, Settings, Verdict
from conformance.refutation import How, Refuted
from physalia.cell import Node
from spec.machine import Status

HERE = "conformance.exhaustive.link:run"
SHARES = 4
"""Of scopes, to each processor: who is ready early takes another one."""


def run(
    settings: Settings,
    progress: Progress,
    make_node: MakeExplorable = Node,
    runs_folder: Path = RUNS,
    scopes: Sequence[Scope] = SCOPES,
) -> LinkReport:
    """Explore the profile's scopes, or those of the named models. The first refutation ends it, or its share."""
    started = time.monotonic()
    rows: list[Row] = []
    failures: list[Failure] = []
    chosen = _choose(settings, scopes)
    if min(settings.processors, len(chosen)) > 1 and (make_node, runs_folder, scopes) == (Node, RUNS, SCOPES):
        return _shared(chosen, settings, progress)
    for scope in chosen:
        row, failure = _run(scope, settings, progress, make_node, runs_folder)
        rows.append(row)
        progress.finish(scope.name, f"{row.verdict}: {row.note}")
        if failure is not None:
            failures.append(failure)
            break
    return LinkReport.of(
        "exhaustive", rows, failures, models=len(rows), seconds=time.monotonic() - started, notes=_notes(rows)
    )


def _shared(chosen: Sequence[Scope], settings: Settings, progress: Progress) -> LinkReport:
    """Explore the scopes in processes, each of which has a share of them: small ones first in each, as in the whole."""
    started = time.monotonic()
    shares = min(SHARES * settings.processors, len(chosen))
    tasks = [
        Task(
            "exhaustive",
            HERE,
            evolve(settings, models=tuple(scope.name for scope in chosen[share::shares]), processors=1),
            share=f"{share + 1} of {shares}",
        )
        for share in range(shares)
    ]
    reports = beside.perform(tasks, progress, settings.processors)
    by_name = {row.name: row for report in reports for row in report.rows}
    rows = [by_name[scope.name] for scope in chosen if scope.name in by_name]
    failures = [failure for report in reports for failure in report.failures]
    return LinkReport.of(
        "exhaustive", rows, failures, models=len(rows), seconds=time.monotonic() - started, notes=_notes(rows)
    )


def _choose(settings: Settings, scopes: Sequence[Scope]) -> list[Scope]:
    for name in settings.models:
        if name not in {known for scope in scopes for known in (scope.name, scope.model)}:
            names = ", ".join(dict.fromkeys(scope.model for scope in scopes))
            raise BadInput(f"the link exhaustive has no scope of a model {name!r}; it has {names}")
    if settings.models:
        return [scope for scope in scopes if {scope.name, scope.model} & {*settings.models}]
    return [scope for scope in scopes if settings.profile.includes(scope.profile)]


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    states, seconds = sum(row.states for row in rows), sum(row.seconds for row in rows)
    if not states or not seconds:
        return ()
    return (f"{states:,} states of the code, {states / seconds:,.0f} a second, every check on",)


def _run(
    scope: Scope, settings: Settings, progress: Progress, make_node: MakeExplorable, runs_folder: Path
) -> tuple[Row, Failure | None]:
    started = time.monotonic()

    def of_model(status: Status) -> None:
        progress.update(f"{scope.name}: model", status.distinct, "states", queue=status.queue, depth=status.depth)

    def of_code(found: Found, waiting: int) -> None:
        progress.update(scope.name, found.states, "states", queue=waiting, depth=found.depth)

    progress.update(scope.name, 0, "states")
    graph = Graph(scope.machine, of_model)
    failure: Failure | None = None
    product: Product | None = None
    note = f"{graph.found.distinct:,} states and {graph.edges:,} steps of the specification"
    verdict = Verdict.HOLDS
    try:
        product = Product(scope, graph, make_node)
        product.explore(of_code)
        progress.update(f"{scope.name}: audits", 0, "steps")
        audited = audit(product, settings.seed)
        note += (
            f"; {product.found.runs:,} runs of code, audited with {audited.steps:,} steps and {audited.events:,} events"
        )
    except Refuted as refuted:
        failure = Failure(title=f"{scope.name}: {refuted.title}", lines=refuted.lines, how=refuted.how)
        verdict, note = Verdict.REFUTED, failure.title
    except (Disagreement, NeverTaken, Untrue) as wrong:
        assert product is not None
        progress.update(f"{scope.name}: shortest path", 0, "states", total=product.found.states)
        failure = _failure(product, wrong, runs_folder)
        verdict, note = Verdict.REFUTED, failure.title
    except TooLarge as limit:
        failure = Failure(title=f"{scope.name} is too large: {limit}; nothing was shown", verdict=Verdict.INCONCLUSIVE)
        verdict, note = Verdict.INCONCLUSIVE, failure.title
    found = Found() if product is None else product.found
    row = Row(
        name=scope.name, verdict=verdict, states=found.states,
        edges=graph.edges, steps=found.steps, seconds=time.monotonic() - started, note=note,
    )  # fmt: skip
    return row, failure


def _failure(product: Product, wrong: Disagreement | NeverTaken | Untrue, runs_folder: Path) -> Failure:
    found = finding(product, wrong)
    kept: tuple[str, ...] = ()
    try:
        command = f"python {keep(found, runs_folder)}"
    except OSError as error:
        kept, command = (f"the replay script could not be written: {error}",), "physalia verify exhaustive"
    return Failure(
        title=f"{product.scope.name}: {found.title}",
        lines=(*found.told(), *kept),
        replay=command,
        how=wrong.refuted.how if isinstance(wrong, Disagreement) and not found.is_of_all else How.JUDGED,
        events=len(found.path),
    )

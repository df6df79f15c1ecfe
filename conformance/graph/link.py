"""The link ``graph``: TLC's whole graph of a model and the mirror's are the same, state by state and step by step.

The manifest says from which profile on a model's graphs are compared (``graph``). TLC runs such a model and dumps its
graph, with nothing to check, or where the link ``tlc`` runs too with all that it would check; the mirror of the same
name is explored; the two are compared as sets, both directions. Every mirror is also explored with its invariants and
with the refinement of the rung above, in the profile that runs its model (in quick only where the graphs are not
compared): it must have as many states, at the same depth, as the manifest says that TLC found. Of each action that the
manifest lists for a model a compared graph must have a step.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from conformance.graph.compare import Comparison, compare, narrate
from conformance.graph.mirror import Checked, check, enough, machine_of
from conformance.links import Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.manifest import HOLDS, Manifest, Model, load_manifest
from conformance.parallel import completed, workers
from conformance.tlc.cfg import take_checks_out
from conformance.tlc.decode import StateDecoder
from conformance.tlc.dump import DumpError, read_dump
from conformance.tlc.java import options_for
from conformance.tlc.limits import CUT, Limits, Outcome
from conformance.tlc.messages import Counts
from conformance.tlc.run import Processes, TlcRun, copy_of, run_tlc
from conformance.tlc.shared import SharedRuns
from conformance.tlc.toolchain import Toolchain, find_toolchain
from spec.machine import Exploration, Machine, Status, explore
from spec.models import MODELS

THREADS = 2
_VERDICT_OF = {
    Outcome.VIOLATED: Verdict.REFUTED,
    Outcome.BROKEN: Verdict.ERROR,
    **dict.fromkeys(CUT, Verdict.INCONCLUSIVE),
}


@frozen(kw_only=True)
class Judged:
    """What came of one model: its row, why it does not hold if it does not, and the labels that TLC used."""

    row: Row
    failure: Failure | None = None
    labels: frozenset[str] = frozenset()
    ambiguous: int = 0


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Compare the models of the profile; BadInput for a bad manifest, CannotRun without Java or TLC."""
    start = time.monotonic()
    manifest = load_manifest()
    graphs, mirrors = models_of(manifest, settings)
    with Processes(many=len(graphs) > 1) as processes:
        told, shared = _UntilClosed(progress, processes), SharedRuns(settings.shared) if settings.shared else None
        runner = Runner(manifest, find_toolchain(), processes, Limits.of(settings), told, shared)
        judged = _in_threads(runner, graphs, mirrors)
    failures = [one.failure for one in judged if one.failure]
    if not settings.models and settings.profile is not Profile.QUICK:
        failures += _vocabulary_failures(graphs, judged)
    return LinkReport.of(
        "graph",
        [one.row for one in judged],
        failures,
        models=len({*graphs, *mirrors}),
        seconds=time.monotonic() - start,
        notes=_notes(judged, graphs),
    )


def models_of(manifest: Manifest, settings: Settings) -> tuple[list[Model], list[Model]]:
    """The models whose graphs are compared, and those whose mirrors are checked. Of a named model it is the graph."""
    wanted = [manifest.model(name) for name in settings.models] or [
        model for model in manifest.models if model.graph is not None or model.name in MODELS
    ]
    for model in wanted:
        machine_of(manifest, model.name)
    if settings.models:
        return wanted, []
    graphs = [model for model in wanted if model.graph is not None and settings.profile.includes(model.graph)]
    checked = [
        model for model in wanted
        if model.expect == HOLDS and settings.profile.includes(model.profile)
        and (model not in graphs or settings.profile is not Profile.QUICK)
    ]  # fmt: skip
    return graphs, checked


@frozen
class _UntilClosed:
    """Progress that stops whoever reports it once the processes are closed: a mirror's exploration is no process."""

    progress: Progress
    processes: Processes

    def update(self, part: str, done: int, unit: str, **more: int | None) -> None:
        if self.processes.closed:
            raise InterruptedError("every run has been ended")
        self.progress.update(part, done, unit, **more)

    def finish(self, part: str, result: str) -> None:
        self.progress.finish(part, result)


@frozen
class Runner:
    """What judges a model: the specifications, Java and TLC, what a run may use, and whom to tell."""

    manifest: Manifest
    toolchain: Toolchain
    processes: Processes
    limits: Limits
    progress: Progress
    shared: SharedRuns | None = None
    """Where what TLC says of a model that it also checks is left for the link `tlc`."""

    def both(self, model: Model) -> tuple[Judged, Judged]:
        """Compare the graphs of a model, and check its mirror, which is explored once for both."""
        start = time.monotonic()
        checked = check(self.manifest, model.name, self.progress, record=True)
        judged = judged_mirror(checked, time.monotonic() - start, is_compared=True)
        ended = checked.found.whole and not checked.violated
        return self.graph(model, checked.found if ended else None), judged

    def graph(self, model: Model, found: Exploration[Any] | None = None) -> Judged:
        """Compare the graphs of a model, whose mirror may have been explored, with all edges, before."""
        start = time.monotonic()
        machine = machine_of(self.manifest, model.name)
        with copy_of(self.manifest.folder) as folder:
            file = folder / "graph.dot"
            seen = self._checked(model, folder, file)
            if seen is None:
                take_checks_out(folder / f"{model.name}.cfg")
                seen = self._dumped(model, folder, file, options_for(model.generated))
            if seen.outcome is not Outcome.PASSED:
                return _not_dumped(model, seen)
            if found is None:
                found = explore(
                    machine, invariants=(), record=True, limits=enough(seen.distinct), progress=self._on_mirror(model)
                )
            try:
                dump = read_dump(file, StateDecoder(type(found.state(0))).state, seen.distinct)
                comparison = compare(found, dump)
            except DumpError as error:
                return self._bad_dump(model, str(error))
        self.progress.finish(model.name, "a difference" if comparison.difference else f"{comparison.states:,} states")
        return _judged(model, comparison, time.monotonic() - start)

    def _checked(self, model: Model, folder: Path, file: Path) -> TlcRun | None:
        """Dump the graph while everything is checked, for the link `tlc`; None if that link must see for itself."""
        if self.shared is None or model.expect != HOLDS:
            return None
        seen = self._dumped(model, folder, file, options_for(model.generated, slow=model.slow))
        if seen.outcome is not Outcome.PASSED:
            return None
        self.shared.leave(model.name, seen)
        return seen

    def _dumped(self, model: Model, folder: Path, file: Path, java_options: tuple[str, ...]) -> TlcRun:
        return run_tlc(
            self.toolchain, folder, model.name, processes=self.processes,
            limits=self.limits.for_states(model.generated), java_options=java_options,
            arguments=("-dump", "dot,actionlabels", str(file)), on_progress=self._on_tlc(model),
        )  # fmt: skip

    def check(self, model: Model) -> Judged:
        """Check the mirror's invariants and refinement, and its counts."""
        start = time.monotonic()
        checked = check(self.manifest, model.name, self.progress)
        return judged_mirror(checked, time.monotonic() - start)

    def _bad_dump(self, model: Model, sentence: str) -> Judged:
        self.progress.finish(model.name, "a bad dump")
        failure = Failure(title=f"{model.name}: the dump is no graph", verdict=Verdict.ERROR, lines=(sentence,))
        return Judged(row=Row(name=model.name, verdict=Verdict.ERROR, note=sentence), failure=failure)

    def _on_tlc(self, model: Model) -> Any:
        def on_progress(counts: Counts, depth: int) -> None:
            self.progress.update(
                model.name, counts.distinct, "states of TLC", total=model.distinct, queue=counts.queue, depth=depth
            )

        return on_progress

    def _on_mirror(self, model: Model) -> Any:
        def on_progress(status: Status) -> None:
            self.progress.update(
                model.name, status.distinct, "states", total=model.distinct, queue=status.queue, depth=status.depth
            )

        return on_progress


def judged_mirror(checked: Checked, seconds: float, *, is_compared: bool = False) -> Judged:
    """What comes of a mirror that was explored by itself; of compared graphs, states count there."""
    name = checked.model.name
    row = Row(
        name=f"{name}, invariants and refinement",
        verdict=checked.verdict,
        states=0 if is_compared else checked.found.distinct,
        edges=0 if is_compared else checked.found.generated,
        seconds=seconds,
        note=checked.why[0] if checked.why else f"depth {checked.found.depth}",
    )
    if not checked.why:
        return Judged(row=row)
    title = f"{name}: the mirror does not find what the manifest says"
    lines = (*checked.why, *narrate(checked.path))
    replay = f"physalia spec check {name}"
    return Judged(row=row, failure=Failure(title=title, verdict=checked.verdict, lines=lines, replay=replay))


def _judged(model: Model, comparison: Comparison, seconds: float) -> Judged:
    never = [action for action in _actions_of(model) if action not in comparison.labels]
    lines = comparison.difference or tuple(f"{action} was never taken." for action in never)
    row = Row(
        name=model.name,
        verdict=Verdict.REFUTED if lines else Verdict.HOLDS,
        states=comparison.states,
        edges=comparison.edges,
        seconds=seconds,
        note=lines[0] if lines else f"{comparison.edges:,} steps, equal both ways",
    )
    failure = None
    if lines:
        what = "the graphs of tla/ and spec/ differ" if comparison.difference else "the manifest says more is taken"
        failure = Failure(title=f"{model.name}: {what}", lines=lines, replay=f"physalia spec graph {model.name}")
    return Judged(row=row, failure=failure, labels=comparison.labels, ambiguous=comparison.ambiguous)


def _actions_of(model: Model) -> tuple[str, ...]:
    """The actions that must be taken: those that the manifest lists, or else all of a model that holds."""
    if model.actions is not None or model.expect != HOLDS:
        return model.actions or ()
    return tuple(name.capitalize() for name in MODELS[model.name].action_names())


def _not_dumped(model: Model, seen: TlcRun) -> Judged:
    verdict = _VERDICT_OF[seen.outcome]
    what = "cannot read or evaluate the specification" if seen.outcome is Outcome.BROKEN else "did not dump its graph"
    title = f"{model.name}: TLC {what} ({seen.outcome})"
    failure = Failure(title=title, verdict=verdict, lines=seen.errors, replay=f"physalia spec tlc {model.name}")
    return Judged(row=Row(name=model.name, verdict=verdict, note=str(seen.outcome)), failure=failure)


def _in_threads(runner: Runner, graphs: list[Model], mirrors: list[Model]) -> list[Judged]:
    """Judge two models at a time, so that TLC works on one while the mirror works on the other; the largest first."""
    compared, checked = dict[str, Judged](), dict[str, Judged]()

    def judge(model: Model) -> None:
        if model not in mirrors:
            compared[model.name] = runner.graph(model)
        elif model not in graphs:
            checked[model.name] = runner.check(model)
        else:
            compared[model.name], checked[model.name] = runner.both(model)

    largest_first = sorted(dict.fromkeys([*graphs, *mirrors]), key=lambda model: -model.distinct)
    with workers(THREADS, runner.processes.close) as pool:
        for future in completed([pool.submit(judge, model) for model in largest_first]):
            future.result()
    return [*(compared[model.name] for model in graphs), *(checked[model.name] for model in mirrors)]


def _vocabulary_failures(graphs: list[Model], judged: list[Judged]) -> list[Failure]:
    """For each rung, the actions that no graph has a step of: what was never taken was never compared."""
    failures = []
    for rung in dict.fromkeys(model.rung for model in graphs):
        mine = [place for place, model in enumerate(graphs) if model.rung == rung]
        labels = frozenset[str]().union(*(judged[place].labels for place in mine))
        machine: Machine[Any] = MODELS[graphs[mine[0]].name]
        never = [name for name in machine.action_names() if name.capitalize() not in labels]
        if never:
            title = f"{rung}: no graph that was compared has a step {', '.join(never)}"
            failures.append(Failure(title=title, replay="physalia verify graph"))
    return failures


def _notes(judged: Iterable[Judged], graphs: list[Model]) -> list[str]:
    ambiguous = sum(one.ambiguous for one in judged)
    if not graphs:
        return []
    return [f"{ambiguous:,} steps of {len(graphs)} graphs differ from another one in their arguments alone."]

"""The link ``tlc``: every model of the ladder gives exactly what the manifest says, and every twin is caught.

Models and twins run two at a time. A twin is caught when TLC ends with the violation that the manifest names, after as
many states; an evaluation error, a timeout or another violation is none. A twin that the refinement kills is run a
second time without it (in the deep profile every twin is), because a refinement that catches everything says little
about the invariants. Which actions were taken TLC counts where no graph of the model is compared: the link ``graph``
sees all steps of the others. A model with more distinct states than the manifest says is refuted as soon as TLC tells
so, and also if TLC comes to a limit after that; below that number a run that was cut says nothing. The mirror's
invariant of the same name must judge the counterexample as TLC's did.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from conformance.links import BadInput, Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.manifest import HOLDS, REFUTED, SURVIVES, Manifest, Model, Twin, apply_twin, load_manifest, with_twin
from conformance.parallel import completed, workers
from conformance.tlc import counterexamples
from conformance.tlc.cfg import config_properties, part_assumption, resolve_violated, take_refinement_out
from conformance.tlc.java import options_for
from conformance.tlc.limits import CUT, Limits, Outcome
from conformance.tlc.messages import Counts
from conformance.tlc.run import COVERAGE, Processes, TlcRun, copy_of, run_tlc
from conformance.tlc.shared import SharedRuns
from conformance.tlc.toolchain import Toolchain, find_toolchain
from spec.differences import show

SCHEMA_VERSION = 1
UNFINISHED = CUT | {Outcome.EXCEEDED}
PROCESSES = 2


@frozen(kw_only=True)
class Task:
    """One run of TLC: a model as it is, or with a twin's bug in it, perhaps without its refinement."""

    model: Model
    twin: Twin | None = None
    refinement: bool = True
    counts_actions: bool = True
    """Whether TLC is to count how often each action is taken, which costs a quarter of the time."""

    @property
    def may_be_shared(self) -> bool:
        """Whether the link ``graph``, if it runs in the same command, has TLC make this very run."""
        return self.twin is None and not self.counts_actions and self.model.expect == HOLDS

    @property
    def name(self) -> str:
        """What the run is called in progress and reports."""
        if self.twin is None:
            return self.model.name
        return f"{self.model.name} with {self.twin.name}" + ("" if self.refinement else ", no refinement")

    @property
    def distinct(self) -> int:
        """The exact number of distinct states that the run must have; 0 if nobody says, as of every twin."""
        return self.model.distinct if self.twin is None else 0

    @property
    def replay(self) -> str:
        """The command that shows this run again."""
        twin = "" if self.twin is None else f" --twin {self.twin.name}"
        return f"physalia spec tlc {self.model.name}{twin}" + ("" if self.refinement else " --no-refinement")


@frozen(kw_only=True)
class Judged:
    """A run beside what was expected of it: the differences are empty when it is as it should be."""

    task: Task
    run: TlcRun
    violated: str
    verdict: Verdict
    differences: tuple[str, ...]

    @property
    def row(self) -> Row:
        """The line of the report. Only models count states: a twin's are not those of the protocol."""
        counted = self.task.twin is None
        return Row(
            name=self.task.name,
            verdict=self.verdict,
            states=self.run.distinct if counted else 0,
            edges=self.run.generated if counted else 0,
            seconds=self.run.seconds,
            note=self.saw,
        )

    @property
    def saw(self) -> str:
        """What TLC saw, in a few words."""
        if self.run.outcome is Outcome.VIOLATED:
            return f"{self.violated} is violated after {len(self.run.trace)} states"
        if self.run.outcome is Outcome.PASSED:
            return f"{self.run.distinct:,} states, depth {self.run.depth}"
        if self.run.outcome is Outcome.EXCEEDED:
            return f"stopped after {self.run.distinct:,} states"
        return str(self.run.outcome)

    def as_json(self) -> Mapping[str, Any]:
        """The run for machines, as docs/spec-tlc.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "model": self.task.model.name,
            "twin": self.task.twin and self.task.twin.name,
            "refinement": self.task.refinement,
            "outcome": self.run.outcome,
            "violated": self.violated,
            "distinct": self.run.distinct,
            "generated": self.run.generated,
            "depth": self.run.depth,
            "seconds": self.run.seconds,
            "reached": sorted(self.run.reached),
            "taken": dict(self.run.taken),
            "differences": list(self.differences),
            "errors": list(self.run.errors),
            "counterexample": [
                {
                    "action": step.action,
                    "arguments": [[show(argument) for argument in args] for args in step.arguments],
                    "remark": step.remark,
                    "changes": list(step.changes),
                    "state": step.text,
                }
                for step in counterexamples.shown_steps(self.task.model.name, self.run)
            ],
        }

    @property
    def failure(self) -> Failure | None:
        """Why it is not as it should be, with the counterexample if there is one."""
        if not self.differences:
            return None
        lines = (*self.differences, *counterexamples.narrate(self.task.model.name, self.run))
        return Failure(
            title=f"{self.task.name}: {self._title}", verdict=self.verdict, lines=lines, replay=self.task.replay
        )

    @property
    def _title(self) -> str:
        if self.run.outcome in UNFINISHED and self.verdict is Verdict.REFUTED:
            return "TLC finds more states than the manifest says"
        if self.run.outcome in CUT:
            return f"TLC did not finish ({self.run.outcome})"
        if self.run.outcome is Outcome.BROKEN:
            return "TLC cannot read or evaluate the specification, which is no violation"
        if self.verdict is Verdict.INCONCLUSIVE:
            return "the manifest does not say yet what TLC finds"
        return "TLC does not find what the manifest says"


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Run the models and twins of the profile; BadInput for a bad manifest, CannotRun without Java or TLC."""
    start = time.monotonic()
    manifest = load_manifest()
    unapplied = twins_that_do_not_apply(manifest)
    tasks = [task for task in tasks_of(manifest, settings) if task.twin not in unapplied]
    limits = Limits.of(settings)
    with Processes(many=len(tasks) > 1) as processes:
        shared = SharedRuns(settings.shared) if settings.shared else None
        runner = Runner(
            manifest=manifest, toolchain=find_toolchain(), processes=processes, limits=limits, shared=shared
        )
        judged = _in_parallel(lambda task: runner.run(task, progress), tasks, processes)
    return LinkReport.of(
        "tlc",
        [one.row for one in judged],
        _failures(judged) + [_not_applied(*entry) for entry in unapplied.items()],
        models=sum(task.twin is None for task in tasks),
        seconds=time.monotonic() - start,
        notes=_kill_scores(judged),
    )


def tasks_of(manifest: Manifest, settings: Settings) -> list[Task]:
    """What a profile runs, models first."""
    wanted = [manifest.model(name) for name in settings.models] or list(manifest.models)
    tasks = [
        Task(model=model, counts_actions=bool(settings.models) or not _is_compared(model, settings.profile))
        for model in wanted if settings.profile.includes(model.profile)
    ]  # fmt: skip
    for twin in manifest.twins:
        model = manifest.model(twin.model)
        if model in wanted and settings.profile.includes(twin.profile):
            tasks.append(Task(model=model, twin=twin))
            if twin.without_refinement and _asks_twice(twin, settings.profile):
                tasks.append(Task(model=model, twin=twin, refinement=False))
    return tasks


def _is_compared(model: Model, profile: Profile) -> bool:
    """Whether the link ``graph`` sees every step of the model in this profile."""
    return model.graph is not None and profile.includes(model.graph)


def _asks_twice(twin: Twin, profile: Profile) -> bool:
    """Whether the twin is run without the refinement too: in deep always, in default if the refinement kills it."""
    return profile is Profile.DEEP or (profile is Profile.DEFAULT and twin.kills.startswith("Refines"))


def task_named(manifest: Manifest, model: str, twin: str | None, *, refinement: bool) -> Task:
    """The run of one model, perhaps with a twin; BadInput for names that are not in the manifest or not together."""
    chosen = manifest.model(model)
    if twin is None:
        return Task(model=chosen, refinement=refinement)
    bug = manifest.twin(twin)
    if bug.model != model:
        raise BadInput(f"{manifest.path}: twin {twin} belongs to {bug.model}, not to {model}; name that model.")
    if not (refinement or bug.without_refinement):
        raise BadInput(f"{manifest.path}: {model} checks no refinement to leave out; run twin {twin} as it is.")
    return Task(model=chosen, twin=bug, refinement=refinement)


def twins_that_do_not_apply(manifest: Manifest) -> dict[Twin, str]:
    """The twins, of whatever profile, whose text is not in their module once, with the sentence that says so."""
    unapplied = {}
    for twin in manifest.twins:
        try:
            with_twin(twin, manifest.folder, manifest.path)
        except BadInput as reason:
            unapplied[twin] = str(reason)
    return unapplied


def _not_applied(twin: Twin, sentence: str) -> Failure:
    return Failure(title=sentence, verdict=Verdict.ERROR, replay=f"physalia spec tlc {twin.model} --twin {twin.name}")


@frozen(kw_only=True)
class Runner:
    """What runs tasks: the specifications, Java and TLC, and what a run may use."""

    manifest: Manifest
    toolchain: Toolchain
    processes: Processes
    limits: Limits
    shared: SharedRuns | None = None
    """Where the link ``graph`` leaves runs that it made already."""

    def run(self, task: Task, progress: Progress) -> Judged:
        """Run one task on a copy of the specifications and judge it."""
        progress.update(task.name, 0, "states")

        def on_progress(counts: Counts, depth: int) -> None:
            progress.update(task.name, counts.distinct, "states", queue=counts.queue, depth=depth)

        name = task.model.name
        with copy_of(self.manifest.folder) as folder:
            config = folder / f"{name}.cfg"
            if task.twin is not None:
                apply_twin(task.twin, folder, self.manifest.path)
            if not task.refinement:
                take_refinement_out(config)
            seen = self._made_already(task) or self._run(task, folder, on_progress)
            if seen.is_assumption and part_assumption(seen.violated, folder):
                seen = evolve(seen, violated=self._run(task, folder, on_progress).violated or seen.violated)
            known = config_properties(config)
            violated = resolve_violated(seen.violated, folder, known, is_assumption=seen.is_assumption)
        judged = judge(task, seen, violated)
        if task.twin is not None and not judged.differences:
            disagreements = counterexamples.disagreements(task.twin, seen, violated)
            verdict = Verdict.REFUTED if disagreements else judged.verdict
            judged = evolve(judged, verdict=verdict, differences=disagreements)
        progress.finish(task.name, judged.differences[0] if judged.differences else judged.saw)
        return judged

    def _made_already(self, task: Task) -> TlcRun | None:
        return self.shared.take(task.model.name) if self.shared is not None and task.may_be_shared else None

    def _run(self, task: Task, folder: Path, on_progress: Callable[[Counts, int], None]) -> TlcRun:
        return run_tlc(
            self.toolchain,
            folder,
            task.model.name,
            processes=self.processes,
            limits=self.limits.for_states(task.model.generated, task.distinct),
            arguments=COVERAGE if task.counts_actions and task.twin is None and task.model.actions != () else (),
            java_options=options_for(task.model.generated, slow=task.model.slow),
            on_progress=on_progress,
        )


def judge(task: Task, seen: TlcRun, violated: str) -> Judged:
    """Compare a run with the manifest."""
    found: list[str] = []
    if seen.outcome in UNFINISHED and 0 < task.distinct < seen.distinct:
        counted = f"the manifest says {task.distinct:,}, TLC had found {seen.distinct:,} and was not done."
        verdict, found = Verdict.REFUTED, [f"distinct states: {counted}", *seen.errors]
    elif seen.outcome in UNFINISHED:
        verdict, found = (
            Verdict.INCONCLUSIVE,
            [*seen.errors, f"By then it had found {seen.distinct:,} distinct states."],
        )
    elif seen.outcome is Outcome.BROKEN:
        verdict, found = Verdict.ERROR, list(seen.errors) or ["TLC does not say why."]
    else:
        found, unsaid = _unexpected(task, seen, violated), _unsaid(task, seen)
        verdict = Verdict.REFUTED if found else Verdict.INCONCLUSIVE if unsaid else Verdict.HOLDS
        found += unsaid
    return Judged(task=task, run=seen, violated=violated, verdict=verdict, differences=tuple(found))


def _unexpected(task: Task, seen: TlcRun, violated: str) -> list[str]:
    """The sentences about everything in which a finished run differs from the manifest."""
    twin, model = task.twin, task.model
    if twin is not None:
        expected = twin.kills if task.refinement else twin.without_refinement
        found = _violation("" if expected == SURVIVES else expected, violated, seen)
        if not found and task.refinement:
            found = _difference("states in the counterexample", twin.length, len(seen.trace))
        return found
    found = _violation(model.violates, violated, seen)
    if found:
        return found
    for _, what, said, counted in _counts(model, seen):
        found += _difference(what, said, counted) if said else []
    missing = [witness for witness in model.reaches if witness not in seen.reached]
    found += [f"{witness} was never reached." for witness in missing]
    unlisted = sorted(seen.reached - set(model.reaches))
    found += [f"{witness} was reached, and the manifest does not list it." for witness in unlisted]
    actions = tuple(seen.taken) if model.actions is None else model.actions
    if task.counts_actions and (model.expect != REFUTED or model.actions is not None):
        found += [f"{action} was never taken." for action in actions if not seen.taken.get(action)]
    return found


def _counts(model: Model, seen: TlcRun) -> tuple[tuple[str, str, int, int], ...]:
    """The keys of what is counted, in words, what the manifest says, and what TLC says; 0 is not said yet."""
    length = ("length", "states in the counterexample", model.length, len(seen.trace))
    return (
        *([length] if model.expect == REFUTED else []),
        ("distinct", "distinct states", model.distinct, seen.distinct),
        ("generated", "generated states", model.generated, seen.generated),
        ("depth", "depth", model.depth, seen.depth),
    )


def _unsaid(task: Task, seen: TlcRun) -> list[str]:
    """The numbers that a new model's entry does not have yet, for whoever has looked at them to copy."""
    counts = _counts(task.model, seen) if task.twin is None else ()
    numbers = [f"{key} = {counted}" for key, _, said, counted in counts if not said]
    return ["The manifest does not say yet, and TLC says:", *numbers] if numbers else []


def _violation(expected: str, violated: str, seen: TlcRun) -> list[str]:
    found = _difference("violation", expected, violated)
    if found and seen.is_assumption:
        found.append(
            "That is an ASSUME, which is about constants: no state was looked at. Its bounds contradict each other."
        )
    return found


def _difference(what: str, expected: str | int, got: str | int) -> list[str]:
    if expected == got:
        return []
    return [f"{what}: the manifest says {_shown(expected)}, TLC says {_shown(got)}."]


def _shown(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value or "none"


def _failures(judged: list[Judged]) -> list[Failure]:
    """Why what does not hold does not; a module that cannot be read is told once for all the models that need it."""
    groups: dict[tuple[str, ...], list[Failure]] = {}
    for number, one in enumerate(judged):
        if one.failure:
            broken = one.run.outcome is Outcome.BROKEN
            groups.setdefault(one.differences if broken else (str(number),), []).append(one.failure)
    return [
        evolve(first, title=f"{first.title} (and so for {len(others)} more runs)") if others else first
        for first, *others in groups.values()
    ]


def _kill_scores(judged: list[Judged]) -> list[str]:
    notes = []
    for refinement, words in ((True, "with everything checked"), (False, "without the refinement")):
        twins = [one for one in judged if one.task.twin is not None and one.task.refinement is refinement]
        if twins:
            killed = sum(one.run.outcome is Outcome.VIOLATED for one in twins)
            notes.append(f"{killed} of {len(twins)} twins are killed {words}.")
    return notes


def _in_parallel(work: Callable[[Task], Judged], tasks: list[Task], processes: Processes) -> list[Judged]:
    """Do the work in a few threads, the largest models first, and give the results in the order of the tasks.

    What another link may make first comes last.
    """
    largest_first = sorted(tasks, key=lambda task: (task.may_be_shared, -task.model.generated))
    with workers(max(1, min(PROCESSES, os.cpu_count() or 1)), processes.close) as pool:
        done = {pool.submit(work, task): task for task in largest_first}
        results = {id(done[future]): future.result() for future in completed(done)}
    return [results[id(task)] for task in tasks]

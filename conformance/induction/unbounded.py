"""The unbounded proof, run and reported: layer by layer, with what must be possible, and the graph of sorts.

Formulas and solver are in `spec/induction/`; here their outcomes become verdicts. A query that is not decided in time
is inconclusive, never a pass, and leaves a file that reproduces it; so does one that is refuted.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from conformance.links import BadInput, CannotRun, Failure, Progress, Row, Verdict, combine

try:
    import z3  # noqa: F401  # looked for first, so that its absence is a sentence
except ImportError:
    raise CannotRun(
        "the package z3-solver is missing: pip install 'physalia[verify]', or pip install z3-solver."
    ) from None

from spec.induction.layers.stack import LAYERS, system_of, with_what_they_stand_on
from spec.induction.proving.models import counterexample
from spec.induction.proving.prove import Proof, prove
from spec.induction.proving.solve import Answer, Effort, Outcome, write_smtlib
from spec.induction.proving.sorts import SortGraph, sort_graph
from spec.induction.proving.witnesses import Witness, failings, firings, two_slots

SCHEMA_VERSION = 1
FILES = Path(".physalia") / "runs" / "prove"
"""Where scripts are written that reproduce what was not proved."""

VERDICT_OF = {
    Outcome.PROVED: Verdict.HOLDS,
    Outcome.REFUTED: Verdict.REFUTED,
    Outcome.UNKNOWN: Verdict.INCONCLUSIVE,
}


@frozen(kw_only=True, eq=False)
class LayerReport:
    """What came of one layer."""

    name: str
    on: str
    proof: Proof
    witnesses: tuple[Witness, ...]
    sorts: SortGraph
    seconds: float
    files: Mapping[str, Path] = field(factory=dict)
    """For each query that was not proved, the script that reproduces it."""

    @property
    def verdict(self) -> Verdict:
        """Holds only if every query is proved, and everything that must be possible is."""
        outcomes = [self.proof.outcome, *(witness.outcome for witness in self.witnesses)]
        return combine(VERDICT_OF[outcome] for outcome in outcomes)

    @property
    def not_proved(self) -> tuple[Answer, ...]:
        """The answers that are no proofs, refuted ones first."""
        open_ones = [answer for answer in self.proof.asked.values() if answer.outcome is not Outcome.PROVED]
        return tuple(sorted(open_ones, key=lambda answer: answer.outcome is not Outcome.REFUTED))

    @property
    def row(self) -> Row:
        """One line of a link's table."""
        proof = self.proof
        note = f"{len(proof.asked)} queries, {len(proof.inherited)} proved below"
        return Row(name=self.name, verdict=self.verdict, seconds=self.seconds, note=note)

    def failures(self) -> Iterator[Failure]:
        """Why it does not hold, if it does not; the counterexample to induction for each query that is refuted."""
        for answer in self.not_proved:
            name = answer.query.name
            again = f"again: z3 {self.files[name]}" if name in self.files else ""
            if answer.outcome is Outcome.REFUTED:
                title = f"{name}: the claim does not follow"
                lines = counterexample(self.proof.system, answer, Effort())
            else:
                title, lines = f"{name}: not decided within the time-out: {answer.reason}", ()
            yield Failure(
                title=title, verdict=VERDICT_OF[answer.outcome], lines=(*lines, *([again] if again else [])),
                replay=f"physalia prove {self.name}",
            )  # fmt: skip
        for witness in self.witnesses:
            if witness.outcome is not Outcome.PROVED:
                said = "cannot be" if witness.outcome is Outcome.REFUTED else "was not found in time"
                yield Failure(
                    title=f"{witness.name}: what must be possible {said}; the proof would be about nothing",
                    verdict=VERDICT_OF[witness.outcome], replay=f"physalia prove {self.name}",
                )  # fmt: skip

    def as_json(self) -> Mapping[str, Any]:
        """The layer as docs/prove.schema.json describes it."""
        proof = self.proof
        return {
            "layer": self.name,
            "on": self.on,
            "verdict": self.verdict,
            "actions": len(proof.system.actions),
            "invariants": len(proof.system.invariants),
            "queries": len(proof.asked),
            "inherited": len(proof.inherited),
            "seconds": proof.seconds,
            "sorts": {source: list(targets) for source, targets in self.sorts.successors.items()},
            "exceptions": list(self.sorts.exceptions),
            "answers": [self._answer_as_json(answer) for answer in proof.answers],
            "witnesses": [
                {"name": witness.name, "outcome": witness.outcome, "seconds": witness.seconds}
                for witness in self.witnesses
            ],
        }

    def _answer_as_json(self, answer: Answer) -> Mapping[str, Any]:
        name = answer.query.name
        return {
            "query": name,
            "kind": answer.query.kind,
            "outcome": answer.outcome,
            "seconds": answer.seconds,
            "proved_as": answer.origin or None,
            "reason": answer.reason,
            "file": str(self.files[name]) if name in self.files else None,
        }


@frozen(kw_only=True, eq=False)
class ProofReport:
    """What came of all layers that were asked for, and of those that they stand on."""

    layers: tuple[LayerReport, ...]
    """Lowest first."""
    elapsed_s: float
    """Of everything, witnesses and graphs of sorts too."""
    effort: Effort

    @property
    def verdict(self) -> Verdict:
        """The verdict on all layers; inconclusive if there is none."""
        return combine(layer.verdict for layer in self.layers)

    @property
    def queries(self) -> int:
        """How many queries were asked. What a layer has from the one below is not asked, nor counted, again."""
        return sum(len(layer.proof.asked) for layer in self.layers)

    @property
    def seconds(self) -> float:
        """How long the queries took, each counted once."""
        return sum(layer.proof.seconds for layer in self.layers)

    def failures(self) -> Iterator[Failure]:
        """Why it does not hold."""
        for layer in self.layers:
            yield from layer.failures()

    def as_json(self) -> Mapping[str, Any]:
        """The proof as docs/prove.schema.json describes it, without the tie."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "queries": self.queries,
            "seconds": self.seconds,
            "elapsed_s": self.elapsed_s,
            "timeout_s": self.effort.timeout_s,
            "seed": self.effort.seed,
            "layers": [layer.as_json() for layer in self.layers],
        }


def known_layers(names: Iterable[str]) -> tuple[str, ...]:
    """The named layers and what they stand on, lowest first; all if none is named. BadInput for an unknown name."""
    names = tuple(names)
    for name in names:
        if name not in LAYERS:
            raise BadInput(f"there is no layer called {name}; there are {', '.join(LAYERS)}.")
    return with_what_they_stand_on(names)


def prove_layers(names: Iterable[str], effort: Effort, progress: Progress, folder: Path = FILES) -> ProofReport:
    """Prove the named layers and what they stand on. OSError if a script that reproduces a query cannot be written."""
    start = time.monotonic()
    reports: dict[str, LayerReport] = {}
    for name in known_layers(names):
        on = LAYERS[name].on
        reports[name] = prove_layer(name, on, reports[on].proof if on else None, effort, progress, folder)
    return ProofReport(layers=tuple(reports.values()), elapsed_s=time.monotonic() - start, effort=effort)


def prove_layer(
    name: str, on: str, below: Proof | None, effort: Effort, progress: Progress, folder: Path
) -> LayerReport:
    """Prove one layer on what was proved of the one that it extends."""
    start = time.monotonic()
    system = system_of(name)
    proof = prove(system, below, effort, lambda part, done, of: progress.update(part, done, "queries", total=of))
    witnesses = [*firings(system, effort), *failings(system, effort, below.system if below else None)]
    reached = two_slots(system)
    report = LayerReport(
        name=name,
        on=on,
        proof=proof,
        witnesses=tuple(witnesses if reached is None else [*witnesses, reached]),
        sorts=sort_graph(answer.query for answer in proof.answers),
        seconds=time.monotonic() - start,
        files={
            answer.query.name: write_smtlib(answer.query, folder, {"said": answer.outcome, "reason": answer.reason})
            for answer in proof.asked.values()
            if answer.outcome is not Outcome.PROVED
        },
    )
    progress.finish(name, f"{report.verdict}: {report.row.note}")
    return report

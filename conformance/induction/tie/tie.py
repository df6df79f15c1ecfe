"""The tie: the formulas that the unbounded proof is about, the models, and with them TLC's graphs, are one relation.

For the bounded models of the ladder that formulas speak of, on the very syntax trees that the solver gets: the axioms
hold, and the beginning is the same; every state satisfies every invariant; every edge is its action with its arguments,
or a declared path or stutter; for every state and all arguments a guard holds exactly where the graph has that edge,
declared exceptions aside; facts of targets, flipped one at a time, are refused. That this can fail is shown by guards
with a conjunct left out; that the formulas are evaluated as z3 means them, by asking z3.

What is run when: the models of the ladder in the profile that runs them; a model of `Cell`, whose policy is its own so
that only states and edges are compared, from `default` on if it is small and in `deep` if its graph is compared at all.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from conformance.graph.mirror import machine_of
from conformance.induction.tie.evaluations import CrossChecked, cross_check
from conformance.induction.tie.flips import Flipped, flip_targets
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.model import Mismatch, Tie, TiedModel
from conformance.induction.tie.readings import reading_of
from conformance.induction.tie.weakened import Weakened, weakened_guards
from conformance.links import Failure, Profile, Progress, Row, Verdict, combine
from conformance.manifest import HOLDS, Manifest, Model, load_manifest
from spec.induction.formulas.kernel import System
from spec.induction.layers.ballots import Ballots

TIED_RUNGS = ("Window", "Ballots", "Cell")
MOST_STATES_OF_CELL = {Profile.QUICK: 0, Profile.DEFAULT: 1_000, Profile.DEEP: 100_000}
"""Larger models of `Cell` are not tied in a profile."""
FLIPPED_EDGES = 1_000
EVALUATIONS = {Profile.QUICK: 200, Profile.DEFAULT: 1_000, Profile.DEEP: 1_000}
WEAKENED_IN = 40_000
"""Larger models are not searched for what catches a weakened guard."""

NOT_TIED: Mapping[str, str] = {
    "disk": "no graph has a lost disk, and what was written is not read off the graphs yet",
    "knowledge": "no graph has what a node believes apart from what it knows",
    "reads": "no graph has reads",
    "truncation": "no graph has floors above 0",
    "leaving": "no graph has nodes that leave",
    "outbox": "the order of what waits is not read off the graphs yet",
}
"""The layers of the proof above the base, and why they are not tied yet."""


@frozen(kw_only=True)
class TieReport:
    """What the tie saw."""

    models: tuple[TiedModel, ...]
    flipped: Flipped
    checked: CrossChecked
    weakened: tuple[Weakened, ...]
    never: tuple[str, ...]
    """Actions of the formulas that no edge took: nothing was compared there."""
    seconds: float

    @property
    def states_evaluated(self) -> int:
        """States in which every invariant was evaluated."""
        return sum(model.states for model in self.models)

    @property
    def edges_evaluated(self) -> int:
        """Edges that were held against the formulas, with their arguments; stutters are among them."""
        return sum(model.edges for model in self.models)

    @property
    def guards_evaluated(self) -> int:
        """Guards that were evaluated, each for one state and one list of arguments."""
        return sum(model.guards for model in self.models)

    @property
    def exceptions(self) -> Mapping[str, int]:
        """How often a guard held without an edge, by the declared reason."""
        return sum((Counter(model.exceptions) for model in self.models), Counter())

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """Where formulas and graphs part."""
        found = [mismatch for model in self.models for mismatch in model.mismatches]
        return (*found, *self.flipped.mismatches, *self.checked.mismatches)

    @property
    def caught(self) -> tuple[Weakened, ...]:
        """The weakened guards that the edges alone accept and that the comparison of guards caught."""
        return tuple(one for one in self.weakened if one.accepted and one.caught)

    @property
    def verdict(self) -> Verdict:
        """Refuted by a mismatch; inconclusive if something was never compared."""
        found = [model.verdict for model in self.models]
        found += [Verdict.REFUTED] * bool(self.mismatches)
        found += [Verdict.INCONCLUSIVE] * bool(self.never or not self.caught)
        return combine(found)

    def rows(self) -> Iterator[Row]:
        """A row for each model."""
        for model in self.models:
            note = f"{model.guards:,} guards" if model.guards else ""
            yield Row(
                name=f"tie {model.name}",
                verdict=model.verdict,
                states=model.states,
                edges=model.edges,
                seconds=model.seconds,
                note=model.mismatches[0].reason if model.mismatches else note,
            )

    def failures(self) -> Iterator[Failure]:
        """Why the tie does not hold."""
        for mismatch in self.mismatches:
            yield mismatch.as_failure("physalia verify induction")
        if self.never:
            title = f"the tie: no edge of these models takes {', '.join(self.never)}"
            yield Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay="physalia verify induction")
        if not self.caught:
            title = "the tie: no guard with a conjunct left out was caught, so nothing shows that guards are compared"
            yield Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay="physalia verify induction")

    def notes(self) -> Iterator[str]:
        """Sentences for the table: what was compared, what was declared, and what is not tied."""
        yield (
            f"The tie: {self.states_evaluated:,} states, {self.edges_evaluated:,} edges and {self.guards_evaluated:,} "
            f"guards of {len(self.models)} models were held against the formulas."
        )
        yield (
            f"{self.flipped.flips:,} flips of single facts in the targets of {self.flipped.edges:,} edges were tried; "
            f"{len(self.flipped.mismatches) or 'none'} accepted. {self.checked.evaluations:,} evaluations were "
            f"repeated by z3; {len(self.checked.mismatches) or 'none'} differ."
        )
        accepted = sum(one.accepted for one in self.weakened)
        yield (
            f"{len(self.weakened)} guards with a conjunct left out: the edges alone accept {accepted}, "
            f"the comparison of guards catches {len(self.caught)} of them."
        )
        for reason, times in sorted(self.exceptions.items()):
            yield f"Declared: {reason}; {times:,} guards held without an edge."
        missed = [f"{one.action} without {one.conjunct}" for one in self.weakened if not one.caught]
        if missed:
            yield f"Larger models are needed to catch {', '.join(missed)}."
        yield f"Not tied yet: {'; '.join(f'{layer} ({why})' for layer, why in NOT_TIED.items())}."

    def as_json(self) -> Mapping[str, Any]:
        """The tie for machines."""
        return {
            "verdict": self.verdict,
            "seconds": self.seconds,
            "states_evaluated": self.states_evaluated,
            "edges_evaluated": self.edges_evaluated,
            "guards_evaluated": self.guards_evaluated,
            "flips": self.flipped.flips,
            "flipped_edges": self.flipped.edges,
            "evaluations_by_z3": self.checked.evaluations,
            "models": [
                {
                    "name": model.name, "rung": model.rung, "verdict": model.verdict, "states": model.states,
                    "edges": model.edges, "stutters": model.stutters, "guards": model.guards, "taken": model.taken,
                    "exceptions": model.exceptions, "seconds": model.seconds,
                }
                for model in self.models
            ],
            "weakened": [
                {
                    "action": one.action, "conjunct": one.conjunct, "accepted_by_edges": one.accepted,
                    "caught": one.caught,
                }
                for one in self.weakened
            ],
            "exceptions": dict(self.exceptions),
            "not_tied": dict(NOT_TIED),
            "failures": [
                {
                    "model": one.model, "kind": one.kind, "action": one.action,
                    "arguments": [str(argument) for argument in one.arguments], "reason": one.reason,
                    "path": list(one.path),
                }
                for one in self.mismatches
            ],
        }  # fmt: skip


def tie(
    profile: Profile,
    progress: Progress,
    *,
    system: System | None = None,
    manifest: Manifest | None = None,
    seed: int = 0,
    models: tuple[str, ...] = (),
) -> TieReport:
    """Hold the models of the profile, or the named ones, against the formulas of the base of the proof.

    BadInput for a bad manifest or a model that is not there.
    """
    start = time.monotonic()
    manifest = manifest or load_manifest()
    system = system or Ballots().system()
    chosen = [manifest.model(name) for name in models] or list(models_of(manifest, profile))
    tied, kept, flipped, checked = [], [], [], []
    whole = sum(model.rung != "Cell" for model in chosen) or 1
    for model in chosen:
        progress.update(f"tie {model.name}", 0, "states", total=model.distinct)
        one = Tie.explored(model.name, Formulas(system, reading_of(machine_of(manifest, model.name))))
        result = one.run(model.rung, _every_thousand(progress, model))
        tied.append(result)
        if one.reading.guards and not result.mismatches:
            flipped.append(flip_targets(one, -(-FLIPPED_EDGES // whole), seed))
            checked.append(cross_check(one, -(-EVALUATIONS[profile] // whole), seed))
            if one.found.distinct <= WEAKENED_IN:
                kept.append(one)
        progress.finish(f"tie {model.name}", f"{result.states:,} states, {result.guards:,} guards")
    progress.update("tie, weakened guards", 0, "guards")
    weakened = tuple(weakened_guards(sorted(kept, key=lambda one: one.found.distinct)))
    progress.finish("tie, weakened guards", f"{sum(bool(one.caught) for one in weakened)} of {len(weakened)} caught")
    taken = {name for model in tied for name, times in model.taken.items() if times}
    return TieReport(
        models=tuple(tied),
        flipped=_all_flipped(flipped),
        checked=_all_checked(checked),
        weakened=weakened,
        never=tuple(name for name in system.actions if name not in taken),
        seconds=time.monotonic() - start,
    )


def models_of(manifest: Manifest, profile: Profile) -> Iterator[Model]:
    """The models that are tied in a profile, in the order of the manifest."""
    for model in manifest.models:
        if model.rung not in TIED_RUNGS or model.expect != HOLDS or not profile.includes(model.profile):
            continue
        if model.rung != "Cell" or (model.graph is not None and model.distinct <= MOST_STATES_OF_CELL[profile]):
            yield model


def _every_thousand(progress: Progress, model: Model) -> Any:
    def report(done: int) -> None:
        if done % 1_000 == 0:
            progress.update(f"tie {model.name}", done, "states", total=model.distinct)

    return report


def _all_flipped(parts: list[Flipped]) -> Flipped:
    return Flipped(
        edges=sum(part.edges for part in parts),
        flips=sum(part.flips for part in parts),
        mismatches=tuple(mismatch for part in parts for mismatch in part.mismatches),
    )


def _all_checked(parts: list[CrossChecked]) -> CrossChecked:
    return CrossChecked(
        evaluations=sum(part.evaluations for part in parts),
        true=sum(part.true for part in parts),
        mismatches=tuple(mismatch for part in parts for mismatch in part.mismatches),
    )

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
from conformance.induction.tie.declared import NO_LOST_DISK
from conformance.induction.tie.evaluations import CrossChecked, cross_check
from conformance.induction.tie.flips import Flipped, flip_targets
from conformance.induction.tie.formulas import Formulas
from conformance.induction.tie.model import Mismatch, Tie, TiedModel
from conformance.induction.tie.scope import LIVES, NOT_TIED, TIED, is_seen_below, is_taken_below
from conformance.induction.tie.weakened import Weakened, weakened_guards
from conformance.links import Failure, Profile, Progress, Row, Verdict, combine
from conformance.manifest import Manifest, Model, load_manifest
from spec.induction.formulas.kernel import System
from spec.induction.layers.stack import system_of

FLIPPED_EDGES = 1_000
EVALUATIONS = {Profile.QUICK: 200, Profile.DEFAULT: 1_000, Profile.DEEP: 1_000}
WEAKENED_IN = 40_000
"""Larger models are not searched for what catches a weakened guard."""


@frozen(kw_only=True)
class TieReport:
    """What the tie saw."""

    models: tuple[TiedModel, ...]
    flipped: Flipped
    checked: CrossChecked
    weakened: tuple[Weakened, ...]
    never: tuple[str, ...]
    """Actions of the formulas that no edge took: nothing was compared there."""
    not_tied: Mapping[str, str]
    """The layers that were held against nothing, and why."""
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
        missed = [str(one) for one in self.weakened if not one.caught]
        if missed:
            yield f"Not caught in these models: {', '.join(missed)}."
        if not any(model.rung == LIVES for model in self.models):
            yield f"No disk is lost in these models: that only nodes with a disk act ({NO_LOST_DISK}) excludes nothing."
        yield f"Not tied yet: {'; '.join(f'{layer} ({why})' for layer, why in self.not_tied.items())}."

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
                    "layer": one.layer, "action": one.action, "conjunct": one.conjunct,
                    "accepted_by_edges": one.accepted, "caught": one.caught,
                }
                for one in self.weakened
            ],
            "exceptions": dict(self.exceptions),
            "not_tied": dict(self.not_tied),
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
    """Hold the models of the profile against the layers that are tied, or the named ones against the base alone.

    `system` stands for the base. BadInput for a bad manifest or a model that is not there.
    """
    start = time.monotonic()
    manifest = manifest or load_manifest()
    settings = _Settings(manifest, profile, progress, seed)
    parts, not_tied = [], dict(NOT_TIED)
    for name, layer in TIED.items():
        chosen = [manifest.model(model) for model in models] or list(layer.models(manifest, profile))
        if name == "ballots":
            parts.append(_tied(name, system or system_of(name), chosen, settings))
        elif not chosen:
            not_tied[name] = f"no model of it is small enough for the profile {profile}"
        elif not models:
            parts.append(_tied(name, system_of(name), chosen, settings))
    return TieReport(
        models=tuple(model for part in parts for model in part.models),
        flipped=_all_flipped([one for part in parts for one in part.flipped]),
        checked=_all_checked([one for part in parts for one in part.checked]),
        weakened=tuple(one for part in parts for one in part.weakened),
        never=tuple(name for part in parts for name in part.never),
        not_tied=not_tied,
        seconds=time.monotonic() - start,
    )


@frozen
class _Settings:
    """What all layers have in common."""

    manifest: Manifest
    profile: Profile
    progress: Progress
    seed: int


@frozen
class _Part:
    """What was seen of one layer."""

    models: list[TiedModel]
    flipped: list[Flipped]
    checked: list[CrossChecked]
    weakened: tuple[Weakened, ...]
    never: list[str]


def _tied(name: str, system: System, chosen: list[Model], settings: _Settings) -> _Part:
    """Hold the models against one layer."""
    layer, progress, seed = TIED[name], settings.progress, settings.seed
    tied, kept, flipped, checked = [], [], [], []
    for model in chosen:
        label = model.name if name == "ballots" else f"{model.name}, {name}"
        progress.update(f"tie {label}", 0, "states", total=model.distinct)
        reading = layer.reads(machine_of(settings.manifest, model.name))
        one = Tie.explored(label, Formulas(system, reading))
        result = one.run(model.rung, _every_thousand(progress, label, model))
        tied.append(result)
        if one.reading.guards and not result.mismatches:
            whole = layer.share * (sum(other.rung != "Cell" or name != "ballots" for other in chosen) or 1)
            flipped.append(flip_targets(one, -(-FLIPPED_EDGES // whole), seed))
            checked.append(cross_check(one, -(-EVALUATIONS[settings.profile] // whole), seed))
            if one.found.distinct <= WEAKENED_IN:
                kept.append(one)
        progress.finish(f"tie {label}", f"{result.states:,} states, {result.guards:,} guards")
    progress.update(f"tie, weakened guards of {name}", 0, "guards")
    smallest_first = sorted(kept, key=lambda one: one.found.distinct)
    lives = any(model.rung == LIVES for model in tied)

    def skipped(action: str, conjunct: str) -> bool:
        return is_seen_below(name, action, conjunct) or (conjunct == NO_LOST_DISK and not (lives or layer.ends))

    weakened = tuple(weakened_guards(smallest_first, name, skipped))
    caught = sum(bool(one.caught) for one in weakened)
    progress.finish(f"tie, weakened guards of {name}", f"{caught} of {len(weakened)} caught")
    taken = {action for model in tied for action, times in model.taken.items() if times}
    never = [
        action for action in system.actions
        if action not in taken and (lives or action not in layer.no_edge) and not is_taken_below(name, action)
    ]  # fmt: skip
    return _Part(tied, flipped, checked, weakened, never)


def _every_thousand(progress: Progress, label: str, model: Model) -> Any:
    def report(done: int) -> None:
        if done % 1_000 == 0:
            progress.update(f"tie {label}", done, "states", total=model.distinct)

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

"""Proof mutants: each conjunct of a guard, each axiom and each invariant, left out of the proof one at a time.

A mutant is judged where the premise is first stated. If nothing refuses it there, it is judged again in the highest
layers that still have it: the same rule may be idle in one layer and needed by another.

Refused is not unsafe, and not refused is not useless: see `spec/induction/proving/weaken.py`. Whatever is not refused
has its reason here, in words.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from conformance.induction.reasons import REASONS
from conformance.induction.unbounded import SCHEMA_VERSION, ProofReport
from conformance.links import Progress, Verdict
from spec.induction.layers.stack import LAYERS
from spec.induction.proving.prove import Proof
from spec.induction.proving.queries import premises_of
from spec.induction.proving.solve import Effort
from spec.induction.proving.weaken import Ending, Weakened, without

_HIGHEST = ("leaving", "outbox", "volume")
"""The layers that no other one extends."""


@frozen(kw_only=True, eq=False)
class ProofMutant:
    """A premise that was dropped, and what came of it."""

    layer: str
    """Where the premise is first stated."""
    weakened: Weakened
    """Where it was judged last."""

    @property
    def name(self) -> str:
        """Such as `ballots: guard vote.not_left`."""
        return f"{self.layer}: {self.weakened.dropped}"

    @property
    def ending(self) -> Ending:
        """What became of the proof."""
        return self.weakened.ending

    @property
    def reason(self) -> str:
        """Why it ended like this; for what is not refused, in words of this project."""
        said = self.weakened.reason
        return f"{REASONS[self.name]} ({said})" if self.name in REASONS and self.ending is not Ending.REFUSED else said

    def as_json(self) -> Mapping[str, Any]:
        """The mutant as docs/prove-mutants.schema.json describes it."""
        return {
            "name": self.name,
            "layer": self.layer,
            "dropped": self.weakened.dropped,
            "ending": self.ending,
            "judged_in": self.weakened.proof.system.name,
            "by": self.weakened.by or None,
            "fallen": list(self.weakened.fallen),
            "reason": self.reason,
        }


@frozen(kw_only=True)
class MutantsReport:
    """What became of all mutants."""

    mutants: tuple[ProofMutant, ...]
    seconds: float
    proof: Verdict
    """Of the proof without a mutant: where that does not hold, a refusal means nothing."""

    def ended(self, ending: Ending) -> list[ProofMutant]:
        """The mutants that ended so."""
        return [mutant for mutant in self.mutants if mutant.ending is ending]

    @property
    def unexplained(self) -> list[str]:
        """Mutants that nothing refused, though nobody has said why."""
        return [m.name for m in self.mutants if m.ending in (Ending.REDUNDANT, Ending.SAFE) and m.name not in REASONS]

    @property
    def verdict(self) -> Verdict:
        """Refuted if a mutant survives without a reason; inconclusive if one was not decided, or there is none."""
        if self.proof is not Verdict.HOLDS:
            return self.proof
        if self.unexplained:
            return Verdict.REFUTED
        return Verdict.INCONCLUSIVE if self.ended(Ending.UNKNOWN) or not self.mutants else Verdict.HOLDS

    def as_json(self) -> Mapping[str, Any]:
        """The report as docs/prove-mutants.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "seconds": self.seconds,
            "mutants": len(self.mutants),
            "refused": len(self.ended(Ending.REFUSED)),
            "redundant": len(self.ended(Ending.REDUNDANT)),
            "safe": len(self.ended(Ending.SAFE)),
            "unknown": len(self.ended(Ending.UNKNOWN)),
            "unexplained": self.unexplained,
            "judged": [mutant.as_json() for mutant in self.mutants],
        }


def judge_mutants(report: ProofReport, layers: Iterable[str], effort: Effort, progress: Progress) -> MutantsReport:
    """Drop every premise that the named layers state first, or all do if none is named, and see what becomes of it."""
    start = time.monotonic()
    proofs = {layer.name: layer.proof for layer in report.layers}
    wanted = list(dict.fromkeys(layers)) or list(proofs)
    judged: list[ProofMutant] = []
    for layer in wanted:
        premises = list(stated_in(proofs, layer)) if report.verdict is Verdict.HOLDS else []
        for done, premise in enumerate(premises, start=1):
            judged.append(ProofMutant(layer=layer, weakened=judge(proofs, layer, premise, effort)))
            progress.update(f"mutants of {layer}", done, "mutants", total=len(premises))
        progress.finish(f"mutants of {layer}", f"{len(premises)} judged")
    return MutantsReport(mutants=tuple(judged), seconds=time.monotonic() - start, proof=report.verdict)


def stated_in(proofs: Mapping[str, Proof], layer: str) -> Iterator[str]:
    """The premises that a layer states first, or anew: axioms, invariants, conjuncts of guards."""
    below = premises_of(proofs[LAYERS[layer].on].system) if LAYERS[layer].on else {}
    for name, formula in premises_of(proofs[layer].system).items():
        if name not in below or not below[name].eq(formula):
            yield name


def judge(proofs: Mapping[str, Proof], layer: str, premise: str, effort: Effort) -> Weakened:
    """Drop a premise where it is stated first, and if nothing refuses that, in the highest layers that have it."""
    found = without(proofs[layer], premise, effort)
    formula = premises_of(proofs[layer].system)[premise]
    for name in _HIGHEST:
        if found.ending is Ending.REFUSED:
            break
        if name == layer or name not in proofs or layer not in _standing_on(name):
            continue
        there = premises_of(proofs[name].system).get(premise)
        if there is not None and there.eq(formula):
            higher = without(proofs[name], premise, effort)
            if higher.ending is Ending.REFUSED:
                found = higher
    return found


def _standing_on(name: str) -> set[str]:
    found: set[str] = set()
    while name := LAYERS[name].on:
        found.add(name)
    return found

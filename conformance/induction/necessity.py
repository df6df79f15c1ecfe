"""Why each invariant is there: the counterexample to induction that appears without it, or that nothing misses it.

Such a counterexample is no run. It starts in a state that satisfies all other invariants, and takes one step to a state
that does not; the invariant says that no such state is ever reached.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from conformance.induction.mutants import judge, stated_in
from conformance.induction.unbounded import ProofReport
from conformance.links import Progress
from spec.induction.proving.models import counterexample
from spec.induction.proving.solve import Effort
from spec.induction.proving.weaken import Ending


@frozen(kw_only=True)
class Necessity:
    """What becomes of the proof without an invariant."""

    layer: str
    invariant: str
    says: str
    """What it says, in a sentence."""
    ending: Ending
    by: str
    """The query that is refuted without it; empty if none is."""
    reason: str
    lines: tuple[str, ...]
    """The counterexample, if there is one."""

    def as_json(self) -> Mapping[str, Any]:
        """As docs/prove.schema.json describes it."""
        return {
            "layer": self.layer,
            "invariant": self.invariant,
            "says": self.says,
            "ending": self.ending,
            "by": self.by or None,
            "reason": self.reason,
            "counterexample": list(self.lines),
        }


def necessity(report: ProofReport, effort: Effort, progress: Progress) -> Iterator[Necessity]:
    """Every invariant, where it is first stated; layers that were not proved are left out."""
    proofs = {layer.name: layer.proof for layer in report.layers}
    for layer, proof in proofs.items():
        names = [name for name in stated_in(proofs, layer) if name.startswith("invariant ")]
        for done, name in enumerate(names, start=1):
            yield _necessity(proofs, layer, name, effort)
            progress.update(f"why, in {layer}", done, "invariants", total=len(names))
        progress.finish(f"why, in {layer}", f"{len(names)} invariants of {len(proof.system.invariants)}")


def _necessity(proofs: Mapping[str, Any], layer: str, premise: str, effort: Effort) -> Necessity:
    weakened = judge(proofs, layer, premise, effort)
    shown = (*weakened.refuted, *weakened.unsafe)[:1]
    name = premise.removeprefix("invariant ")
    return Necessity(
        layer=layer,
        invariant=name,
        says=" ".join((proofs[layer].system.invariants[name].__doc__ or "").split()),
        ending=weakened.ending,
        by=weakened.by,
        reason=weakened.reason,
        lines=tuple(line for answer in shown for line in counterexample(weakened.proof.system, answer, effort)),
    )

"""The whole of what ``physalia prove`` runs: the layers, the tie to the graphs, a second opinion, and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from conformance.induction.necessity import Necessity, necessity
from conformance.induction.second_opinion import Opinions, judge_again
from conformance.induction.tie.tie import TieReport, tie
from conformance.induction.unbounded import ProofReport, prove_layers
from conformance.links import Failure, Profile, Progress, Verdict, combine
from spec.induction.proving.solve import Effort


@frozen(kw_only=True)
class Wish:
    """What is asked for. No `layers` means all of them."""

    layers: tuple[str, ...] = ()
    effort: Effort = field(factory=Effort)
    tied: bool = True
    """Compare the formulas of the base with the bounded graphs, too."""
    second: bool = False
    why: bool = False


@frozen(kw_only=True)
class WholeProof:
    """What came of it."""

    proof: ProofReport
    tied: TieReport | None
    second: Opinions | None
    why: tuple[Necessity, ...] | None

    @property
    def verdict(self) -> Verdict:
        """The verdict on everything together."""
        parts = [self.proof.verdict, *(part.verdict for part in (self.tied, self.second) if part is not None)]
        return combine(parts)

    def failures(self) -> Iterator[Failure]:
        """Why it does not hold."""
        yield from self.proof.failures()
        for part in (self.tied, self.second):
            if part is not None:
                yield from part.failures()

    def notes(self) -> Iterator[str]:
        """Sentences worth reading on success too."""
        if self.tied is not None:
            yield from self.tied.notes()
        if self.second is not None:
            yield self.second.row.note

    def as_json(self) -> Mapping[str, Any]:
        """Everything as docs/prove.schema.json describes it. `seconds` are those of the proof alone."""
        return {
            **self.proof.as_json(),
            "verdict": self.verdict,
            "states_evaluated": self.tied.states_evaluated if self.tied else 0,
            "edges_evaluated": self.tied.edges_evaluated if self.tied else 0,
            "tie": self.tied.as_json() if self.tied else None,
            "second_opinion": self.second.as_json() if self.second else None,
            "necessity": [one.as_json() for one in self.why] if self.why is not None else None,
        }


def prove_whole(wish: Wish, progress: Progress) -> WholeProof:
    """Run what is asked for. BadInput for an unknown layer, CannotRun for a solver that is not installed."""
    proof = prove_layers(wish.layers, wish.effort, progress)
    return WholeProof(
        proof=proof,
        tied=tie(Profile.DEFAULT, progress, seed=wish.effort.seed) if wish.tied else None,
        second=judge_again(proof, progress, timeout_s=wish.effort.timeout_s) if wish.second else None,
        why=tuple(necessity(proof, wish.effort, progress)) if wish.why else None,
    )

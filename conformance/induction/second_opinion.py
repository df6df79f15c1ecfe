"""A second opinion on the whole proof: every query that was asked, put to cvc5. A disagreement is an error.

It needs the package cvc5, which only the deep profile and `physalia prove --second` do.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from conformance.induction.unbounded import ProofReport
from conformance.links import Failure, Progress, Row, Verdict
from conformance.tlc.toolchain import require_package
from spec.induction.proving.second_opinion import Opinion, Second, second_opinion
from spec.induction.proving.solve import Outcome


@frozen(kw_only=True)
class Opinions:
    """What the second solver thinks, query by query."""

    opinions: tuple[Second, ...]
    seconds: float

    def which(self, opinion: Opinion) -> list[Second]:
        """The queries on which it thinks so."""
        return [one for one in self.opinions if one.opinion is opinion]

    @property
    def verdict(self) -> Verdict:
        """Error if the solvers disagree; inconclusive if one query is left open, or none was asked."""
        if self.which(Opinion.DISAGREES):
            return Verdict.ERROR
        return Verdict.INCONCLUSIVE if self.which(Opinion.UNDECIDED) or not self.opinions else Verdict.HOLDS

    @property
    def row(self) -> Row:
        """One line of a link's table."""
        note = f"{len(self.which(Opinion.AGREES))} of {len(self.opinions)} queries: cvc5 agrees with z3"
        return Row(name="second opinion", verdict=self.verdict, seconds=self.seconds, note=note)

    def failures(self) -> Iterator[Failure]:
        """Where the solvers disagree, or the second one gave up."""
        for one in self.opinions:
            if one.opinion is Opinion.AGREES:
                continue
            name, layer = one.answer.query.name, one.answer.query.layer
            disagrees = one.opinion is Opinion.DISAGREES
            yield Failure(
                title=f"{name}: z3 says {one.answer.outcome}, cvc5 says {one.said}"
                if disagrees
                else f"{name}: cvc5 does not decide it, and says {one.said}",
                verdict=Verdict.ERROR if disagrees else Verdict.INCONCLUSIVE,
                replay=f"physalia prove {layer} --second",
            )

    def as_json(self) -> Mapping[str, Any]:
        """The opinions as docs/prove.schema.json describes them."""
        return {
            "verdict": self.verdict,
            "seconds": self.seconds,
            "agrees": len(self.which(Opinion.AGREES)),
            "disagrees": [one.answer.query.name for one in self.which(Opinion.DISAGREES)],
            "undecided": [one.answer.query.name for one in self.which(Opinion.UNDECIDED)],
        }


def judge_again(report: ProofReport, progress: Progress, *, timeout_s: float | None = None) -> Opinions:
    """Put every query that z3 decided to cvc5. CannotRun if it is not installed."""
    require_package("cvc5", "cvc5")
    start = time.monotonic()
    asked = [
        answer for layer in report.layers for answer in layer.proof.asked.values()
        if answer.outcome is not Outcome.UNKNOWN
    ]  # fmt: skip
    opinions = []
    for done, answer in enumerate(asked, start=1):
        opinions.append(second_opinion(answer, timeout_s=timeout_s))
        progress.update("second opinion", done, "queries", total=len(asked))
    found = Opinions(opinions=tuple(opinions), seconds=time.monotonic() - start)
    progress.finish("second opinion", f"{found.verdict}: {found.row.note}")
    return found

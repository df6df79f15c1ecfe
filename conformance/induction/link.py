"""The link ``induction``: the cell is safe for any number of everything, and the proof is about the relation that runs.

``--quick`` proves the base, and ties its formulas to bounded graphs; the default profile proves all layers, breaks
their rules to see that something goes wrong then, and ties more graphs; ``--deep`` has every query judged by a second
solver too, and ties the largest.

The broken rules are here because a proof is easy where nothing bad can happen: a crash that loses nothing, a read that
notes nothing. No query would tell.
"""

import time
from collections.abc import Iterator

from conformance.induction.attacks import run_attacks
from conformance.induction.second_opinion import judge_again
from conformance.induction.tie.tie import tie
from conformance.induction.unbounded import ProofReport, prove_layers
from conformance.links import BadInput, LinkReport, Profile, Progress, Settings
from spec.induction.proving.solve import Effort

QUICK_LAYERS = ("ballots",)


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Prove, tie, and in the deep profile ask a second solver. CannotRun without z3, or without cvc5 when it is due."""
    if settings.models:
        raise BadInput("the link induction has no parts; physalia prove LAYER proves one layer.")
    start = time.monotonic()
    layers = QUICK_LAYERS if settings.profile is Profile.QUICK else ()
    proof = prove_layers(layers, Effort(seed=settings.seed), progress)
    rows = [layer.row for layer in proof.layers]
    failures = list(proof.failures())
    notes = list(_notes(proof))
    if settings.profile.includes(Profile.DEFAULT):
        attacks = run_attacks((), progress)
        rows += attacks.rows()
        failures += attacks.failures()
    tied = tie(settings.profile, progress, seed=settings.seed)
    rows += tied.rows()
    failures += tied.failures()
    notes += tied.notes()
    if settings.profile.includes(Profile.DEEP):
        opinions = judge_again(proof, progress)
        rows.append(opinions.row)
        failures += opinions.failures()
    return LinkReport.of(
        "induction", rows, failures, models=len(tied.models), seconds=time.monotonic() - start, notes=notes
    )  # fmt: skip


def _notes(proof: ProofReport) -> Iterator[str]:
    """Sentences worth reading on success too."""
    layers = proof.layers
    yield (
        f"{proof.queries} queries in {len(layers)} layers, each asked once; "
        f"{sum(len(layer.witnesses) for layer in layers)} witnesses that nothing is vacuous"
    )
    exceptions = [sentence for layer in layers for sentence in layer.sorts.exceptions]
    yield "every query is in the decidable fragment" if not exceptions else "; ".join(exceptions)

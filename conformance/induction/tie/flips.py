"""Single facts of targets, flipped: formulas must refuse every edge that leads to a state that is wrong in one fact.

This finds updates that forget something, and frames that are open. It does not find a guard that is too weak: for that
see `conformance/induction/tie/weakened.py`.
"""

from collections.abc import Iterator
from random import Random

from attrs import frozen

from conformance.induction.tie.model import Edge, Mismatch, Tie
from conformance.induction.tie.readings import Args
from spec.induction.formulas.evaluate import Facts


@frozen(kw_only=True)
class Flipped:
    """How many edges were tried, with how many flips; and what was not refused."""

    edges: int
    flips: int
    mismatches: tuple[Mismatch, ...]


def flip_targets(tie: Tie, most_edges: int, seed: int) -> Flipped:
    """Flip each fact of the targets of some edges, chosen at random, that the formulas speak of."""
    moving = [edge for edge in tie.edges() if tie.moves(edge)]
    chosen = Random(seed).sample(moving, min(most_edges, len(moving)))  # noqa: S311  # a sample, no secret
    flips = 0
    mismatches = []
    for edge in chosen:
        for relation, fact, flipped in flipped_facts(tie, edge[3]):
            flips += 1
            if accepts(tie, edge, flipped):
                reason = f"the target is accepted with {relation}{fact} flipped"
                mismatches.append(tie.mismatch("flip", edge[0], reason, edge[1], edge[2]))
    return Flipped(edges=len(chosen), flips=flips, mismatches=tuple(mismatches))


def flipped_facts(tie: Tie, number: int) -> Iterator[tuple[str, Args, Facts]]:
    """A state with one fact more or less, for every fact there can be: the relation, the fact, and all facts then."""
    facts = tie.facts(number)
    for relation in tie.reading.relations:
        sorts = tuple(sort.name() for sort in tie.formulas.system.relations[relation].sorts)
        for fact in tie.reading.universe.arguments(sorts):
            yield relation, fact, {**facts, relation: facts[relation] ^ {fact}}


def accepts(tie: Tie, edge: Edge, after: Facts) -> bool:
    """Whether the formulas allow an edge to these facts, with nothing of it left to be done."""
    last = tie.moves(edge)[-1]
    leads = tie.formulas.leads(last.action, last.args, last.before, after)
    return leads is not None and tie.formulas.unfinished(after) is None

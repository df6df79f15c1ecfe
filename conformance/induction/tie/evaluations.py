"""The compiled formulas against z3 itself, on real states and steps of a model."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from attrs import frozen

from conformance.induction.tie.formulas import CompiledAction, pair, with_choices
from conformance.induction.tie.model import Mismatch, Tie
from conformance.induction.tie.readings import Args
from spec.induction.formulas.evaluate import Element, Facts, compiled
from spec.induction.proving.by_z3 import Oracle


@frozen(kw_only=True)
class Question:
    """A formula, where it is evaluated, and the number of that state."""

    what: str
    formula: Any
    facts: Facts
    given: Mapping[Any, Element]
    number: int


@frozen(kw_only=True)
class CrossChecked:
    """How many evaluations were compared, how many of them were true, and where z3 says otherwise."""

    evaluations: int
    true: int
    mismatches: tuple[Mismatch, ...]


def cross_check(tie: Tie, evaluations: int, seed: int) -> CrossChecked:
    """Evaluate invariants, guards and effects in states, and along edges, chosen at random, in both ways."""
    random = Random(seed)  # noqa: S311  # a sample, no secret
    questions = _questions(tie, random)
    oracle = Oracle(tie.reading.universe)
    true = 0
    mismatches = []
    for _ in range(evaluations):
        question = next(questions)
        value = compiled(question.formula, tie.reading.universe, tuple(question.given))(
            question.facts, *question.given.values()
        )
        true += value
        if value != oracle.value(question.formula, question.facts, question.given):
            reason = f"{question.what} is {value} here and not for z3"
            mismatches.append(tie.mismatch("evaluation", question.number, reason))
    return CrossChecked(evaluations=evaluations, true=true, mismatches=tuple(mismatches))


def _questions(tie: Tie, random: Random) -> Iterator[Question]:
    """Invariants, guards of edges, guards with any arguments, and effects between the states of edges and others."""
    invariants = list(tie.formulas.formulas().items())
    moving = [edge for edge in tie.edges() if tie.moves(edge)]
    while True:
        number = random.randrange(tie.found.distinct)
        name, formula = random.choice(invariants)
        yield Question(what=name, formula=formula, facts=tie.facts(number), given={}, number=number)
        act = random.choice(list(tie.formulas.actions.values()))
        arguments = list(act.arguments(tie.facts(number)))
        if arguments:
            yield _guard(act, tie.facts(number), number, random.choice(arguments))
        if moving:
            edge = random.choice(moving)
            move = random.choice(tie.moves(edge))
            act = tie.formulas.actions[move.action]
            yield _guard(act, move.before, edge[0], move.args)
            for after in (move.after, tie.facts(number)):
                both = pair(move.before, tie.formulas.middle(move.action, move.before, after))
                relation, effect = random.choice(list(act.effects.items()))
                yield Question(
                    what=f"what {move.action} makes of {relation}",
                    formula=effect,
                    facts=with_choices(both, act.choices, move.args),
                    given=act.given(move.args),
                    number=edge[0],
                )


def _guard(act: CompiledAction, facts: Facts, number: int, args: Args) -> Question:
    return Question(
        what=f"the guard of {act.action.name}",
        formula=act.action.enabled,
        facts=with_choices(facts, act.choices, args),
        given=act.given(args),
        number=number,
    )

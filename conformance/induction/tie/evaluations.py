"""The compiled formulas against z3 itself, on real states and steps of a model."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from attrs import frozen

from conformance.induction.tie.formulas import CompiledAction, pair
from conformance.induction.tie.model import Mismatch, Tie
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
    moving = [edge for edge in tie.edges() if tie.step_of(*edge[:3]) is not None]
    while True:
        number = random.randrange(tie.found.distinct)
        name, formula = random.choice(invariants)
        yield Question(what=name, formula=formula, facts=tie.facts(number), given={}, number=number)
        act = random.choice(list(tie.formulas.actions.values()))
        yield _guard(tie, act, number, random.choice(act.all_arguments))
        if moving:
            source, edge_name, edge_args, target = random.choice(moving)
            step = tie.step_of(source, edge_name, edge_args)
            assert step is not None
            act = tie.formulas.actions[step[0]]
            yield _guard(tie, act, source, step[1])
            for after in (target, number):
                middle = tie.formulas.middle(step[0], tie.facts(source), tie.facts(after))
                relation, effect = random.choice(list(act.effects.items()))
                yield Question(
                    what=f"what {step[0]} makes of {relation}",
                    formula=effect,
                    facts=pair(tie.facts(source), middle),
                    given=act.given(step[1]),
                    number=source,
                )


def _guard(tie: Tie, act: CompiledAction, number: int, args: tuple[Element, ...]) -> Question:
    facts = tie.facts(number)
    name = act.action.name
    return Question(
        what=f"the guard of {name}", formula=act.action.enabled, facts=facts, given=act.given(args), number=number
    )

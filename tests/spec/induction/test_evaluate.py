"""A compiled formula means what z3 says that it means: on random structures, and on states of real models."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import z3

from spec.induction.formulas.evaluate import Facts, Universe, compiled, conjuncts, refutation
from spec.induction.formulas.normal import NoFormula
from spec.induction.layers.ballots import Ballots
from spec.induction.proving.by_z3 import NoAnswer, Oracle

A, B = z3.DeclareSort("A"), z3.DeclareSort("B")
p = z3.Function("p", A, z3.BoolSort())
r = z3.Function("r", A, A, z3.BoolSort())
t = z3.Function("t", A, B, A, z3.BoolSort())
rigid = z3.Function("rigid", A, B, z3.BoolSort())
f = z3.Function("f", A, B)
g = z3.Function("g", B, A)
e = z3.Const("e", A)
x, y, z = z3.Consts("x y z", A)
u, v = z3.Consts("u v", B)
flag = z3.Bool("flag")


def random_structure(random: Random) -> tuple[Universe, Facts]:
    a = tuple(f"a{k}" for k in range(random.randint(1, 3)))
    b = tuple(f"b{k}" for k in range(random.randint(1, 2)))

    def some(*domains: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        found: list[tuple[str, ...]] = [()]
        for domain in domains:
            found = [(*entry, element) for entry in found for element in domain]
        return frozenset(entry for entry in found if random.random() < 0.6)

    universe = Universe(
        domains={"A": a, "B": b},
        relations={"rigid": some(a, b)},
        functions={"g": {(element,): random.choice(a) for element in b}},
    )
    facts = {
        "p": some(a), "r": some(a, a), "t": some(a, b, a), "flag": some(),
        "f": {(element,): random.choice(b) for element in a}, "e": {(): random.choice(a)},
    }  # fmt: skip
    return universe, facts


class RandomFormulas:
    """Formulas over the relations above, of any shape that quantifiers and connectives can have."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fresh = 0

    def pick(self, *ways: Callable[[], Any]) -> Any:
        return self.random.choice(ways)()

    def term(self, bound: list[Any], sort: Any, depth: int = 2) -> Any:
        known = [variable for variable in bound if variable.sort() == sort]
        choices: list[Callable[[], Any]] = [lambda: self.random.choice(known)] * 4 if known else []
        if sort == A:
            choices += [lambda: e]
        if depth:
            choices += [lambda: g(self.term(bound, B, depth - 1)) if sort == A else f(self.term(bound, A, depth - 1))]
            if known:
                choices += [lambda: z3.If(self.atom(bound, 0), self.random.choice(known), self.term(bound, sort, 0))]
        return self.random.choice(choices)() if choices else f(e)

    def atom(self, bound: list[Any], depth: int = 2) -> Any:
        def a() -> Any:
            return self.term(bound, A, depth)

        def b() -> Any:
            return self.term(bound, B, depth)

        return self.pick(
            lambda: p(a()), lambda: r(a(), a()), lambda: t(a(), b(), a()), lambda: rigid(a(), b()),
            lambda: a() == a(), lambda: b() == b(), lambda: z3.Distinct(a(), a(), a()), lambda: flag,
        )  # fmt: skip

    def formula(self, bound: list[Any], depth: int) -> Any:
        if not depth:
            return self.atom(bound)

        def part() -> Any:
            return self.formula(bound, depth - 1)

        return self.pick(
            lambda: self.quantified(bound, depth), lambda: self.quantified(bound, depth),
            lambda: self.quantified(bound, depth), lambda: z3.And(part(), part(), part()),
            lambda: z3.Or(part(), part()), lambda: z3.Not(part()), lambda: z3.Implies(part(), part()),
            lambda: part() == part(), lambda: z3.If(part(), part(), part()), lambda: z3.Xor(part(), part()),
        )  # fmt: skip

    def quantified(self, bound: list[Any], depth: int) -> Any:
        variables = []
        for _ in range(self.random.randint(1, 3)):
            self.fresh += 1
            variables.append(z3.Const(f"x{self.fresh % 4}", self.random.choice([A, B])))
        variables = list({variable.decl().name(): variable for variable in variables}.values())
        hidden = {variable.decl().name() for variable in variables}
        inner = [one for one in bound if one.decl().name() not in hidden] + variables
        quantifier = self.random.choice([z3.ForAll, z3.Exists])
        return quantifier(variables, self.formula(inner, depth - 1))


@pytest.mark.parametrize("seed", range(10))
def test_random_formulas_mean_what_z3_says(seed: int) -> None:
    random = Random(seed)
    formulas = RandomFormulas(random)
    values = set()
    for _ in range(60):
        universe, facts = random_structure(random)
        expression = formulas.formula([x, u], random.randint(1, 4))
        given = {x: random.choice(universe.domains["A"]), u: random.choice(universe.domains["B"])}
        value = compiled(expression, universe, (x, u))(facts, *given.values())
        assert value == Oracle(universe).value(expression, facts, given), expression
        values.add(value)
    assert values == {True, False}


SYSTEM = Ballots().system()
BALLOTS = {name: formula(SYSTEM.state()) for name, formula in {**SYSTEM.invariants, **SYSTEM.safety}.items()}
"""The invariants, over structures that need not satisfy any of them."""


def random_cell(random: Random) -> tuple[Universe, Facts]:
    """Orders as they are, and everything else at random."""
    ballots, slots, nodes = (0, 1, 2), (0, 1, 2), (1, 2, 3)
    values, configurations, quorums = ("v", "w"), ("x", "y"), ("q", "r")

    def some(*domains: tuple[Any, ...], density: float = 0.5) -> frozenset[tuple[Any, ...]]:
        universe = Universe(domains={str(place): domain for place, domain in enumerate(domains)})
        return frozenset(
            args for args in universe.arguments(tuple(universe.domains)) if random.random() < density
        )  # fmt: skip

    ordered = frozenset((b, c) for b in ballots for c in ballots if b < c)
    universe = Universe(
        domains={
            "Node": nodes, "Ballot": ballots, "Slot": slots, "Value": values, "Configuration": configurations,
            "Quorum": quorums,
        },
        relations={
            "below": ordered, "before": ordered, "follows": frozenset({(0, 1), (1, 2)}),
            "window": frozenset({(0, 1), (1, 2)}), "member": some(nodes, quorums),
            "majority": some(quorums, configurations), "leads_to": some(configurations, values, configurations),
        },
        functions={"bot": {(): 0}, "zero": {(): 0}, "first": {(): "x"}},
    )  # fmt: skip
    density = random.choice([0.05, 0.3, 0.7])
    facts = {
        "left": some(nodes, ballots), "proposals": some(ballots, slots, values, density=density),
        "votes": some(nodes, ballots, slots, values, density=density), "chosen": some(slots, values, density=density),
        "configuration": some(slots, configurations, density=density),
    }  # fmt: skip
    return universe, facts


@pytest.mark.parametrize("seed", range(5))
def test_the_invariants_mean_what_z3_says(seed: int) -> None:
    random = Random(seed)
    for _ in range(3):
        universe, facts = random_cell(random)
        for name, formula in BALLOTS.items():
            assert compiled(formula, universe)(facts) == Oracle(universe).value(formula, facts, {}), name


@pytest.mark.parametrize("seed", range(5))
def test_the_actions_mean_what_z3_says(seed: int) -> None:
    random = Random(seed)
    for act in SYSTEM.actions.values():
        parameters = tuple(act.parameters.values())
        for expression in (act.enabled, *SYSTEM.effects(act).values()):
            universe, facts = random_cell(random)
            facts = {**facts, **{f"{name}'": relation for name, relation in random_cell(random)[1].items()}}
            given = {one: random.choice(universe.domains[one.sort().name()]) for one in parameters}
            value = compiled(expression, universe, parameters)(facts, *given.values())
            assert value == Oracle(universe).value(expression, facts, given), expression


ONE = Universe(domains={"A": ("a", "b"), "B": ("c",)})


def test_a_wrong_evaluation_would_be_seen() -> None:
    facts = {"p": frozenset({("a",)})}
    assert Oracle(ONE).value(z3.Exists([x], p(x)), facts, {})
    assert not Oracle(ONE).value(z3.ForAll([x], p(x)), facts, {})


def test_a_structure_that_is_not_given_whole_is_refused() -> None:
    with pytest.raises(KeyError):
        compiled(p(x), ONE, (x,))({}, "a")
    with pytest.raises(KeyError):
        Oracle(ONE).value(p(x), {}, {x: "a"})


def test_that_z3_gave_up_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3.Solver, "check", lambda _: z3.unknown)
    with pytest.raises(NoAnswer, match="z3 gave up"):
        Oracle(ONE).value(p(x), {"p": frozenset()}, {x: "a"})


@pytest.mark.parametrize(
    "expression",
    [z3.Int("k") > 0, z3.ForAll([z3.Int("k")], z3.Int("k") + 1 > z3.Int("k")), z3.IntVal(3), z3.Lambda([x], p(x))[e]],
)
def test_what_is_no_formula_over_structures_is_refused(expression: Any) -> None:
    with pytest.raises(NoFormula):
        compiled(expression, ONE)


def test_what_is_false_is_named() -> None:
    facts = {"p": frozenset({("a",)}), "r": frozenset({("a", "b")})}
    expression = z3.And(z3.Exists([x], p(x)), z3.And(r(x, y), z3.ForAll([z], p(z))))
    assert refutation(expression, ONE, facts, {x: "a", y: "b"}) == "ForAll(z, p(z)), with z = b"
    assert refutation(expression, ONE, facts, {x: "b", y: "b"}) == "r(x, y)"
    assert not refutation(z3.Exists([x], p(x)), ONE, facts, {})


def test_conjunctions_are_taken_apart() -> None:
    parts = [p(x), p(y), flag]
    assert list(conjuncts(z3.And(parts[0], z3.And(parts[1], parts[2])))) == parts

"""Writes the Python code that evaluates a formula: a quantifier becomes a search, in an order that binds much early.

"There are x, y such that ..." is a nest of loops. What is next is whatever is cheapest with the variables that are
bound by then: a test, an equation that gives a variable its value, the tuples of a relation that fit, and at last all
elements of a sort. A disjunction is searched part by part when that lets each part bind variables.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen

from spec.induction.formulas.normal import (
    All,
    Applied,
    Choice,
    Equal,
    Exists,
    Fact,
    Formula,
    Some,
    Symbol,
    Term,
    symbols_of,
)

FACTS_GUESSED = 6.0
"""How many tuples a relation of a state is taken to have, when the order of a search is chosen."""
PER_BOUND_PLACE = 3.0
"""And by how much each place that is bound is taken to narrow them down."""
MOST_SPLITS = 4
"""A disjunction is searched part by part at most so often in one nest, since what follows is written for each part."""

Names: TypeAlias = Mapping[str, str]
"""Symbols that are bound, and the code of each."""


class _Structure(Protocol):
    """What does not change: see `Universe`."""

    @property
    def domains(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def relations(self) -> Mapping[str, frozenset[tuple[Any, ...]]]: ...
    @property
    def functions(self) -> Mapping[str, Mapping[tuple[Any, ...], Any]]: ...


@frozen
class _Loop:
    """A way to bind variables: the lines that open it, what it costs, and the variables with their code."""

    cost: float
    lines: tuple[str, ...]
    tests: tuple[str, ...]
    binds: Names
    spends: Formula | None


@define
class Writer:
    """Writes one function."""

    _structure: _Structure
    _constants: dict[str, Any] = field(factory=dict)
    """The globals of the code: domains, rigid relations and indexes of them."""
    _constant_of: dict[Any, str] = field(factory=dict)
    _facts: dict[str, str] = field(factory=dict)
    """The local variables that hold the facts of the state, by the name of the relation."""
    _functions: list[str] = field(factory=list)
    """The lines of the inner functions, one for each quantifier."""
    _numbers: Iterator[int] = field(factory=count)

    def function(self, form: Formula, parameters: list[str]) -> Callable[..., bool]:
        """The function `f(facts, *parameters)` of a formula."""
        names = {parameter: self._fresh("p") for parameter in parameters}
        result = self._formula(form, names)
        lines = [f"def evaluate(facts, {', '.join(names.values())}):"]
        lines += [f"    {local} = facts[{name!r}]" for name, local in self._facts.items()]
        lines += [f"    {line}" for line in self._functions]
        lines += [f"    return {result}"]
        exec(compile("\n".join(lines), "<formula>", "exec"), self._constants)  # noqa: S102  # written here, from a tree
        evaluate: Callable[..., bool] = self._constants["evaluate"]
        return evaluate

    def _fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def _constant(self, key: Any, value: Any) -> str:
        if key not in self._constant_of:
            name = self._constant_of[key] = self._fresh("C")
            self._constants[name] = value
        return self._constant_of[key]

    def _relation(self, name: str) -> str:
        if name in self._structure.relations:
            return self._constant(("relation", name), self._structure.relations[name])
        return self._facts.setdefault(name, f"F{len(self._facts)}")

    # Expressions.

    def _term(self, term: Term, names: Names) -> str:
        match term:
            case Symbol(name) if name in names:
                return names[name]
            case Symbol(name) if name in self._structure.functions:
                return self._constant(("constant", name), self._structure.functions[name][()])
            case Symbol(name):
                return f"{self._facts.setdefault(name, f'F{len(self._facts)}')}[()]"
            case Applied(name, args) if name in self._structure.functions:
                function = self._constant(("function", name), self._structure.functions[name])
                return f"{function}[{self._tuple(args, names)}]"
            case Applied(name, args):
                return f"{self._relation(name)}[{self._tuple(args, names)}]"
            case Choice(condition, then, otherwise):
                test = self._formula(condition, names)
                return f"({self._term(then, names)} if {test} else {self._term(otherwise, names)})"

    def _tuple(self, args: tuple[Term, ...], names: Names) -> str:
        return f"({''.join(f'{self._term(arg, names)},' for arg in args)})"

    def _formula(self, form: Formula, names: Names) -> str:
        match form:
            case Fact(name, args, holds):
                return f"{self._tuple(args, names)} {'in' if holds else 'not in'} {self._relation(name)}"
            case Equal(left, right, holds):
                return f"{self._term(left, names)} {'==' if holds else '!='} {self._term(right, names)}"
            case All(parts):
                return f"({' and '.join(self._formula(part, names) for part in parts)})" if parts else "True"
            case Some(parts):
                return f"({' or '.join(self._formula(part, names) for part in parts)})" if parts else "False"
            case Exists(_, _, holds):
                found = self._quantifier(form, names)
                return found if holds else f"not {found}"

    # Quantifiers.

    def _quantifier(self, form: Exists, names: Names) -> str:
        """Write the search as a function of what is bound outside and used inside; the code of its call."""
        used = sorted(symbols_of(form) & names.keys())
        function = self._fresh("exists")
        inner = {name: self._fresh("v") for name in used}
        search = _Search(self, dict(form.variables))
        lines = search.nest([form.body], inner, MOST_SPLITS)
        self._functions.append(f"def {function}({', '.join(inner.values())}):")
        self._functions += [f"    {line}" for line in lines]
        self._functions.append("    return False")
        return f"{function}({', '.join(names[name] for name in used)})"

    def _index(self, name: str, bound: tuple[int, ...], free: tuple[int, ...]) -> tuple[str, float]:
        """A rigid relation as a mapping from what stands in the bound places to what stands in the free ones."""
        tuples = self._structure.relations[name]
        index: dict[Any, list[Any]] = defaultdict(list)
        for entry in sorted(tuples, key=repr):
            index[tuple(entry[place] for place in bound)].append(tuple(entry[place] for place in free))
        value = {key: tuple(entries) for key, entries in index.items()}
        return self._constant(("index", name, bound), value), len(tuples) / max(1, len(index))


@define
class _Search:
    """The nest of loops of one quantifier."""

    writer: Writer
    sorts: dict[str, str]
    """The sorts of the variables that are searched for."""

    def nest(self, parts: list[Formula], names: Names, splits: int) -> list[str]:
        """The lines that return True if all parts hold for some values of the variables that are not in `names`."""
        parts = self._opened(parts, names)
        tests = [part for part in parts if not self._free(part, names)]
        rest = [part for part in parts if part not in tests]
        condition = self._condition(tests, names)
        if not rest:
            return [f"if {condition}:", "    return True"]
        lines = self._loops(rest, names, splits)
        return [f"if {condition}:", *(f"    {line}" for line in lines)] if tests else lines

    def _condition(self, tests: list[Formula], names: Names) -> str:
        """All tests, those that call nothing first."""
        simple_first = sorted(tests, key=_has_quantifier)
        return " and ".join(self.writer._formula(test, names) for test in simple_first) or "True"

    def _opened(self, parts: list[Formula], names: Names) -> list[Formula]:
        """Conjunctions taken apart; and "there are" that speak of what is searched for, which join the search."""
        opened: list[Formula] = []
        for part in parts:
            match part:
                case All(inner):
                    opened += self._opened(list(inner), names)
                case Exists(variables, body, True) if self._free(part, names):
                    self.sorts.update(variables)
                    opened += self._opened([body], names)
                case _ if part not in opened:
                    opened.append(part)
        return opened

    def _free(self, part: Formula | Term, names: Names) -> frozenset[str]:
        return (symbols_of(part) & self.sorts.keys()) - names.keys()

    def _loops(self, rest: list[Formula], names: Names, splits: int) -> list[str]:
        loops = [loop for part in rest for loop in self._loops_of(part, names)]
        split = next((part for part in rest if isinstance(part, Some)), None)
        if split is not None and not loops and (splits or len(rest) == 1):
            others = [part for part in rest if part is not split]
            return [
                line for part in split.parts for line in self.nest([*others, part], names, splits - (len(rest) > 1))
            ]  # fmt: skip
        best = min(loops or [self._domain(rest, names)], key=lambda loop: loop.cost)
        remaining = [part for part in rest if part is not best.spends]
        lines = [*best.lines]
        indent = "    " * sum(line.endswith(":") for line in lines)
        if best.tests:
            lines.append(f"{indent}if {' and '.join(best.tests)}:")
            indent += "    "
        return lines + [f"{indent}{line}" for line in self.nest(remaining, {**names, **best.binds}, splits)]

    def _loops_of(self, part: Formula, names: Names) -> Iterator[_Loop]:
        match part:
            case Equal(left, right, True):
                for variable, value in ((left, right), (right, left)):
                    if isinstance(variable, Symbol) and self._free(variable, names) and not self._free(value, names):
                        code = self.writer._fresh("v")
                        line = f"{code} = {self.writer._term(value, names)}"
                        yield _Loop(1.0, (line,), (), {variable.name: code}, part)
            case Fact(name, args, True):
                if all(isinstance(arg, Symbol) or not self._free(arg, names) for arg in args):
                    yield self._tuples(part, name, args, names)

    def _tuples(self, part: Fact, name: str, args: tuple[Term, ...], names: Names) -> _Loop:
        """The tuples of a relation that fit what is bound."""
        binds: dict[str, str] = {}
        targets, tests, bound, free = [], [], [], []
        rigid = name in self.writer._structure.relations
        for place, arg in enumerate(args):
            if self._free(arg, names):
                assert isinstance(arg, Symbol)
                code = self.writer._fresh("v")
                free.append(place)
                targets.append(code)
                if arg.name in binds:
                    tests.append(f"{code} == {binds[arg.name]}")
                binds.setdefault(arg.name, code)
            elif rigid:
                bound.append(place)
            else:
                code = self.writer._fresh("v")
                targets.append(code)
                tests.append(f"{code} == {self.writer._term(arg, names)}")
                bound.append(place)
        target = "".join(f"{code}," for code in targets)
        if not rigid:
            cost = FACTS_GUESSED / PER_BOUND_PLACE ** len(bound)
            return _Loop(cost, (f"for {target} in {self.writer._relation(name)}:",), tuple(tests), binds, part)
        index, cost = self.writer._index(name, tuple(bound), tuple(free))
        key = self.writer._tuple(tuple(args[place] for place in bound), names)
        return _Loop(cost, (f"for {target} in {index}.get({key}, ()):",), tuple(tests), binds, part)

    def _domain(self, rest: list[Formula], names: Names) -> _Loop:
        """All elements of the sort of a variable: of the one that occurs most, so that most becomes a test."""
        free = [name for part in rest for name in sorted(self._free(part, names))]
        variable = max(sorted(set(free)), key=free.count)
        elements = self.writer._structure.domains[self.sorts[variable]]
        domain = self.writer._constant(("domain", self.sorts[variable]), elements)
        code = self.writer._fresh("v")
        return _Loop(float(len(elements)), (f"for {code} in {domain}:",), (), {variable: code}, None)


def _has_quantifier(form: Formula) -> bool:
    match form:
        case All(parts) | Some(parts):
            return any(map(_has_quantifier, parts))
        case Exists():
            return True
        case _:
            return False

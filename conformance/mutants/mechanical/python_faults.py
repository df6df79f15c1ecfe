"""What slips a tool can make in Python: the operators, on the syntax tree.

Own code, and little of it: the mutators for Python that are kept well (mutmut, cosmic-ray) bring their own runners,
know no TLA+, and change texts, decorators and types, where no protocol is. The operators are theirs and those of the
literature: relations, conjuncts, conditions, guards, statements, arguments, constants by one.

What is never touched, by kinds: annotations, decorators, defaults, texts, patterns of ``match``, what is raised, and
assertions (``assert_never`` is one), all of which do nothing where the rest is right. An attribute that ``__init__``
makes is never left out: without it there is none, and whoever works here sees that before it runs. A number of at
least 64 that has a name of its own at the top of a module is a size or a time that somebody chose, and one more or less
is another choice. Nor is ``type_ok`` touched, which says in TLA+, that has no types, what the type checker says of the
mirror; a state of TLC that has other types decodes to none.
"""

import ast
from collections.abc import Iterator
from typing import TypeAlias

from conformance.mutants.mechanical.fault import Fault, numbered, words

Change: TypeAlias = tuple[str, ast.expr] | tuple[str, ast.expr, ast.expr]
"""The operator, what the expression becomes, and what of it was dropped, if something was."""

_RELATIONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SILENT = frozenset({"__repr__", "__str__", "__hash__", "type_ok"})
_NO_FAULTS_IN = ("cast", "TypeVar", "field", "frozen", "define", "assert_never")
_CHOSEN = 64
"""A lone number from here on, with a name at the top of a module, is a size or a time."""


def faults_of(file: str, text: str) -> tuple[Fault, ...]:
    """Every fault of the file, in the order of its lines."""
    maker = _Maker(file, text)
    maker.visit(ast.parse(text))
    return numbered(maker.faults)


class _Maker(ast.NodeVisitor):
    """Walks a module and collects its faults."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.data = text.encode()
        self.faults: dict[Fault, None] = {}
        self._where: list[str] = []
        self._lines = [0]
        for line in self.data.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def _add(
        self, node: ast.expr | ast.stmt, operator: str, after: str, *, what: str = "", statement: bool = False
    ) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._lines[node.lineno - 1] + node.col_offset
        end = self._lines[node.end_lineno - 1] + node.end_col_offset
        what = what or words(self.data[start:end].decode(), "nothing" if statement else after)
        where = ".".join(self._where) or "module"
        fault = Fault(
            file=self.file, where=where, operator=operator, line=node.lineno, start=start, end=end, after=after,
            what=what, statement=statement,
        )  # fmt: skip
        self.faults[fault] = None

    def visit_Module(self, node: ast.Module) -> None:  # ast's names, here and below
        for statement in node.body:
            if _is_number(statement) or isinstance(statement, ast.ClassDef | ast.FunctionDef):
                self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._where.append(node.name)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                self.visit(statement)
        self._where.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in _SILENT or any(_name_of(one) == "abstractmethod" for one in node.decorator_list):
            return
        self._where.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._where.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._statement(node)
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        """What is said of an error is no protocol."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Nor does an assertion do anything where the rest is right."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Nor is a text."""

    def visit_match_case(self, node: ast.match_case) -> None:
        if node.guard is not None:
            self.visit(node.guard)
        for statement in node.body:
            self.visit(statement)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            for operator, after, *dropped in _changed(node):
                what = f"without `{ast.unparse(dropped[0])}`" if dropped else ""
                self._add(node, operator, f"({ast.unparse(after)})", what=what)
        if isinstance(node, ast.stmt):
            self._statement(node)
        super().generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if _name_of(node.func) in _NO_FAULTS_IN:
            return
        self.generic_visit(node)

    def _statement(self, node: ast.stmt) -> None:
        """Without this statement."""
        match node:
            case ast.Expr(value=ast.Call(func=called)) if _name_of(called) in _NO_FAULTS_IN:
                return
            case ast.Assign(targets=[ast.Attribute()]) if self._where[-1:] == ["__init__"]:
                return
            case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Delete() | ast.Continue():
                self._add(node, "statement dropped", "pass", statement=True)
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                self._add(node, "statement dropped", "pass", statement=True)
            case ast.If(orelse=[], body=[*_, ast.Return() | ast.Raise() | ast.Continue() | ast.Break()]):
                self._add(node, "guard dropped", "pass", statement=True)


def _is_number(statement: ast.stmt) -> bool:
    """Whether it gives a number a name, as limits of the code have one."""
    match statement:
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            numbers = (ast.Constant, ast.BinOp, ast.operator, ast.Load, ast.Name)
            return all(isinstance(part, numbers) for part in ast.walk(value)) and 0 < _greatest(value) < _CHOSEN
    return False


def _greatest(value: ast.expr) -> int:
    """The number that an expression of numbers is; of another one, the greatest number in it; 0 if it has none."""
    match value:
        case ast.BinOp(ast.Constant(int() as base), ast.LShift(), ast.Constant(int() as by)):
            return base << by
    numbers = (part.value for part in ast.walk(value) if isinstance(part, ast.Constant))
    return max((number for number in numbers if type(number) is int), default=0)


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _changed(node: ast.expr) -> Iterator[Change]:
    """What an expression can become by one slip."""
    match node:
        case ast.Compare():
            yield from _other_relations(node)
        case ast.BoolOp():
            yield from _other_connectives(node)
        case ast.IfExp(test=test):
            yield from (("condition negated", ast.IfExp(one, node.body, node.orelse)) for one in _negated(test))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition negated", operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign", operand
        case ast.BinOp() if type(node.op) in _SUMS:
            yield from _other_sums(node)
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield from (("constant", ast.Constant(near)) for near in (value + 1, value - 1) if near >= 0)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield "other function", ast.Call(ast.Name(_CALLS[name]), node.args, node.keywords)
        case ast.Call(args=[_, _, *_], keywords=[]):
            yield from _swapped(node)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield from _other_filters(node)


def _other_relations(node: ast.Compare) -> Iterator[Change]:
    for place, op in enumerate(node.ops):
        ops = [*node.ops[:place], _RELATIONS[type(op)](), *node.ops[place + 1 :]]
        yield "relation", ast.Compare(node.left, ops, node.comparators)
    if len(node.ops) == 1 and isinstance(node.ops[0], _ORDERS):
        yield "condition negated", ast.UnaryOp(ast.Not(), node)


def _other_connectives(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "connective", ast.BoolOp(other, node.values)
    what = "conjunct dropped" if isinstance(node.op, ast.And) else "disjunct dropped"
    for place in range(len(node.values)):
        left = [*node.values[:place], *node.values[place + 1 :]]
        yield what, left[0] if len(left) == 1 else ast.BoolOp(node.op, left), node.values[place]


def _other_sums(node: ast.BinOp) -> Iterator[Change]:
    yield "arithmetic", ast.BinOp(node.left, _SUMS[type(node.op)](), node.right)
    if isinstance(node.right, ast.Constant) or isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        yield "operand dropped", node.left


def _negated(test: ast.expr) -> Iterator[ast.expr]:
    """The negation, unless another operator says the same."""
    if not isinstance(test, ast.Compare | ast.BoolOp) and not (isinstance(test, ast.UnaryOp)):
        yield ast.UnaryOp(ast.Not(), test)


def _swapped(node: ast.Call) -> Iterator[Change]:
    for place in range(len(node.args) - 1):
        one, other = node.args[place], node.args[place + 1]
        if isinstance(one, ast.Starred) or isinstance(other, ast.Starred) or ast.dump(one) == ast.dump(other):
            continue
        args = [*node.args[:place], other, one, *node.args[place + 2 :]]
        yield "arguments swapped", ast.Call(node.func, args, node.keywords)


def _other_filters(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Iterator[Change]:
    for place, generator in enumerate(node.generators):
        for at in range(len(generator.ifs)):
            ifs = [*generator.ifs[:at], *generator.ifs[at + 1 :]]
            changed = ast.comprehension(generator.target, generator.iter, ifs, generator.is_async)
            generators = [*node.generators[:place], changed, *node.generators[place + 1 :]]
            match node:
                case ast.DictComp():
                    yield "filter dropped", ast.DictComp(node.key, node.value, generators), generator.ifs[at]
                case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                    yield "filter dropped", type(node)(node.elt, generators), generator.ifs[at]

"""The rules of the judges, found in their source: every place where something is refuted, and how to switch it off.

A rule is a ``raise Refuted``, or a sentence that a function returns for its caller to refute with. Switched off, it
passes over what it would have refuted, and everything else stays as it is.
"""

import ast
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

from attrs import frozen

MODULES = tuple(
    f"conformance.{name}"
    for name in (
        "judges.judge", "judges.manners", "judges.timers", "judges.clients", "judges.projection",
        "judges.readers", "judges.databases", "judges.gone_back", "judges.lessons", "judges.departures",
        "world.world", "world.leaving", "world.mail", "world.disk", "world.restarting", "lockstep.settling",
    )
)  # fmt: skip

SENTENCES = {"_wrong_kind", "missing", "unsafe"}
"""Functions whose answer is a fault in words; the empty string is none."""


@frozen
class Rule:
    """The `number`th rule of a function, in the order of the source; `words` begin what it says."""

    module: str
    function: str
    number: int
    words: str

    @property
    def name(self) -> str:
        """Where it stands and how it begins."""
        return f"{self.module.rpartition('.')[2]}.{self.function}: {self.words}"


def rules() -> tuple[Rule, ...]:
    """All rules of all judges."""
    return tuple(rule for name in MODULES for rule in _rules_of(import_module(name)))


def _rules_of(module: ModuleType) -> Iterator[Rule]:
    for function in _functions(ast.parse(inspect.getsource(module))):
        for number, statement in enumerate(_places(function)):
            yield Rule(module.__name__, function.name, number, _words(statement))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _places(function: ast.FunctionDef) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for node in ast.walk(function):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Refuted" | "_not_written"))):
                found.append(node)
            case ast.Return(value=ast.JoinedStr() | ast.IfExp() | ast.Constant(value=str())) if _is_sentence(
                function, node
            ):
                found.append(node)
    return sorted(found, key=lambda statement: statement.lineno)


def _is_sentence(function: ast.FunctionDef, statement: ast.Return) -> bool:
    is_empty = isinstance(statement.value, ast.Constant) and not statement.value.value
    return function.name in SENTENCES and not is_empty


def _words(statement: ast.stmt) -> str:
    """The constant parts of what it says."""
    texts = [
        node.value for node in ast.walk(statement) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return " .. ".join(text.strip() for text in texts if text.strip())[:60]


@contextmanager
def switched_off(rule: Rule) -> Iterator[None]:
    """For the time of the context this rule refutes nothing."""
    module = import_module(rule.module)
    tree = ast.parse(inspect.getsource(module))
    (function,) = (f for f in _functions(tree) if f.name == rule.function)
    statement = _places(function)[rule.number]
    changed = _Replaced(statement).visit(tree)
    code = _code_of(compile(ast.fix_missing_locations(changed), module.__file__ or "", "exec"), rule.function)
    original = _function_of(module, rule.function)
    before = original.__code__
    original.__code__ = code
    try:
        yield
    finally:
        original.__code__ = before


class _Replaced(ast.NodeTransformer):
    def __init__(self, statement: ast.stmt) -> None:
        self.statement = statement

    def visit(self, node: ast.AST) -> Any:
        if node is not self.statement:
            return self.generic_visit(node)
        if isinstance(node, ast.Return):
            return ast.copy_location(ast.Return(value=ast.Constant(value="")), node)
        return ast.copy_location(ast.Pass(), node)


def _code_of(code: CodeType, name: str) -> CodeType:
    found = [*_codes(code, name)]
    assert len(found) == 1, name
    return found[0]


def _codes(code: CodeType, name: str) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if part.co_name == name:
                yield part
            yield from _codes(part, name)


def _function_of(module: ModuleType, name: str) -> FunctionType:
    classes = [part for part in vars(module).values() if isinstance(part, type) and part.__module__ == module.__name__]
    parts: list[object] = [vars(owner).get(name) for owner in (module, *classes)]
    (function,) = (part for part in parts if isinstance(part, FunctionType))
    return function

"""Why an action is not enabled: the first part of its guard that is false, in the words of its source.

And where it would lead all the same, which tells what a step that is not allowed has tried to be.
"""

import ast
import dis
import inspect
import sys
import textwrap
from functools import cache
from types import CodeType, FrameType, FunctionType
from typing import Any

from spec.machine import Machine

NO_PART = "the guard as a whole: it is not written as `if not (...): return None`"


def explain(machine: Machine[Any], state: Any, name: str, args: tuple[Any, ...]) -> str:
    """The first conjunct of the guard of action `name` that is false in `state`, as source text.

    Empty if the action is enabled. KeyError if there is no such action.

    A guard is `if not (this and that): return None`. The action is run, and the last conjunct that was evaluated before
    it returned is the one; NO_PART if the guard is written in another way.
    """
    if name not in machine.action_names():
        raise KeyError(name)
    function = _plain(getattr(type(machine), name))
    visited: list[tuple[int, int]] = []
    if _run(function, (machine, state, *args), visited) is not None:
        return ""
    source = textwrap.dedent(inspect.getsource(function))
    indent = len(inspect.getsource(function).splitlines()[0]) - len(source.splitlines()[0])
    first = function.__code__.co_firstlineno
    local = [(line - first + 1, column - indent) for line, column in visited]
    return _conjunct(source, local)


def effect(machine: Machine[Any], state: Any, name: str, args: tuple[Any, ...]) -> Any:
    """The state that action `name` would lead to if its guard were true; None where that cannot be said without it."""
    if name not in machine.action_names():
        raise KeyError(name)
    try:
        return _unguarded(_plain(getattr(type(machine), name)))(machine, state, *args)
    except (AttributeError, TypeError, LookupError, ValueError, AssertionError):  # it speaks of what is not there
        return None


@cache
def _unguarded(function: FunctionType) -> Any:
    """The same function without the statements that return None."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None
    definition.body = [statement for statement in definition.body if not _is_guard(statement)]
    space = dict(function.__globals__)
    exec(compile(tree, inspect.getfile(function), "exec"), space)  # noqa: S102  # the module's own source
    return space[function.__name__]


def _is_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and any(_returns_nothing(statement) for statement in node.body)


def _plain(function: Any) -> FunctionType:
    """The function as it was written, without decorators that wrap it."""
    return inspect.unwrap(function)  # type: ignore[no-any-return]


def _run(function: FunctionType, args: tuple[Any, ...], visited: list[tuple[int, int]]) -> Any:
    """Run the function, and note where each instruction of it that was executed stands in the source."""
    code = function.__code__
    places = _places(code)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            place = places[frame.f_lasti // 2]
            if place is not None:
                visited.append(place)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(*args)
    finally:
        sys.settrace(before)


def _places(code: CodeType) -> list[tuple[int, int] | None]:
    """Line and column of each instruction; none for jumps, which the compiler shares between conjuncts."""
    return [
        None if line is None or column is None or "JUMP" in dis.opname[opcode] else (line, column)
        for opcode, (line, _, column, _) in zip(code.co_code[::2], code.co_positions(), strict=True)
    ]


def _conjunct(source: str, visited: list[tuple[int, int]]) -> str:
    """The last conjunct, by the source, in which a visited place lies: the ones after it were not evaluated."""
    guards = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If) and _is_guard(node)]
    parts = [(part, text) for guard in guards for part, text in _parts(guard.test, source)]
    for part, text in reversed(parts):
        if any(_begin(part) <= place < _end(part) for place in visited):
            return text
    return NO_PART


def _returns_nothing(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Return):
        return False
    return statement.value is None or (isinstance(statement.value, ast.Constant) and statement.value.value is None)


def _parts(test: ast.expr, source: str) -> list[tuple[ast.expr, str]]:
    """The conjuncts of `not (a and b)`; of any other test the one conjunct `not test`."""
    if not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        return [(test, f"not ({_text(test, source)})")]
    inner = test.operand
    conjuncts = inner.values if isinstance(inner, ast.BoolOp) and isinstance(inner.op, ast.And) else [inner]
    return [(conjunct, _text(conjunct, source)) for conjunct in conjuncts]


def _text(node: ast.expr, source: str) -> str:
    return " ".join((ast.get_source_segment(source, node) or ast.unparse(node)).split())


def _begin(node: ast.expr) -> tuple[int, int]:
    return (node.lineno, node.col_offset)


def _end(node: ast.expr) -> tuple[int, int]:
    return (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

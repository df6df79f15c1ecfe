"""Broken cells: the running cell with one line of its source replaced, as a package of its own beside the real one."""

import sys
from importlib import resources
from itertools import count
from types import ModuleType
from typing import cast

from attrs import frozen

from conformance.world.cells import MakeNode

_MODULES = (
    "steps", "configuration", "state", "learner", "acceptor", "proposer", "reads", "recovery", "loss", "memory", "node",
)  # fmt: skip
_numbers = count()


@frozen
class Fault:
    """In `physalia/cell/<module>.py` the text `old`, which occurs once, becomes `new`."""

    name: str
    module: str
    old: str
    new: str


class NotApplied(AssertionError):
    """The text of a fault does not occur exactly once, so the fault is none."""


def break_cell(fault: Fault) -> MakeNode:
    """A factory of nodes that have this fault."""
    package = f"broken_cell_{next(_numbers)}"
    sys.modules[package] = ModuleType(package)
    for name in _MODULES:
        source = resources.files("physalia.cell").joinpath(f"{name}.py").read_text(encoding="utf-8")
        if name == fault.module:
            if source.count(fault.old) != 1 or fault.old == fault.new:
                raise NotApplied(f"{fault.name}: {fault.old!r} occurs {source.count(fault.old)} times in {name}.py")
            source = source.replace(fault.old, fault.new)
        module = ModuleType(f"{package}.{name}")
        sys.modules[module.__name__] = module
        code = compile(source.replace("from physalia.cell.", f"from {package}."), f"<{fault.name}: {name}.py>", "exec")
        exec(code, module.__dict__)
    return cast("MakeNode", sys.modules[f"{package}.node"].Node)

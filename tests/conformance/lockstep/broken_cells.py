"""Broken cells: the running cell with one line of its source replaced, as a package of its own beside the real one."""

import sys
from collections.abc import Sequence
from importlib import import_module, resources
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import count
from types import ModuleType
from typing import cast

from attrs import frozen

from conformance.world.cells import MakeNode

_numbers = count()


@frozen
class Fault:
    """In a module of `physalia/cell`, `node` or `life.leaving`, the text `old`, which occurs once, becomes `new`."""

    name: str
    module: str
    old: str
    new: str


class NotApplied(AssertionError):
    """The text of a fault does not occur exactly once, so the fault is none."""


@frozen
class _Package(MetaPathFinder, InspectLoader):
    """The modules of the real cell, under another package's name, one of them with a fault."""

    name: str
    fault: Fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{self.name}."):
            return None
        return ModuleSpec(fullname, self, is_package=self.is_package(fullname))

    def get_source(self, fullname: str) -> str:
        name, fault = fullname.removeprefix(f"{self.name}."), self.fault
        place = f"{name.replace('.', '/')}/__init__.py" if self.is_package(fullname) else f"{name.replace('.', '/')}.py"
        source = resources.files("physalia.cell").joinpath(place).read_text(encoding="utf-8")
        if name == fault.module:
            if source.count(fault.old) != 1 or fault.old == fault.new:
                raise NotApplied(f"{fault.name}: {fault.old!r} occurs {source.count(fault.old)} times in {name}.py")
            source = source.replace(fault.old, fault.new)
        return source.replace("from physalia.cell.", f"from {self.name}.")

    def is_package(self, fullname: str) -> bool:
        return (
            resources.files("physalia.cell").joinpath(fullname.removeprefix(f"{self.name}.").replace(".", "/")).is_dir()
        )


def break_cell(fault: Fault) -> MakeNode:
    """A factory of nodes that have this fault."""
    package = _Package(f"broken_cell_{next(_numbers)}", fault)
    parent = ModuleType(package.name)
    parent.__path__ = []
    sys.modules[package.name] = parent
    sys.meta_path.append(package)
    import_module(f"{package.name}.{fault.module}")  # also one that no node needs
    return cast("MakeNode", import_module(f"{package.name}.node").Node)

"""Every rule of the simulation has a fault that a test kills: put in one at a time, into fresh modules of this process.

That each killer passes without a fault is what the rest of this folder shows.
"""

import importlib
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FAULTS: list[dict[str, str]] = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))[
    "mutant"
]
FRESH = ("physalia.zone", "tests.physalia.zone")


class Changed(SourceFileLoader):
    """A module whose text is changed while it is read; nothing of it is kept."""

    def __init__(self, name: str, path: str, fault: dict[str, str]) -> None:
        super().__init__(name, path)
        self.fault = fault

    def get_code(self, fullname: str) -> CodeType:
        text = Path(self.path).read_text(encoding="utf-8")
        assert text.count(self.fault["replace"]) == 1, f"{self.fault['name']} does not apply"
        code: CodeType = compile(text.replace(self.fault["replace"], self.fault["with"]), self.path, "exec")
        return code


class Finder(MetaPathFinder):
    """Finds the one module that has the fault."""

    def __init__(self, fault: dict[str, str]) -> None:
        self.fault = fault
        self.module = fault["file"].removesuffix(".py").replace("/", ".")

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        file = str(ROOT / self.fault["file"])
        return spec_from_file_location(fullname, file, loader=Changed(fullname, file, self.fault))


@contextmanager
def put_in(fault: dict[str, str]) -> Iterator[None]:
    """The modules of the simulation and its tests are read anew, one of them with a fault; then all is as before."""
    before = {name: one for name, one in sys.modules.items() if name.startswith(FRESH)}
    for name in before:
        del sys.modules[name]
    finder = Finder(fault)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(FRESH)]:
            del sys.modules[name]
        sys.modules.update(before)


def killed(fault: dict[str, str]) -> str:
    """What the killer says; empty if it says nothing. An error is no kill: it goes on as one."""
    module, _, function = fault["killer"].partition("::")
    with put_in(fault):
        killer = getattr(importlib.import_module(f"tests.physalia.zone.{module}"), function)
        try:
            killer()
        except AssertionError as judged:
            return str(judged) or "refuted"
    return ""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_a_fault_is_killed(fault: dict[str, str]) -> None:
    assert killed(fault), f"{fault['fault']}: {fault['killer']} says nothing"


def test_names_are_told_apart_and_every_room_of_rules_has_faults() -> None:
    assert len({one["name"] for one in FAULTS}) == len(FAULTS) >= 25
    files = {Path(one["file"]).stem for one in FAULTS}
    assert files >= {
        "sizes",
        "routers",
        "placing",
        "storm",
        "standing",
        "state",
        "mirrors",
        "keeper",
        "devices",
        "bands",
    }


def test_what_changes_nothing_is_not_killed() -> None:
    harmless = {
        "name": "comment", "fault": "none", "file": "physalia/zone/bands.py", "replace": "_STEPS, _HALVINGS = 2000",
        "with": "_STEPS, _HALVINGS = 2000  ", "killer": "test_bands::test_one_run_says_nothing_of_others",
    }  # fmt: skip
    assert not killed(harmless)
    with pytest.raises(AssertionError, match="comment does not apply"), put_in({**harmless, "replace": "no such text"}):
        importlib.import_module("physalia.zone.bands")

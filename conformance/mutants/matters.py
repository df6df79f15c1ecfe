"""What a killer's verdict depends on: outcomes are kept for as long as this does not change.

That is every module of the project which its link imports, wherever and however indirectly; the specifications with
their manifest; and the files beside the code that are no Python, such as histories and policies. What prints, and what
judges mutants, is left out: a comment in a page, or a mutant more, changes no verdict.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from conformance.links import LINKS
from conformance.manifest import tla_folder

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("spec", "physalia", "conformance")
_LEFT_OUT = Path("conformance", "mutants")
_ALSO: Mapping[str, tuple[str, ...]] = {}
"""What a link starts as a process, and so does not import."""


@cache
def matters_to(killer: str) -> str:
    """A digest of all that matters to this killer."""
    told = hashlib.sha256()
    for path in sorted(files_of(killer) | _beside()):
        told.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for path in sorted(path for path in tla_folder().iterdir() if path.suffix in (".tla", ".cfg", ".toml")):
        told.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()[:16]


@cache
def files_of(killer: str) -> frozenset[Path]:
    """The files of all modules that the link of this name imports."""
    waiting = [LINKS[killer].partition(":")[0], *_ALSO.get(killer, ())]
    seen, found = set[str](), set[Path]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name)
        if path is not None:
            found.add(path)
            waiting += _imports(path)
    return frozenset(found)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    package = path.parent.relative_to(ROOT).as_posix().replace("/", ".")
    return tuple(_named(ast.parse(path.read_bytes()), package))


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    yield package
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_of(module: str) -> Path | None:
    """The file of a module of this project; None of what is none."""
    if module.partition(".")[0] not in _PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


@cache
def _beside() -> frozenset[Path]:
    paths = (path for package in _PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return frozenset(
        path for path in paths if path.suffix not in (".py", ".pyc") and _LEFT_OUT not in path.relative_to(ROOT).parents
    )

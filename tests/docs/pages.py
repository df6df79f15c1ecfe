"""Pages of the docs as a machine reads them: headings, links, names in code, and the places of the repository that
they name.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
TEXTS = (".py", ".tla", ".cfg", ".md", ".toml", ".schema.json")
"""How the files end in which the repository's own words stand."""


def texts(root: Path, endings: tuple[str, ...] = TEXTS) -> dict[str, str]:
    """Every text of the repository by its path from `root`, without what tools leave behind."""
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for top in sorted(root.iterdir())
        if not top.name.startswith(".") and top.name not in ("build", "dist")
        for path in ([top] if top.is_file() else sorted(top.rglob("*")))
        if path.name.endswith(endings) and path.is_file() and "__pycache__" not in path.parts
    }


def without_fences(page: str) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)


def spans(text: str) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def links(page: str) -> list[str]:
    """Where the links of a page lead."""
    return re.findall(r"\]\(([^()\s]+)\)", re.sub(r"(?<!\[)`[^`\n]+`", "", without_fences(page)))


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", without_fences(page), flags=re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        same = sum(one == plain or re.fullmatch(rf"{re.escape(plain)}-\d+", one) is not None for one in found)
        found.add(f"{plain}-{same}" if plain in found else plain)
    return found


@frozen
class Place:
    """A file or folder of the repository, and the names in it that a page speaks of."""

    path: str
    names: tuple[str, ...]

    def faults(self, root: Path) -> Iterator[str]:
        """Why it is not there, or not whole; nothing if it is."""
        if not (root / self.path).exists():
            yield f"there is no {self.path}"
            return
        known = names_in(root / self.path)
        for name in self.names:
            if name not in known:
                yield f"there is no {name} in {self.path}"


def places(text: str) -> list[Place]:
    """The places that a text names in backticks: each path, with the names that follow it."""
    found: list[Place] = []
    for span in spans(text):
        if re.fullmatch(r"[\w.-]+(/[\w.-]*)+|[\w-]+\.(py|tla|toml|md)", span):
            found.append(Place(span, ()))
        elif found:
            found[-1] = Place(found[-1].path, (*found[-1].names, span))
    return found


@cache
def names_in(path: Path) -> frozenset[str]:
    """What is defined in a file: of TLA+ every definition; of Python what is on top, and in classes with and without
    the class. Nothing, of other files and of folders.
    """
    match path.suffix:
        case ".tla":
            defined = r"^[ \t]*(?:ASSUME[ \t]+)?(\w+)(?:\([^)\n]*\))?[ \t]*=="
            return frozenset(re.findall(defined, path.read_text(encoding="utf-8"), flags=re.MULTILINE))
        case ".py":
            return frozenset(_defined(ast.parse(path.read_text(encoding="utf-8")).body))
        case _:
            return frozenset()


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.ClassDef(name=name, body=inner):
                yield name
                for member in _defined(inner):
                    yield from (member, f"{name}.{member}")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name

"""Nothing grows beyond what a reader takes in at once: rooms, files, functions."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPS = ("spec", "physalia", "conformance", "tests", "benchmarks", "tla")
SUFFIXES = {".py", ".toml", ".tla"}
REGISTERS = (Path("tla", "manifest.toml"), Path("conformance", "mutants", "first.toml"))
"""One entry after another, for machines first, or written by them: they may be longer."""
MOST_MODULES, MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_SPECIFICATION = 18, 450, 80, 200


def faults(root: Path) -> Iterator[str]:
    """Every room, file and function that is too large."""
    files = [path for top in TOPS for path in (root / top).rglob("*") if path.suffix in SUFFIXES]
    modules = [path for path in files if path.suffix == ".py" and path.name != "__init__.py"]
    for room, count in Counter(path.parent for path in modules).items():
        if count > MOST_MODULES:
            yield f"{room.relative_to(root)} has {count} modules"
    for path in files:
        name, text = path.relative_to(root), path.read_text(encoding="utf-8")
        lines = text.count("\n")
        most = MOST_LINES_OF_A_SPECIFICATION if path.suffix == ".tla" else MOST_LINES
        if lines > most and name not in REGISTERS:
            yield f"{name} has {lines} lines"
        for node in ast.walk(ast.parse(text)) if path.suffix == ".py" else ():
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION:
                yield f"{name}: {node.name} is too long"


def test_nothing_is_too_large() -> None:
    assert not list(faults(ROOT))


def test_what_is_too_large_is_found(tmp_path: Path) -> None:
    for room in TOPS:
        (tmp_path / room).mkdir()
    for at in range(MOST_MODULES):
        (tmp_path / "spec" / f"m{at}.py").touch()
    (tmp_path / "spec" / "__init__.py").touch()
    (tmp_path / "tests" / "a.py").write_text(MOST_LINES * "\n", encoding="utf-8")
    (tmp_path / "tla" / "A.tla").write_text(MOST_LINES_OF_A_SPECIFICATION * "\n", encoding="utf-8")
    for register in REGISTERS:
        (tmp_path / register).parent.mkdir(exist_ok=True)
        (tmp_path / register).write_text(9 * MOST_LINES * "\n", encoding="utf-8")
    body = (MOST_LINES_OF_A_FUNCTION - 1) * "    x\n"
    (tmp_path / "physalia" / "a.py").write_text(f"def f():\n{body}", encoding="utf-8")
    assert not list(faults(tmp_path))

    (tmp_path / "spec" / "one_more.py").touch()
    (tmp_path / "tests" / "b.py").write_text((MOST_LINES + 1) * "\n", encoding="utf-8")
    (tmp_path / "tla" / "B.tla").write_text((MOST_LINES_OF_A_SPECIFICATION + 1) * "\n", encoding="utf-8")
    (tmp_path / "physalia" / "b.py").write_text(f"def g():\n{body}    x\n", encoding="utf-8")
    assert sorted(faults(tmp_path)) == [
        "physalia/b.py: g is too long",
        f"spec has {MOST_MODULES + 1} modules",
        f"tests/b.py has {MOST_LINES + 1} lines",
        f"tla/B.tla has {MOST_LINES_OF_A_SPECIFICATION + 1} lines",
    ]

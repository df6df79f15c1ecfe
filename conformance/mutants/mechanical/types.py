"""Whether a fault builds: Python compiles almost anything, so the type checker says what would not; TLA+ has a parser.

A fault that the type checker or the parser refuses never reaches a link; whoever works here sees it before it runs.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.links import CannotRun
from conformance.tlc.java import QUICK_START
from conformance.tlc.parser_words import parser_sentences
from conformance.tlc.toolchain import find_toolchain


def must_be_there() -> None:
    """CannotRun without a type checker."""
    if find_spec("mypy") is None:
        raise CannotRun("mechanical faults need the package mypy: run pip install 'physalia[dev]'.")


def refusal(root: Path, file: str, cache: Path) -> str:
    """What the type checker has against a file of the copy ``root``; empty for nothing."""
    command = [
        sys.executable, "-m", "mypy", "--cache-dir", str(cache), "--no-error-summary", "--no-color-output",
        "--hide-error-context", file,
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603  # the arguments are ours
        command, cwd=root, env=dict(os.environ, MYPYPATH=str(root)), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    said = [line for line in done.stdout.splitlines() if ": error: " in line] or (done.stdout + done.stderr).split("\n")
    return said[0] or f"the type checker ended with exit code {done.returncode}"


def parser_refusal(root: Path, file: str) -> str:
    """What the parser has against a module of the copy ``root``; empty for nothing. CannotRun without Java or TLC."""
    toolchain = find_toolchain()
    with TemporaryDirectory(prefix="physalia-parser-") as scratch:
        command = [
            str(toolchain.java), *QUICK_START, f"-Djava.io.tmpdir={scratch}", "-cp", str(toolchain.jar),
            "tla2sany.SANY", Path(file).name,
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603  # the arguments are ours
            command, cwd=root / Path(file).parent, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False,
        )  # fmt: skip
    if done.returncode == 0 and "Semantic errors:" not in done.stdout:  # of which its exit code says nothing
        return ""
    said = parser_sentences((done.stdout + done.stderr).splitlines())
    return said[0] if said else f"the parser ended with exit code {done.returncode}"

"""Whether a fault builds: Python compiles almost anything, so the type checker says what would not.

A fault that the type checker refuses never reaches a link; whoever works here sees it before it runs.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from conformance.links import CannotRun


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

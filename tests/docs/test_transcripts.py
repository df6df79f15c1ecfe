"""Every transcript of the README and the docs is run, and prints what the page says."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def transcripts(text: str) -> list[tuple[str, str]]:
    """Each command after a `$ ` in a `console` block of a page, with what is printed below it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = entry.partition("\n")
            found.append((command, printed))
    return found


def differs(expected: str, printed: str) -> str:
    """How the output differs from the page, where `...` stands for anything; empty if it does not."""
    checker = doctest.OutputChecker()
    if checker.check_output(expected, printed, FLAGS):
        return ""
    return checker.output_difference(doctest.Example("", expected), printed, FLAGS)


def run(command: str) -> str:
    """What a command prints to standard output, run as a reader would run it, in a plain terminal of 100 columns."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = dict(os.environ, PATH=path, NO_COLOR="1", TERM="dumb", COLUMNS="100")
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.stdout


BY_THE_WHEEL = "physalia verify --quick"
"""Minutes of work, which the test of the wheel does from an installed one, and holds against the README."""
ENTRIES = [
    pytest.param(command, printed, id=f"{page.name}: {command}")
    for page in PAGES
    for command, printed in transcripts(page.read_text(encoding="utf-8"))
    if command != BY_THE_WHEEL
]


def test_the_readme_has_transcripts() -> None:
    assert len(transcripts((ROOT / "README.md").read_text(encoding="utf-8"))) >= 3


@pytest.mark.parametrize(("command", "expected"), ENTRIES)
def test_a_transcript_is_true(command: str, expected: str) -> None:
    printed = run(command)
    assert not differs(expected, printed), differs(expected, printed)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_the_command_is_called_in_one_way(page: Path) -> None:
    """As in an activated environment, and as the program itself says how to run something again."""
    assert ".venv/bin/physalia" not in page.read_text(encoding="utf-8")


def test_a_wrong_transcript_is_refused() -> None:
    assert differs("one two ... five\n", "one  two three\nfour six\n")
    assert not differs("one two ... five\n", "one  two three\nfour five\n")


def test_a_transcript_that_runs_nothing_is_refused() -> None:
    assert differs("holds\n", run("true"))


def test_transcripts_are_found_where_they_stand() -> None:
    text = "```console\n$ first\nprinted\n$ second\n```\n```\n$ third\n```\n"
    assert transcripts(text) == [("first", "printed\n"), ("second", "")]

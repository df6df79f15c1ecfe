"""Copies of the project in which mutants live, one at a time, and the commands that judge them there."""

import compileall
import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import frozen

from conformance.links import Verdict
from conformance.manifest import tla_folder
from conformance.mutants.entries import Mutant
from conformance.refutation import How

_SCRATCH = "scratch"
_PACKAGES = ("spec", "physalia", "conformance")


class Status(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    NOT_APPLIED = "not-applied"
    BUILD_FAILED = "build-failed"
    ERROR = "error"
    TIMEOUT = "timeout"


@frozen
class Judgement:
    """What a killer says: the status that follows, and its first word on it.

    Of a kill, ``how`` is whether something was judged or an accident happened, ``events`` how long the counterexample
    is: its events, the states of TLC's, the crash points of a journal, or what happened to a cell; and ``part`` which
    part of the link refuted it, where links have parts. ``parts`` are all that were run where nothing was refuted.
    """

    status: Status
    note: str
    how: str = ""
    events: int = 0
    part: str = ""
    parts: tuple[str, ...] = ()

    @property
    def is_kill(self) -> bool:
        """Whether something was judged, and was wrong."""
        return self.status is Status.KILLED and not self.is_accident

    @property
    def is_accident(self) -> bool:
        """Whether an exception of its own ended it, or it did not start: nobody judged anything."""
        return self.status is Status.KILLED and self.how != How.JUDGED


@contextmanager
def a_copy() -> Iterator[Path]:
    """A copy of the packages and the specifications, as they lie in a checkout, with room for what killers leave.

    It is compiled by content, so that no killer compiles it again, and none meets what was compiled before.
    """
    here = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="physalia-mutant-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", "states", "tla")
        for package in _PACKAGES:
            shutil.copytree(here / package, root / package, ignore=ignored)
        shutil.copytree(tla_folder(), root / "tla", ignore=shutil.ignore_patterns("states"))
        checked = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(root, quiet=2, workers=1, invalidation_mode=checked)
        yield root


def refusal(mutant: Mutant, root: Path) -> Judgement | None:
    """Why the substitution makes no mutant, if it makes none."""
    if mutant.twin:
        return None
    path = root / mutant.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(mutant.replace) != 1:
        times = text.count(mutant.replace)
        return Judgement(Status.NOT_APPLIED, f"{mutant.file} holds the text {times} times, not once")
    if mutant.replace == mutant.with_:
        return Judgement(Status.NOT_APPLIED, "the substitution changes nothing")
    if path.suffix == ".py":
        try:
            compile(text.replace(mutant.replace, mutant.with_), mutant.file, "exec")
        except (SyntaxError, ValueError) as error:
            return Judgement(Status.BUILD_FAILED, str(error))
    return None


@contextmanager
def applied(mutant: Mutant, root: Path) -> Iterator[None]:
    """The copy with the mutant in it; afterwards it is as it was. A twin is put in by whoever judges it."""
    if mutant.twin:
        yield
        return
    path = root / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutant.replace, mutant.with_), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


class Killers:
    """The commands that judge mutants, each in a process group of its own, so that whatever it starts ends with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def end(self) -> None:
        """End everything that runs, and start no more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _kill_group(process)

    def judge(self, root: Path, command: Sequence[str], time_s: float | None = None) -> Judgement:
        """Run a killer on the copy, for so long at most, and read its verdict and its first word on it."""
        # A killer that is killed cannot clear its temporary folders away; in the copy they go before the next one.
        scratch = root / _SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environment = dict(
            os.environ, PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE="1", NO_COLOR="1", TMPDIR=str(scratch)
        )
        with self._lock:
            if self._ended:
                raise InterruptedError("no killer is started any more")
            process = subprocess.Popen(  # noqa: S603  # the arguments are ours
                [sys.executable, "-m", "physalia.cli", *command], cwd=root, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            )  # fmt: skip
            self._running.add(process)
        try:
            printed, complained = process.communicate(timeout=time_s)
        except subprocess.TimeoutExpired:
            said = f"cut after the {time_s:.0f} s that it had, without a verdict: give it more with --killer-time S"
            return Judgement(Status.TIMEOUT, said)
        finally:
            with self._lock:
                self._running.discard(process)
                _kill_group(process)
            process.communicate()
        return judgement_of(process.returncode, printed, complained)


def _kill_group(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def judgement_of(exit_code: int, printed: str, complained: str) -> Judgement:
    """What a killer that ended so, and printed this, says of a mutant."""
    report: Mapping[str, Any] = {}
    try:
        report = json.loads(printed)
        verdict, note = report["verdict"], _note(report)
    except (ValueError, KeyError):
        verdict, note = "none", (complained.strip().splitlines() or ["it printed nothing"])[-1]
    if (exit_code, verdict) == (1, Verdict.REFUTED):
        return Judgement(Status.KILLED, note, *_shown(report), next(iter(_parts(report, Verdict.REFUTED)), ""))
    if (exit_code, verdict) == (0, Verdict.HOLDS):
        events, parts = len(report.get("counterexample", ())), _parts(report, Verdict.HOLDS)
        return Judgement(Status.SURVIVED, note, events=events, parts=parts)
    return Judgement(Status.ERROR, f"exit {exit_code}, verdict {verdict}: {note}")


def _note(report: Mapping[str, Any]) -> str:
    """The shortest account of a report: what was violated, or the first failure's title, or that all holds."""
    if report.get("violated"):
        return f"{report['violated']} is violated after {len(report['counterexample'])} states"
    failures = _failures(report)
    return str(failures[0]["title"]) if failures else str(report["verdict"])


def _shown(report: Mapping[str, Any]) -> tuple[str, int]:
    """How the first failure of a report showed itself, and the length of its counterexample."""
    failures = _failures(report)
    if not failures:
        return How.JUDGED, len(report.get("counterexample", ()))
    return failures[0].get("how") or How.JUDGED, failures[0].get("events", 0)


def _failures(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Refutations first: beside them it is often inconclusive what never happened."""
    failures = [failure for link in report.get("links", [report]) for failure in link.get("failures", [])]
    return sorted(failures, key=lambda failure: bool(failure.get("verdict") != Verdict.REFUTED))


def _parts(report: Mapping[str, Any], verdict: Verdict) -> tuple[str, ...]:
    """The parts of the link of which it says this."""
    rows = [row for link in report.get("links", ()) for row in link.get("rows", ())]
    return tuple(str(row["name"]) for row in rows if row["verdict"] == verdict)

"""Put a fault into a copy of the project, and see what becomes of it."""

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
from conformance.mutants.mechanical import ask, types
from conformance.mutants.mechanical.ask import Answer
from conformance.mutants.mechanical.fault import Fault
from conformance.mutants.mechanical.pool import ROOT

PATIENCE_S = 900.0
"""So long may all asks about a fault take, whatever else the machine does; processor time is bounded ask by ask."""
_COPIED = ("spec", "physalia", "conformance", "tla")
_ASK = "conformance.mutants.mechanical.ask"


class Status(StrEnum):
    """What became of a fault. Only ``KILLED`` is a kill."""

    KILLED = "killed"
    ACCIDENT = "accident"
    BROKEN = "broken"
    SURVIVED = "survived"
    TIMEOUT = "timeout"
    EQUIVALENT = "equivalent"
    BUILD_FAILED = "build-failed"


@frozen(kw_only=True)
class Outcome:
    """What became of the fault of this name: who said so, and what it took in seconds of processor time.

    ``reached`` is whether Python came to the place of the fault in the process that asked; true of all in TLA+.
    """

    name: str
    status: Status
    link: str = ""
    note: str = ""
    events: int = 0
    reached: bool = True
    processor_s: float = 0.0


class Bench:
    """A copy of the project, into which one fault after the other is put."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._root = root
        self._cache = cache
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self._ended = False

    def end(self) -> None:
        """End what runs, and start no more."""
        with self._lock:
            self._ended = True
            if self._running is not None:
                _kill_group(self._running)

    def refusal(self, fault: Fault) -> str:
        """Why the fault does not build; empty if it does."""
        with self._with(fault, marked=False) as path:
            if not fault.file.endswith(".py"):
                return types.parser_refusal(self._root, fault.file)
            try:
                py_compile.compile(str(path), cfile=str(self._root / "compiled"), doraise=True)
            except py_compile.PyCompileError as error:
                return str(error).strip().splitlines()[-1]
            return types.refusal(self._root, fault.file, self._cache)

    def try_out(self, fault: Fault, asks: Sequence[str]) -> Outcome:
        """Ask about the fault, in this order, until somebody refutes it."""
        with self._with(fault, marked=fault.file.endswith(".py")):
            printed, complained = self._run(asks)
        if printed is None:
            return Outcome(name=fault.name, status=Status.TIMEOUT, note=complained)
        try:
            told = json.loads(printed)
            answers = [Answer(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["answers"]]
        except (ValueError, KeyError, TypeError):
            last = (complained.strip().splitlines() or ["it printed nothing"])[-1]
            return Outcome(name=fault.name, status=Status.BROKEN, note=f"whoever asks ended without a word: {last}")
        return _outcome(fault, answers, told)

    def refutes_without_a_fault(self, asked: str) -> str:
        """What is said of the project as it is, if it is refuted; empty if it holds."""
        printed, _ = self._run([asked])
        try:
            answers = [Answer(**one) for one in json.loads(printed or "")["answers"]]
        except (ValueError, KeyError, TypeError):
            return "whoever asks ended without a word"
        return next((one.title for one in answers if one.verdict == Verdict.REFUTED), "")

    @contextmanager
    def _with(self, fault: Fault, *, marked: bool) -> Iterator[Path]:
        path = self._root / fault.file
        text = path.read_text(encoding="utf-8")
        mutated = fault.put_in_and_marked(text, f"{ask.REACHED}()") if marked else fault.put_into(text)
        path.write_text(mutated, encoding="utf-8")
        try:
            yield path
        finally:
            path.write_text(text, encoding="utf-8")

    def _run(self, asks: Sequence[str]) -> tuple[str | None, str]:
        scratch = self._root / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environment = dict(
            os.environ, PYTHONPATH=str(self._root), PYTHONDONTWRITEBYTECODE="1", NO_COLOR="1", TMPDIR=str(scratch),
            HYPOTHESIS_STORAGE_DIRECTORY=str(scratch / "hypothesis"),
        )  # fmt: skip
        with self._lock:
            if self._ended:
                raise InterruptedError("nobody is asked any more")
            process = subprocess.Popen(  # noqa: S603  # the arguments are ours
                [sys.executable, "-m", _ASK, *asks], cwd=scratch, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            )  # fmt: skip
            self._running = process
        try:
            return process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            return None, f"cut after {PATIENCE_S:.0f} s"
        finally:
            with self._lock:
                self._running = None
                _kill_group(process)
            process.communicate()


def _outcome(fault: Fault, answers: Sequence[Answer], told: Mapping[str, Any]) -> Outcome:
    """The last answer if it is a kill; else the worst of them."""
    cut = [one for one in answers if one.title.startswith("cut ")]
    accidents = [one for one in answers if one.is_accident]
    errors = [one for one in answers if one.verdict is Verdict.ERROR]
    status, one = Status.SURVIVED, Answer(ask="", verdict=Verdict.HOLDS, title="nobody refutes it")
    if answers and answers[-1].is_kill:
        status, one = Status.KILLED, answers[-1]
    elif accidents:
        status, one = Status.ACCIDENT, accidents[0]
    elif errors:
        status, one = Status.BROKEN, errors[0]
    elif len(cut) == ask.MOST_CUTS:
        status, one = Status.TIMEOUT, cut[0]
    reached = bool(told["reached"]) or not fault.file.endswith(".py")
    if status is Status.SURVIVED and not reached:
        one = Answer(ask="", verdict=Verdict.HOLDS, title="nobody who was asked comes there")
    return Outcome(
        name=fault.name, status=status, link=one.ask, note=one.title, events=one.events, reached=reached,
        processor_s=float(told["processor_s"]),
    )  # fmt: skip


@contextmanager
def bench(cache: Path) -> Iterator[Bench]:
    """A copy of the project in a folder of its own, compiled by content: a fault never meets what was compiled before.

    The type checker keeps what it knows in ``cache``, also from one run to the next.
    """
    with tempfile.TemporaryDirectory(prefix="physalia-mutants-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        for package in _COPIED:
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "states"))
        if (ROOT / "pyproject.toml").is_file():
            shutil.copy(ROOT / "pyproject.toml", root)
        (root / "sitecustomize.py").write_text(ask.SITE, encoding="utf-8")
        checked = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(root, quiet=2, workers=1, invalidation_mode=checked)
        cache.mkdir(parents=True, exist_ok=True)
        yield Bench(root, cache.resolve())


def _kill_group(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

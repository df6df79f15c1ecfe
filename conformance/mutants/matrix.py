"""The kill matrix: faults that real systems had, put in one at a time, each refuted by the link that guards it.

A mutant is a substitution in one file of a copy of the project, or a bug twin of ``tla/manifest.toml``. Its killer is a
command that holds on the untouched project (that is tried first: a check that refutes everything kills nothing) and
must refute the mutant. A mutant that could not be applied, does not compile or makes the killer fall over is no kill.
"""

import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from conformance.links import BadInput, Progress, Verdict
from conformance.manifest import tla_folder
from conformance.parallel import completed, workers
from conformance.refutation import How

SCHEMA_VERSION = 1
_SCRATCH = "scratch"
_PACKAGES = ("spec", "physalia", "conformance")
_KILLERS: Mapping[str, tuple[str, ...]] = {
    "tlc": ("spec", "tlc"),
    "graph": ("spec", "graph"),
    "induction": ("verify", "induction", "--quick"),
    "exhaustive": ("verify", "exhaustive", "--quick"),
    "lockstep": ("verify", "lockstep", "--quick"),
    "histories": ("verify", "histories", "--quick"),
    "shell": ("verify", "shell", "--quick"),
    "traces": ("verify", "traces", "--quick"),
    "crash-points": ("verify", "crash-points"),
    "placement": ("verify", "placement", "--quick"),
    "blast-radius": ("verify", "blast-radius", "--quick"),
}


class Status(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    NOT_APPLIED = "not-applied"
    BUILD_FAILED = "build-failed"
    ERROR = "error"
    TIMEOUT = "timeout"


@frozen(kw_only=True)
class Mutant:
    """One fault, and the link that must refute it.

    ``family`` is where the fault belongs: A ballots and votes, B durability, C log and learning, E clients and apply,
    F membership, G environment and placement, H reports of 2022 to 2026. With ``file``, the text ``replace`` occurs
    there once and becomes ``with_`` (``with`` in the catalogue); else ``twin`` names one of the manifest. ``killer`` is
    the link that must refute it, and ``model`` is where the killers ``tlc`` and ``graph`` look. ``like`` says what went
    wrong in real systems that this one stands for; docs/mutants.md has the list. ``mark`` is what a campaign of the
    lockstep must have reached to meet the fault at all.
    """

    name: str
    family: str
    fault: str
    killer: str
    like: str = ""
    model: str = ""
    mark: str = ""
    twin: str = ""
    file: str = ""
    replace: str = ""
    with_: str = ""

    @property
    def control(self) -> tuple[str, ...]:
        """The arguments of ``physalia`` that hold as long as there is no mutant."""
        return (*_KILLERS[self.killer], *([self.model] if self.model else []), "--json")


@frozen
class Judgement:
    """What a killer says: the status that follows, and its first word on it.

    Of a kill, ``how`` is whether something was judged or an accident happened, and ``events`` how long the
    counterexample is: its events, the states of TLC's, the crash points of a journal, or what happened to a cell.
    """

    status: Status
    note: str
    how: str = ""
    events: int = 0


@frozen(kw_only=True)
class Outcome:
    """What became of ``mutant`` after ``seconds``."""

    mutant: Mutant
    judgement: Judgement
    seconds: float

    @property
    def status(self) -> Status:
        """What became of it."""
        return self.judgement.status

    @property
    def is_accident(self) -> bool:
        """Whether it was killed by an exception of its own, and not by a judge."""
        return self.status is Status.KILLED and self.judgement.how != How.JUDGED


@frozen(kw_only=True)
class KillMatrix:
    """All outcomes. ``holds`` only if every mutant was applied and killed."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    def named(self, *statuses: Status) -> list[str]:
        """The names of the mutants with one of these statuses."""
        return [outcome.mutant.name for outcome in self.outcomes if outcome.status in statuses]

    @property
    def verdict(self) -> Verdict:
        """Refuted if a mutant survived; error if one could not be judged; inconclusive if there is none."""
        if self.named(Status.SURVIVED):
            return Verdict.REFUTED
        if self.named(Status.NOT_APPLIED, Status.BUILD_FAILED, Status.ERROR):
            return Verdict.ERROR
        return Verdict.INCONCLUSIVE if self.named(Status.TIMEOUT) or not self.outcomes else Verdict.HOLDS

    def as_json(self) -> Mapping[str, Any]:
        """The matrix as docs/mutants.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "seconds": self.seconds,
            "applied": len(self.outcomes) - len(self.named(Status.NOT_APPLIED, Status.BUILD_FAILED)),
            "killed": len(self.named(Status.KILLED)),
            "accidents": sum(outcome.is_accident for outcome in self.outcomes),
            "survived": len(self.named(Status.SURVIVED)),
            "mutants": [_as_json(outcome) for outcome in self.outcomes],
        }


def _as_json(outcome: Outcome) -> Mapping[str, Any]:
    named = asdict(outcome.mutant, filter=lambda field, _: field.name not in ("replace", "with_", "mark"))
    return {**named, **asdict(outcome.judgement), "seconds": outcome.seconds}


def catalogue() -> tuple[Mutant, ...]:
    """Every mutant that the project ships, file by file of the folder ``catalogue``; BadInput for a malformed entry."""
    folder = resources.files(__package__).joinpath("catalogue")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    mutants = tuple(one for file in files for one in read(file.read_text(encoding="utf-8"), file.name))
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"two mutants are called {name}; give each a name of its own.")
    return mutants


def read(text: str, file: str) -> tuple[Mutant, ...]:
    """The mutants in the text of one file of the catalogue; BadInput names the file and the entry that is malformed."""
    try:
        entries = tomllib.loads(text)["mutant"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BadInput(f"{file} is no list of [[mutant]] entries: {error}.") from None
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadInput(f"{file} is no list of [[mutant]] entries: `mutant` is something else.")
    return tuple(_mutant(entry, file) for entry in entries)


def _mutant(entry: Mapping[str, Any], file: str) -> Mutant:
    name = entry.get("name", "without a name")
    try:
        mutant = Mutant(**{"with_" if key == "with" else key: value for key, value in entry.items()})
    except TypeError as error:
        raise BadInput(f"{file}, mutant {name}: {str(error).partition(') ')[2] or error}.") from None
    if mutant.killer not in _KILLERS:
        raise BadInput(f"{file}, mutant {name}: no killer {mutant.killer!r}; there are {', '.join(_KILLERS)}.")
    if bool(mutant.twin) == bool(mutant.file):
        raise BadInput(f"{file}, mutant {name}: give either a twin or a file with what to replace.")
    return mutant


def patience_s(control_s: float) -> float:
    """How long a killer may take for a mutant that takes `control_s` seconds without one, on this machine."""
    return max(120.0, 20 * control_s)


def run(mutants: Sequence[Mutant], progress: Progress, *, time_s: float | None = None) -> KillMatrix:
    """Try every mutant, as many at a time as there are processors; the outcomes in the order given.

    A killer has `time_s` seconds for a mutant; without it, many times what it takes without one.
    """
    start = time.monotonic()
    killers = Killers()
    with workers(os.cpu_count() or 1, killers.end) as pool:
        outcomes = _try_all(mutants, killers, pool, progress, time_s)
    return KillMatrix(outcomes=outcomes, seconds=time.monotonic() - start)


def _try_all(
    mutants: Sequence[Mutant], killers: "Killers", pool: ThreadPoolExecutor, progress: Progress, time_s: float | None
) -> tuple[Outcome, ...]:
    commands = list(dict.fromkeys(mutant.control for mutant in mutants))
    controls = {pool.submit(_control, command, killers): command for command in commands}
    held: dict[tuple[str, ...], _Held] = {}
    progress.update("without a mutant", 0, "killers", total=len(controls))
    for done, tried in enumerate(completed(controls), start=1):
        held[controls[tried]] = control = tried.result()
        progress.update("without a mutant", done, "killers", total=len(controls))
        progress.finish(f"without a mutant: physalia {' '.join(controls[tried])}", control.judgement.note)
    limits = {command: time_s or patience_s(control.seconds) for command, control in held.items()}
    futures = [
        pool.submit(_try, mutant, killers, held[mutant.control].broken, limits[mutant.control]) for mutant in mutants
    ]
    for done, future in enumerate(completed(futures), start=1):
        outcome = future.result()
        progress.update("mutants", done, "mutants", total=len(mutants))
        progress.finish(outcome.mutant.name, f"{outcome.status}: {outcome.judgement.note}")
    return tuple(future.result() for future in futures)


@frozen
class _Held:
    """What a killer says without a mutant, and how long that took."""

    judgement: Judgement
    seconds: float

    @property
    def broken(self) -> str:
        """What it says if it does not hold."""
        return "" if self.judgement.status is Status.SURVIVED else self.judgement.note


def _control(command: tuple[str, ...], killers: "Killers") -> _Held:
    with _copy() as root:
        start = time.monotonic()
        return _Held(killers.judge(root, command), time.monotonic() - start)


def _try(mutant: Mutant, killers: "Killers", broken: str, time_s: float) -> Outcome:
    """Put the mutant in and see what its killer says; a killer that does not hold without it proves nothing."""
    start = time.monotonic()
    if broken:
        judgement = Judgement(Status.ERROR, f"its killer does not hold without it: {broken}")
    elif mutant.twin:
        with _copy() as root:
            judgement = _of_twin(killers.judge(root, (*mutant.control, "--twin", mutant.twin), time_s))
    else:
        with _copy() as root:
            judgement = _apply(mutant, root) or killers.judge(root, mutant.control, time_s)
    return Outcome(mutant=mutant, judgement=judgement, seconds=time.monotonic() - start)


def _of_twin(judgement: Judgement) -> Judgement:
    """Of a twin it is asked whether TLC caught it as the manifest says: that holds."""
    match judgement.status:
        case Status.SURVIVED:
            return evolve(judgement, status=Status.KILLED, how=How.JUDGED)
        case Status.KILLED:
            return Judgement(Status.SURVIVED, judgement.note)
        case _:
            return judgement


@contextmanager
def _copy() -> Iterator[Path]:
    """A copy of the packages and the specifications, as they lie in a checkout, with room for what killers leave."""
    here = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="physalia-mutant-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", "states", "tla")
        for package in _PACKAGES:
            shutil.copytree(here / package, root / package, ignore=ignored)
        shutil.copytree(tla_folder(), root / "tla", ignore=shutil.ignore_patterns("states"))
        (root / _SCRATCH).mkdir()
        yield root


def _apply(mutant: Mutant, root: Path) -> Judgement | None:
    """Substitute in the copy; a status only if that makes no mutant."""
    path = root / mutant.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(mutant.replace) != 1:
        return Judgement(
            Status.NOT_APPLIED, f"{mutant.file} holds the text {text.count(mutant.replace)} times, not once"
        )
    if mutant.replace == mutant.with_:
        return Judgement(Status.NOT_APPLIED, "the substitution changes nothing")
    path.write_text(text.replace(mutant.replace, mutant.with_), encoding="utf-8")
    if path.suffix == ".py":
        try:
            py_compile.compile(str(path), cfile=str(root / "compiled"), doraise=True)
        except py_compile.PyCompileError as error:
            return Judgement(Status.BUILD_FAILED, str(error).strip().splitlines()[-1])
    return None


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
        # A killer that is killed cannot clear its temporary folders away; in the copy they go with it.
        environment = dict(
            os.environ, PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE="1", NO_COLOR="1", TMPDIR=str(root / _SCRATCH)
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
        return _status(process.returncode, printed, complained)


def _kill_group(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _status(exit_code: int, printed: str, complained: str) -> Judgement:
    report: Mapping[str, Any] = {}
    try:
        report = json.loads(printed)
        verdict, note = report["verdict"], _note(report)
    except (ValueError, KeyError):
        verdict, note = "none", (complained.strip().splitlines() or ["it printed nothing"])[-1]
    if (exit_code, verdict) == (1, Verdict.REFUTED):
        return Judgement(Status.KILLED, note, *_shown(report))
    if (exit_code, verdict) == (0, Verdict.HOLDS):
        return Judgement(Status.SURVIVED, note, events=len(report.get("counterexample", ())))
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
    return [failure for link in report.get("links", [report]) for failure in link.get("failures", [])]

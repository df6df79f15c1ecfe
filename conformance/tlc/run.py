"""Run TLC on one model and say what it found.

A run works on a copy of the specifications, where a twin may be applied, and keeps what it makes itself in a folder of
its own inside. One worker, so that counts, depth and counterexamples are exact. No process outlives the run, whether it
ends, is cut or is interrupted.
"""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from conformance.links import INSTALL, CannotRun
from conformance.tlc.java import AT_FULL_SPEED, QUICK_START, Classes
from conformance.tlc.limits import CUT, Limits, Outcome, Watch
from conformance.tlc.messages import Counts, TraceState, Transcript
from conformance.tlc.toolchain import Toolchain

EXACT = ("-workers", "1", "-fp", "0", "-lncheck", "final")
"""Makes two runs the same. Left alone, TLC takes fingerprints at random, and which counterexample to a liveness
property it finds depends on them; and it looks for one whenever some time has passed."""
COVERAGE = ("-coverage", "1")
"""Makes TLC count how often each action is taken; it costs a third of the speed."""
UTF_8 = "C.UTF-8"
"""The locale of TLC's process: without it Java finds no folder whose name is not in ASCII."""
_VIOLATION_EXITS = range(10, 14)  # 10 an ASSUME, 11 a deadlock, 12 an invariant, 13 a property
_NO_ROOM = "No space left on device"
_NO_STARTUP_MEMORY = ("Could not reserve enough space", "insufficient memory", "Cannot allocate memory")


@frozen(kw_only=True)
class TlcRun:
    """What TLC found. ``violated`` is TLC's own word for it: a name, or a place in a module.

    ``trace`` is the counterexample; ``loops_to`` is the number of the state it returns to, or 0. ``taken`` says how
    often each action was taken, ``reached`` which witnesses were seen. ``errors`` are sentences; of a run that was cut
    or stopped they name the limit. ``is_assumption`` says that what is violated is an ASSUME.
    """

    outcome: Outcome
    distinct: int
    generated: int
    depth: int
    seconds: float
    violated: str = ""
    is_assumption: bool = False
    trace: tuple[TraceState, ...] = ()
    loops_to: int = 0
    reached: frozenset[str] = frozenset()
    taken: Mapping[str, int]
    errors: tuple[str, ...] = ()


class Processes:
    """The TLC processes that are running; as a context manager it ends them all.

    With ``many`` the quick ones among them share the classes that the first has loaded.
    """

    def __init__(self, *, many: bool = False) -> None:
        self._lock = threading.Lock()
        self.running: set[subprocess.Popen[str]] = set()
        self.closed = False
        self.classes = Classes() if many else None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process that runs, and start no more."""
        with self._lock:
            self.closed = True
            for process in self.running:
                process.kill()
        if self.classes is not None:
            self.classes.remove()

    @contextmanager
    def options(self, java_options: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The options of Java for one run, which lasts as long as this context."""
        if self.classes is None or java_options != QUICK_START:
            yield java_options
            return
        with self.classes.for_run() as more:
            yield (*java_options, *more)

    @contextmanager
    def run(self, command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
        """Start ``command`` in ``folder``, and make sure that it is gone afterwards."""
        with self._lock:
            if self.closed:
                raise InterruptedError("no process is started any more")
            process = _start(command, folder)
            self.running.add(process)
        try:
            with process:
                try:
                    yield process
                finally:
                    if process.poll() is None:
                        process.kill()
        finally:
            with self._lock:
                self.running.discard(process)


def _start(command: list[str], folder: Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603  # the launcher that the user has named or installed
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": UTF_8},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise CannotRun(
            f"{command[0]} cannot be started ({error.strerror}): run {INSTALL}, or let PHYSALIA_JAVA name a launcher."
        ) from None


@contextmanager
def copy_of(specifications: Path) -> Iterator[Path]:
    """A copy of the .tla and .cfg files of a folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="physalia-tlc-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for file in specifications.iterdir():
            if file.suffix in {".tla", ".cfg"}:
                shutil.copyfile(file, folder / file.name)
        yield folder


def run_tlc(
    toolchain: Toolchain,
    folder: Path,
    model: str,
    *,
    processes: Processes,
    limits: Limits | None = None,
    arguments: tuple[str, ...] = (),
    java_options: tuple[str, ...] = AT_FULL_SPEED,
    on_progress: Callable[[Counts, int], None] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> TlcRun:
    """Check ``folder/model.tla`` with ``model.cfg``, there: the folder should be a copy.

    ``arguments`` go to TLC as they are (``COVERAGE``, ``-dump`` and the like), ``java_options`` to Java.
    ``on_progress`` hears counts and depth, ``on_line`` every line. CannotRun when Java or the jar does not work,
    InterruptedError when ``processes`` were closed meanwhile.
    """
    limits = limits or Limits()
    start = time.monotonic()
    transcript = Transcript()
    with (
        processes.options(java_options) as options,
        processes.run(_command(toolchain, _scratch(folder), limits, options, model, arguments), folder) as process,
    ):
        watch = Watch(process, limits)
        with watch:
            assert process.stdout is not None
            for line in process.stdout:
                watch.heard()
                if on_line:
                    on_line(line.rstrip("\r\n"))
                if not transcript.read(line.rstrip("\r\n")):
                    continue
                if transcript.explores:
                    watch.counted(transcript.counts)
                if on_progress:
                    on_progress(transcript.counts, transcript.depth)
            exit_code = process.wait()
    if processes.closed:
        raise InterruptedError("every run has been ended")
    outcome = watch.cut or _outcome(toolchain, transcript, exit_code)
    if watch.cut or outcome in CUT:
        transcript.errors = [limits.sentence(outcome)]
    return _result(transcript, outcome, exit_code, time.monotonic() - start)


def _command(
    toolchain: Toolchain,
    scratch: str,
    limits: Limits,
    options: tuple[str, ...],
    model: str,
    arguments: tuple[str, ...],
) -> list[str]:
    # -deadlock switches the check for deadlocks off: a finished world is no error here.
    check = ["-tool", *EXACT, "-deadlock", "-metadir", scratch, *arguments, "-config", f"{model}.cfg", model]
    place = [f"-Djava.io.tmpdir={scratch}", "-cp", str(toolchain.jar)]
    return [str(toolchain.java), f"-Xmx{limits.memory_mib}m", *options, *place, "tlc2.TLC", *check]


def _scratch(folder: Path) -> str:
    # A folder of this run alone, though several may work on one copy: TLC unpacks its standard modules where Java keeps
    # its temporary files, and takes away what it has unpacked; and what else it makes it names by the second.
    return tempfile.mkdtemp(prefix="run-", dir=folder)


def _outcome(toolchain: Toolchain, transcript: Transcript, exit_code: int) -> Outcome:
    said = "\n".join(transcript.tail)
    if any(_NO_ROOM in line for line in (*transcript.errors, *transcript.tail)):
        raise CannotRun(
            f"{tempfile.gettempdir()} is full, where TLC works: make room, or let TMPDIR name another folder."
        )
    if transcript.out_of_memory or (not transcript.started and any(words in said for words in _NO_STARTUP_MEMORY)):
        return Outcome.OUT_OF_MEMORY
    if not transcript.started:
        last = transcript.tail[0] if transcript.tail else f"exit code {exit_code}"
        raise CannotRun(
            f"TLC did not start with {toolchain.java} and {toolchain.jar} ({last.strip()}): "
            f"run {INSTALL}, or let PHYSALIA_JAVA and PHYSALIA_TLA2TOOLS name ones that work."
        )
    if exit_code < 0:
        # Nobody here killed it, so the system did: on Linux that is the killer of whoever takes too much memory.
        return Outcome.OUT_OF_MEMORY
    if exit_code == 0 and transcript.succeeded:
        return Outcome.PASSED
    if exit_code in _VIOLATION_EXITS and transcript.violated:
        return Outcome.VIOLATED
    return Outcome.BROKEN


def _result(transcript: Transcript, outcome: Outcome, exit_code: int, seconds: float) -> TlcRun:
    errors = list(transcript.errors)
    if outcome is Outcome.BROKEN and not errors:
        errors = transcript.tail or [f"TLC ended with exit code {exit_code} and said nothing."]
    return TlcRun(
        outcome=outcome,
        distinct=transcript.counts.distinct,
        generated=transcript.counts.generated,
        depth=transcript.depth,
        seconds=seconds,
        violated=transcript.violated if outcome is Outcome.VIOLATED else "",
        is_assumption=transcript.is_assumption,
        trace=tuple(transcript.trace),
        loops_to=transcript.loops_to,
        reached=frozenset(transcript.reached),
        taken=dict(transcript.taken),
        errors=tuple(errors),
    )

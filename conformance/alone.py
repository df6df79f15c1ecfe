"""Run one link, and make a report of whatever becomes of it; also as a process of its own.

As a process (``main``) it is told on standard input which link to run and how, and says on
standard output how far it is and, at the end, what it saw: pickled values, since both ends are this very code. Standard
input stays open for as long as somebody waits for the report. Once nobody does, the process ends, with all that it has
started: it is the first of its process group.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import BinaryIO

from attrs import define, evolve, field, frozen

from conformance.links import BadInput, CannotRun, Failure, Link, LinkReport, Progress, Settings, Verdict, load

SAY_EVERY_S = 0.1
"""No part of a link says more often than this how far it is: whoever reads it has more to do."""


@frozen
class Task:
    """What a process is told to do: the link ``name``, or a ``share`` of it, is at ``path``; with ``settings``."""

    name: str
    path: str
    settings: Settings
    share: str = ""

    @property
    def title(self) -> str:
        """What it is called beside others."""
        return f"{self.name} {self.share}" if self.share else self.name


@frozen
class Update:
    """A part of a link says how far it is; see ``Progress.update``."""

    part: str
    done: int
    unit: str
    more: Mapping[str, int | None]


@frozen
class Finished:
    """A part of a link is finished; see ``Progress.finish``."""

    part: str
    note: str


@frozen
class Refused:
    """What the user gave cannot be used, as ``BadInput`` says."""

    sentence: str


Message = Update | Finished | Refused | LinkReport


def report(name: str, settings: Settings, progress: Progress, find: Callable[[str], Link]) -> LinkReport:
    """Run the link that ``find`` finds. BadInput passes through; one that cannot run, or breaks, has ``error``."""
    start = time.monotonic()
    try:
        return _again_as_it_was(find(name)(settings, progress), settings)
    except BadInput:
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        sentence = f"the link {name} cannot work here: {error}; see to it, or let TMPDIR name a folder with room."
        failure = Failure(title=sentence, verdict=Verdict.ERROR, replay=settings.again(name))
    except CannotRun as reason:
        failure = Failure(title=str(reason), verdict=Verdict.ERROR)
    except Exception as defect:  # noqa: BLE001  # whatever breaks in one link, the others are still run and shown
        failure = Failure(
            title=f"the link {name} is broken: {type(defect).__name__}: {defect}",
            verdict=Verdict.ERROR,
            lines=tuple("".join(traceback.format_exception(defect)).splitlines()),
            replay=settings.again(name),
        )
    return LinkReport.of(name, [], [failure], models=0, seconds=time.monotonic() - start)


def _again_as_it_was(seen: LinkReport, settings: Settings) -> LinkReport:
    """The same report, in which `physalia verify LINK` has the profile and the seed of this run."""
    whole = f"physalia verify {seen.link}"
    failures = (
        evolve(failure, replay=settings.again(seen.link)) if failure.replay.startswith(whole) else failure
        for failure in seen.failures
    )
    return evolve(seen, failures=tuple(failures))


@define
class _Speaker:
    """Says messages to whoever waits for the report. Links report from several threads."""

    stream: BinaryIO
    said: dict[str, float] = field(factory=dict)
    lock: threading.Lock = field(factory=threading.Lock)

    def say(self, message: Message) -> None:
        with self.lock:
            pickle.dump(message, self.stream)
            self.stream.flush()

    def update(self, part: str, done: int, unit: str, **more: int | None) -> None:
        now = time.monotonic()
        if now - self.said.get(part, 0.0) >= SAY_EVERY_S:
            self.said[part] = now
            self.say(Update(part, done, unit, more))

    def finish(self, part: str, note: str) -> None:
        self.say(Finished(part, note))


def main() -> None:
    """Do what standard input says."""
    speaker = _Speaker(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no message
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301  # from whoever started this process
    threading.Thread(target=_end_with_whoever_waits, daemon=True).start()
    try:
        speaker.say(report(task.name, task.settings, speaker, lambda name: load(name, task.path)))
    except BadInput as reason:
        speaker.say(Refused(str(reason)))


def _end_with_whoever_waits() -> None:
    """Once standard input is closed nobody waits any more, also if whoever did was killed."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGKILL)

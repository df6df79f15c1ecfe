"""Run links beside each other, each in a process of its own.

Most links keep one processor busy, in Python, so threads would not help. What is seen does not depend on who is ready
first: reports stand in the order in which links were asked for, and a link that breaks, or whose process ends without a
word, is a report like any other. An interrupt ends every process and what it started at once. Nothing needs to be asked
to clear up: what they leave is in a folder of this process.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field, frozen

from conformance.alone import Finished, Message, Refused, Task, Update
from conformance.links import BadInput, Failure, LinkReport, Progress, Settings, Verdict

LISTEN_EVERY_S = 0.1
"""The system may give an interrupt to another thread; Python acts on it when the main thread wakes up."""


def cores() -> int:
    """How many processors there are for this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(links: Mapping[str, str], settings: Settings, progress: Progress, at_once: int) -> tuple[LinkReport, ...]:
    """Run links, names with paths to import them from, so many at once; BadInput if one refuses what it is given."""
    return perform([Task(name, path, settings) for name, path in links.items()], progress, at_once)


def perform(tasks: Sequence[Task], progress: Progress, at_once: int) -> tuple[LinkReport, ...]:
    """Do what tasks say, each of another title, so many at once; BadInput if one refuses what it is given."""
    waiting, reports = deque(tasks), dict[str, LinkReport]()
    by_title = {task.title: task for task in tasks}
    with _processes() as processes:
        while waiting or processes.running:
            while waiting and len(processes.running) < at_once:
                processes.start(waiting.popleft())
            name, message = processes.next_message()
            match message:
                case Update():
                    progress.update(f"{name}: {message.part}", message.done, message.unit, **message.more)
                case Finished():
                    progress.finish(f"{name}: {message.part}", message.note)
                case Refused():
                    raise BadInput(message.sentence)
                case LinkReport():
                    reports[name] = message
                    processes.end(name)
                case _Silent():
                    reports[name] = _without_a_word(by_title[name], processes.ended(name))
    return tuple(reports[title] for title in by_title)


def _without_a_word(task: Task, exit_code: int) -> LinkReport:
    how = f"with exit code {exit_code}"
    if exit_code < 0:
        how = f"by {signal.Signals(-exit_code).name}, which somebody else or the system sent, as it does without memory"
    sentence = f"the link {task.title} ended without a word, {how}: run it alone."
    failure = Failure(title=sentence, verdict=Verdict.ERROR, replay=task.settings.again(task.name))
    return LinkReport.of(task.name, [], [failure], models=0, seconds=0.0)


@frozen
class _Silent:
    """A process will say nothing more."""


@define
class _Processes:
    """The processes that run links, by the titles of their tasks, and what they say."""

    environment: Mapping[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(factory=dict)
    listeners: list[threading.Thread] = field(factory=list)
    heard: "queue.SimpleQueue[tuple[str, Message | _Silent]]" = field(factory=queue.SimpleQueue)

    def start(self, task: Task) -> None:
        """Start the process of a link, in a group of its own, which ends as a whole."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from conformance.alone import main; main()"],
            env=self.environment,
            process_group=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.running[task.title] = process
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # one that has ended already is heard of by its silence
            pickle.dump(task, process.stdin)
            process.stdin.flush()
        listener = threading.Thread(target=self._listen, args=(task.title, process), daemon=True)
        self.listeners.append(listener)
        listener.start()

    def next_message(self) -> tuple[str, Message | _Silent]:
        """What is said next, and by which link; nothing of one that was ended before."""
        while True:
            with suppress(queue.Empty):
                name, message = self.heard.get(timeout=LISTEN_EVERY_S)
                if name in self.running:
                    return name, message

    def end(self, name: str) -> int:
        """End a process and what it started; gives its exit code, or minus the signal that ended it."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # its number is nobody else's until it was waited for
        if process.stdin is not None:
            process.stdin.close()
        return process.wait()

    def ended(self, name: str) -> int:
        """The exit code of a process that ends by itself, or minus the signal that ended it."""
        os.waitid(os.P_PID, self.running[name].pid, os.WEXITED | os.WNOWAIT)
        return self.end(name)

    def _listen(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        try:
            with suppress(EOFError, OSError, pickle.UnpicklingError), process.stdout:
                while True:
                    self.heard.put((name, pickle.load(process.stdout)))  # noqa: S301  # from a process of ours
        finally:
            self.heard.put((name, _Silent()))


@contextmanager
def _processes() -> Iterator[_Processes]:
    """Processes for the time of the context, and a folder for what they leave."""
    with tempfile.TemporaryDirectory(prefix="physalia-verify-", ignore_cleanup_errors=True) as folder:
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        processes = _Processes({**os.environ, "PYTHONPATH": path, "TMPDIR": folder})
        try:
            yield processes
        finally:
            for name in tuple(processes.running):
                processes.end(name)
            for listener in processes.listeners:
                listener.join()

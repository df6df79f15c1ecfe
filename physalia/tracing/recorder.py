"""The recorder of one server: a line for every step of every node, in one file a run (docs/traces.md).

It is off unless the settings name a folder, and cheap: a step is written as it is taken, into memory, and whatever is
there goes to the operating system before anything leaves because of it. So a killed process leaves a trace of all that
anybody heard of. Nothing waits for a disk: what the power takes is missing at the end, and seen to be missing.

A trace that cannot be written is given up, and says so if it still can; the server goes on without it.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define

from physalia.cell import Node
from physalia.host import Batch, Hosted
from physalia.journal import NodeKey
from physalia.model import Action, Answer, Chunk, Event, Found, Receive, Step, Submit, Tick, UsedBallot
from physalia.model.value import evolve
from physalia.tracing.words import checksum, json, json_lines, name_of, writable

VERSION = 2
"""Of the format. A reader refuses every other."""
FULL = "full"
"""What the last line says did of a trace that reached its size: more is not there, whatever happened."""


class CannotRecord(Exception):
    """The trace cannot be begun; the message is a sentence."""


@define
class _Track:
    """A node in this trace, and how many lines it has."""

    number: int
    lines: int = 0


class Recorder:
    """Writes a trace to the file that `descriptor` is of, which is its own. It is full at `most_bytes`."""

    def __init__(self, descriptor: int, server: int, run: int, most_bytes: int) -> None:
        self.lost: OSError | None = None
        """Why nothing is written any more, if that was not its size."""
        self._descriptor: int | None = descriptor
        self._left_bytes = most_bytes
        self._lines = 0
        self._tracks: dict[NodeKey, _Track] = {}
        self._rows: list[tuple[object, ...] | dict[str, Any]] = []
        self._say({"trace": VERSION, "server": server, "run": run})
        self.write()  # a process that is killed before anything happened leaves a whole trace of nothing

    def began(self, hosted: Hosted, used: Iterable[UsedBallot]) -> None:
        """A node is in memory from now on: new, or back from its disk, on which it found that these ballots are used.

        Whatever it remembered before is lost.
        """
        key, node, charter = hosted.key, hosted.node, hosted.charter
        track = hosted.track = self._tracks.setdefault(key, _Track(len(self._tracks) + 1))
        self._of_node(
            track,
            {
                "did": "start",
                "cell": key.cell,
                "life": key.life,
                "node": key.incarnation,
                "members": sorted(charter.first_members),
                "alpha": charter.alpha,
                "used": sorted({record.ballot for record in used}),
                "accepted": [[slot, vote.ballot, name_of(vote.value)] for slot, vote in sorted(node.accepted.items())],
                **_found(node),
            },
        )

    def left(self, hosted: Hosted) -> None:
        """A node leaves memory, of which nothing waits, or its server ends."""
        self._of_node(hosted.track, {"did": "end", "active": hosted.node.active, **_found(hosted.node)})

    def stepped(self, hosted: Hosted, event: Event, step: Step, waits: bool, tells: bool) -> None:
        """A node took a step; what it has to say `waits` for a flush, or does not, and it `tells` clients something.

        What it was given and what it says that it was are kept as they are, and become JSON all at once: a value in the
        code is a list there. So a line costs Python's interpreter as little as may be. Nobody changes a value.
        """
        track = hosted.track
        if type(event) is Receive:  # nobody is answered because of a message alone
            if type(event.message) is Chunk:
                event = Receive(event.sender, evolve(event.message, rows=()))
            track.lines = seq = track.lines + 1
            self._rows.append((track.number, seq, step.announces, waits, event))
            return
        is_action = type(step.announces) is Action
        if is_action or waits or type(event) is not Tick:
            track.lines = seq = track.lines + 1
            asked = event if type(event) is Submit else None
            told = _told(step) if tells and (is_action or asked is not None) else ()
            self._rows.append((track.number, seq, step.announces, waits, asked, *told))

    def housed(self, hosted: Hosted) -> None:
        """Where nodes of its cell live is noted down for a node: what it does next waits behind that."""
        self._of_node(hosted.track, {"did": "housed", "waits": True})

    def settled(self, batch: Batch) -> None:
        """A batch is on the disk, and what waited for it may leave: so many steps of each node that had to wait."""
        safe = Counter([each.key for each in batch.safe if each.is_awaited])
        if safe:
            self._say({"did": "flush", "steps": [(self._tracks[key].number, steps) for key, steps in safe.items()]})

    def write(self) -> None:
        """Hand over whatever was written down: before anything leaves that rests on it."""
        rows, self._rows = self._rows, []
        if not rows or self._descriptor is None:
            return
        data = _lines(rows)
        self._lines += len(rows)
        is_full = len(data) > self._left_bytes
        if is_full:
            data = json({"did": FULL}) + b"\n"
        self._left_bytes -= len(data)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self.lost = error
            is_full = True
        if is_full:
            self._give_up()

    def close(self, hosted: Iterable[Hosted]) -> None:
        """The server ends in order, with these nodes in memory: the trace is whole."""
        for each in hosted:
            self.left(each)
        self._say({"did": "close", "lines": self._lines + len(self._rows) + 1})
        self.write()
        self._give_up()

    def _of_node(self, track: _Track, line: dict[str, Any]) -> None:
        track.lines += 1
        self._say({"n": track.number, "seq": track.lines, **line})

    def _say(self, line: dict[str, Any]) -> None:
        self._rows.append(line)

    def _give_up(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _lines(rows: Iterable[object]) -> bytes:
    try:
        return json_lines(rows)
    except ValueError:  # somebody put a very long integer
        return json_lines([writable(row) for row in rows])


def _told(step: Step) -> tuple[str | int, ...]:
    """What clients are told by a step: the checksum of an answer, or the slot after which they read."""
    told: tuple[str | int, ...] = ()
    for effect in step.effects:
        if type(effect) is Answer:
            told = (checksum(effect.verdict),)
        elif type(effect) is Found:
            told = (effect.slot,)
    return told


def _found(node: Node) -> dict[str, Any]:
    return {
        "promised": node.promised,
        "known": node.prefix,
        "floor": node.floor,
        "digest": node.digest().hex(),
        "stopped": bool(node.stopped),
    }


def record_in(folder: Path, server: int, most_bytes: int) -> Recorder:
    """The recorder of the next run of a server, with a new file in this folder. Raises `CannotRecord`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            run = 1 + max((_run_of(path) for path in folder.glob(f"server-{server}-*.jsonl")), default=0)
            path = folder / f"server-{server}-{run}.jsonl"
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                continue
            return Recorder(descriptor, server, run, most_bytes)
    except OSError as error:
        raise CannotRecord(f"{folder} takes no trace ({error.strerror}): let record name a folder that does.") from None


def _run_of(path: Path) -> int:
    last = path.stem.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0

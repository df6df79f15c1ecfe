"""The recorder of one server: a line for every step of every node, in one file a run (docs/traces.md).

It is off unless the settings name a folder, and cheap: a step is written as it is taken, into memory, and whatever is
there goes to the operating system before anything leaves because of it. So a killed process leaves a trace of all that
anybody heard of. Nothing waits for a disk: what the power takes is missing at the end, and seen to be missing.

A trace that cannot be written is given up, and says so if it still can; the server goes on without it.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define
from msgspec import Struct

from physalia.cell import Node
from physalia.host import Batch, Hosted
from physalia.journal import NodeKey
from physalia.model import Action, Answer, Event, Found, Receive, Step, Submit, Tick, UsedBallot
from physalia.tracing.words import OF, Words, checksum, json, json_lines, name_of
from physalia.wire import encode_command

VERSION = 1
"""Of the format. A reader refuses every other."""
FULL = "full"
"""What the last line says did of a trace that reached its size: more is not there, whatever happened."""
MOST_ROWS = 512
"""So many lines are kept before they are handed over, if nothing leaves meanwhile."""


class CannotRecord(Exception):
    """The trace cannot be begun; the message is a sentence."""


@define
class _Track:
    """A node in this trace: how many lines it has, and how many of its steps a batch made safe."""

    number: int
    lines: int = 0
    safe: int = 0


class _Given(Struct, omit_defaults=True, rename={"sender": "from"}, gc=False):
    """A line of a node that was given a message. Lines are made in bulk, out of values that nobody changes."""

    n: int
    seq: int
    did: str
    sender: int
    said: tuple[object, ...]
    waits: bool = False


class _Did(Struct, omit_defaults=True, gc=False):
    """A line of a node that did something of its own accord, or was asked by a client."""

    n: int
    seq: int
    did: str
    args: tuple[object, ...] | None = None
    asks: str | None = None
    command: str | None = None
    told: str | None = None
    slot: int | None = None
    waits: bool = False


class Recorder:
    """Writes a trace to the file that `descriptor` is of, which is its own. It is full at `most_bytes`."""

    def __init__(self, descriptor: int, server: int, run: int, most_bytes: int) -> None:
        self.lost: OSError | None = None
        """Why nothing is written any more, if that was not its size."""
        self._descriptor: int | None = descriptor
        self._left_bytes = most_bytes
        self._lines = 0
        self._tracks: dict[NodeKey, _Track] = {}
        self._rows: list[tuple[NodeKey, Event, Step, bool] | _Given | _Did | dict[str, Any]] = []
        self._words = Words()
        self._say({"trace": VERSION, "server": server, "run": run})
        self.write()  # a process that is killed before anything happened leaves a whole trace of nothing

    def began(self, hosted: Hosted, used: Iterable[UsedBallot]) -> None:
        """A node is in memory from now on: new, or back from its disk, on which it found that these ballots are used.

        Whatever it remembered before is lost.
        """
        key, node, charter = hosted.key, hosted.node, hosted.charter
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = _Track(len(self._tracks) + 1)
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
        self._of_node(self._tracks[hosted.key], {"did": "end", "active": hosted.node.active, **_found(hosted.node)})

    def stepped(self, key: NodeKey, event: Event, step: Step, *, waits: bool) -> None:
        """A node took a step; `waits` says that what it has to say must not leave before something is flushed."""
        if type(event) is Tick and not waits and type(step.announces) is not Action:
            return
        self._rows.append((key, event, step, waits))
        if len(self._rows) >= MOST_ROWS:
            self.write()

    def housed(self, key: NodeKey) -> None:
        """Where nodes of its cell live is noted down for a node: what it does next waits behind that."""
        self._of_node(self._tracks[key], {"did": "housed", "waits": True})

    def settled(self, batch: Batch) -> None:
        """A batch is on the disk, and what waited for it may leave: so many steps of each node that had to wait."""
        tracks, safe = self._tracks, []
        for each in batch.safe:
            if each.is_awaited:
                track = tracks[each.key]
                if not track.safe:
                    safe.append(track)
                track.safe += 1
        if not safe:
            return
        self._say({"did": "flush", "steps": [(track.number, track.safe) for track in safe]})
        for track in safe:
            track.safe = 0

    def write(self) -> None:
        """Hand over whatever was written down: before anything leaves that rests on it."""
        self._make_lines()
        rows, self._rows = self._rows, []
        if not rows or self._descriptor is None:
            return
        data = json_lines(rows)
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
        self._make_lines()
        track.lines += 1
        self._say({"n": track.number, "seq": track.lines, **line})

    def _say(self, line: dict[str, Any]) -> None:
        self._rows.append(line)

    def _make_lines(self) -> None:
        """Put the lines of steps in the place of what is remembered of them.

        Steps are remembered as they are, and all that are there become lines at once: that costs half as much as one
        by one, between other things.
        """
        tracks, words, rows = self._tracks, self._words, self._rows
        for place, row in enumerate(rows):
            if type(row) is not tuple:
                continue
            key, event, step, waits = row
            track, announces = tracks[key], step.announces
            track.lines = seq = track.lines + 1
            is_action = type(announces) is Action
            did = announces.name if is_action else announces.kind  # type: ignore[union-attr]
            if type(event) is Receive:  # nobody is answered because of a message alone
                said = event.message
                rows[place] = _Given(track.number, seq, did, event.sender, OF[type(said)](words, said), waits)
                continue
            rows[place] = line = _Did(track.number, seq, did, waits=waits)
            if is_action:
                line.args = words.arguments(announces.arguments)  # type: ignore[union-attr]
                _note_told(line, step)
            elif type(event) is Submit:
                line.asks, line.command = words.name(event.command), encode_command(event.command).hex()
                _note_told(line, step)

    def _give_up(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _note_told(line: _Did, step: Step) -> None:
    """What a client was told by a step, if any was."""
    for effect in step.effects:
        if type(effect) is Answer:
            line.told = checksum(effect.verdict)
        elif type(effect) is Found:
            line.slot = effect.slot


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

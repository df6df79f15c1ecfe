"""What clients are told: nothing else than the log says, and never nothing where a client waits.

Who decides a command answers whoever asked for it. Who learns it answers a client that asked there. Who asks again for
what is known is told what it would be told if that were decided once more: the first answer, or, if it went on
meanwhile, that its number went back (R6). A snapshot makes many commands known at once: a client is told of one for
which it waited.
"""

from collections.abc import Collection, Iterator, Mapping

from conformance.judges.judged import Asked, JudgedCell
from conformance.plain import built, read_word
from conformance.refutation import Refuted
from conformance.traces.cell import Event
from physalia import model
from physalia.cell.state import SAY_NOTHING
from physalia.model import NodeId
from physalia.tracing.words import checksum
from spec import commands

ANSWERING = ("decide", "learn", "install")
"""After these steps clients are answered that waited; who asks again is, where the line says `resent`."""


class Answers:
    """Judges what the nodes of one cell tell clients. `incarnations` are what the code calls its nodes.

    Where nobody wrote down what was told, nothing `must` be told; what is, is judged all the same.
    """

    def __init__(self, machine: JudgedCell, incarnations: Mapping[NodeId, int], *, must: bool) -> None:
        self._machine, self._incarnations, self._must = machine, incarnations, must

    def judge(self, event: Event, log: tuple[str, ...], prefix: int, clients: Collection[str]) -> None:
        """Raise `Refuted` unless this may be told by a node that knew `prefix` slots before, and now `log`.

        `clients` is what it was asked for by those who wait for it.
        """
        told, asks = event.line.told, event.line.asks
        if told is None and not (self._must and event.did in ANSWERING):
            return  # of who asks again and is answered there is no line without what was told
        if asks is not None:
            names = [asks] if event.did == "resent" else []
        elif event.did == "install":
            names = [name for name in clients if name in log]
        elif event.did in ANSWERING:
            names = [n for n in log[prefix:] if n != commands.NoOp and (event.did == "decide" or n in clients)]
        else:
            names = []
        if told is None:
            names = [name for name in names if event.did != "install" or self._is_remembered(log, name)]
            if names:
                raise Refuted(
                    f"{event.place}: a client that waits is told nothing about {', '.join(names)}",
                    (f"event: {event.words}", "must be told: an answer"),
                )
            return
        expected = [one for name in names for one in self._replies(log, name, again=event.did == "resent")]
        if told not in map(checksum, expected):
            about = f"about {', '.join(names)} than the specification says" if names else "than nothing"
            raise Refuted(
                f"{event.place}: a client is told something else {about}",
                (f"event: {event.words}", f"must be: {expected or 'nothing'}", f"checksum: {told}"),
            )

    def _is_remembered(self, log: tuple[str, ...], name: str) -> bool:
        """Whether the answer to a command can be told yet: another one may have taken its place (R6)."""
        for answer in self._replies(log, name, again=True):
            faults = {one.fault for one in getattr(answer, "replies", (answer,)) if isinstance(one, model.Refused)}
            if faults & SAY_NOTHING:
                return False
        return True

    def _replies(self, log: tuple[str, ...], name: str, *, again: bool) -> Iterator[model.Told]:
        """What may be told about a command, as the code has it: wherever it was decided, or asked for `again`."""
        machine = self._machine
        if isinstance(machine.content.get(name), Asked):
            words = (machine.stored((*log, name)).reply,) if again else machine.stored(log).replies.get(name, ())
            yield from (built(read_word(word)) for word in words)
            return
        verdict = machine.after(log).verdicts.get(name)
        if verdict is None:
            return
        saw = verdict.saw
        if isinstance(saw, commands.Jury):
            members = frozenset(self._incarnations[n] for n in saw.members)
            yield model.Verdict(verdict.done, model.Jury(saw.version, members))
        else:
            yield model.Verdict(verdict.done, model.Volume(*saw))

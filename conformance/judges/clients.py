"""What clients saw, judged without looking at any node.

The answers that clients got must be those of one sequential order of the commands, given by the decided log, and that
order must agree with real time: a command that was answered before another one was asked comes first. The verdicts are
held against the specification's `Commands`, and reads once more by themselves: each returns a record that somebody
wrote, no older than the last write that was acknowledged before the read was asked.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import Factory, define, frozen

from conformance.refutation import Refuted
from conformance.wording import command_words
from conformance.world.outcomes import Outcome
from physalia.model import (
    Action,
    Asked,
    Change,
    Execute,
    NodeId,
    Query,
    Read,
    Refused,
    Replies,
    RequestId,
    Submit,
    Told,
    Verdict,
    Volume,
    Write,
)
from spec import commands


@frozen
class Answered:
    """An answer, and when it came."""

    time: int
    verdict: Told


@define
class Clients:
    """All clients of one world: when they asked for what, and when they were told what.

    Times only order what happened. The first request and the first answer of a command are the ones that count.
    """

    time: int = 0
    asked: dict[Asked, int] = Factory(dict)
    answered: dict[Asked, Answered] = Factory(dict)
    open: dict[tuple[NodeId, RequestId], int] = Factory(dict)
    """Who waits for an answer of which node, and since when. Whoever waits for one that crashes knows that it did."""
    _command_of: dict[RequestId, Asked] = Factory(dict)
    reused: set[RequestId] = Factory(set)
    """Under which a client asked for two things. It cannot tell which of them it is answered (R6)."""

    def note(self, outcome: Outcome) -> None:
        """Take note of one step. Raises `Refuted` for an answer to nobody, and for two different ones to one (R6)."""
        self.time += 1
        match outcome.announces:
            case Action("issue", (Write() | Read() | Change() | Execute() as command,)) if outcome.event is None:
                self.ask(command)
        self._note_open(outcome)
        if not (outcome.waits or outcome.is_lost or outcome.is_lost_disk):
            for request, verdict in outcome.answers:
                self.answer(request, verdict)

    def _note_open(self, outcome: Outcome) -> None:
        """Who begins to wait for an answer, and who is told that it is done, not done, or unknown (R6)."""
        node = outcome.node
        match outcome.event:
            case Submit(Write() | Read() | Change() | Execute() as command):
                self.open.setdefault((node, command.request), self.time)
            case Query(request):
                self.open.setdefault((node, request), self.time)
        # What is told to readers rests on no record, and is told at once (R7), also where something waits for a flush.
        ended = [request for request, _ in outcome.rejects] + [one.request for one in outcome.found]
        if not (outcome.waits or outcome.is_lost):
            ended += [request for request, _ in outcome.answers]
        for request in ended:
            self.open.pop((node, request), None)
        if outcome.trouble or outcome.is_lost_disk:
            for waiting in [one for one in self.open if one[0] == node]:
                del self.open[waiting]

    def judge_ends(self) -> None:
        """When a world has settled, nobody waits any more: every request has ended, also of who was deposed (R6)."""
        if self.open:
            node, request = min(self.open, key=lambda one: self.open[one])
            what = f"request {request.number} of {request.client} has no end at node {node}, though all has settled"
            raise Refuted(what, (f"{len(self.open)} such requests",))

    def ask(self, command: Asked) -> None:
        """Somebody asks for a command."""
        self.asked.setdefault(command, self.time)
        if self._command_of.setdefault(command.request, command) != command:
            self.reused.add(command.request)

    def answer(self, request: RequestId, verdict: Told) -> None:
        """Somebody is told a verdict."""
        if request not in self._command_of:
            raise Refuted(f"somebody is answered who asked nothing: {request}")
        if request in self.reused:
            return
        command = self._command_of[request]
        first = self.answered.setdefault(command, Answered(self.time, verdict))
        if first.verdict != verdict and not _is_too_late(verdict):
            raise Refuted(
                f"{command_words(command)} is answered twice, and differently",
                (f"first: {first.verdict}", f"then:  {verdict}"),
            )

    def judge(self, rules: commands.Commands, log: Sequence[str]) -> None:
        """Judge all answers; `log` has the names of what was decided, slot 1 first."""
        place = {name: number for number, name in reversed(tuple(enumerate(log, start=1)))}
        verdicts = rules.after(tuple(log)).verdicts
        for command, answered in self.answered.items():
            name = command_words(command)
            if _is_refused(answered.verdict) and name not in place:
                continue  # it is told at once what can become of it, and the judge of stores saw to that
            if name not in place:
                raise Refuted(f"{name} is answered, but was never decided", (f"log: {log}",))
            if isinstance(command, Execute):
                continue
            if _plain(answered.verdict) != verdicts[name]:
                raise Refuted(
                    f"the answer to {name} is not what the log amounts to",
                    (f"- {verdicts[name]}", f"+ {answered.verdict}", f"log: {log}"),
                )
        self._judge_real_time(place)
        self.judge_reads()

    def _judge_real_time(self, place: Mapping[str, int]) -> None:
        """From the end of the log backwards, nothing later was answered before this was asked."""
        commands_by_place = sorted(
            (command for command in self.asked if command_words(command) in place),
            key=lambda command: place[command_words(command)],
            reverse=True,
        )
        earliest: tuple[int, Asked] | None = None
        for command in commands_by_place:
            if earliest is not None and earliest[0] < self.asked[command]:
                raise Refuted(
                    f"{command_words(earliest[1])} was answered before {command_words(command)} was asked, "
                    "but comes after it in the log",
                )
            answered = self.answered.get(command)
            if answered is not None and (earliest is None or answered.time < earliest[0]):
                earliest = (answered.time, command)

    def judge_reads(self) -> None:
        """Judge the reads by nothing but what clients saw."""
        for command, answered in self.answered.items():
            if not isinstance(command, Read):
                continue
            seen = answered.verdict.saw if isinstance(answered.verdict, Verdict) else None
            if not isinstance(seen, Volume):
                raise Refuted(f"{command_words(command)} does not return a volume's record, but {seen}")
            acknowledged = max(_versions(self._done_before(self.asked[command])), default=0)
            if seen.version < acknowledged:
                raise Refuted(
                    f"{command_words(command)} returns version {seen.version}, "
                    f"though version {acknowledged} was acknowledged before it was asked",
                )
            if seen.version > 0 and not self._was_written(seen, answered.time):
                raise Refuted(f"{command_words(command)} returns a record that nobody had written: {seen}")

    def _done_before(self, time: int) -> Iterable[Verdict]:
        return (
            verdict
            for command, answered in self.answered.items()
            if isinstance(command, Write) and isinstance(verdict := answered.verdict, Verdict)
            if verdict.done and answered.time < time
        )

    def _was_written(self, seen: Volume, time: int) -> bool:
        return any(
            isinstance(command, Write)
            and Volume(command.expects + 1, command.primary, command.replica) == seen
            and asked < time
            for command, asked in self.asked.items()
        )


def _versions(verdicts: Iterable[Verdict]) -> Iterable[int]:
    return (verdict.saw.version for verdict in verdicts)


def _is_refused(reply: Told) -> bool:
    replies = reply.replies if isinstance(reply, Replies) else (reply,)
    return all(isinstance(one, Refused) for one in replies)


def _is_too_late(reply: Told) -> bool:
    """Whether the client asked again when the store had forgotten the reply."""
    replies = reply.replies if isinstance(reply, Replies) else (reply,)
    faults = [one.fault for one in replies if isinstance(one, Refused)]
    return any(fault in ("number went back", "session expired") for fault in faults)


def _plain(verdict: Told) -> commands.Verdict | None:
    """The verdict as the specification writes it; None for what is none."""
    if not isinstance(verdict, Verdict):
        return None
    saw = verdict.saw
    if isinstance(saw, Volume):
        return commands.Verdict(verdict.done, commands.Volume(saw.version, saw.primary, saw.replica))
    return commands.Verdict(verdict.done, commands.Jury(saw.version, saw.members))

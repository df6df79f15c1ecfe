"""Traces that were doctored: one event of a true one is changed, put in, or left out, and all the rest stays as it was.

What is changed or put in is such that no run can have led to it at that very event, so that it must be refused there
and nowhere else. What is left out shows later, or at the end: then all that must be is that the whole is not accepted.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import msgspec
from attrs import define, evolve, frozen

from conformance.traces.cell import split
from conformance.traces.lines import Line, Place, Run
from conformance.traces.mattering import Mattering
from physalia.model import Execute, OpenSession
from physalia.wire import decode_command

GONE_ON = "a client that went on is told once more what it was told before"
NOBODY_READS = "a round that nobody reads in"
WAITS = (
    "a client waits for what a snapshot tells, and is told it",
    "a client that waits for what a snapshot tells is told something else",
    "a client that waits for what a snapshot tells is told nothing",
)
BALLOTS_UP = 1_000
"""By so many rounds a ballot is raised: nobody gets there by itself."""


@frozen
class Doctored:
    """What was done to the line of this number of one run, and the runs as they are then."""

    what: str
    run: int
    number: int
    runs: tuple[Run, ...]


def changed(runs: Sequence[Run], random: Random, begin: int = 0) -> Iterator[Doctored]:
    """The traces with one event changed, for every event that can be, of each kind in turn; that number comes first."""
    kinds = defaultdict[str, list[tuple[int, int, Line]]](list)
    senders = sorted({line.sender for run in runs for _, line in run.lines if line.sender is not None})
    for at, run in enumerate(runs):
        waiting = Counter[int | None]()
        for place, (_, line) in enumerate(run.lines):
            for what, other in (*_changes(line), *_changes_beside(line, senders, waiting[line.n])):
                kinds[what].append((at, place, other))
            waiting[line.n] = (0 if line.did == "start" else waiting[line.n]) + line.waits
            waiting.subtract(dict(line.steps or ()))
    for some in kinds.values():
        random.shuffle(some)
    names = sorted(kinds)
    names = names[begin % max(1, len(names)) :] + names[: begin % max(1, len(names))]
    while names:
        for what in names:
            at, place, other = kinds[what].pop()
            yield Doctored(what, at, runs[at].lines[place][0], with_line(runs, at, place, other))
        names = [what for what in names if kinds[what]]


def added(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell in which one event more comes to a node at its end, for every kind that cannot be.

    By then all that others ever said may have been said: so what is refused is what nobody says, not what comes early.
    """
    whole = _Whole.of(runs)
    for at, place, node in whole.last_ends(runs):
        end = runs[at].lines[place][1]
        for what, sender, said in whole.never_said_to(node, is_gone=bool(end.stopped)):
            line = Line("recorded", n=end.n, seq=end.seq, sender=sender, said=said)
            yield Doctored(what, at, runs[at].lines[place][0], with_more(runs, at, place, line))
        line = Line("recorded", n=end.n, seq=end.seq, sender=node, said=["howfar"])
        number = runs[at].lines[place][0] + 1
        yield Doctored("a node goes on after its end", at, number, with_more(runs, at, place + 1, line))


def asked_again(runs: Sequence[Run]) -> Iterator[tuple[Doctored, Doctored]]:
    """The traces of one cell in which a client asks again for what was decided last, and is told the same; or not.

    The first must be accepted, the second must not be.
    """
    names = _proposed(runs)
    commands = {line.asks: line.command for _, _, _, line in _of_nodes(runs) if line.asks}
    told = {line.args[1]: (node, names[tuple(line.args)], line.told) for _, _, node, line in _of_nodes(runs)
            if line.did == "decide" and line.args and line.told}  # fmt: skip
    ends = {node: (at, place) for at, place, node in _Whole.last_ends(runs)}
    for node, name, answer in (told[slot] for slot in sorted(told)[-1:]):
        if node in ends and commands.get(name):
            at, place = ends[node]
            end = runs[at].lines[place][1]
            line = Line("resent", n=end.n, seq=end.seq, asks=name, command=commands[name], told=answer)
            same, other = (
                Doctored(what, at, runs[at].lines[place][0], with_more(runs, at, place, one))
                for what, one in (
                    ("a client asks again", line),
                    ("a client that asks again is told something else", _changed(line, told="00000000")),
                )
            )
            yield same, other


def gone_on(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell in which a client asks again for what it was told before it went on, and is told the same.

    Its session remembers the later answer by then, so none of them may be accepted: one for each client that goes on.
    """
    names = _proposed(runs)
    commands = _of_sessions(runs)
    ends = {node: (at, place) for at, place, node in _Whole.last_ends(runs)}
    told = sorted((line.args[1], node, line.told, names[tuple(line.args)]) for _, _, node, line in _of_nodes(runs)
                  if line.did == "decide" and line.args and line.told)  # fmt: skip
    first: dict[str, tuple[int, int, str, str]] = {}
    highest = Counter[str]()
    for one in told:
        client, number = _client_of(one[3])
        if one[3] not in commands or number <= highest[client]:
            continue  # it came late, and was told that then as it would be now
        highest[client] = number
        _, node, answer, name = first.setdefault(client, one)
        at, place = ends.get(node, (0, 0))
        end = runs[at].lines[place][1]
        if _client_of(name)[1] < number and node in ends and (end.known or 0) >= one[0]:  # and it has learned so
            line = Line("resent", n=end.n, seq=end.seq, asks=name, command=commands[name], told=answer)
            yield Doctored(GONE_ON, at, runs[at].lines[place][0], with_more(runs, at, place, line))
            del first[client]


def _of_sessions(runs: Sequence[Run]) -> dict[str, str]:
    """What clients asked for in sessions, which remember one answer each: by name, as it is written."""
    asked = {line.asks: line.command for _, _, _, line in _of_nodes(runs) if line.asks and line.command}
    return {name: code for name, code in asked.items() if _is_of_session(code)}


def _is_of_session(code: str) -> bool:
    """Whether it is asked within a session: to open one is answered in the same way for ever."""
    command = decode_command(bytes.fromhex(code))
    return isinstance(command, Execute) and not isinstance(command.body, OpenSession)


def _client_of(name: str) -> tuple[str, int]:
    """The client of a command, and the number that it gave to it."""
    client, _, rest = name.rpartition("#")
    return client, int(rest.partition(":")[0])


def _proposed(runs: Sequence[Run]) -> dict[tuple[Any, Any], str]:
    """What was proposed under each ballot in each slot."""
    return {(line.args[0], line.args[1]): line.args[2] for _, _, _, line in _of_nodes(runs)
            if line.did == "propose" and line.args}  # fmt: skip


def taught_who_waits(runs: Sequence[Run]) -> Iterator[tuple[Doctored, ...]]:
    """The traces of one cell in which a client waits at a node for what a snapshot tells the node then.

    The first must be accepted: the client is told what whoever decided it told. In the others it is told something
    else, or nothing, which must be refused there. It is the last command that the snapshot has.
    """
    names = _proposed(runs)
    commands = {line.asks: line.command for _, _, _, line in _of_nodes(runs) if line.asks}
    decided = {line.args[1]: (names[tuple(line.args)], line.told) for _, _, _, line in _of_nodes(runs)
               if line.did == "decide" and line.args and line.told}  # fmt: skip
    known: dict[int, int] = {}
    for at, place, node, line in _of_nodes(runs):
        if line.did == "install" and line.args and not line.told:
            new = [slot for slot in decided if known.get(node, 0) < slot <= line.args[-1]]
            name, told = decided[max(new)] if new else ("", None)
            if commands.get(name):
                asks = Line("recorded", n=line.n, seq=line.seq, asks=name, command=commands[name])
                waits = with_more(runs, at, place, asks)
                number = waits[at].lines[place + 1][0]
                yield tuple(
                    Doctored(what, at, number, with_line(waits, at, place + 1, _changed(line, told=answer)))
                    for what, answer in zip(WAITS, (told, "00000000", None), strict=True)
                )
        if line.did in ("decide", "learn", "install") and line.args:
            known[node] = max(known.get(node, 0), line.args[-1])
        elif line.known is not None:
            known[node] = line.known


def nobody_reads(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell with one more round of reads after one, of which it answered all readers."""
    later: dict[int, int] = {}
    for at, place, node, line in _of_nodes(runs):
        if line.did in ("start", "consult"):
            later[node] = 0
        elif line.did == "recorded" and line.said is None and line.asks is None:
            later[node] = later.get(node, 0) + 1
        elif line.did == "serve" and line.args and not later.get(node, 0):
            more = Line("consult", n=line.n, seq=line.seq, args=[line.args[0], line.args[1] + 1])
            other = with_more(runs, at, place + 1, more)
            yield Doctored(NOBODY_READS, at, other[at].lines[place + 1][0], other)


def somebody_reads_on(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell in which one more wants to read while a round is under way, and has the next round.

    That must be accepted: it comes too late for the one that is under way. It is tried after each node's last one.
    """
    last: dict[int, tuple[int, int, Line]] = {}
    for at, place, node, line in _of_nodes(runs):
        if line.did == "serve" and line.args:
            last[node] = (at, place, line)
        elif line.did in ("consult", "start"):
            last.pop(node, None)
    for at, place, line in last.values():
        assert line.args is not None
        reads = Line("recorded", n=line.n, seq=line.seq)
        consult = Line("consult", n=line.n, seq=line.seq, args=[line.args[0], line.args[1] + 1])
        asked = next(one for one in reversed(range(place)) if _is_of(runs[at].lines[one][1], line, "consult")) + 1
        more = with_more(with_more(runs, at, place + 1, consult), at, asked, reads)
        yield Doctored("somebody reads in the next round", at, more[at].lines[place + 2][0], more)


def _is_of(line: Line, other: Line, did: str) -> bool:
    return (line.n, line.did) == (other.n, did)


@define
class _Whole:
    """What each node of one cell did at most: what it knew, the ballots that it promised, and those that it used."""

    known: dict[int, int]
    promised: dict[int, tuple[int, int]]
    prepared: dict[int, list[tuple[int, int]]]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "_Whole":
        known, promised = Counter[int](), defaultdict[int, tuple[int, int]](lambda: (0, 0))
        prepared = defaultdict[int, list[tuple[int, int]]](list)
        for _, _, node, line in _of_nodes(runs):
            last = line.args[-1] if line.args and line.did in ("decide", "learn", "install") else 0
            known[node] = max(known[node], line.known or 0, last)
            promised[node] = max(promised[node], line.promised or (0, 0))
            if line.did == "prepare" and line.args:
                prepared[node].append(line.args[0])
        return cls(known, promised, prepared)

    @staticmethod
    def last_ends(runs: Sequence[Run]) -> Iterator[tuple[int, int, int]]:
        """Where each node ends for the last time: in which run, at which place, and which node."""
        last = {node: (at, place, line.did) for at, place, node, line in _of_nodes(runs)}
        yield from ((at, place, node) for node, (at, place, did) in last.items() if did == "end")

    def never_said_to(self, node: int, *, is_gone: bool) -> Iterator[tuple[str, int, list[Any]]]:
        """What cannot be said to a node: what it is, in whose name, and the message."""
        other = next(one for one in sorted(self.promised) if one != node)
        if is_gone:  # whatever comes to it is ignored
            yield "a node that is gone goes on", other, ["howfar"]
            return
        more, own = self.known[other] + 1, self.prepared.get(node, [])[-1:]
        up = (max(self.promised.values())[0] + BALLOTS_UP, other)
        yield "a lesson of more than is known", other, ["chunk", more]
        yield "more is learned than is known", other, ["learned", more]
        yield "somebody asks for more than follows", other, ["ask", more]
        yield "more is taken than was taught", other, ["take", self.known[node] + 1]
        yield "a decision that nobody made", other, ["decision", max(self.known.values()) + 1, "noop"]
        yield "a prepare that was never sent", other, ["prepare", up, 0]
        yield "a proposal that was never sent", other, ["proposal", up, 1, "noop"]
        yield "a round that was never sent", other, ["round", up, 1]
        for ballot in own:
            yield "a refusal of more than was promised", other, ["refusal", ballot, up]
            yield "an echo that was never sent", other, ["echo", ballot, 10**6, other]
        highest, other = max((self.promised[one], one) for one in self.promised if one != node)
        for owner, ballots in self.prepared.items():
            if owner != node and ballots[0] < highest:
                yield "a refusal of a ballot of another node's", other, ["refusal", ballots[0], highest]


def _of_nodes(runs: Sequence[Run]) -> Iterator[tuple[int, int, int, Line]]:
    """The lines of nodes, in the order of runs: of which run, at which place, and of which node."""
    for at in sorted(range(len(runs)), key=lambda one: runs[one].header.run):
        nodes: dict[int | None, int] = {}
        for place, (_, line) in enumerate(runs[at].lines):
            if line.node is not None:
                nodes[line.n] = line.node
            if line.n is not None:
                yield at, place, nodes[line.n], line


def without(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell without one event that matters, for every such event."""
    lines = ((run, at, place, number) for at, run in enumerate(runs) for place, (number, _) in enumerate(run.lines))
    places = {Place(run.path, number): (at, place) for run, at, place, number in lines}
    for trace in split(runs).values():
        mattering = Mattering(trace)
        for node, events in trace.events.items():
            for one, event in enumerate(events):
                at, place = places[event.place]
                if mattering.matters(node, one):
                    yield Doctored(f"without {event.did}", at, event.place.number, cut_out(runs, at, [place]))


def deaf(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces of one cell without the votes that were heard for a decision, for every decision.

    Most of these have no votes at all where it is decided, as nobody says that they were sent before. In a few they
    were sent, and who decides heard nothing of them.
    """
    for at, run in enumerate(runs):
        for number, line in run.lines:
            heard = _votes_heard(run, line) if line.did == "decide" and line.args else []
            if len(heard) > 1:
                yield Doctored("without the votes that were heard for decide", at, number, cut_out(runs, at, heard))


def _changes(line: Line) -> Iterator[tuple[str, Line]]:
    """Another line in the place of this one, that cannot be."""
    args, said = line.args, line.said
    match line.did:
        case "decide" | "propose" if args:
            yield f"{line.did} under a ballot of nobody's", _changed(line, args=[_raised(args[0]), *args[1:]])
            yield f"{line.did} in a later slot", _changed(line, args=[args[0], args[1] + 50, *args[2:]])
            if line.did == "propose":
                yield "propose what nobody asked for", _changed(line, args=[*args[:2], f"{args[2]}0"])
        case "learn" if args:
            yield "learn a later slot", _changed(line, args=[args[0], args[1] + 50])
        case "vote" | "promise":
            yield f"{line.did} is said to be no step", _changed(line, did="ignored", waits=line.waits)
            if said is not None:
                yield (
                    f"{line.did} for a ballot of nobody's",
                    _changed(line, said=[said[0], _raised(said[1]), *said[2:]]),
                )
            if line.waits:
                yield f"{line.did} leaves before it is flushed", _changed(line, waits=False)
        case "flush" if line.steps:
            yield "more is flushed than waits", _changed(line, steps=[(n, steps + 100) for n, steps in line.steps])
        case "recorded" if said is not None and said[0] in ("vote", "promise"):
            yield f"a {said[0]} that was never sent", _changed(line, said=[said[0], _raised(said[1]), *said[2:]])
        case "serve" if line.slot is not None:
            yield "a read is answered from another slot", _changed(line, slot=line.slot + 1)
    if line.did == "end" or (line.did == "start" and any(line.promised or ())):
        yield from _changes_of_node(line)
    if line.told is not None:
        yield "a client is told something else", _changed(line, told="00000000")
        if line.asks is None:
            yield "a client that waits is told nothing", _changed(line, told=None)


def _changes_of_node(line: Line) -> Iterator[tuple[str, Line]]:
    """The same, for what a node is found to be."""
    if any(line.promised or ()):  # whose ballot it would be otherwise, an end does not say
        yield f"another promise at the {line.did}", _changed(line, promised=_raised(line.promised))
    yield f"more is known at the {line.did}", _changed(line, known=(line.known or 0) + 50)
    if line.used is not None:
        yield "a ballot is found that was never used", _changed(line, used=[*line.used, _raised(line.promised)])
        if line.promised in line.used:
            fewer = [ballot for ballot in line.used if ballot != line.promised]
            yield "a used ballot is not found that was promised", _changed(line, used=fewer)
    yield f"another digest at the {line.did}", _changed(line, digest="0" * 64)
    yield f"it is stopped at the {line.did}, or not", _changed(line, stopped=not line.stopped)


def _changes_beside(line: Line, senders: Sequence[int], waiting: int) -> Iterator[tuple[str, Line]]:
    """The same, for what depends on more than the line: who speaks, what came to its node and how much waits there."""
    if line.did == "install" and line.args:
        yield "install what was not taught", _changed(line, args=[line.args[0], line.args[1] - 1])
    if line.said is not None and line.said[0] in ("prepare", "proposal", "round", "promise", "vote", "echo"):
        other = senders[(senders.index(line.sender) + 1) % len(senders)] if line.sender in senders else line.sender
        if other != line.sender:
            yield f"a {line.said[0]} of another node than it names", _changed(line, sender=other)
    if line.seq is not None and line.did not in ("start", "end") and not line.waits and not waiting:
        yield "a step waits for nothing", _changed(line, waits=True)


def _raised(ballot: Any) -> tuple[int, int]:
    return ballot[0] + BALLOTS_UP, ballot[1]


def _changed(line: Line, **fields: Any) -> Line:
    other = copy.copy(line)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def with_line(runs: Sequence[Run], at: int, place: int, line: Line) -> tuple[Run, ...]:
    """The runs with another line in one place."""
    lines = list(runs[at].lines)
    lines[place] = (lines[place][0], line)
    return (*runs[:at], evolve(runs[at], lines=lines), *runs[at + 1 :])


def with_more(runs: Sequence[Run], at: int, place: int, line: Line) -> tuple[Run, ...]:
    """The runs with one line more in one place, from which on all lines stand one further down."""
    lines = runs[at].lines
    number = lines[place][0] if place < len(lines) else lines[-1][0] + 1
    after = [(one + 1, other) for one, other in lines[place:]]
    return (*runs[:at], evolve(runs[at], lines=[*lines[:place], (number, line), *after]), *runs[at + 1 :])


def _votes_heard(run: Run, decide: Line) -> list[int]:
    """Where a node heard votes for the slot that it decides."""
    assert decide.args is not None
    ballot, slot = decide.args
    return [
        place
        for place, (_, line) in enumerate(run.lines)
        if line.n == decide.n and line.said is not None and line.said[:3] == ["vote", ballot, slot]
    ]


def cut_out(runs: Sequence[Run], at: int, places: Sequence[int]) -> tuple[Run, ...]:
    """The runs without some lines of one of them."""
    lines = [each for place, each in enumerate(runs[at].lines) if place not in set(places)]
    return (*runs[:at], evolve(runs[at], lines=lines), *runs[at + 1 :])


def unheard(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The same, but everybody who is asked how far it has learned says that it has learned nothing."""

    def told(line: Line) -> Line:
        is_learned = line.said is not None and line.said[0] == "learned"
        return msgspec.structs.replace(line, said=["learned", 0]) if is_learned else line

    return tuple(evolve(run, lines=[(number, told(line)) for number, line in run.lines]) for run in runs)

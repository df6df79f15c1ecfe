"""Traces that were doctored: one event of a true one is changed, or left out, and all the rest stays as it was.

A change is one that no run can have led to at that very event, so that it must be refused there and nowhere else. What
is left out shows later, or at the end: then all that must be is that the whole is not accepted.
"""

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from attrs import evolve, frozen

from conformance.traces.lines import Line, Run

BALLOTS_UP = 1_000
"""By so many rounds a ballot is raised: nobody gets there by itself."""


@frozen
class Doctored:
    """What was done to the line of this number of one run, and the runs as they are then."""

    what: str
    run: int
    number: int
    runs: tuple[Run, ...]


def changed(runs: Sequence[Run], random: Random) -> Iterator[Doctored]:
    """The traces with one event changed, for every event that can be, in a random order."""
    places = [(at, place) for at, run in enumerate(runs) for place in range(len(run.lines))]
    random.shuffle(places)
    for at, place in places:
        number, line = runs[at].lines[place]
        for what, other in _changes(line):
            yield Doctored(what, at, number, with_line(runs, at, place, other))


def without(runs: Sequence[Run]) -> Iterator[Doctored]:
    """The traces without one event that matters, for every such event."""
    for at, run in enumerate(runs):
        safe = _safe(run)
        for place, (number, line) in enumerate(run.lines):
            if matters(line, run, place) and place <= safe.get(line.n or 0, len(run.lines)):
                yield Doctored(f"without {line.did}", at, number, _without(runs, at, [place]))
            if line.did == "decide" and place <= safe.get(line.n or 0, len(run.lines)) and line.args is not None:
                heard = _votes_heard(run, line)
                if len(heard) > 1:
                    yield Doctored(
                        "without the votes that were heard for decide", at, number, _without(runs, at, heard)
                    )


def _safe(run: Run) -> dict[int, int]:
    """In a run that was killed, the last flush of each node: what came later may be lost, as if it had not been.

    Nor do its flushes matter, which stand under 0 here: a restart finds them.
    """
    if run.is_closed:
        return {}
    last = dict.fromkeys((0, *(line.n or 0 for _, line in run.lines)), -1)
    for place, (_, line) in enumerate(run.lines):
        last.update((n, place) for n, _ in line.steps or ())
    return last


def matters(line: Line, run: Run, place: int) -> bool:
    """Whether nothing that comes after an event can be explained without it.

    Stutters are not all of this kind: who hears a vote that it does not need goes on as if it had not. Nor is the last
    thing that a node learned before it was killed, of which its disk may have the record or not. Nor is a flush: what
    waited for it need not have been heard by anybody, and the next one flushes the rest.
    """
    if line.did == "learn" and not run.is_closed:
        return any(other.did == "learn" and other.n == line.n for _, other in run.lines[place + 1 :])
    return line.did in ("prepare", "promise", "propose", "vote", "decide", "learn", "truncate", "install")


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
        case "start" | "end" if line.did == "end" or any(line.promised or ()):
            yield f"another promise at the {line.did}", _changed(line, promised=_raised(line.promised, of=line))
            yield f"more is known at the {line.did}", _changed(line, known=(line.known or 0) + 50)
            if line.used is not None:
                yield "a ballot is found that was never used", _changed(line, used=[*line.used, _raised(line.promised)])
                if line.promised in line.used:
                    fewer = [ballot for ballot in line.used if ballot != line.promised]
                    yield "a used ballot is not found that was promised", _changed(line, used=fewer)
    if line.told is not None:
        yield "a client is told something else", _changed(line, told="00000000")


def _raised(ballot: Any, of: Line | None = None) -> tuple[int, int]:
    node = ballot[1] or (of.node if of is not None and of.node else 0)
    return ballot[0] + BALLOTS_UP, node


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


def _votes_heard(run: Run, decide: Line) -> list[int]:
    """Where a node heard votes for the slot that it decides."""
    assert decide.args is not None
    ballot, slot = decide.args
    return [
        place
        for place, (_, line) in enumerate(run.lines)
        if line.n == decide.n and line.said is not None and line.said[:3] == ["vote", ballot, slot]
    ]


def _without(runs: Sequence[Run], at: int, places: Sequence[int]) -> tuple[Run, ...]:
    lines = [each for place, each in enumerate(runs[at].lines) if place not in set(places)]
    return (*runs[:at], evolve(runs[at], lines=lines), *runs[at + 1 :])

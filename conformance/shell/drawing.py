"""Runs drawn from a seed: a colony, what its clients ask for, and a few faults of the kinds that the run allows.

A run that may meet every kind of fault meets each of them among all others, and never enough of one. So each draws a
mask, the kinds of faults that it has, and how often they come (swarm testing: Groce and others, ISSTA 2012). A fault
lasts for a while and ends, or ends with the trouble of the whole run. Schedules hold a process back at a few turns, or
let tasks go on by priority, with few preemptions (PCT).
"""

from collections.abc import Callable, Iterator
from random import Random

from conformance.shell.script import LATE, NOW, Event, Script

KEYS = ("k", "l")
COUNTER = "count"
LENGTH_S = 5.0
MOVES, LEASES, SHORT_LOGS, ENDS = "moves", "leases", "short logs", "ends"
SHORT_SLOTS = 6.0
SERVERS_THAT_END = 3


def draw(seed: str, *, always: str = "") -> Script:
    """The run of a seed. One thing that only some have may be there `always`, such as moves."""
    rng = Random(f"{seed}/script")  # noqa: S311  # repeatable, no secret
    settings = {
        "servers": float(rng.choice((3, 3, 3, 5))),
        "cells": float(rng.choice((1, 1, 2))),
        "caches": float(rng.random() < 0.3),  # noqa: PLR2004
        "cold": rng.choice((60.0, 60.0, 0.5)),
        "without": float(rng.choice((0, 1, 2, 3))),
        "full": float(rng.random() < 0.3),  # noqa: PLR2004
    }
    names = [chr(ord("a") + place) for place in range(int(settings["servers"]))]
    kinds = [kind for kind in FAULTS if rng.random() < 0.4] or [rng.choice(tuple(FAULTS))]  # noqa: PLR2004
    events = [*_clients(rng, int(settings["cells"]))]
    for _ in range(rng.randint(1, 7)):
        begin_s = rng.uniform(0.0, LENGTH_S)
        events += FAULTS[rng.choice(kinds)](rng, names, begin_s)
    if settings["caches"] and rng.random() < 0.5:  # noqa: PLR2004
        begin_s = rng.uniform(0.0, LENGTH_S)
        events += [Event(begin_s, ("kill", "cache1")), Event(begin_s + rng.uniform(0.1, 1.0), ("start", "cache1"))]
    events += _held_back(rng)
    events += _priorities(rng)
    events += _cancelled(rng, names, events)
    events += _leases(rng, int(settings["cells"]), is_certain=always == LEASES)
    if rng.random() < 0.12 or always == MOVES:  # noqa: PLR2004
        settings |= {"servers": max(4.0, settings["servers"]), "nodes": 3.0, "spares": 4.0, "caches": 0.0}
        events += _moves(rng, int(settings["servers"]), int(settings["cells"]))
    if always == ENDS:
        for _ in range(SERVERS_THAT_END):
            events += FAULTS["stop"](rng, names, rng.uniform(0.0, LENGTH_S))
    if always == SHORT_LOGS:
        settings["log"] = SHORT_SLOTS
    return Script(seed, settings, tuple(sorted(events, key=lambda event: event.at_s)))


def _clients(rng: Random, cells: int) -> Iterator[Event]:
    """A few clients, each with its own pace; the counter is there before anybody adds to it."""
    for cell in range(1, cells + 1):
        yield Event(0.0, ("client1", "count", COUNTER, "0", "cell", str(cell)))
    for number in range(1, rng.randint(2, 4)):
        pace_s, at_s, written = rng.choice((0.1, 0.3, 0.6)), 0.1, 0
        while (at_s := at_s + rng.expovariate(1 / pace_s)) < LENGTH_S:
            written += 1
            what = rng.choices(("put", "add", "get", "swap", "delete", "peek", "cancel"), (4, 5, 5, 2, 1, 1, 1))[0]
            key = COUNTER if what == "add" else rng.choice(KEYS)
            long = "x" * rng.choice((0, 0, 0, 0, 3_000, 30_000))
            given = {"add": str(rng.randint(1, 3)), "put": f"{number}.{written}{long}"}.get(what, "-")
            if what == "swap":
                given = f"{rng.randint(1, 3)}.{max(1, written - rng.randint(0, 3))}>{number}.{written}"
            yield Event(at_s, (f"client{number}", what, key, given, "cell", str(rng.randint(1, cells))))


def _held_back(rng: Random) -> Iterator[Event]:
    """At a few moments, whoever has the next turn, or one soon, is held back: mostly for a moment, sometimes long."""
    for _ in range(rng.choice((0, 0, 1, 3, 6))):
        seconds = 2.0 * 10.0 ** -rng.uniform(0.0, 4.0)
        yield Event(rng.uniform(0.0, LENGTH_S), ("hold", str(rng.randint(1, 40)), f"{seconds:.6f}"))


def _priorities(rng: Random) -> Iterator[Event]:
    """From some moment on tasks go on by priority; a run takes some thousand steps after its first moment."""
    if rng.random() < 0.4:  # noqa: PLR2004
        steps = round(10.0 ** rng.uniform(1.5, 4.0))
        begin_s = rng.choice((0.0, rng.uniform(0.0, LENGTH_S)))
        yield Event(begin_s, ("priorities", str(rng.choice((1, 2, 3, 3, 4))), str(steps)))


def _cancelled(rng: Random, names: list[str], events: list[Event]) -> list[Event]:
    """In some runs clients give requests up at one of their first awaits, and servers that end are told to hurry."""
    found: list[Event] = []
    if rng.random() < 0.3:  # noqa: PLR2004
        asked = [event for event in events if event.words[0].startswith("client") and event.words[1] != "cancel"]
        for event in rng.sample(asked, min(len(asked), rng.randint(1, 6))):
            at, when = str(1 + int(rng.expovariate(0.4))), rng.choice((NOW, LATE))
            found.append(Event(max(0.0, event.at_s - 1e-6), (event.words[0], "give-up", when, at, "cell", "1")))
    if rng.random() < 0.2:  # noqa: PLR2004
        begin_s, name = rng.uniform(0.0, LENGTH_S), rng.choice(names)
        when = rng.choice((NOW, LATE))
        found.append(Event(begin_s, ("hurry", name, str(1 + int(rng.expovariate(0.2))), when)))
        found.append(Event(begin_s + rng.uniform(0.1, 3.0), ("start", name)))
    return found


def _leases(rng: Random, cells: int, *, is_certain: bool) -> Iterator[Event]:
    """In some runs clients want a lock, each in its turn, and their clocks go up to three times as fast as others."""
    if rng.random() >= 0.25 and not is_certain:  # noqa: PLR2004
        return
    cell = str(rng.randint(1, cells))
    for number in (1, 2, 3):
        if rng.random() < 0.5:  # noqa: PLR2004
            yield Event(rng.uniform(0.1, LENGTH_S), ("rate", f"client{number}", rng.choice(("3", "2", "1.3"))))
        for _ in range(rng.randint(0, 2)):
            lasts = f"{rng.choice((0.3, 0.6, 1.5))}:{rng.uniform(0.0, 2.0):.3f}"
            yield Event(rng.uniform(0.1, LENGTH_S), (f"client{number}", "lease", "lock", lasts, "cell", cell))


def _moves(rng: Random, servers: int, cells: int) -> Iterator[Event]:
    """Operators replace nodes, one move after the other: the server on which a node was is free for the next one."""
    for cell in range(1, cells + 1):
        homes, free = ["a", "b", "c"], [chr(ord("a") + place) for place in range(3, servers)]
        at_s = rng.uniform(0.0, LENGTH_S / 2)
        for _ in range(rng.randint(1, 3)):
            leaves, to = rng.choice(homes), rng.choice(free)
            yield Event(at_s, ("move", str(cell), leaves, to))
            homes[homes.index(leaves)] = to
            free[free.index(to)] = leaves
            at_s += rng.uniform(0.5, 2.5)


def _lasting(begin: str, end: str, longest_s: float = 3.0) -> Callable[[Random, list[str], float], list[Event]]:
    """A fault of one server that ends after a while."""

    def fault(rng: Random, names: list[str], begin_s: float) -> list[Event]:
        name, length_s = rng.choice(names), longest_s * 10.0 ** -rng.uniform(0.0, 2.0)
        return [Event(begin_s, (begin, name)), Event(begin_s + length_s, (end, name))]

    return fault


def _together(begin: str, end: str) -> Callable[[Random, list[str], float], list[Event]]:
    """A fault of several servers at nearly the same moment."""

    def fault(rng: Random, names: list[str], begin_s: float) -> list[Event]:
        chosen = rng.sample(names, rng.randint(2, len(names)))
        return [
            event
            for name in chosen
            for event in (
                Event(begin_s + rng.uniform(0.0, 0.01), (begin, name)),
                Event(begin_s + rng.uniform(0.1, 1.5), (end, name)),
            )
        ]

    return fault


def _cut(verb: str) -> Callable[[Random, list[str], float], list[Event]]:
    """Some links of one server, or all of them, for a while."""

    def fault(rng: Random, names: list[str], begin_s: float) -> list[Event]:
        one, length_s = rng.choice(names), rng.uniform(0.05, 3.0)
        others = [name for name in names if name != one]
        cut = rng.choice((others, rng.sample(others, 1), rng.sample(others, len(others) // 2)))
        ends = [Event(begin_s + length_s + rng.uniform(0.0, 0.1), ("mend", one, other)) for other in cut]
        ways = [(one, other) if rng.random() < 0.5 else (other, one) for other in cut]  # noqa: PLR2004
        return [Event(begin_s, (verb, *way)) for way in ways] + ends

    return fault


def _reset(rng: Random, names: list[str], begin_s: float) -> list[Event]:
    one, other = rng.sample([*names, "client1", "client2"], 2)
    return [Event(begin_s, ("reset", one, other))]


def _delay(rng: Random, names: list[str], begin_s: float) -> list[Event]:
    one, other = rng.sample(names, 2)
    seconds = f"{0.5 * 10.0 ** -rng.uniform(0.0, 2.0):.6f}"
    return [Event(begin_s, ("delay", one, other, seconds)), Event(begin_s + 1.5, ("delay", one, other, "0"))]


def _slow(rng: Random, names: list[str], begin_s: float) -> list[Event]:
    name, seconds = rng.choice(names), f"{0.3 * 10.0 ** -rng.uniform(0.0, 2.0):.6f}"
    return [Event(begin_s, ("slow", name, seconds)), Event(begin_s + 1.5, ("slow", name, "0.0002"))]


def _rate(rng: Random, names: list[str], begin_s: float) -> list[Event]:
    return [Event(begin_s, ("rate", rng.choice(names), rng.choice(("3", "0.34", "1.5", "1"))))]


def _fail_flush(rng: Random, names: list[str], begin_s: float) -> list[Event]:
    name = rng.choice(names)
    return [Event(begin_s, ("fail-flush", name)), Event(begin_s + rng.uniform(0.2, 2.0), ("start", name))]


FAULTS: dict[str, Callable[[Random, list[str], float], list[Event]]] = {
    "kill": _lasting("kill", "start"),
    "power": _lasting("power", "start"),
    "kill together": _together("kill", "start"),
    "power together": _together("power", "start"),
    "stop": _lasting("stop", "start"),
    "pause": _lasting("pause", "resume"),
    "cut": _cut("cut"),
    "deafen": _cut("deafen"),
    "reset": _reset,
    "delay": _delay,
    "slow": _slow,
    "rate": _rate,
    "fail flush": _fail_flush,
    "fill": _lasting("fill", "free"),
}
"""The kinds of faults, and how each is drawn."""

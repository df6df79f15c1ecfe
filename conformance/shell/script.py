"""Runs as text: a colony, and what is done to it at which moment. Whatever is left to choice stands in it.

    colony seed 17 servers 3 cells 2 caches 1 cold 0.8
    0.512 cut a b
    0.620 client1 add count cell 2
    1.204 kill c

A line is a moment in seconds after all servers have started, and an event. An event that cannot happen, such as the
death of a server that is down, is passed over: so a run stays a run when lines are left out of it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from attrs import Factory, define, frozen

from conformance.links import BadInput
from conformance.refutation import Refuted
from conformance.shell.clients import Asking, Call
from conformance.shell.colony import Colony
from conformance.shell.settling import APART, FULL, GONE, SLOW
from conformance.shell.unrest.cancelling import ends_at
from conformance.shell.unrest.priorities import Priorities
from physalia.model import Equals


@frozen
class Event:
    """What is done, `at_s` seconds after the start: a verb and what it is about."""

    at_s: float
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.at_s:.6f} {' '.join(self.words)}"


@frozen
class Script:
    """A colony, by its `settings`, and what is done to it."""

    seed: str
    settings: Mapping[str, float]
    events: tuple[Event, ...]

    def text(self) -> str:
        """The script as text."""
        settings = "".join(f" {name} {number:g}" for name, number in self.settings.items())
        return "".join(f"{line}\n" for line in (f"colony seed {self.seed}{settings}", *self.events))


SETTINGS = {
    "servers": int,
    "cells": int,
    "caches": int,
    "nodes": int,
    "spares": int,
    "cold": float,
    "without": int,
    FULL: int,
    APART: int,
    SLOW: int,
    "log": int,
    "soon": float,
}
"""What a colony is told. The server `without` which it must serve at the end is given by its number; 0 is none.

It does not run then; or its disk is `full`, if that is 1; or it is `apart` from the others. Or nobody is away, and
every disk is `slow`. If `soon` is given, whoever comes then must be served within so many seconds. Nodes truncate logs
longer than `log`; 0 is the usual.
"""


def read(text: str, source: str) -> Script:
    """The script of a text, of which empty lines and those that begin with # say nothing. Raises `BadInput`."""
    events: list[Event] = []
    head: tuple[str, dict[str, float]] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if head is None:
                head = _head(words)
            else:
                events.append(_event(words))
        except (ValueError, IndexError) as error:
            raise BadInput(f"{source}, line {number}: {line.strip()!r} cannot be read ({error}).") from None
    if head is None:
        raise BadInput(f"{source} has no line such as 'colony seed 17 servers 3 cells 1'.")
    return Script(*head, tuple(sorted(events, key=lambda event: event.at_s)))


def _head(words: list[str]) -> tuple[str, dict[str, float]]:
    if words[:2] != ["colony", "seed"] or len(words) % 2 == 0:
        raise ValueError("it should begin with 'colony seed', a seed, and settings")
    settings: dict[str, float] = {}
    for name, number in zip(words[3::2], words[4::2], strict=True):
        if name not in SETTINGS:
            raise ValueError(f"{name} is no setting; there are {', '.join(SETTINGS)}")
        settings[name] = SETTINGS[name](number)
    return words[2], settings


def _event(words: list[str]) -> Event:
    event = Event(float(words[0]), tuple(words[1:]))
    if event.at_s < 0:
        raise ValueError("nothing happens before the start")
    verb = "client" if event.words[0].startswith("client") else event.words[0]
    if verb not in ARGUMENTS:
        raise ValueError(f"{event.words[0]} is no event; there are {', '.join(sorted(ARGUMENTS))}")
    if len(event.words) - 1 != ARGUMENTS[verb]:
        raise ValueError(f"{verb} has {ARGUMENTS[verb]} arguments")
    if verb == "priorities":
        depth, steps = map(int, event.words[1:])
        Priorities("", depth, steps)
    return event


ARGUMENTS = {
    "cut": 2, "deafen": 2, "mend": 2, "reset": 2, "delay": 3, "kill": 1, "power": 1, "start": 1, "stop": 1, "pause": 1,
    "resume": 1, "fail-flush": 1, "lose": 1, "fill": 1, "free": 1, "slow": 2, "rate": 2, "hold": 2, "priorities": 2,
    "hurry": 3, "move": 3,
    "client": 5,
}  # fmt: skip
"""How many words come after each verb. A client's are: what it asks for, a key, a value, `cell` and its number.

If it is to `give-up`, these are `now` or `late`, and at which await of what it asks next it is cancelled.
"""

NOW, LATE = "now", "late"
"""When a task is cancelled. Who is cancelled late would go on at that moment: what it waited for is there."""


@define
class Play:
    """A script on its colony."""

    colony: Colony
    script: Script
    without: str = ""
    how: str = GONE
    soon_s: float = 0.0
    calls: list[Call] = Factory(list)
    disturbed: int = 0
    """How much was done to the colony so far."""

    @classmethod
    def open(cls, script: Script, make: Callable[..., Colony] = Colony, **more: Any) -> Self:
        """A colony for a script, to be entered."""
        given = dict(script.settings)
        how = next((one for one in (FULL, APART, SLOW) if given.get(one)), GONE)
        for one in (FULL, APART, SLOW):
            given.pop(one, None)
        soon_s = given.pop("soon", 0.0)
        if slots := int(given.pop("log", 0)):
            more["log_slots"] = slots
        cold_s, away = given.pop("cold", 60.0), int(given.pop("without", 0))
        whole: dict[str, Any] = {name: int(number) for name, number in given.items()}
        return cls(
            make(seed=script.seed, cold_after_s=cold_s, **whole, **more),
            script,
            chr(ord("a") + away - 1) if away else "",
            how,
            soon_s,
        )

    def play(self, within_s: float) -> None:
        """Let everything happen, and settle. Raises `Refuted`."""
        start_s = self.colony.simulator.now_s
        for event in self.events(start_s):
            self.until(start_s + event.at_s)
            self.do(event)
        self.colony.settle(within_s, self.without, how=self.how, soon_s=self.soon_s)
        if any(
            client.asks.client.places.known(plan.cell) for client in self.colony.clients for plan in self.colony.plans
        ):
            self.colony.saw("a cache was asked")

    def events(self, _start_s: float) -> Iterator[Event]:
        """What happens, in its order; the run began at that moment of true time."""
        return iter(self.script.events)

    def until(self, at_s: float) -> None:
        """Let true time pass up to a moment."""
        self.colony.run(max(0.0, at_s - self.colony.simulator.now_s))

    def do(self, event: Event) -> None:
        """Let one event happen, if it can."""
        verb, *rest = event.words
        with suppress(AssertionError, KeyError):
            if verb.startswith("client"):
                self._ask(int(verb.removeprefix("client")), *rest)
            else:
                self.disturbed += 1
                VERBS[verb](self.colony, *rest)
                self._look()

    def _look(self) -> None:
        """Whether a leader cannot reach a majority any more."""
        colony = self.colony
        leader, names, cuts = colony.leader(), tuple(colony.machines), colony.net.cuts
        if leader and cuts:
            reached = [name for name in names if not {(leader, name), (name, leader)} & cuts]
            if 2 * len(reached) <= len(names):
                colony.saw("a majority was cut off")

    def _ask(self, number: int, what: str, key: str, given: str, _: str, cell: str) -> None:
        while len(self.colony.clients) < number:
            self.colony.client(deadline_s=4.0)
        asks, at = self.colony.clients[number - 1].asks, int(cell)
        if at not in {plan.cell for plan in self.colony.plans}:
            return
        if what in ("cancel", "give-up"):
            self._give_up(asks, what, key, given)
            return
        before = len(self.calls)
        self._call(asks, what, key, given, at)
        for call in self.calls[before:]:
            self._must_not_wait_in_vain(call, at)

    def _give_up(self, asks: Asking, what: str, when: str, at: str) -> None:
        """A client does not want to know any more what it waits for; or will not, at an await of what it asks next."""
        waiting = [call for call in asks.calls if not call.is_over]
        if what == "give-up":
            asks.gives_up(int(at), is_late=when == LATE)
        elif waiting:
            waiting[0].cancel()
            self.colony.saw("a client gave up")

    def _must_not_wait_in_vain(self, call: Call, cell: int) -> None:
        """While every server knows that too few members are there, a client is refused at once, and nothing is done."""
        if not self.colony.lacks_majority(cell):
            return
        before = self.disturbed

        def told(_: object) -> None:
            if call.said == "OutcomeUnknown" and self.disturbed == before and self.colony.lacks_majority(cell):
                title = f"too few members of cell {cell} are there, which every server knew: a client was not refused,"
                self.colony.refute(Refuted(f"{title} and told that nobody knows whether it was done"))
            elif call.said == "Unavailable":
                self.colony.saw("a client was refused for want of a majority")

        call.task.add_done_callback(told)

    def _call(self, asks: Asking, what: str, key: str, given: str, at: int) -> None:
        match what:
            case "put":
                self.calls.append(asks.put(key, given.encode(), cell=at))
            case "count":
                self.calls.append(asks.put(key, int(given), cell=at))
            case "add":
                self.calls.append(asks.add(key, int(given), cell=at))
            case "get":
                self.calls.append(asks.get(key, cell=at))
            case "swap":
                old, new = given.split(">")
                self.calls.append(asks.put(key, new.encode(), cell=at, if_=(Equals(key, old.encode()),)))
            case "delete":
                self.calls.append(asks.delete(key, cell=at))
            case "peek":
                self.calls.append(asks.peek(key, cell=at))
            case "write" | "record":
                self.calls.append(asks.write(cell=at) if what == "write" else asks.record(cell=at))
            case "lease":
                duration_s, hold_s = given.split(":")
                self.calls.append(asks.lease(key, float(duration_s), float(hold_s), cell=at))
            case _:
                raise KeyError(what)


def _hold(colony: Colony, turns: str, seconds: str) -> None:
    colony.simulator.held_back[colony.simulator.turns + int(turns)] = float(seconds)
    colony.saw("a process was held back")


def _priorities(colony: Colony, depth: str, steps: str) -> None:
    seed = f"{colony.seed}/{colony.simulator.turns}"
    colony.simulator.priorities = Priorities(seed, int(depth), int(steps), colony.saw)


def _hurry(colony: Colony, name: str, awaits: str, when: str) -> None:
    """A server is told to end, and once more when it has waited so often: now, or late."""
    colony.stop(name)
    process = colony.machines[name].process
    assert process is not None
    running = ends_at(process, int(awaits), is_late=when == LATE)
    running.told = lambda: colony.saw("a server that drained was told to hurry")


VERBS: Mapping[str, Callable[..., object]] = {
    "cut": lambda colony, one, other: colony.net.cut(one, other),
    "deafen": lambda colony, one, other: colony.net.cut(one, other, both_ways=False),
    "mend": lambda colony, one, other: colony.net.mend(one, other),
    "reset": lambda colony, one, other: colony.net.reset(one, other),
    "delay": lambda colony, one, other, seconds: colony.net.slow(one, other, float(seconds)),
    "kill": lambda colony, name: colony.kill(name),
    "power": lambda colony, name: colony.cut_power(name),
    "start": lambda colony, name: colony.start(name),
    "stop": lambda colony, name: colony.stop(name),
    "pause": lambda colony, name: colony.pause(name),
    "resume": lambda colony, name: colony.resume(name),
    "fail-flush": lambda colony, name: colony.disk.fail_flush(name),
    "lose": lambda colony, name: colony.disk.lose(name),
    "fill": lambda colony, name: colony.disk.fill(name),
    "free": lambda colony, name: colony.disk.free(name),
    "slow": lambda colony, name, seconds: colony.disk.slow(name, float(seconds)),
    "rate": lambda colony, name, rate: colony.clock.rate(name, float(rate)),
    "hold": _hold,
    "priorities": _priorities,
    "hurry": _hurry,
    "move": lambda colony, cell, leaves_from, to: colony.moves.begin(int(cell), leaves_from, to),
}

"""Leases: locks that end by themselves, by durations alone. Mirrors `tla/Leases.tla`.

The record of the lock stands in the store, where every change of it raises its version; a request names the version
that it expects. Everything else is what each process measures with its own clock (R13): the holder from before it
first sent its request, whoever waits from when it saw the record at a version. The clocks go at rates of which none is
more than three times another.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action, invariant
from spec.values import Function, function, function_of, put

Process: TypeAlias = int
Version: TypeAlias = int
"""How often the record was changed."""
Duration: TypeAlias = int

NONE = -1
"""No version: nothing is asked for."""


class Request(NamedTuple):
    """Process `by`, in its life `life`, wants the lock for `length`, if the record's version is `expects`."""

    by: Process
    life: int
    expects: Version
    length: Duration


class State(NamedTuple):
    """The variables, grouped by who holds them."""

    # the store
    log: tuple[Request, ...]
    """What the record was, version by version: the last one is what it is."""
    # sent
    requests: frozenset[Request]
    # memory, of each process
    life: Function[int]
    asked: Function[Version]
    """The version that its open request expects, or `NONE`."""
    since: Function[Duration]
    """By its clock, since before it first sent that request."""
    left: Function[Duration]
    """By its clock, how much longer it believes that it holds the lock."""
    saw: Function[Version]
    """The version at which it saw the record last."""
    waited: Function[Duration]
    """By its clock, since it saw the record at that version."""


@frozen(kw_only=True, slots=False, eq=False)
class Leases(Machine[State]):
    """The constants, the steps, and what they are for."""

    length: Mapping[Process, Duration]
    """How long a process wants the lock: it stands in its record."""
    rates: frozenset[int]
    """How far a clock may go forward in one tick."""
    max_version: int
    """How often the record may change: a bound."""
    generous: frozenset[Process]
    """Processes that may give the lock back before its end: a bound."""
    frail: frozenset[Process]
    """Processes that may restart, once each: a bound."""

    @property
    def processes(self) -> range:
        """Processes."""
        return range(1, len(self.length) + 1)

    @property
    def lives(self) -> range:
        """Lives of a process."""
        return range(2)

    @property
    def versions(self) -> range:
        """Versions that a request may expect."""
        return range(self.max_version)

    @property
    def seen(self) -> range:
        """Versions that a process may see."""
        return range(1, self.max_version + 1)

    @property
    def ticks(self) -> Iterable[Function[int]]:
        """For each clock how far it goes."""
        return map(function_of, product(sorted(self.rates), repeat=len(self.length)))

    def init(self) -> Iterator[State]:
        """The one initial state: nobody ever held the lock."""
        nothing = function(self.processes, 0)
        yield State(
            log=(), requests=frozenset(),
            life=nothing, asked=function(self.processes, NONE), since=nothing, left=nothing, saw=nothing,
            waited=nothing,
        )  # fmt: skip

    def patience(self, s: State, p: Process) -> Duration:
        """How long `p` waits: three times what stands in the record that it saw."""
        return 3 * s.log[s.saw[p] - 1].length if s.saw[p] > 0 else 0

    def request(self, s: State, p: Process) -> Request:
        """The open request of `p`."""
        return Request(p, s.life[p], s.asked[p], self.length[p])

    def version(self, s: State, request: Request) -> Version:
        """The version that a request made; 0 if it made none."""
        return next((v for v, granted in enumerate(s.log, start=1) if granted == request), 0)

    @action(p="processes", v="seen")
    def see(self, s: State, p: Process, v: Version) -> State | None:
        """It hears how the record was at a later version than it saw: it begins to wait again.

        What it hears may be late, and then this version is gone already.
        """
        if not (
            s.saw[p] < v <= len(s.log)
        ):  # fmt: skip
            return None
        return s._replace(saw=put(s.saw, p, v), waited=put(s.waited, p, 0))

    @action(p="processes")
    def ask(self, s: State, p: Process) -> State | None:
        """It takes over from whom it waited for, or renews what it holds, if the record is as it saw it.

        It begins to measure before it sends.
        """
        if not (
            s.asked[p] == NONE
            and s.saw[p] < self.max_version
            and (s.left[p] > 0 or s.waited[p] >= self.patience(s, p))
        ):  # fmt: skip
            return None
        return s._replace(
            asked=put(s.asked, p, s.saw[p]),
            since=put(s.since, p, 0),
            requests=s.requests | {Request(p, s.life[p], s.saw[p], self.length[p])},
        )

    @action(p="processes")
    def repeat(self, s: State, p: Process) -> State | None:
        """It sends the same request again. It goes on measuring from before the first time."""
        if s.asked[p] == NONE:
            return None
        return s

    @action(p="processes", k="lives", v="versions")
    def grant(self, s: State, p: Process, k: int, v: Version) -> State | None:
        """A request is granted only at the version that it expects, and so once."""
        request = Request(p, k, v, self.length[p])
        if not (
            request in s.requests
            and v == len(s.log)
        ):  # fmt: skip
            return None
        return s._replace(log=(*s.log, request))

    @action(p="processes")
    def release(self, s: State, p: Process) -> State | None:
        """Whoever holds the lock gives it back: it holds it no more, whatever becomes of the record."""
        if not (
            p in self.generous
            and s.asked[p] == NONE
            and s.left[p] > 0
            and s.saw[p] < self.max_version
        ):  # fmt: skip
            return None
        return s._replace(left=put(s.left, p, 0), requests=s.requests | {Request(p, s.life[p], s.saw[p], 0)})

    @action(p="processes", k="lives", v="versions")
    def free(self, s: State, p: Process, k: int, v: Version) -> State | None:
        """The record says that nobody holds the lock."""
        if not (
            Request(p, k, v, 0) in s.requests
            and v == len(s.log)
        ):  # fmt: skip
            return None
        return s._replace(log=(*s.log, Request(p, k, v, 0)))

    @action(p="processes")
    def hear(self, s: State, p: Process) -> State | None:
        """It hears that its request was granted, and perhaps too late for it to be of use."""
        if not (
            s.asked[p] != NONE
            and self.request(s, p) in s.log
        ):  # fmt: skip
            return None
        return s._replace(
            left=put(s.left, p, self.length[p] - s.since[p]),
            saw=put(s.saw, p, self.version(s, self.request(s, p))),
            waited=put(s.waited, p, 0),
            asked=put(s.asked, p, NONE),
            since=put(s.since, p, 0),
        )

    @action(p="processes")
    def fail(self, s: State, p: Process) -> State | None:
        """It hears that the record was at another version."""
        if not (
            s.asked[p] != NONE
            and self.request(s, p) not in s.log
            and s.asked[p] < len(s.log)
        ):  # fmt: skip
            return None
        return s._replace(asked=put(s.asked, p, NONE), since=put(s.since, p, 0))

    @action(p="processes")
    def restart(self, s: State, p: Process) -> State | None:
        """It forgets everything. What it sent may still arrive."""
        if not (
            p in self.frail
            and s.life[p] == 0
        ):  # fmt: skip
            return None
        return s._replace(
            life=put(s.life, p, 1),
            asked=put(s.asked, p, NONE),
            since=put(s.since, p, 0),
            left=put(s.left, p, 0),
            saw=put(s.saw, p, 0),
            waited=put(s.waited, p, 0),
        )

    @action(rate="ticks")
    def tick(self, s: State, rate: Function[int]) -> State | None:
        """Time goes by. No clock counts further than matters."""
        return s._replace(
            since=function_of(
                min(s.since[p] + rate[p], self.length[p]) if s.asked[p] != NONE else 0 for p in self.processes
            ),
            left=function_of(max(s.left[p] - rate[p], 0) for p in self.processes),
            waited=function_of(min(s.waited[p] + rate[p], self.patience(s, p)) for p in self.processes),
        )

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            set(s.log) <= s.requests
            and all(r.by in self.processes and r.expects in self.versions for r in s.requests)
            and all(r.life in self.lives and r.length in (0, self.length[r.by]) for r in s.requests)
            and all(
                s.life[p] in self.lives
                and (s.asked[p] == NONE or s.asked[p] in self.versions)
                and 0 <= s.since[p] <= self.length[p]
                and 0 <= s.left[p] <= self.length[p]
                and 0 <= s.saw[p] <= len(s.log)
                and s.waited[p] >= 0
                for p in self.processes
            )
        )

    @invariant
    def one_holder(self, s: State) -> bool:
        """No two believe at once that they hold the lock."""
        return sum(s.left[p] > 0 for p in self.processes) <= 1

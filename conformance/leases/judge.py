"""The judge of a contest: each of its events is a step of `spec/service/leases.py`, and the contenders show its state.

Both directions: what a contender does must be allowed, and what it may do it must be ready to do, so that nobody waits
for ever (rule R13). What the specification says of durations is in ticks, and so is what is read from the contenders.
"""

from collections.abc import Callable
from typing import Any

from conformance.leases.contest import TICK_NS, Contest, Process
from conformance.refutation import Refuted
from physalia.lease import Record
from spec.service.leases import NONE, Leases, Request, State
from spec.values import function_of

TOOK_OVER = "somebody takes over from a holder whose time is over"
AT_ONCE = "somebody takes over at once what was given back"
THIRD = "of three that wait for one end, one gets the lock, and another is refused"
RENEWED = "a holder renews its lease, and another that waits begins again"
TOO_LATE = "somebody hears so late that it was granted the lock that its time is over"
REFUSED = "somebody hears that the record was at another version"
REPEATED = "a request that was sent again is granted once, and counts from the first time"
FORMER = "what somebody asked for in a former life is granted"
LATE_NEWS = "somebody hears of a version that is gone already"
AT_THE_EDGE = "somebody holds the lock while another one has no more than one tick left to wait"
MARKS = (
    TOOK_OVER, AT_ONCE, THIRD, RENEWED, TOO_LATE, REFUSED, REPEATED, FORMER, LATE_NEWS, AT_THE_EDGE,
)  # fmt: skip
"""What a campaign of leases must reach."""


def machine_of(lengths: dict[int, int], rates: frozenset[int]) -> Leases:
    """The specification of processes that want the lock so long; all of them may give it back, and restart once."""
    everyone = frozenset(lengths)
    return Leases(length=lengths, rates=rates, max_version=1 << 30, generous=everyone, frail=everyone)


class Judge:
    """Follows a contest. `reach` is told what was seen; every step raises `Refuted` if it is wrong."""

    def __init__(self, contest: Contest, rates: frozenset[int], reach: Callable[[str], None]) -> None:
        self.contest = contest
        self.machine = machine_of({p.name: p.length for p in contest.processes.values()}, rates)
        self.state: State = next(iter(self.machine.init()))
        self.steps = 0
        self._reach = reach
        self._repeated: set[Request] = set()
        self._refused_at: dict[int, set[int]] = {}
        """Versions that requests expected in vain, and whose."""

    def step(self, name: str, *arguments: Any) -> None:
        """Somebody did this: it must be a step of the specification."""
        after = getattr(self.machine, name)(self.state, *arguments)
        if after is None:
            raise Refuted(f"{name}{arguments} is no step of the specification now", (str(self.state),))
        self.state = after
        self.steps += 1

    def held(self) -> None:
        """After every event: the contenders show the state, and no two hold the lock."""
        for process in self.contest.processes.values():
            self._compare(process)
        if not self.machine.type_ok(self.state):
            raise Refuted("the state of the leases has values of another kind", (str(self.state),))
        if not self.machine.one_holder(self.state):
            raise Refuted("two processes believe at once that they hold the lock", (str(self.state),))

    def _compare(self, process: Process) -> None:
        state, p, one, now = self.state, process.name, process.contender, process.clock_ns
        length, patience = process.length, self.machine.patience(state, process.name)
        expected = {
            "asked": state.asked[p], "since": state.since[p], "left": state.left[p], "saw": state.saw[p],
            "waited": state.waited[p],
        }  # fmt: skip
        shown = {
            "asked": NONE if one.asked is None else self.version(one.asked),
            "since": min(one.since_ns(now) // TICK_NS, length),
            "left": one.left_ns(now) // TICK_NS,
            "saw": self.version(one.saw),
            "waited": min(one.waited_ns(now) // TICK_NS, patience),
        }
        if shown != expected:
            differ = [f"{name}: {value}, and it shows {shown[name]}" for name, value in expected.items()]
            raise Refuted(f"process {p} is in another state than its steps lead to", differ)
        may_ask = self.machine.ask(state, p) is not None
        if may_ask != (one.asked is None and one.wait_ns(now) == 0):
            what = "may ask for the lock, and waits" if may_ask else "must wait, and would ask for the lock"
            raise Refuted(f"process {p} {what}", (str(state),))

    def version(self, slot: int) -> int:
        """Which version of the record was made in this slot; 0 for none."""
        return 0 if slot == 0 else self.contest.versions.index(slot) + 1

    # What happens

    def tick(self, rates: tuple[int, ...]) -> None:
        """Time goes by."""
        if not set(rates) <= self.machine.rates:
            raise ValueError(f"clocks of this contest go at rates of {sorted(self.machine.rates)}")
        self.step("tick", function_of(rates))
        state, last = self.state, len(self.state.log)
        holder = next((p for p in self.machine.processes if state.left[p]), None)
        if holder is not None and state.log[-1].by == holder:
            waiting = [p for p in self.machine.processes if p != holder and state.saw[p] == last]
            left = [self.machine.patience(state, p) - state.waited[p] for p in waiting]
            if min(left, default=0) in range(1, max(self.machine.rates) + 1):
                self._reach(AT_THE_EDGE)

    def repeated(self, process: Process) -> None:
        """The process sent its request for the lock again."""
        self.step("repeat", process.name)
        self._repeated.add(self.machine.request(self.state, process.name))

    def arrived(self, record: Record, *, changed: bool) -> None:
        """A request that wants this record reached the store, which did it or not."""
        name, life = map(int, record.holder.split("-"))
        expects = self.version(record.expects)
        request = Request(name, life, expects, record.length_ns // TICK_NS)
        action = "grant" if request.length else "free"
        if not changed:
            if request not in self.state.log and getattr(self.machine, action)(self.state, name, life, expects):
                raise Refuted(f"the store does not do {request}, and should", (str(self.state),))
            return
        self.step(action, name, life, expects)
        if action == "grant":
            self._note_grant(request)

    def _note_grant(self, request: Request) -> None:
        state = self.state
        before = state.log[-2] if len(state.log) > 1 else None
        if request.life < state.life[request.by]:
            self._reach(FORMER)
        if before is not None and before.by != request.by:
            self._reach(TOOK_OVER if before.length else AT_ONCE)
        others = [p for p in self.machine.processes if p != request.by]
        waits = any(state.saw[p] == len(state.log) - 1 and state.waited[p] for p in others)
        if before is not None and before.by == request.by and state.left[request.by] and waits:
            self._reach(RENEWED)
        rivals = [p for p in others if state.asked[p] == request.expects]
        if rivals and before is not None and before.by not in (request.by, *rivals):
            self._refused_at.setdefault(request.expects, set()).update(rivals)

    def heard(self, process: Process, slot: int) -> None:
        """The process hears how the record was at the version of this slot, whatever it had asked."""
        p, version, state = process.name, self.version(slot), self.state
        asked = state.asked[p]
        if asked != NONE:
            request = self.machine.request(state, p)
            own = self.machine.version(state, request)
            if own and version >= own:
                if state.since[p] == process.length:
                    self._reach(TOO_LATE)
                elif request in self._repeated:
                    self._reach(REPEATED)
                self.step("hear", p)
            elif version > asked:
                self._reach(REFUSED)
                if p in self._refused_at.get(asked, ()):
                    self._reach(THIRD)
                self.step("fail", p)
        if version > self.state.saw[p]:
            if version < len(self.state.log):
                self._reach(LATE_NEWS)
            self.step("see", p, version)

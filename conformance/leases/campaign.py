"""A campaign of contests: a random driver with habits, a judge beside it, and what the processes told their users.

Clocks go at rates of 1 to 3, each at one of them for a while. A driver who chose a rate anew at every tick would have
all clocks go at nearly the same rate in the long run.
"""

from collections import Counter
from random import Random

from attrs import frozen

from conformance.leases.contest import LOOK, TICK_NS, Contest, Process
from conformance.leases.judge import Judge
from conformance.refutation import Refuted

RATES = frozenset({1, 2, 3})
"""How far a clock may go in one tick."""
PROCESSES = 3
MOST_UNDER_WAY = 6


@frozen
class Told:
    """What a user saw: process `name` began to `acquire` or `release` the lock, or came to an end of that."""

    process: str
    type: str
    f: str


class Driver:
    """Drives one contest. With `is_judged` false nobody looks inside: only `told` is kept."""

    def __init__(self, seed: str, rates: frozenset[int] = RATES, *, is_judged: bool = True) -> None:
        self.random = random = Random(seed)  # noqa: S311 (repeatable, no secret)
        lengths = [random.choice((1, 2, 3, 4, 6, 9)) for _ in range(PROCESSES)]
        clocks_ns = [random.randrange(10**12) for _ in range(PROCESSES)]
        self.contest = Contest.of(lengths, clocks_ns)
        self.reached: Counter[str] = Counter()
        self.judge = Judge(self.contest, rates, lambda mark: self.reached.update([mark])) if is_judged else None
        self.told: list[Told] = []
        self.events = 0
        self.rates = sorted(rates)
        self.pace = self._paces()
        self.habits = {
            "tick": random.choice((2, 4, 8)), "look": random.uniform(0.5, 3), "ask": random.choice((1, 4)),
            "at once": random.choice((1, 4, 8)), "repeat": random.uniform(0.5, 3),
            "give back": random.choice((0, 0.3, 1)), "arrive": 8, "answer": 8, "restart": random.choice((0, 0.1, 0.5)),
            "lose": random.choice((0, 0.5, 2)), "noise": 0.5, "pace": random.choice((0.1, 0.5)),
        }  # fmt: skip
        self._holds: dict[int, str] = {}
        """Who holds the lock as its user was told, under which name."""
        self._wants: dict[int, str] = {}

    def run(self, events: int) -> None:
        """So many events. Raises `Refuted`."""
        names, weights = list(self.habits), list(self.habits.values())
        for self.events in range(1, events + 1):
            what = self.random.choices(names, weights)[0]
            process = self.contest.processes[self.random.randint(1, PROCESSES)]
            try:
                self._happen(what, process)
                if self.judge is not None:
                    self.judge.held()
            except Refuted as refuted:
                where = f"event {self.events}: {what}"
                raise Refuted(refuted.title, (where, *refuted.lines), refuted.how) from None
            self._tell()

    def _paces(self) -> tuple[int, ...]:
        return tuple(self.random.choice((self.rates[0], self.rates[-1], *self.rates)) for _ in range(PROCESSES))

    def _happen(self, what: str, process: Process) -> None:
        """One event; nothing, if it cannot be now."""
        is_idle = process.request is None
        match what:
            case "tick":
                self._tick()
            case "pace":
                self.pace = self._paces()
            case "noise":
                self.contest.noise()
            case "arrive":
                self._arrive()
            case "answer":
                self._answer()
            case "lose" if self.contest.answers:
                self.contest.answers.pop(self.random.randrange(len(self.contest.answers)))
            case "restart" if process.life == 0:
                self._restart(process)
            case "repeat" if not is_idle:
                self._repeat(process)
            case "look" | "ask" | "at once" | "give back" if is_idle:
                self._begin(what, process)

    def _begin(self, what: str, process: Process) -> None:
        """The process, which waits for no answer, does something."""
        match what:
            case "look":
                self.contest.send(process, LOOK)
            case "ask":
                self._ask(process)
            case "at once":
                self._at_once(process)
            case "give back":
                self._give_back(process)

    def _tick(self) -> None:
        for one, rate in zip(self.contest.processes.values(), self.pace, strict=True):
            one.clock_ns += rate * TICK_NS
        if self.judge is not None:
            self.judge.tick(self.pace)

    def _restart(self, process: Process) -> None:
        self.contest.restart(process)
        if self.judge is not None:
            self.judge.step("restart", process.name)

    def _ask(self, process: Process) -> None:
        wanted = process.contender.ask(process.clock_ns)
        if wanted is None:
            return
        self.contest.send(process, wanted)
        if process.name not in self._holds:
            self._want(process)
        if self.judge is not None:
            self.judge.step("ask", process.name)

    def _at_once(self, process: Process) -> None:
        """It asks for the lock, or looks if it may not ask, and is answered before anything else happens."""
        self._ask(process)
        if process.request is None:
            self.contest.send(process, LOOK)
        self._arrive(len(self.contest.questions) - 1)
        self._answer(len(self.contest.answers) - 1)

    def _want(self, process: Process) -> None:
        name = f"{process.name}/{len(self.told)}"
        self._wants[process.name] = name
        self.told.append(Told(name, "invoke", "acquire"))

    def _repeat(self, process: Process) -> None:
        if len(self.contest.questions) < MOST_UNDER_WAY:
            self.contest.send_again(process)
            wanted = process.contender.repeat()
            if wanted is not None and self.judge is not None:
                self.judge.repeated(process)

    def _give_back(self, process: Process) -> None:
        wanted = process.contender.release(process.clock_ns)
        if wanted is not None:
            self.contest.send(process, wanted)
            if self.judge is not None:
                self.judge.step("release", process.name)

    def _arrive(self, place: int | None = None) -> None:
        """A question reaches the store, and may reach it once more."""
        questions = self.contest.questions
        if not questions:
            return
        place = self.random.randrange(len(questions)) if place is None else place
        question = questions[place]
        if self.random.random() < self.random.choice((0.5, 0.9)):
            del questions[place]
        changed = self.contest.arrive(question)
        record = self.contest.wants(question)
        if self.judge is not None and record is not None:
            self.judge.arrived(record, changed=changed)

    def _answer(self, place: int | None = None) -> None:
        """An answer reaches who asked, if it still waits for that. Others come to nobody."""
        answers = self.contest.answers
        if not answers:
            return
        question, item = answers.pop(self.random.randrange(len(answers)) if place is None else place)
        for process in self.contest.processes.values():
            if process.request == question:
                process.request = None
                process.contender.see(item, process.clock_ns)
                if self.judge is not None and item is not None:
                    self.judge.heard(process, item.version)
                self._wanted_in_vain(process)

    def _wanted_in_vain(self, process: Process) -> None:
        """It heard an answer, and does not hold the lock: whether it had it for a while, nobody knows."""
        if process.contender.asked is None and not process.contender.left_ns(process.clock_ns):
            self._wants.pop(process.name, None)

    def _tell(self) -> None:
        """What the users see of it: who acquired the lock, and that it ended, by time or because it was given back."""
        for process in self.contest.processes.values():
            name, held = process.name, bool(process.contender.left_ns(process.clock_ns))
            if name in self._holds and not held:
                ended = self._holds.pop(name)
                self.told += [Told(ended, "invoke", "release"), Told(ended, "ok", "release")]
                if process.contender.asked is not None:
                    self._want(process)
        for process in self.contest.processes.values():
            name, held = process.name, bool(process.contender.left_ns(process.clock_ns))
            if held and name not in self._holds:
                self._holds[name] = wanted = self._wants.pop(name)
                self.told.append(Told(wanted, "ok", "acquire"))

"""What TLC says with ``-tool``: numbered messages, read line by line while it runs.

``Transcript.read`` takes the lines of the output in order and keeps what they said. It draws no conclusions; that is
``conformance.tlc.run``'s part. The numbers are those of TLC's own ``EC.java`` and have been stable since version 2.15.
"""

import re

from attrs import define, field, frozen

from conformance.tlc.parser_words import parser_sentences

VERSION = 2262
SUCCESS = 2193
COUNTS = 2199
PROGRESS = 2200
DEPTH = 2194
ACTION_COVERAGE = 2772
STATE = 2217
STUTTERING = 2218
BACK_TO_STATE = 2122
DEADLOCK = 2114
TEMPORAL_PROPERTIES = 2116
NOT_PARSED = 3002
OUT_OF_MEMORY = frozenset({1001, 1002, 1003})

# What is violated when TLC does not say which property it is.
TEMPORAL = "temporal properties"

_FRAME = re.compile(r"@!@!@(?P<end>START|END)MSG (?P<code>-?\d+)(?::(?P<severity>-?\d+))? @!@!@")
_NUMBER_OF = {
    "generated": re.compile(r"([\d,]+) states generated"),
    "distinct": re.compile(r"([\d,]+) distinct states found"),
    "queue": re.compile(r"([\d,]+) states? left on queue"),
}
_REACHED = re.compile(r'^<<"reached", "(\w+)">>$')
_NO_MEMORY_LEFT = re.compile(r"java\.lang\.OutOfMemoryError|Java heap space|GC overhead limit exceeded")
_ACTION = re.compile(r"^<(?P<name>.+?) line \d+, col \d+.*>: (?P<distinct>[\d,]+):(?P<taken>[\d,]+)$")
_TRACE_STATE = re.compile(r"^(?P<number>\d+): <(?P<action>.*?)(?: line \d+, col \d+ .*)?>$")

ASSUMPTION = 2104
# What is violated, by message number: each sentence with the place where the name stands.
_VIOLATION = {
    ASSUMPTION: re.compile(r"Assumption (?P<name>.+) is false"),
    2107: re.compile(r"Invariant (?P<name>.+) is violated by the initial state"),
    2108: re.compile(r"Property (?P<name>.+) is violated by the initial state"),
    2110: re.compile(r"Invariant (?P<name>.+) is violated"),
    2112: re.compile(r"Action property (?P<name>.+) is violated"),
}
_TRACE_HEADINGS = frozenset({2121, 2264})
_IN_INITIAL_STATE = frozenset({2107, 2108})
_ERROR_SEVERITY = 1
_TAIL_LINES = 60


@frozen
class TraceState:
    """A state of a counterexample: the action that led to it, and its text as TLC prints it."""

    action: str
    text: str


@frozen
class Counts:
    """Generated and distinct states so far, and those that wait to be explored."""

    generated: int = 0
    distinct: int = 0
    queue: int = 0


@define
class Transcript:
    """Everything of interest that TLC has said so far."""

    started: bool = False
    succeeded: bool = False
    out_of_memory: bool = False
    counts: Counts = field(factory=Counts)
    depth: int = 0
    violated: str = ""
    is_assumption: bool = False
    trace: list[TraceState] = field(factory=list)
    loops_to: int = 0
    reached: set[str] = field(factory=set)
    taken: dict[str, int] = field(factory=dict)
    errors: list[str] = field(factory=list)
    tail: list[str] = field(factory=list)
    _code: int = 0
    _severity: int = 0
    _body: list[str] = field(factory=list)

    @property
    def explores(self) -> bool:
        """Whether the last counts are of a run that goes on: nothing was found wrong, and states wait to be explored.

        At its end TLC tells its progress once more, also after a counterexample.
        """
        return self.counts.queue > 0 and not (self.violated or self.errors or self.out_of_memory)

    def read(self, line: str) -> bool:
        """Take the next line, without its line break; True when a progress message has just ended."""
        frame = _FRAME.search(line)
        if frame is None:
            self._read_text(line)
            return False
        if frame.start():  # what a specification prints need not end its line
            self._read_text(line[: frame.start()])
        if frame["end"] == "START":
            self._code, self._severity, self._body = int(frame["code"]), int(frame["severity"] or 0), []
            return False
        code, self._code = self._code, 0
        self._read_message(code, "\n".join(self._body).strip("\n"))
        return code == PROGRESS

    def _read_text(self, line: str) -> None:
        self.out_of_memory |= _NO_MEMORY_LEFT.search(line) is not None
        reached = _REACHED.match(line)
        if reached:
            self.reached.add(reached[1])
        elif self._code:
            self._body.append(line)
        elif line.strip():
            self.tail = [*self.tail[1 - _TAIL_LINES :], line]

    def _read_message(self, code: int, body: str) -> None:  # noqa: PLR0912  # one branch a kind of message
        if code == VERSION:
            self.started = True
        elif code == SUCCESS:
            self.succeeded = True
        elif code in (COUNTS, PROGRESS):
            self.counts = Counts(**{name: _number(pattern, body) for name, pattern in _NUMBER_OF.items()})
            progress = re.match(r"Progress\((\d+)\)", body)
            if progress:
                self.depth = int(progress[1])
        elif code == DEPTH:
            self.depth = _number(re.compile(r"is ([\d,]+)"), body)
        elif code == ACTION_COVERAGE:
            self._read_action(body)
        elif code == STATE:
            self._read_state(body)
        elif code == STUTTERING:
            self.loops_to = len(self.trace)
        elif code == BACK_TO_STATE:
            self.loops_to = _number(re.compile(r"(\d+)"), body)
        elif code in OUT_OF_MEMORY:
            self.out_of_memory = True
        elif code == DEADLOCK:
            self.violated = "Deadlock"
        elif code == TEMPORAL_PROPERTIES:
            self.violated = self.violated or TEMPORAL
        elif code in _VIOLATION:
            self._read_violation(code, body)
        elif self._severity == _ERROR_SEVERITY and code not in _TRACE_HEADINGS:
            complaints = parser_sentences(self.tail) if code == NOT_PARSED else []
            self.errors += complaints or [" ".join(body.split())]

    def _read_action(self, body: str) -> None:
        action = _ACTION.match(body)
        if action:
            # An action that stands twice in the next-state relation is reported twice; coverage is printed repeatedly,
            # and only grows.
            taken = int(action["taken"].replace(",", ""))
            self.taken[action["name"]] = max(taken, self.taken.get(action["name"], 0))

    def _read_state(self, body: str) -> None:
        head, _, text = body.partition("\n")
        state = _TRACE_STATE.match(head)
        # A jar of later years adds the arguments to the action; they are found as those of the shipped one are.
        action = state["action"].partition("(")[0] if state else head
        self.trace.append(TraceState(action=action, text=text.strip("\n")))

    def _read_violation(self, code: int, body: str) -> None:
        head, _, text = body.partition("\n")
        violation = _VIOLATION[code].search(head)
        self.violated = violation["name"] if violation else head
        self.is_assumption = code == ASSUMPTION
        if code in _IN_INITIAL_STATE and text.strip():
            self.trace.append(TraceState(action="Initial predicate", text=text.strip("\n")))


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found else 0

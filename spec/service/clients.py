"""Exactly once, for clients that ask again: sessions, numbers, and a table that forgets. Mirrors `tla/Clients.tla`.

The log is there already: this is about what is in it, and what clients make of it (R6). A session is begun by an entry
of the log, and its slot is its name; its requests are numbered. A request that comes again gets the answer of the first
time. The table of sessions is bounded, and which session it forgets is a function of the log; who uses a forgotten one
is told that it is expired. Every request of a client ends as done, not done or unknown.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action, invariant
from spec.values import Function, function, put

Client: TypeAlias = int
Slot: TypeAlias = int
Node: TypeAlias = int


class Attempt(NamedTuple):
    """What a client sent, for the so-manieth time: a request of its session, or number 0, which begins the session."""

    client: Client
    session: Slot
    number: int
    attempt: int
    content: int = 1
    """What it asks for, out of two things under one number."""


class Effect(NamedTuple):
    """A request took effect."""

    client: Client
    number: int
    content: int = 1


class Session(NamedTuple):
    """A session that is remembered: its last request, where that took effect, and the slot that used it last."""

    name: Slot
    number: int
    content: int
    place: int
    used: Slot


class Copy(NamedTuple):
    """What a node made of a prefix of the log."""

    applied: Slot
    sessions: frozenset[Session]
    effects: tuple[Effect, ...]


class Answer(NamedTuple):
    """What a node says of an attempt: "done" and where, or "expired", "old" or "reused"."""

    to: Attempt
    says: str
    place: int


class Memory(NamedTuple):
    """What a client remembers: its session, the number of its last request, how often it sent it, and if it waits."""

    session: Slot
    number: int
    attempts: int
    waits: bool


class End(NamedTuple):
    """What a client makes of a request at last: "done" and where, "not done" or "unknown"."""

    client: Client
    number: int
    how: str
    place: int
    content: int = 0
    """Which content was done; 0 if none was, or nobody knows."""


class State(NamedTuple):
    """The variables."""

    log: tuple[Attempt, ...]
    sent: frozenset[Attempt]
    refused: frozenset[Attempt]
    """What a proposer rejected: it is in the log nowhere, and will not be."""
    answers: frozenset[Answer]
    copies: Function[Copy]
    """What each node made of the log."""
    clients: Function[Memory]
    ends: frozenset[End]


@frozen(kw_only=True, slots=False, eq=False)
class Clients(Machine[State]):
    """The constants, the steps, and what they are for."""

    requests: Mapping[Client, int]
    """How many requests a client makes: a bound."""
    max_attempts: int
    """How often it sends one: a bound."""
    max_slot: int
    """How long the log grows: a bound."""
    max_sessions: int
    """How many sessions are remembered."""
    nodes: range
    """Who applies the log."""
    careless: frozenset[Client] = frozenset()
    """Clients that ask again for something else, under the same number."""

    @property
    def everyone(self) -> range:
        """Clients."""
        return range(1, len(self.requests) + 1)

    @property
    def numbers(self) -> range:
        """Numbers of requests; 0 begins a session."""
        return range(max(self.requests.values()) + 1)

    @property
    def tries(self) -> range:
        """The first time that a request is sent, the second, and so on."""
        return range(1, self.max_attempts + 1)

    @property
    def slots(self) -> range:
        """Slots."""
        return range(1, self.max_slot + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(
            log=(), sent=frozenset(), refused=frozenset(), answers=frozenset(),
            copies=function(self.nodes, Copy(0, frozenset(), ())),
            clients=function(self.everyone, Memory(0, 0, 0, False)), ends=frozenset(),
        )  # fmt: skip

    # What a node makes of an entry.

    def stamp(self, r: Node, slot: Slot) -> Slot:  # noqa: ARG002  # it is what a function of the log does not look at
        """When a session was used: a place in the log, and no time of `r`."""
        return slot

    def remembered(self, sessions: frozenset[Session], new: Session) -> frozenset[Session]:
        """The table with one session more, or changed. If it is full, the one that was not used for longest goes."""
        others = frozenset(one for one in sessions if one.name != new.name)
        if len(others) == self.max_sessions:
            others -= {min(others, key=lambda one: one.used)}
        return others | {new}

    def begun(self, r: Node, state: Copy, slot: Slot) -> Copy:
        """A session begins."""
        new = Session(slot, 0, 1, 0, self.stamp(r, slot))
        return state._replace(applied=slot, sessions=self.remembered(state.sessions, new))

    def performed(self, r: Node, state: Copy, slot: Slot, asked: Attempt) -> Copy:
        """A request takes effect."""
        effects = (*state.effects, Effect(asked.client, asked.number, asked.content))
        new = Session(asked.session, asked.number, asked.content, len(effects), self.stamp(r, slot))
        return Copy(slot, self.remembered(state.sessions, new), effects)

    def applied(self, r: Node, state: Copy, slot: Slot, asked: Attempt) -> tuple[Copy, Answer]:
        """One entry applied, and what is said of it."""
        idle = state._replace(applied=slot)
        if asked.number == 0:
            return self.begun(r, state, slot), Answer(asked, "done", slot)
        known = next((one for one in state.sessions if one.name == asked.session), None)
        if known is None:
            return idle, Answer(asked, "expired", 0)
        if asked.number == known.number and asked.content != known.content:
            return idle, Answer(asked, "reused", 0)
        if asked.number == known.number:
            return idle, Answer(asked, "done", known.place)
        if asked.number < known.number:
            return idle, Answer(asked, "old", 0)
        after = self.performed(r, state, slot, asked)
        return after, Answer(asked, "done", len(after.effects))

    # What clients do.

    def content(self, c: Client, t: int) -> int:
        """What a client asks for in its so-manieth attempt."""
        return t if c in self.careless else 1

    def open(self, s: State, c: Client, attempt: int) -> Attempt:
        """An attempt at the request that a client waits for."""
        return Attempt(c, s.clients[c].session, s.clients[c].number, attempt, self.content(c, attempt))

    def ended(self, s: State, c: Client, how: str, place: int, content: int = 0) -> State:
        """The client waits no more."""
        me = s.clients[c]
        return s._replace(
            clients=put(s.clients, c, me._replace(waits=False)), ends=s.ends | {End(c, me.number, how, place, content)}
        )

    @action(c="everyone")
    def begin(self, s: State, c: Client) -> State | None:
        """It wants a session."""
        if Attempt(c, 0, 0, 1) in s.sent:
            return None
        return s._replace(sent=s.sent | {Attempt(c, 0, 0, 1)})

    @action(c="everyone")
    def enter(self, s: State, c: Client) -> State | None:
        """It hears the name of its session."""
        name = next((a.place for a in s.answers if a.to == Attempt(c, 0, 0, 1)), 0)
        if not (
            s.clients[c].session == 0
            and name != 0
        ):  # fmt: skip
            return None
        return s._replace(clients=put(s.clients, c, Memory(name, 0, 0, False)))

    @action(c="everyone")
    def ask(self, s: State, c: Client) -> State | None:
        """It sends its next request."""
        me = s.clients[c]
        if not (
            me.session != 0
            and not me.waits
            and me.number < self.requests[c]
        ):  # fmt: skip
            return None
        return s._replace(
            clients=put(s.clients, c, Memory(me.session, me.number + 1, 1, True)),
            sent=s.sent | {Attempt(c, me.session, me.number + 1, 1)},
        )

    @action(c="everyone")
    def repeat(self, s: State, c: Client) -> State | None:
        """It has heard nothing, or that it was refused, and sends the request again."""
        me = s.clients[c]
        if not (
            me.waits
            and me.attempts < self.max_attempts
        ):  # fmt: skip
            return None
        return s._replace(
            clients=put(s.clients, c, me._replace(attempts=me.attempts + 1)),
            sent=s.sent | {self.open(s, c, me.attempts + 1)},
        )

    @action(c="everyone", k="numbers", t="tries")
    def refuse(self, s: State, c: Client, k: int, t: int) -> State | None:
        """A proposer has no room for an attempt, and says so."""
        asked = next((a for a in s.sent if (a.client, a.number, a.attempt) == (c, k, t)), None)
        if not (
            asked is not None
            and k != 0
            and asked not in s.refused and asked not in s.log
        ):  # fmt: skip
            return None
        return s._replace(refused=s.refused | {asked})

    @action(c="everyone", k="numbers", t="tries")
    def decide(self, s: State, c: Client, k: int, t: int) -> State | None:
        """An attempt is decided."""
        asked = next((a for a in s.sent if (a.client, a.number, a.attempt) == (c, k, t)), None)
        if not (
            asked is not None
            and len(s.log) < self.max_slot
            and asked not in s.refused and asked not in s.log
        ):  # fmt: skip
            return None
        return s._replace(log=(*s.log, asked))

    @action(r="nodes")
    def apply(self, s: State, r: Node) -> State | None:
        """A node applies the next entry, and answers."""
        slot = s.copies[r].applied + 1
        if slot > len(s.log):
            return None
        after, answer = self.applied(r, s.copies[r], slot, s.log[slot - 1])
        return s._replace(copies=put(s.copies, r, after), answers=s.answers | {answer})

    @action(r="nodes", q="nodes")
    def jump(self, s: State, r: Node, q: Node) -> State | None:
        """A node takes over a snapshot of another. Of what lies in between it says nothing."""
        if s.copies[r].applied >= s.copies[q].applied:
            return None
        return s._replace(copies=put(s.copies, r, s.copies[q]))

    @action(c="everyone", t="tries")
    def hear(self, s: State, c: Client, t: int) -> State | None:
        """It hears that its request is done, the one with the content of attempt `t`."""
        mine = self.open(s, c, t)
        place = next((a.place for a in s.answers if a.to == mine and a.says == "done"), 0)
        if not (
            s.clients[c].waits
            and place != 0
        ):  # fmt: skip
            return None
        return self.ended(s, c, "done", place, self.content(c, t))

    @action(c="everyone")
    def fail(self, s: State, c: Client) -> State | None:
        """Of *every* attempt it hears that it came to nothing. That one did says nothing of the others."""
        nothing = s.refused | {a.to for a in s.answers if a.says in ("expired", "reused")}
        if not (
            s.clients[c].waits
            and all(self.open(s, c, t) in nothing for t in range(1, s.clients[c].attempts + 1))
        ):  # fmt: skip
            return None
        return self.ended(s, c, "not done", 0)

    @action(c="everyone")
    def give(self, s: State, c: Client) -> State | None:
        """It gives up, and does not know."""
        if not s.clients[c].waits:
            return None
        return self.ended(s, c, "unknown", 0)

    def names(self, s: State, r: Node) -> set[Slot]:
        """The sessions that a node remembers."""
        return {one.name for one in s.copies[r].sessions}

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.refused | set(s.log) <= s.sent
            and not s.refused & set(s.log)
            and all(a.to in s.log and a.says in ("done", "expired", "old", "reused") for a in s.answers)
            and all(s.copies[r].applied <= len(s.log) for r in self.nodes)
            and all(len(s.copies[r].sessions) <= self.max_sessions for r in self.nodes)
            and all(s.clients[c].number <= self.requests[c] for c in self.everyone)
            and all(s.clients[c].attempts <= self.max_attempts for c in self.everyone)
            and all(e.how in ("done", "not done", "unknown") for e in s.ends)
        )

    @invariant
    def every_request_ends(self, s: State) -> bool:
        """Of all requests but the one that it waits for, a client knows what became of them: one thing."""
        return all(
            len([e for e in s.ends if (e.client, e.number) == (c, k)])
            == (0 if k == s.clients[c].number and s.clients[c].waits else 1)
            for c in self.everyone
            for k in range(1, s.clients[c].number + 1)
        )

    @invariant
    def exactly_once(self, s: State) -> bool:
        """No request takes effect twice, nor another one under its number."""
        return all(
            len({(e.client, e.number) for e in s.copies[r].effects}) == len(s.copies[r].effects) for r in self.nodes
        )  # fmt: skip

    @invariant
    def done_is_done(self, s: State) -> bool:
        """What a client takes for done took effect, there."""
        return all(
            len(s.copies[r].effects) < e.place
            or s.copies[r].effects[e.place - 1] == Effect(e.client, e.number, e.content)
            for e in s.ends
            if e.how == "done"
            for r in self.nodes
        )

    @invariant
    def not_done_is_not_done(self, s: State) -> bool:
        """What a client takes for not done took no effect, and never will."""
        return all(
            all((f.client, f.number) != (e.client, e.number) for f in s.copies[r].effects)
            for e in s.ends
            if e.how == "not done"
            for r in self.nodes
        )

    @invariant
    def one_answer(self, s: State) -> bool:
        """Whoever is asked, and however often, the answer is that of the first time."""
        return all(
            (a.place, a.to.content) == (b.place, b.to.content)
            for a in s.answers
            for b in s.answers
            if (a.to.client, a.to.number, a.says) == (b.to.client, b.to.number, "done") and b.says == "done"
        )

    @invariant
    def copies_agree(self, s: State) -> bool:
        """Nodes that applied the same log did the same, and forgot the same."""
        return all(
            (s.copies[r].effects, self.names(s, r)) == (s.copies[q].effects, self.names(s, q))
            for r, q in pairwise(self.nodes)
            if s.copies[r].applied == s.copies[q].applied
        )  # fmt: skip

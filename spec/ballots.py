"""Votes and majorities: why ballots agree. Mirrors `tla/Ballots.tla`.

A node leaves lower ballots behind; a value may be proposed under a ballot only if a majority of the slot's
configuration has left all lower ballots and the votes of that majority show the value to be safe. A slot's value is
chosen when a majority of its configuration voted for it under one ballot.

Refines `Window`. Everything here is visible in what nodes send, so a crash below is no step here; and a proposer is
free where the cell below has a policy: which ballot, which open slot, which safe value. Rules: R3, R4.
"""

from collections.abc import Iterator
from typing import NamedTuple

from attrs import frozen

from spec import window
from spec.commands import Ballot, Commands, Log, Name, Node, Nodes, NoOp, Slot, Told, is_majority, majorities
from spec.machine import Machine, action, invariant
from spec.values import Function, function, function_of, put


class Proposal(NamedTuple):
    """`value` may be voted for in `slot` under `ballot`."""

    ballot: Ballot
    slot: Slot
    value: Name


class Vote(NamedTuple):
    """`node` voted under `ballot` in `slot`; the proposal says for what."""

    ballot: Ballot
    slot: Slot
    node: Node


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Name]
    told: frozenset[Told]
    left: Function[Ballot]
    """The highest ballot in a promise or a vote that a node sent."""
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]


@frozen(kw_only=True, slots=False, eq=False)
class Ballots(Commands, Machine[State]):
    """The constants, and the actions."""

    nodes: range
    max_ballot: int
    max_slot: int
    early: frozenset[Name] = frozenset()
    """Commands asked before the first step: a bound."""

    @property
    def ballots(self) -> range:
        """Ballots; 0 is no ballot."""
        return range(1, self.max_ballot + 1)

    @property
    def slots(self) -> range:
        """Slots."""
        return range(1, self.max_slot + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(
            asked=self.early, told=frozenset(),
            left=function(self.nodes, 0),
            proposals=frozenset(), votes=frozenset(),
        )  # fmt: skip

    def voters(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who voted in slot `i` under `b`."""
        return frozenset(w.node for w in s.votes if w.ballot == b and w.slot == i)

    def chosen_by(self, s: State, members: Nodes, i: Slot) -> set[Name]:
        """What the members voted for in slot `i`, under one ballot, by majority."""
        return {p.value for p in s.proposals if p.slot == i and is_majority(self.voters(s, p.ballot, i), members)}

    def prefix(self, s: State) -> Log:
        """Slot by slot, because what is chosen in a slot may decide who chooses in a later one."""
        log: Log = ()
        while values := self.chosen_by(s, self.members(log, len(log) + 1), len(log) + 1):
            log = (*log, min(values))
        return log

    def safe(self, s: State, majority: Nodes, b: Ballot, i: Slot, v: Name) -> bool:
        """Whether the votes of `majority` below `b` show that nothing but `v` may have been chosen below `b`.

        That is the value of the highest ballot among them. A value that was *proposed* at or above that ballot is as
        good: a vote may be on a disk and lost on its way.
        """
        cast = [w for w in s.votes if w.slot == i and w.node in majority and w.ballot < b]
        if not cast:
            return v in s.asked or v == NoOp
        return any(
            p.slot == i and p.ballot < b and p.value == v and all(w.ballot <= p.ballot for w in cast)
            for p in s.proposals
        )

    @action(c="commands")
    def issue(self, s: State, c: Name) -> State | None:
        """A client asks."""
        if not (
            c not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {c})

    @action(n="nodes", b="ballots")
    def leave(self, s: State, n: Node, b: Ballot) -> State | None:
        """A promise: n will not vote below b any more."""
        if not (
            s.left[n] < b
        ):  # fmt: skip
            return None
        return s._replace(left=put(s.left, n, b))

    @action(b="ballots", i="slots", v="values")
    def propose(self, s: State, b: Ballot, i: Slot, v: Name) -> State | None:
        """One value for a ballot and a slot, inside the window, safe by a majority of this very slot."""
        if not (
            all(p.ballot != b or p.slot != i for p in s.proposals)
            and i <= len(self.prefix(s)) + self.alpha
            and any(
                all(s.left[n] >= b for n in majority) and self.safe(s, majority, b, i, v)
                for majority in majorities(self.members(self.prefix(s), i))
            )
        ):  # fmt: skip
            return None
        return s._replace(proposals=s.proposals | {Proposal(b, i, v)})

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: State, n: Node, b: Ballot, i: Slot) -> State | None:
        """Not only members vote: the majority is counted among members."""
        if not (
            s.left[n] <= b
            and any(p.ballot == b and p.slot == i for p in s.proposals)
            and Vote(b, i, n) not in s.votes
        ):  # fmt: skip
            return None
        return s._replace(votes=s.votes | {Vote(b, i, n)}, left=put(s.left, n, b))

    @action(c="commands")
    def answer(self, s: State, c: Name) -> State | None:
        """A client is told the verdict."""
        if not (
            c in self.prefix(s)
            and all(t.command != c for t in s.told)
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {Told(c, self.verdict_on(self.prefix(s), c))})

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.asked <= set(self.commands)
            and all(t.command in s.asked for t in s.told)
            and all(s.left[n] in (0, *self.ballots) for n in self.nodes)
            and all(p.ballot in self.ballots and p.slot in self.slots and p.value in self.values for p in s.proposals)
            and all(w.ballot in self.ballots and w.slot in self.slots and w.node in self.nodes for w in s.votes)
        )

    @invariant
    def one_value_per_ballot(self, s: State) -> bool:
        """Never two values for one ballot and slot."""
        return all(p == q for p in s.proposals for q in s.proposals if p.ballot == q.ballot and p.slot == q.slot)

    @invariant
    def votes_proposed(self, s: State) -> bool:
        """Nobody votes for what was not proposed."""
        return all(any(p.ballot == w.ballot and p.slot == w.slot for p in s.proposals) for w in s.votes)

    @invariant
    def left_covers_votes(self, s: State) -> bool:
        """Who votes under a ballot has left all lower ones."""
        return all(w.ballot <= s.left[w.node] for w in s.votes)

    @invariant
    def one_value_chosen(self, s: State) -> bool:
        """In every open slot."""
        prefix = self.prefix(s)
        return all(
            len(self.chosen_by(s, self.members(prefix, i), i)) <= 1
            for i in self.slots
            if i <= len(prefix) + self.alpha
        )  # fmt: skip

    @invariant
    def proposals_safe(self, s: State) -> bool:
        """The heart of it: when v was proposed under b, no other value was or can be chosen under a lower ballot.

        A majority would have to vote there, and every majority has a member that left or that voted otherwise.
        """

        def bars(n: Node, c: Ballot, p: Proposal) -> bool:
            if Vote(c, p.slot, n) in s.votes:
                return Proposal(c, p.slot, p.value) in s.proposals
            return s.left[n] > c

        return all(
            any(all(bars(n, c, p) for n in majority) for majority in majorities(self.members(self.prefix(s), p.slot)))
            for p in s.proposals
            for c in self.ballots
            if c < p.ballot
        )

    def above(self) -> window.Window:
        """The window."""
        return window.Window(
            content=self.content, first=self.first, alpha=self.alpha, max_slot=self.max_slot, early=self.early
        )

    def seen_from_above(self, s: State) -> window.State:
        """A slot has the value that a majority of its configuration voted for."""
        prefix = self.prefix(s)

        def chosen(i: Slot) -> Name:
            values = self.chosen_by(s, self.members(prefix, i), i) if i <= len(prefix) + self.alpha else set()
            return min(values, default=window.Nothing)

        return window.State(asked=s.asked, chosen=function_of(chosen(i) for i in self.slots), told=s.told)

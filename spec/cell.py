"""The cell: messages, disks, crashes, and one ballot for all slots. Mirrors `tla/Cell.tla`.

This is the lowest rung, and its actions are the steps of the code, in the order of `docs/steps.md`: Multi-Paxos with a
distinguished proposer, decisions applied in order, and Lamport's alpha for configuration changes. Performed by
`physalia/cell`.

Refines `Ballots`, which sees only what was sent. Message sets grow for ever: a lost message is one that nobody reacts
to, a duplicate is one that is reacted to twice, and every order of reaction is allowed.

Functions over 1..n are tuples whose place 0 is unused, so that `s.promised[n]` reads as it does in TLA+.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from attrs import Factory, field, frozen

from spec.commands import Ballot, Commands, Log, Name, Node, Nodes, NoOp, Slot, Told, is_majority, majorities
from spec.machine import Machine, action
from spec.values import Function, function, put


class Prepare(NamedTuple):
    """`Owner[ballot]` takes over, and knows `prefix` slots."""

    ballot: Ballot
    prefix: int


class Report(NamedTuple):
    """A promise says: the last vote of its node in `slot` was for `value`, under `ballot`."""

    slot: Slot
    ballot: Ballot
    value: Name


class Promise(NamedTuple):
    """`node` takes part in no ballot below `ballot`; what it accepted above the prepare's prefix; R2's floor."""

    ballot: Ballot
    node: Node
    accepted: frozenset[Report]
    floor: int


class Proposal(NamedTuple):
    """`Owner[ballot]` asks everyone to vote for `value` in `slot`."""

    ballot: Ballot
    slot: Slot
    value: Name


class Vote(NamedTuple):
    """`node` voted under `ballot` in `slot`; the proposal says for what."""

    ballot: Ballot
    slot: Slot
    node: Node


class Decision(NamedTuple):
    """`value` is decided in `slot`."""

    slot: Slot
    value: Name


class Accepted(NamedTuple):
    """The last vote of a node in a slot."""

    ballot: Ballot
    value: Name


NoVote = Accepted(0, "none")


class State(NamedTuple):
    """The variables, grouped by who holds them."""

    # clients
    asked: frozenset[Name]
    told: frozenset[Told]
    # sent
    prepares: frozenset[Prepare]
    promises: frozenset[Promise]
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]
    decisions: frozenset[Decision]
    # durable, of each node
    promised: Function[Ballot]
    accepted: Function[Function[Accepted]]
    # volatile, of each node
    active: Function[Ballot]
    known: Function[Log]


def _everyone(cell: "Cell") -> dict[Ballot, Nodes]:
    return {b: frozenset(cell.nodes) for b in cell.owner}


@frozen(kw_only=True, slots=False, eq=False)
class Cell(Commands, Machine[State]):
    """The constants, and the actions."""

    nodes: range
    max_ballot: int
    max_slot: int
    owner: Mapping[Ballot, Node]
    """The one node that may use a ballot."""
    audience: Mapping[Ballot, Nodes] = field(default=Factory(_everyone, takes_self=True))
    """The nodes that prepares and proposals of a ballot reach: a bound."""
    learners: Nodes
    """Nodes that notices of decision reach: a bound."""
    mortals: Nodes = frozenset()
    """Nodes that may crash: a bound."""
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

    @property
    def lengths(self) -> range:
        """How long a known prefix may be."""
        return range(self.max_slot + 1)

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(
            asked=self.early, told=frozenset(),
            prepares=frozenset(), promises=frozenset(),
            proposals=frozenset(), votes=frozenset(), decisions=frozenset(),
            promised=function(self.nodes, 0),
            accepted=function(self.nodes, function(self.slots, NoVote)),
            active=function(self.nodes, 0),
            known=function(self.nodes, ()),
        )  # fmt: skip

    def first_unknown(self, s: State, n: Node) -> Slot:
        """The first slot whose decision `n` does not know."""
        return len(s.known[n]) + 1

    def members_of(self, s: State, n: Node, i: Slot) -> Nodes:
        """The configuration of slot `i`, by what `n` knows."""
        return self.members(s.known[n], i)

    def proposal(self, s: State, b: Ballot, i: Slot) -> Proposal | None:
        """What was proposed in slot `i` under `b`: one value at most, ever."""
        return next((m for m in s.proposals if m.ballot == b and m.slot == i), None)

    def is_proposed(self, s: State, b: Ballot, i: Slot) -> bool:
        """Whether anything was."""
        return self.proposal(s, b, i) is not None

    def voters(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who voted in slot `i` under `b`."""
        return frozenset(m.node for m in s.votes if m.ballot == b and m.slot == i)

    def yielding(self, s: State, n: Node, b: Ballot) -> Function[Ballot]:
        """Whoever follows a higher ballot leads no lower one."""
        return put(s.active, n, 0) if s.active[n] < b else s.active

    @action(c="commands")
    def issue(self, s: State, c: Name) -> State | None:
        """A client, or the control plane, asks for a command."""
        if not (
            c not in s.asked
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {c})

    @action(b="ballots")
    def prepare(self, s: State, b: Ballot) -> State | None:
        """A node takes over. It must be a member as far as it knows (R3), and a ballot is used once in its life."""
        o = self.owner[b]
        if not (
            all(m.ballot != b for m in s.prepares)
            and s.promised[o] < b
            and s.active[o] < b
            and o in self.members_of(s, o, self.first_unknown(s, o))
        ):  # fmt: skip
            return None
        return s._replace(
            # durable: that b is used
            active=put(s.active, o, b),
            # sent
            prepares=s.prepares | {Prepare(b, prefix=len(s.known[o]))},
        )

    @action(n="nodes", b="ballots")
    def promise(self, s: State, n: Node, b: Ballot) -> State | None:
        """One promise for all slots, with every vote above the proposer's prefix (R2).

        Not `promised[n] < b`: a node that voted under b before it was asked must be able to answer. It answers once;
        after a crash it could not say the same.
        """
        prepare = next((m for m in s.prepares if m.ballot == b), None)
        if not (
            n in self.audience[b]
            and s.promised[n] <= b
            and all(m.ballot != b or m.node != n for m in s.promises)
            and prepare is not None
        ):  # fmt: skip
            return None
        reports = frozenset(
            Report(i, *s.accepted[n][i])
            for i in self.slots
            if i > prepare.prefix and s.accepted[n][i] != NoVote
        )  # fmt: skip
        return s._replace(
            # durable
            promised=put(s.promised, n, b),
            # volatile
            active=self.yielding(s, n, b),
            # sent
            promises=s.promises | {Promise(b, n, reports, floor=0)},
        )

    def free(self, s: State, b: Ballot, i: Slot, v: Name) -> bool:
        """Whether `v` may fill slot `i` when a majority reported no vote there.

        A command that waits may, or the no-op if `i` is a hole below something that was voted for.
        """
        if v == NoOp:
            return any(m.ballot == b and any(r.slot > i for r in m.accepted) for m in s.promises)
        return (
            v in s.asked
            and v not in s.known[self.owner[b]]
            and all(m.ballot != b or m.value != v for m in s.proposals)
        )  # fmt: skip

    def allowed(self, s: State, b: Ballot, i: Slot, v: Name) -> bool:
        """R3, slot by slot: phase 1 is done once for all slots, but the majority is one of *this slot's* configuration.

        The value is the highest vote among the reports of exactly the majority that is counted.
        """
        for majority in majorities(self.members_of(s, self.owner[b], i)):
            heard = [m for m in s.promises if m.ballot == b and m.floor < i and m.node in majority]
            reports = [r for m in heard for r in m.accepted if r.slot == i]
            if majority == {m.node for m in heard} and (
                self.free(s, b, i, v)
                if not reports
                else any(r.value == v and all(t.ballot <= r.ballot for t in reports) for r in reports)
            ):
                return True
        return False

    @action(b="ballots", i="slots", v="values")
    def propose(self, s: State, b: Ballot, i: Slot, v: Name) -> State | None:
        """In order, inside the window: beyond it the configuration of the slot is not known yet (R1)."""
        o = self.owner[b]
        if not (
            s.active[o] == b
            and self.first_unknown(s, o) <= i and i <= len(s.known[o]) + self.alpha
            and not self.is_proposed(s, b, i)
            and all(self.is_proposed(s, b, j) for j in range(self.first_unknown(s, o), i))
            and self.allowed(s, b, i, v)
        ):  # fmt: skip
            return None
        return s._replace(
            # sent
            proposals=s.proposals | {Proposal(b, i, v)},
        )

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: State, n: Node, b: Ballot, i: Slot) -> State | None:
        """An acceptor needs to know no configuration: who counts, judges membership.

        The vote raises the promise (R4): a lower ballot is over for all slots.
        """
        proposal = self.proposal(s, b, i)
        if not (
            n in self.audience[b]
            and s.promised[n] <= b
            and s.accepted[n][i].ballot < b
            and proposal is not None
        ):  # fmt: skip
            return None
        return s._replace(
            # durable
            promised=put(s.promised, n, b),
            accepted=put(s.accepted, n, put(s.accepted[n], i, Accepted(b, proposal.value))),
            # volatile
            active=self.yielding(s, n, b),
            # sent
            votes=s.votes | {Vote(b, i, n)},
        )

    @action(b="ballots", i="slots")
    def decide(self, s: State, b: Ballot, i: Slot) -> State | None:
        """A majority of the slot's configuration voted under one ballot.

        In order, so the proposer can apply at once and tell the client what came of it (R5).
        """
        o = self.owner[b]
        proposal = self.proposal(s, b, i)
        if not (
            s.active[o] == b
            and i == self.first_unknown(s, o)
            and is_majority(self.voters(s, b, i), self.members_of(s, o, i))
            and proposal is not None
        ):  # fmt: skip
            return None
        v = proposal.value
        known = put(s.known, o, (*s.known[o], v))
        return s._replace(
            # volatile
            known=known,
            # sent
            decisions=s.decisions | {Decision(i, v)},
            told=s.told if v == NoOp else s.told | {Told(v, self.verdict_on(known[o], v))},
        )

    @action(n="nodes", i="slots")
    def learn(self, s: State, n: Node, i: Slot) -> State | None:
        """A notice of decision, taken in order. One for a later slot waits."""
        decision = next((m for m in s.decisions if m.slot == i), None)
        if not (
            n in self.learners
            and i == self.first_unknown(s, n)
            and decision is not None
        ):  # fmt: skip
            return None
        return s._replace(
            # volatile
            known=put(s.known, n, (*s.known[n], decision.value)),
        )

    @action(n="nodes", k="lengths")
    def crash(self, s: State, n: Node, k: int) -> State | None:
        """A crash and the restart.

        Nothing that is sent depends on what a node knows, so that is written without waiting for a flush: `k` says how
        much of it the disk happened to keep. The node leads nothing afterwards.
        """
        if not (
            n in self.mortals
            and k <= len(s.known[n])
            and (s.active[n] != 0 or k < len(s.known[n]))
        ):  # fmt: skip
            return None
        return s._replace(
            # volatile
            active=put(s.active, n, 0),
            known=put(s.known, n, s.known[n][:k]),
        )

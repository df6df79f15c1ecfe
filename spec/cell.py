"""The cell: messages, disks, crashes, and one ballot for all slots. Mirrors `tla/Cell.tla`.

This is the lowest rung, and its actions are the steps of the code, in the order of `docs/steps.md`: Multi-Paxos with a
distinguished proposer, decisions applied in order, and Lamport's alpha for configuration changes. Performed by
`physalia/cell`.

Refines `Ballots`, which sees only what was sent; how a step's messages get out is in `spec/outbox.py`. Message sets
grow for ever: a lost message is one that nobody reacts to, a duplicate is one that is reacted to twice, and every order
of reaction is allowed. Prepares and proposals reach those whom they are addressed `to`. A decision has no address:
whoever knows it (`by`) tells it to whoever asks, so that everyone but its author may hear it.
"""

from collections.abc import Mapping

from attrs import Factory, field, frozen

from spec.commands import Ballot, Log, Name, Node, Nodes, NoOp, Slot, Told, is_majority, majorities
from spec.machine import action
from spec.outbox import (
    Accepted,
    Decision,
    Disk,
    Entry,
    Messages,
    NoVote,
    Outbox,
    Prepare,
    Promise,
    Promised,
    Proposal,
    Report,
    Snapshot,
    State,
    Used,
    Vote,
    Voted,
    flushed,
)
from spec.values import Function, put

__all__ = [
    "Accepted", "Cell", "Decision", "Disk", "Entry", "Messages", "NoVote", "Prepare", "Promise", "Promised", "Proposal",
    "Report", "Snapshot", "State", "Used", "Vote", "Voted",
]  # fmt: skip
"""Whoever speaks of the cell finds its words here."""


def _everyone(cell: "Cell") -> dict[Ballot, Nodes]:
    return {b: frozenset(cell.nodes) for b in cell.owner}


@frozen(kw_only=True, slots=False, eq=False)
class Cell(Outbox):
    """The constants of the steps, and the steps."""

    owner: Mapping[Ballot, Node]
    """The one node that may use a ballot."""
    audience: Mapping[Ballot, Nodes] = field(default=Factory(_everyone, takes_self=True))
    """The nodes that prepares and proposals of a ballot reach: a bound."""
    strays: Nodes = frozenset()
    """Nodes that they reach even if they are addressed to others."""
    learners: Nodes
    """Nodes that decisions reach: a bound."""

    def first_unknown(self, s: State, n: Node) -> Slot:
        """The first slot whose decision `n` does not know."""
        return len(s.known[n]) + 1

    def members_of(self, s: State, n: Node, i: Slot) -> Nodes:
        """The configuration of slot `i`, by what `n` knows."""
        return self.members(s.known[n], i)

    def window(self, s: State, n: Node) -> range:
        """The slots that `n` may work on."""
        return range(self.first_unknown(s, n), len(s.known[n]) + self.alpha + 1)

    def reaches(self, m: Prepare | Proposal, n: Node) -> bool:
        """Whether a message reaches `n`."""
        return n in self.audience[m.ballot] and (n in m.to or n in self.strays)

    def proposals_of(self, s: State, n: Node) -> frozenset[Proposal]:
        """What was proposed, as `n` knows."""
        return s.proposals | self.waiting(s, n).proposals

    def is_proposed(self, s: State, b: Ballot, i: Slot) -> bool:
        """Whether anything was proposed in slot `i` under `b`."""
        return any(m.ballot == b and m.slot == i for m in self.proposals_of(s, self.owner[b]))

    def proposal(self, s: State, b: Ballot, i: Slot) -> Proposal | None:
        """What was: one value at most, ever. None before it is sent."""
        return next((m for m in s.proposals if m.ballot == b and m.slot == i), None)

    def voters(self, s: State, b: Ballot, i: Slot) -> Nodes:
        """Who voted in slot `i` under `b`."""
        return frozenset(m.node for m in s.votes if m.ballot == b and m.slot == i)

    def yielding(self, s: State, n: Node, b: Ballot) -> Function[Ballot]:
        """Whoever follows a higher ballot leads no lower one."""
        return put(s.active, n, 0) if s.active[n] < b else s.active

    def invitation(self, s: State, n: Node, log: Log) -> frozenset[Prepare]:
        """`n` is about to know `log`: if it leads, whoever is new in the window is sent the prepare, as it was."""
        asks = {m for m in s.prepares | self.waiting(s, n).prepares if m.ballot == s.active[n]}
        new = self.members(log, len(log) + self.alpha).difference(*(m.to for m in asks))
        return frozenset(m._replace(to=new) for m in asks if new)

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
        """A node takes over, and asks every member of the window.

        It must be a member as far as it knows (R3), and a ballot is used once in its life, which the disk remembers.
        """
        o = self.owner[b]
        if not (
            b not in self.used(s, o)
            and s.promised[o] < b
            and s.active[o] < b
            and o in self.members_of(s, o, self.first_unknown(s, o))
        ):  # fmt: skip
            return None
        to = frozenset[Node]().union(*(self.members_of(s, o, i) for i in self.window(s, o)))
        prepare = Prepare(b, len(s.known[o]), to)
        return s._replace(
            active=put(s.active, o, b),
            **self.store(s, o, Used(b), Messages(prepares=frozenset({prepare}))),
        )

    @action(n="nodes", b="ballots")
    def promise(self, s: State, n: Node, b: Ballot) -> State | None:
        """One promise for all slots, with every vote above the proposer's prefix (R2).

        Not `promised[n] < b`: a node that voted under b before it was asked must be able to answer. It answers once;
        after a crash it could not say the same.
        """
        prepare = next((m for m in s.prepares if m.ballot == b and self.reaches(m, n)), None)
        if not (
            s.promised[n] <= b
            and all(m.ballot != b or m.node != n for m in s.promises | self.waiting(s, n).promises)
            and prepare is not None
        ):  # fmt: skip
            return None
        reports = frozenset(
            Report(i, *s.accepted[n][i])
            for i in self.slots
            if i > prepare.prefix and s.accepted[n][i] != NoVote
        )  # fmt: skip
        promise = Promise(b, n, reports, self.floor(s, n))
        return s._replace(
            promised=put(s.promised, n, b),
            active=self.yielding(s, n, b),
            **self.store(s, n, Promised(b), Messages(promises=frozenset({promise}))),
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
            and all(m.ballot != b or m.value != v for m in self.proposals_of(s, self.owner[b]))
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
            and i in self.window(s, o)
            and not self.is_proposed(s, b, i)
            and all(self.is_proposed(s, b, j) for j in range(self.first_unknown(s, o), i))
            and self.allowed(s, b, i, v)
        ):  # fmt: skip
            return None
        proposal = Proposal(b, i, v, self.members_of(s, o, i))
        return s._replace(**self.say(s, o, Messages(proposals=frozenset({proposal}))))

    @action(n="nodes", b="ballots", i="slots")
    def vote(self, s: State, n: Node, b: Ballot, i: Slot) -> State | None:
        """An acceptor needs to know no configuration: who counts, judges membership.

        The vote raises the promise (R4): a lower ballot is over for all slots.
        """
        proposal = self.proposal(s, b, i)
        if not (
            s.promised[n] <= b
            and s.accepted[n][i].ballot < b
            and self.floor(s, n) < i
            and proposal is not None
            and self.reaches(proposal, n)
        ):  # fmt: skip
            return None
        v = proposal.value
        return s._replace(
            promised=put(s.promised, n, b),
            accepted=put(s.accepted, n, put(s.accepted[n], i, Accepted(b, v))),
            active=self.yielding(s, n, b),
            **self.store(s, n, Voted(b, i, v), Messages(votes=frozenset({Vote(b, i, n)}))),
        )

    @action(b="ballots", i="slots")
    def decide(self, s: State, b: Ballot, i: Slot) -> State | None:
        """A majority of the slot's configuration voted under one ballot.

        In order, so the proposer can apply at once and tell the client what came of it (R5). What it knows is written
        without waiting for a flush: nothing depends on it.
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
        log = (*s.known[o], v)
        messages = Messages(
            decisions=frozenset({Decision(i, v, o)}),
            prepares=self.invitation(s, o, log),
            told=frozenset() if v == NoOp else frozenset({Told(v, self.verdict_on(log, v))}),
        )
        return s._replace(
            known=put(s.known, o, log),
            **self.say(s, o, messages),
        )

    @action(n="nodes", i="slots")
    def learn(self, s: State, n: Node, i: Slot) -> State | None:
        """A decision of somebody else, taken in order. One for a later slot waits."""
        decision = next((m for m in s.decisions if m.slot == i and m.by != n), None)
        if not (
            n in self.learners
            and i == self.first_unknown(s, n)
            and decision is not None
        ):  # fmt: skip
            return None
        log = (*s.known[n], decision.value)
        messages = Messages(
            decisions=frozenset({decision._replace(by=n)}),
            prepares=self.invitation(s, n, log),
        )
        return s._replace(
            known=put(s.known, n, log),
            **self.say(s, n, messages),
        )

    @action(n="nodes")
    def flush(self, s: State, n: Node) -> State | None:
        """The first entry is on the disk, and what it has to say is sent."""
        if not (
            len(s.queue[n]) > 0
        ):  # fmt: skip
            return None
        entry, *rest = s.queue[n]
        return s._replace(
            queue=put(s.queue, n, tuple(rest)),
            disk=put(s.disk, n, flushed(s.disk[n], entry.records)),
            kept=put(s.kept, n, self.kept_by(entry) if entry.records else s.kept[n]),
            **self.send(s, entry.sends),
        )

    @action(n="nodes", k="lengths")
    def crash(self, s: State, n: Node, k: int) -> State | None:
        """A crash and the restart, which finds what was flushed, and perhaps more of the decisions: `k` of them.

        They are flushed before anything depends on them (R16). Had the disk kept something of what waits, it would have
        been a flush, and what it has to say was lost.
        """
        if not (
            n in self.mortals
            and s.kept[n] <= k and k <= (s.queue[n][0].known if s.queue[n] else len(s.known[n]))
            and (s.active[n] != 0 or s.queue[n] or k < len(s.known[n]) or s.kept[n] < k)
        ):  # fmt: skip
            return None
        return s._replace(
            promised=put(s.promised, n, s.disk[n].promised),
            accepted=put(s.accepted, n, s.disk[n].accepted),
            active=put(s.active, n, 0),
            known=put(s.known, n, s.known[n][:k]),
            queue=put(s.queue, n, ()),
            kept=put(s.kept, n, k),
        )

"""What is true of the cell in every state. Mirrors `tla/CellProperties.tla`.

The refinement of `Ballots` implies agreement; the invariants say the same from below, name what went wrong, and hold in
models that are too large for the refinement. A configuration here is always that of the *decided* log, which no node
may know: so these invariants judge what nodes did from what they knew.
"""

from attrs import frozen

from spec import ballots
from spec.cell import Cell
from spec.commands import Ballot, Log, Name, Nodes, NoOp, Slot, is_majority
from spec.machine import invariant
from spec.outbox import Decision, NoVote, Proposal, State, Vote, all_flushed
from spec.values import function_of


@frozen(kw_only=True, slots=False, eq=False)
class CellProperties(Cell):
    """The cell with its invariants, and what it refines."""

    def decided_log(self, s: State) -> Log:
        """The decided prefix."""
        values: dict[Slot, Name] = {}
        for d in s.decisions:
            values[d.slot] = min(d.value, values.get(d.slot, d.value))
        log: list[Name] = []
        while len(log) + 1 in values:
            log.append(values[len(log) + 1])
        return tuple(log)

    def configuration(self, s: State, i: Slot) -> Nodes:
        """The configuration of slot `i`, by the decided log."""
        return self.members(self.decided_log(s), i)

    def promisers(self, s: State, b: Ballot) -> Nodes:
        """Who promised `b`."""
        return frozenset(m.node for m in s.promises if m.ballot == b)

    def was_proposed(self, s: State, b: Ballot, i: Slot, v: Name) -> bool:
        """Whether `v` was proposed in slot `i` under `b`, to whomever."""
        return any(p[:3] == (b, i, v) for p in s.proposals)

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        ballots, slots, nodes, values = self.ballots, self.slots, self.nodes, self.values
        return (
            s.asked <= set(self.commands)
            and all(t.command in s.asked for t in s.told)
            and all(m.ballot in ballots and m.prefix in self.lengths and m.to <= set(nodes) for m in s.prepares)
            and all(m.ballot in ballots and m.node in nodes and m.floor in self.lengths for m in s.promises)
            and all(
                r.slot in slots and r.ballot in ballots and r.value in values for m in s.promises for r in m.accepted
            )
            and all(m.ballot in ballots and m.slot in slots and m.value in values for m in s.proposals)
            and all(m.to <= set(nodes) for m in s.proposals)
            and all(w.ballot in ballots and w.slot in slots and w.node in nodes for w in s.votes)
            and all(d.slot in slots and d.value in values and d.by in nodes for d in s.decisions)
            and all(s.promised[n] in (0, *ballots) and s.active[n] in (0, *ballots) for n in nodes)
            and all(
                vote == NoVote or (vote.ballot in ballots and vote.value in values)
                for n in nodes
                for vote in s.accepted[n][1:]
            )
            and all(set(s.known[n]) <= set(values) and len(s.known[n]) <= self.max_slot for n in nodes)
            and all(len(entry.records) <= 1 and entry.known in self.lengths for n in nodes for entry in s.queue[n])
            and all(self.owner[b] == n for n in nodes for b in s.disk[n].used)
            and all(s.disk[n].floor in self.lengths and s.kept[n] in self.lengths for n in nodes)
        )

    @invariant
    def agreement(self, s: State) -> bool:
        """What all this is for: never two values for one slot."""
        return len({(d.slot, d.value) for d in s.decisions}) == len({d.slot for d in s.decisions})

    @invariant
    def one_value_per_ballot(self, s: State) -> bool:
        """Never two values for one ballot and slot."""
        return len({(p.ballot, p.slot) for p in s.proposals}) == len(s.proposals)

    @invariant
    def ballots_used_once(self, s: State) -> bool:
        """A ballot is used once in its life, whatever crashes."""
        return all(m.prefix == k.prefix for m in s.prepares for k in s.prepares if m.ballot == k.ballot)

    @invariant
    def leaders_own(self, s: State) -> bool:
        """A node leads only under a ballot of its own that it used, and under none that it promised to leave behind."""
        return all(
            self.owner[s.active[n]] == n and s.active[n] in self.used(s, n) and s.promised[n] <= s.active[n]
            for n in self.nodes
            if s.active[n] != 0
        )

    @invariant
    def prepares_by_members(self, s: State) -> bool:
        """A node took over only as a member of the first slot that it did not know (R3)."""
        return all(self.owner[m.ballot] in self.configuration(s, m.prefix + 1) for m in s.prepares)

    @invariant
    def prepares_kept(self, s: State) -> bool:
        """What a node sent, its disk stands for: that its ballot is used, and the decisions that it said it knows."""
        return all(
            m.ballot in s.disk[self.owner[m.ballot]].used
            and (self.owner[m.ballot] not in self.mortals or m.prefix <= s.kept[self.owner[m.ballot]])
            for m in s.prepares
        )

    @invariant
    def promise_covers_votes(self, s: State) -> bool:
        """A promise or a vote that was sent is a promise on the disk."""
        return (
            all(m.ballot <= s.disk[m.node].promised for m in s.promises)
            and all(w.ballot <= s.disk[w.node].promised for w in s.votes)
        )  # fmt: skip

    @invariant
    def votes_kept(self, s: State) -> bool:
        """A vote that was sent is on the disk, or a higher one is, or the slot is below the floor."""
        return all(
            w.ballot <= s.disk[w.node].accepted[w.slot].ballot or w.slot <= s.disk[w.node].floor for w in s.votes
        )

    @invariant
    def memory_written(self, s: State) -> bool:
        """What a node remembers, its disk has or will have."""
        return all(
            all_flushed(s.disk[n], s.queue[n])[1:3] == (s.promised[n], s.accepted[n]) and s.kept[n] <= len(s.known[n])
            for n in self.nodes
        )

    @invariant
    def votes_proposed(self, s: State) -> bool:
        """Nobody votes for what was not proposed."""
        return all(
            self.was_proposed(s, s.accepted[n][i].ballot, i, s.accepted[n][i].value)
            for n in self.nodes
            for i in self.slots
            if s.accepted[n][i] != NoVote
        )

    @invariant
    def promises_once(self, s: State) -> bool:
        """A node answers a ballot once, so that it is believed for one thing."""
        return len({(m.ballot, m.node) for m in s.promises}) == len(s.promises)

    @invariant
    def promises_report(self, s: State) -> bool:
        """A promise tells every lower vote above its floor and the prefix that it was asked about.

        And it tells nothing but votes above that prefix.
        """
        return all(
            w.slot <= m.floor
            or any(p.ballot == m.ballot and w.slot <= p.prefix for p in s.prepares)
            or any(r.slot == w.slot and w.ballot <= r.ballot for r in m.accepted)
            for m in s.promises
            for w in s.votes
            if w.node == m.node and w.ballot < m.ballot
        ) and all(
            Vote(r.ballot, r.slot, m.node) in s.votes
            and self.was_proposed(s, r.ballot, r.slot, r.value)
            and any(p.ballot == m.ballot and p.prefix < r.slot for p in s.prepares)
            for m in s.promises
            for r in m.accepted
        )

    @invariant
    def proposals_promised(self, s: State) -> bool:
        """Phase 1 in the configuration of the very slot, and inside the window."""
        return all(
            p.slot <= len(self.decided_log(s)) + self.alpha
            and is_majority(self.promisers(s, p.ballot), self.configuration(s, p.slot))
            for p in s.proposals
        )

    @invariant
    def proposals_wanted(self, s: State) -> bool:
        """Nobody is given what nobody asked for; a no-op lies below a reported vote."""
        return all(
            p.value in s.asked
            if p.value != NoOp
            else any(m.ballot <= p.ballot and any(r.slot > p.slot for r in m.accepted) for m in s.promises)
            for p in s.proposals
        )

    def was_reported(self, s: State, p: Proposal) -> bool:
        """Whether a vote for what was proposed had been reported to its proposer."""
        return any(
            r.slot == p.slot and r.value == p.value
            for m in s.promises if m.ballot == p.ballot
            for r in m.accepted
        )  # fmt: skip

    @invariant
    def proposals_fresh(self, s: State) -> bool:
        """Who is free to choose gives no command a second place, as far as it knows.

        None that was decided when it took over, or that it has proposed before.
        """
        return all(
            p.value == NoOp
            or self.was_reported(s, p)
            or (
                all(
                    d.value != p.value
                    for m in s.prepares if m.ballot == p.ballot
                    for d in s.decisions if d.slot <= m.prefix
                )
                and all(q.value != p.value for q in s.proposals if q.ballot == p.ballot and q.slot < p.slot)
            )
            for p in s.proposals
        )  # fmt: skip

    @invariant
    def decisions_chosen(self, s: State) -> bool:
        """Phase 2 in the configuration of the very slot."""
        return all(
            any(
                p.slot == d.slot
                and p.value == d.value
                and is_majority(self.voters(s, p.ballot, p.slot), self.configuration(s, p.slot))
                for p in s.proposals
            )
            for d in s.decisions
        )

    @invariant
    def known_decided(self, s: State) -> bool:
        """Nobody knows what was not decided."""
        return all(
            Decision(i, v, n) in s.decisions | self.waiting(s, n).decisions
            for n in self.nodes
            for i, v in enumerate(s.known[n], start=1)
        )

    @invariant
    def verdicts_true(self, s: State) -> bool:
        """What clients were told is what the decided log says."""
        verdicts = self.after(self.decided_log(s)).verdicts
        return all(t.command in verdicts and t.verdict == verdicts[t.command] for t in s.told)

    def above(self) -> ballots.Ballots:
        """The ballots."""
        return ballots.Ballots(
            content=self.content, first=self.first, alpha=self.alpha, nodes=self.nodes,
            max_ballot=self.max_ballot, max_slot=self.max_slot, early=self.early,
        )  # fmt: skip

    def seen_from_above(self, s: State) -> ballots.State:
        """Ballots sees what was sent, and nothing else: `left` is read off the messages."""

        def left(n: int) -> Ballot:
            promised = (m.ballot for m in s.promises if m.node == n)
            voted = (w.ballot for w in s.votes if w.node == n)
            return max((*promised, *voted), default=0)

        return ballots.State(
            asked=s.asked, told=s.told,
            left=function_of(left(n) for n in self.nodes),
            proposals=frozenset(ballots.Proposal(*p[:3]) for p in s.proposals),
            votes=frozenset(ballots.Vote(*w) for w in s.votes),
        )  # fmt: skip

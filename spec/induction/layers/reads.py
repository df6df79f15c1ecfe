"""Consistent reads: an answer leaves out nothing that was acknowledged when the read arrived (R7).

The proposer notes the highest slot that it knows of when the read arrives, and then asks a majority of the
configuration of the *next* slot whether its promises still stand. Say that a slot above was acknowledged before. Then
the next one was chosen before, and one of its voters is in that majority. It voted under a lower ballot, and its
promise reported it; or under a higher one, and its promise stands no more, because a vote raises the promise (R4); or
under this one, and the proposer knew.

What was acknowledged at the arrival, and the majority that first chose a slot, are state here, though nobody sees them.
"""

from spec.induction.formulas.kernel import (
    Formula,
    State,
    Step,
    Term,
    action,
    invariant,
    relation,
    safety,
    then,
    when,
)
from spec.induction.layers.knowledge import Knowledge
from spec.induction.layers.vocabulary import (
    And,
    Ballot,
    Implies,
    Node,
    Not,
    Or,
    Quorum,
    Read,
    Slot,
    before,
    below,
    exists,
    follows,
    forall,
    majority,
    member,
    window,
)


class Reads(Knowledge):
    """`Knowledge` with consistent reads."""

    implied = ("chosen_by_majority",)

    first_ballot = relation(Slot, Ballot)
    """The ballot under which the slot was first chosen."""
    first_quorum = relation(Slot, Quorum)
    """A majority that had voted under that ballot when the slot was first chosen."""
    acknowledged = relation(Slot)
    """A client was told what came of the command in the slot."""
    reading = relation(Read, Ballot, Slot)
    """reading(t, b, i): read t arrived at the proposer of b, and i was the highest slot that it knew of."""
    acknowledged_at = relation(Read, Slot)
    """What was acknowledged when the read arrived."""
    echoed = relation(Read, Node)
    """The node said, after the read arrived, that its promise still stands: it echoed the read's nonce."""
    served = relation(Read, Slot)
    """The read was answered, from the state after the slot."""

    @action()
    def choose(self, s: State, i: Term, v: Term, *, j: Term, x: Term, q: Term, b: Term, n: Term) -> Step:
        """As in `Knowledge`; the first time, it is noted by whom."""
        is_first = forall(lambda w: Not(s.chosen(i, w)))
        return (
            super().choose(s, i, v, j=j, x=x, q=q, b=b, n=n)
            .also(
                first_ballot=lambda i2, b2: Or(s.first_ballot(i2, b2), And(i2 == i, b2 == b, is_first)),
                first_quorum=lambda i2, q2: Or(s.first_quorum(i2, q2), And(i2 == i, q2 == q, is_first)),
            )
        )  # fmt: skip

    @action()
    def acknowledge(self, s: State, i: Term, *, n: Term, x: Term) -> Step:
        """A node that applied everything up to i tells the client what came of it (R5)."""
        return Step(
            when(applied=s.believes(n, i, x)),
            then(acknowledged=lambda j: Or(s.acknowledged(j), j == i)),
        )

    @action()
    def ask(self, s: State, t: Term, n: Term, b: Term, i: Term) -> Step:
        """Read t arrives at node n, the proposer of b. Nothing above i is known to n, nor was proposed under b."""
        return Step(
            when(
                fresh=forall(lambda c, j: Not(s.reading(t, c, j))),
                highest_known=forall(lambda j, v: Implies(before(i, j), Not(s.knows(n, j, v)))),
                highest_proposed=forall(lambda j, v: Implies(before(i, j), Not(s.proposals(b, j, v)))),
            ),
            then(
                reading=lambda t2, b2, i2: Or(s.reading(t2, b2, i2), And(t2 == t, b2 == b, i2 == i)),
                acknowledged_at=lambda t2, k: Or(s.acknowledged_at(t2, k), And(t2 == t, s.acknowledged(k))),
            ),
        )

    @action()
    def echo(self, s: State, t: Term, n: Term, b: Term, *, i: Term) -> Step:
        """Node n has heard of the read and says that it promised b and nothing higher."""
        return Step(
            when(
                alive=self.alive(s, n),
                arrived=s.reading(t, b, i),
                promised=forall(lambda c: Implies(below(c, b), s.promised(n, c))),
                stands=Not(s.promised(n, b)),
            ),
            then(echoed=lambda t2, n2: Or(s.echoed(t2, n2), And(t2 == t, n2 == n))),
        )

    @action()
    def serve(
        self, s: State, t: Term, n: Term, b: Term, i: Term, *, j: Term, k: Term, i2: Term, x: Term, y: Term, q: Term
    ) -> Step:
        """The proposer n answers from what it has applied, which is all up to i: the noted slot j, or a later one.

        A majority of the configuration of k, the next slot after j, vouches: its promises stand, and told of no vote.
        """
        return Step(
            when(
                arrived=s.reading(t, b, j),
                applied=s.believes(n, i, y),
                at_least=Not(before(i, j)),
                next=follows(j, k),
                window=window(i2, k),
                open=s.believes(n, i2, x),
                majority=majority(q, x),
                promised=forall(lambda m: Implies(member(m, q), s.answered(m, b))),
                echoed=forall(lambda m: Implies(member(m, q), s.echoed(t, m))),
                no_vote=forall(lambda m, c, v: Implies(member(m, q), Not(s.reports(m, b, k, c, v)))),
            ),
            then(served=lambda t2, i3: Or(s.served(t2, i3), And(t2 == t, i3 == i))),
        )

    # Who chose a slot first. These say more than `chosen_by_majority`, with one order of sorts for all that follows.

    chosen_by_majority = None  # type: ignore[assignment]

    @invariant
    def first_known(self, s: State) -> Formula:
        """Every chosen slot was first chosen by somebody."""
        return forall(
            lambda i: Implies(
                exists(lambda v: s.chosen(i, v)),
                And(exists(lambda b: s.first_ballot(i, b)), exists(lambda q: s.first_quorum(i, q))),
            )
        )

    @invariant
    def first_chosen(self, s: State) -> Formula:
        """Nobody chose a slot that is not chosen."""
        return forall(
            lambda i: Implies(
                Or(exists(lambda b: s.first_ballot(i, b)), exists(lambda q: s.first_quorum(i, q))),
                exists(lambda v: s.chosen(i, v)),
            )
        )

    @invariant
    def first_is_one(self, s: State) -> Formula:
        """A slot is chosen for the first time once."""
        return And(
            forall(lambda i, b, c: Implies(And(s.first_ballot(i, b), s.first_ballot(i, c)), b == c)),
            forall(lambda i, q, r: Implies(And(s.first_quorum(i, q), s.first_quorum(i, r)), q == r)),
        )

    @invariant
    def first_by_majority(self, s: State) -> Formula:
        """They were a majority of the slot's configuration."""
        return forall(
            lambda i, j, x, q: Implies(
                And(s.first_quorum(i, q), window(j, i), s.configuration(j, x)), majority(q, x)
            )
        )  # fmt: skip

    @invariant
    def first_voted(self, s: State) -> Formula:
        """All of them voted, under that ballot, for what is chosen."""
        return forall(
            lambda n, b, i, v, q: Implies(
                And(s.first_ballot(i, b), s.first_quorum(i, q), s.chosen(i, v), member(n, q)), s.votes(n, b, i, v)
            )
        )

    @invariant
    def first_proposed(self, s: State) -> Formula:
        """What is chosen was proposed under the ballot that first chose it."""
        return forall(
            lambda b, i, v: Implies(And(s.first_ballot(i, b), s.chosen(i, v)), s.proposals(b, i, v))
        )  # fmt: skip

    # What a read relies on.

    @invariant
    def acknowledged_in_prefix(self, s: State) -> Formula:
        """Nobody is told about a command above a hole."""
        return forall(lambda i: Implies(s.acknowledged(i), exists(lambda x: s.configuration(i, x))))

    @invariant
    def acknowledged_before(self, s: State) -> Formula:
        """What was acknowledged when a read arrived is acknowledged."""
        return forall(lambda t, i: Implies(s.acknowledged_at(t, i), s.acknowledged(i)))

    @invariant
    def one_arrival(self, s: State) -> Formula:
        """A read arrives once."""
        return forall(
            lambda t, b, c, i, j: Implies(And(s.reading(t, b, i), s.reading(t, c, j)), And(b == c, i == j))
        )  # fmt: skip

    @invariant
    def arrival_first(self, s: State) -> Formula:
        """Before it arrives, nothing is noted, echoed or answered for a read."""
        return forall(
            lambda t: Implies(
                Or(
                    exists(lambda i: s.acknowledged_at(t, i)),
                    exists(lambda n: s.echoed(t, n)),
                    exists(lambda i: s.served(t, i)),
                ),
                exists(lambda b, i: s.reading(t, b, i)),
            )
        )  # fmt: skip

    @invariant
    def reading_highest(self, s: State) -> Formula:
        """No slot above the read's, acknowledged when it arrived, was first chosen under the reader's own ballot."""
        return forall(
            lambda t, b, i, j, k: Implies(
                And(s.reading(t, b, i), before(i, j), s.acknowledged_at(t, k), Not(before(k, j))),
                Not(s.first_ballot(j, b)),
            )
        )

    @invariant
    def echo_below_the_ballot(self, s: State) -> Formula:
        """Who echoed, and was among those who first chose a slot above the read's, did so under a lower ballot.

        Of slots that were acknowledged when the read arrived, or are below one that was. The reply of such a node for
        the reader's ballot tells of that vote.
        """
        return forall(
            lambda t, n, b, i, j, k, q, c: Implies(
                And(
                    s.echoed(t, n), s.reading(t, b, i), before(i, j), s.acknowledged_at(t, k), Not(before(k, j)),
                    s.first_quorum(j, q), member(n, q), s.first_ballot(j, c),
                ),
                below(c, b),
            )
        )  # fmt: skip

    @invariant
    def served_after_acknowledged(self, s: State) -> Formula:
        """An answer leaves out nothing that was acknowledged when the read arrived."""
        return forall(lambda t, i, k: Implies(And(s.served(t, i), s.acknowledged_at(t, k)), Not(before(i, k))))

    @safety
    def reads_see_acknowledged(self, s: State) -> Formula:
        """What was acknowledged before a read arrived is in the state that it is answered from: linearizable (R7)."""
        return self.served_after_acknowledged(s)

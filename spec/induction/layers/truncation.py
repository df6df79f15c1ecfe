"""Truncation: a node forgets slots that it has applied, and says so (R3, R10).

Votes in a truncated slot stay in the state as what happened, but no reply reports them: it carries the floor instead.
A slot at or below somebody's floor is decided: a proposer that hears of the floor must not take the silence for "free".
"""

from spec.induction.formulas.kernel import Formula, State, Step, Term, action, invariant, relation, safety, then, when
from spec.induction.layers.reads import Reads
from spec.induction.layers.vocabulary import (
    And,
    Ballot,
    Implies,
    Node,
    Not,
    Or,
    Slot,
    before,
    below,
    exists,
    forall,
    member,
    zero,
)


class Truncation(Reads):
    """`Reads`, where nodes drop what they applied."""

    floor = relation(Node, Slot)
    """floor(n, i): i is at or below the slot up to which n truncated."""
    reported_floor = relation(Node, Ballot, Slot)
    """reported_floor(n, b, i): the promise reply of n for b says so."""

    @action()
    def truncate(self, s: State, n: Term, i: Term, *, x: Term) -> Step:
        """Everything up to i is applied: the entries may go."""
        return Step(
            when(alive=self.alive(s, n), applied=s.believes(n, i, x)),
            then(floor=lambda m, j: Or(s.floor(m, j), And(m == n, Not(before(i, j))))),
        )

    @action()
    def promise(self, s: State, n: Term, b: Term) -> Step:
        """As before; the reply has no votes at or below the floor, and says where that is (R2)."""
        return (
            super().promise(s, n, b)
            .also(
                reports=lambda m, b2, i, c, v: Or(
                    s.reports(m, b2, i, c, v),
                    And(m == n, b2 == b, below(c, b), s.accepted(n, c, i, v), Not(s.floor(n, i))),
                ),
                reported_floor=lambda m, b2, i: Or(
                    s.reported_floor(m, b2, i), And(m == n, b2 == b, s.floor(n, i))
                ),
            )
        )  # fmt: skip

    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term, n: Term) -> Step:
        """As before, where only replies count whose floor is below i (R3)."""
        return (
            super().propose(s, b, i, v, j=j, x=x, q=q, c=c, n=n)
            .where(floors_below=forall(lambda m: Implies(member(m, q), Not(s.reported_floor(m, b, i)))))
        )  # fmt: skip

    @action()
    def write_vote(self, s: State, n: Term, b: Term, i: Term) -> Step:
        """As before, above the floor (R4)."""
        return super().write_vote(s, n, b, i).where(above_floor=Not(s.floor(n, i)))

    @action()
    def serve(
        self, s: State, t: Term, n: Term, b: Term, i: Term, *, j: Term, k: Term, i2: Term, x: Term, y: Term, q: Term
    ) -> Step:
        """As before, where only replies count whose floor is below the next slot (R7)."""
        return (
            super().serve(s, t, n, b, i, j=j, k=k, i2=i2, x=x, y=y, q=q)
            .where(floors_below=forall(lambda m: Implies(member(m, q), Not(s.reported_floor(m, b, k)))))
        )  # fmt: skip

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """As before; of the floor nothing is left either."""
        return super().lose(s, n).also(floor=lambda m, i: And(m != n, s.floor(m, i)))

    @invariant
    def floor_chosen(self, s: State) -> Formula:
        """What anybody truncated is chosen."""
        return forall(lambda n, i: Implies(And(s.floor(n, i), i != zero), exists(lambda v: s.chosen(i, v))))

    @invariant
    def reported_floor_chosen(self, s: State) -> Formula:
        """What a reply says was truncated is chosen."""
        return forall(
            lambda n, b, i: Implies(And(s.reported_floor(n, b, i), i != zero), exists(lambda v: s.chosen(i, v)))
        )

    @invariant
    def reports_complete(self, s: State) -> Formula:
        """A reply leaves out no vote above its floor."""
        return forall(
            lambda n, b, i, c, v: Implies(
                And(s.answered(n, b), below(c, b), Or(s.votes(n, c, i, v), s.accepted(n, c, i, v))),
                Or(s.reports(n, b, i, c, v), s.reported_floor(n, b, i)),
            )
        )

    @safety
    def floors_are_decided(self, s: State) -> Formula:
        """If any floor is at or above a slot, the slot is decided: a proposer need only let itself be taught (R3)."""
        return And(self.floor_chosen(s), self.reported_floor_chosen(s))

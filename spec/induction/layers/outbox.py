"""The outbox: what a node sends leaves it in the order in which it was written, and so it refines `Ballots`.

Safety does not need that order (`disk.py` sends in any). The refinement does: a vote that is sent after a promise of a
higher ballot is no step of `Ballots`, where a node that left a ballot votes under it no more. For the same reason a
crash empties the outbox, and what was in it is never sent: a vote that the disk kept is told by the next reply only.

A record is a promise or a vote, with its place in the order of writing. Those who write take a new one.
"""

import z3

from spec.induction.formulas.kernel import (
    Becomes,
    Formula,
    Refinement,
    State,
    Step,
    Term,
    action,
    axiom,
    invariant,
    relation,
)
from spec.induction.layers.ballots import Ballots
from spec.induction.layers.disk import KEPT_PROMISE, KEPT_VOTES, Disk
from spec.induction.layers.vocabulary import (
    And,
    Ballot,
    Implies,
    Node,
    Not,
    Or,
    Record,
    Slot,
    Value,
    below,
    exists,
    forall,
)

ahead = z3.Function("ahead", Record, Record, z3.BoolSort())
"""ahead(e, f): record e was written before record f."""
promises = z3.Function("promises", Record, Ballot, z3.BoolSort())
"""promises(e, b): record e is a promise of b."""
casts = z3.Function("casts", Record, Ballot, Slot, Value, z3.BoolSort())
"""casts(e, b, i, v): record e is a vote under b in i for v."""


class Outbox(Disk):
    """`Disk` with outboxes that are first in, first out. Refines `Ballots`, step by step."""

    outbox = relation(Node, Record)

    def refinement(self) -> Refinement:
        """Sending is what `Ballots` sees. A promise of a ballot that n voted under already changes nothing there."""
        return Refinement(
            above=Ballots().system(),
            becomes={
                "promise": Becomes("leave", or_nothing=True),
                "propose": Becomes("propose"),
                "vote": Becomes("vote"),
                "choose": Becomes("choose"),
                "extend": Becomes("extend"),
            },
        )

    @axiom
    def records_are_ordered(self) -> Formula:
        """Records are written one after the other."""
        return And(
            forall(lambda e: Not(ahead(e, e))),
            forall(lambda e, f, g: Implies(And(ahead(e, f), ahead(f, g)), ahead(e, g))),
            forall(lambda e, f: Or(ahead(e, f), e == f, ahead(f, e))),
        )

    @axiom
    def records_say_one_thing(self) -> Formula:
        """A record is a promise of one ballot, or a vote under one ballot in one slot."""
        return And(
            forall(lambda e, b, c: Implies(And(promises(e, b), promises(e, c)), b == c)),
            forall(
                lambda e, b, i, v, c, j, w: Implies(
                    And(casts(e, b, i, v), casts(e, c, j, w)), And(b == c, i == j, v == w)
                )
            ),
            forall(lambda e, b, c, i, v: Not(And(promises(e, b), casts(e, c, i, v)))),
        )  # fmt: skip

    def under(self, e: Term, b: Term) -> Formula:
        """Record e is a promise of b, or a vote under b."""
        return Or(promises(e, b), exists(lambda i, v: casts(e, b, i, v)))

    def last_written(self, s: State, n: Term, e: Term) -> Formula:
        """Record e is later than all that n has to send."""
        return forall(lambda f: Implies(s.outbox(n, f), ahead(f, e)))

    def first_to_leave(self, s: State, n: Term, e: Term) -> Formula:
        """Record e is in the outbox of n, and nothing before it."""
        return And(s.outbox(n, e), forall(lambda f: Implies(s.outbox(n, f), Not(ahead(f, e)))))

    @action()
    def write_promise(self, s: State, n: Term, b: Term, *, e: Term) -> Step:
        """As in `Disk`, and the reply waits in the outbox."""
        return (
            super().write_promise(s, n, b)
            .where(record=promises(e, b), order=self.last_written(s, n, e))
            .also(outbox=lambda m, f: Or(s.outbox(m, f), And(m == n, f == e)))
        )  # fmt: skip

    @action()
    def promise(self, s: State, n: Term, b: Term, *, e: Term) -> Step:
        """As in `Disk`, when it is the reply's turn."""
        return (
            super().promise(s, n, b)
            .where(record=promises(e, b), order=self.first_to_leave(s, n, e))
            .also(outbox=lambda m, f: And(s.outbox(m, f), Or(m != n, f != e)))
        )  # fmt: skip

    @action()
    def write_vote(self, s: State, n: Term, b: Term, i: Term, *, e: Term, v: Term) -> Step:
        """As in `Disk`, once for a ballot and a slot, and the vote waits in the outbox."""
        return (
            super().write_vote(s, n, b, i)
            .where(
                proposed=s.proposals(b, i, v),
                once=forall(lambda v: Not(s.accepted(n, b, i, v))),
                record=casts(e, b, i, v),
                order=self.last_written(s, n, e),
            )
            .also(outbox=lambda m, f: Or(s.outbox(m, f), And(m == n, f == e)))
        )  # fmt: skip

    @action()
    def vote(self, s: State, n: Term, b: Term, i: Term, *, e: Term, v: Term) -> Step:
        """As in `Disk`, when it is the vote's turn; whether it was sent before need not be asked any more."""
        return (
            super().vote(s, n, b, i).without("fresh")
            .where(record=casts(e, b, i, v), order=self.first_to_leave(s, n, e))
            .also(outbox=lambda m, f: And(s.outbox(m, f), Or(m != n, f != e)))
        )  # fmt: skip

    @action(KEPT_PROMISE, KEPT_VOTES)
    def crash(self, s: State, n: Term, *, kept_promise: Term, kept_votes: Term) -> Step:
        """As in `Disk`, and the outbox is memory."""
        return (
            super().crash(s, n, kept_promise=kept_promise, kept_votes=kept_votes)
            .also(outbox=lambda m, f: And(m != n, s.outbox(m, f)))
        )  # fmt: skip

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """As in `Disk`, and the outbox is memory."""
        return super().lose(s, n).also(outbox=lambda m, f: And(m != n, s.outbox(m, f)))

    @invariant
    def outbox_accepted(self, s: State) -> Formula:
        """A vote that waits is on the disk."""
        return forall(
            lambda n, e, b, i, v: Implies(And(s.outbox(n, e), casts(e, b, i, v)), s.accepted(n, b, i, v))
        )  # fmt: skip

    @invariant
    def outbox_promised(self, s: State) -> Formula:
        """What a record that waits leaves behind is left on the disk."""
        return forall(lambda n, e, b, c: Implies(And(s.outbox(n, e), self.under(e, b), below(c, b)), s.promised(n, c)))

    @invariant
    def outbox_not_left(self, s: State) -> Formula:
        """No ballot of a record that waits was left by what was sent."""
        return forall(lambda n, e, b: Implies(And(s.outbox(n, e), self.under(e, b)), Not(s.left(n, b))))

    @invariant
    def outbox_in_order(self, s: State) -> Formula:
        """Ballots of records that wait do not decrease."""
        return forall(
            lambda n, e, f, b, c: Implies(
                And(s.outbox(n, e), s.outbox(n, f), ahead(e, f), self.under(e, b), self.under(f, c)),
                Not(below(c, b)),
            )
        )  # fmt: skip

    @invariant
    def outbox_not_voted(self, s: State) -> Formula:
        """No vote that waits was sent."""
        return forall(
            lambda n, e, b, i, v, w: Implies(And(s.outbox(n, e), casts(e, b, i, v)), Not(s.votes(n, b, i, w)))
        )

    @invariant
    def outbox_once(self, s: State) -> Formula:
        """No vote waits twice."""
        return forall(
            lambda n, e, f, b, i, v, w: Implies(
                And(s.outbox(n, e), s.outbox(n, f), casts(e, b, i, v), casts(f, b, i, w)), e == f
            )
        )

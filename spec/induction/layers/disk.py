"""Disks and crashes: what must be durable before what is sent (R2, R4), and who may come back (R8).

Writing and sending are two steps. A crash keeps whatever the disk happens to have kept: anything between what was sent,
which was flushed before, and what was written. A node that lost its disk does nothing any more; whoever is put in its
place is another incarnation, hence another node.

A promise reply (1b) is a message with content, and the content is state: the votes that were on the disk when it was
sent. If proposers looked at votes in place, a vote that is lost in a crash would be missed by nobody.
Of a node's votes in a slot the code keeps and reports the last one only; here all of them are, which changes nothing
for a proposer that looks for the highest.
"""

from spec.induction.formulas.kernel import Choice, Formula, State, Step, Term, action, invariant, relation, then, when
from spec.induction.layers.ballots import Ballots
from spec.induction.layers.vocabulary import (
    And,
    Ballot,
    Implies,
    Node,
    Not,
    Or,
    Slot,
    Value,
    below,
    bot,
    exists,
    forall,
    majority,
    member,
    window,
)

KEPT_PROMISE = Choice("kept_promise", (Ballot,))
KEPT_VOTES = Choice("kept_votes", (Ballot, Slot, Value))


class Disk(Ballots):
    """`Ballots` with disks, crashes and lost disks."""

    implied = ("proposals_safe",)

    promised = relation(Node, Ballot)
    """promised(n, c): c is below the promise that is on the disk of n."""
    accepted = relation(Node, Ballot, Slot, Value)
    """Votes on the disk."""
    answered = relation(Node, Ballot)
    """answered(n, b): n sent its promise reply (1b) for b."""
    reports = relation(Node, Ballot, Slot, Ballot, Value)
    """reports(n, b, i, c, v): that reply says that n voted in i under c for v."""
    lost = relation(Node)
    """The node has no disk any more."""

    def alive(self, s: State, n: Term) -> Formula:
        """Whether n can do anything."""
        return Not(s.lost(n))

    # Actions. What `Ballots` calls Leave is a promise in two steps here.

    leave = None  # type: ignore[assignment]

    @action()
    def write_promise(self, s: State, n: Term, b: Term) -> Step:
        """A promise goes to the disk, if nothing higher was promised."""
        return Step(
            when(
                alive=self.alive(s, n),
                nothing_higher=Not(s.promised(n, b)),
            ),
            then(promised=lambda m, c: Or(s.promised(m, c), And(m == n, below(c, b)))),
        )

    @action()
    def promise(self, s: State, n: Term, b: Term) -> Step:
        """The reply is sent, with every vote that is on the disk. After a crash n could not say the same: once."""
        return Step(
            when(
                alive=self.alive(s, n),
                durable=forall(lambda c: Implies(below(c, b), s.promised(n, c))),
                once=Not(s.answered(n, b)),
            ),
            then(
                answered=lambda m, b2: Or(s.answered(m, b2), And(m == n, b2 == b)),
                reports=lambda m, b2, i, c, v: Or(
                    s.reports(m, b2, i, c, v), And(m == n, b2 == b, below(c, b), s.accepted(n, c, i, v))
                ),
                left=lambda m, c: Or(s.left(m, c), And(m == n, below(c, b))),
            ),
        )

    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term) -> Step:
        """As in `Ballots`, but by what the replies of the majority say (R3)."""
        return (
            super().propose(s, b, i, v, j=j, x=x, q=q, c=c)
            .where(
                all_left=forall(lambda n: Implies(member(n, q), s.answered(n, b))),
                proposed=Or(c == bot, exists(lambda n: And(member(n, q), s.reports(n, b, i, c, v)))),
                highest=forall(
                    lambda n, d, w: Implies(And(member(n, q), below(c, d), below(d, b)), Not(s.reports(n, b, i, d, w)))
                ),
            )
        )  # fmt: skip

    @action()
    def write_vote(self, s: State, n: Term, b: Term, i: Term) -> Step:
        """A vote goes to the disk, and raises the promise in the same record (R4)."""
        return Step(
            when(
                alive=self.alive(s, n),
                not_left=Not(s.promised(n, b)),
                proposed=exists(lambda v: s.proposals(b, i, v)),
            ),
            then(
                accepted=lambda n2, b2, i2, v2: Or(
                    s.accepted(n2, b2, i2, v2), And(n2 == n, b2 == b, i2 == i, s.proposals(b, i, v2))
                ),
                promised=lambda m, c: Or(s.promised(m, c), And(m == n, below(c, b))),
            ),
        )

    @action()
    def vote(self, s: State, n: Term, b: Term, i: Term) -> Step:
        """The vote is sent. n may have promised more since: then its reply told of this vote."""
        return Step(
            when(
                alive=self.alive(s, n),
                durable=exists(lambda v: s.accepted(n, b, i, v)),
                fresh=forall(lambda v: Not(s.votes(n, b, i, v))),
            ),
            then(
                votes=lambda n2, b2, i2, v2: Or(
                    s.votes(n2, b2, i2, v2), And(n2 == n, b2 == b, i2 == i, s.accepted(n, b, i, v2))
                ),
                left=lambda m, c: Or(s.left(m, c), And(m == n, below(c, b))),
            ),
        )

    @action(KEPT_PROMISE, KEPT_VOTES)
    def crash(self, s: State, n: Term, *, kept_promise: Term, kept_votes: Term) -> Step:
        """A crash and the restart: what was written since the last flush may be gone, and nothing else."""
        return Step(
            when(
                alive=self.alive(s, n),
                promise_sent=forall(lambda c: Implies(s.left(n, c), kept_promise(c))),
                promise_written=forall(lambda c: Implies(kept_promise(c), s.promised(n, c))),
                votes_sent=forall(lambda b, i, v: Implies(s.votes(n, b, i, v), kept_votes(b, i, v))),
                votes_written=forall(lambda b, i, v: Implies(kept_votes(b, i, v), s.accepted(n, b, i, v))),
                one_record=forall(
                    lambda b, i, v, c: Implies(And(kept_votes(b, i, v), below(c, b)), kept_promise(c))
                ),
            ),
            then(
                promised=lambda m, c: Or(And(m != n, s.promised(m, c)), And(m == n, kept_promise(c))),
                accepted=lambda m, b, i, v: Or(And(m != n, s.accepted(m, b, i, v)), And(m == n, kept_votes(b, i, v))),
            ),
        )  # fmt: skip

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """All that n had is gone, and n with it (R8)."""
        return Step(
            when(),
            then(
                lost=lambda m: Or(s.lost(m), m == n),
                promised=lambda m, c: And(m != n, s.promised(m, c)),
                accepted=lambda m, b, i, v: And(m != n, s.accepted(m, b, i, v)),
            ),
        )

    # Invariants.

    @invariant
    def left_is_durable(self, s: State) -> Formula:
        """No promise is sent before it is durable."""
        return forall(lambda n, c: Implies(And(s.left(n, c), Not(s.lost(n))), s.promised(n, c)))

    @invariant
    def votes_are_durable(self, s: State) -> Formula:
        """No vote is sent before it is durable."""
        return forall(
            lambda n, b, i, v: Implies(And(s.votes(n, b, i, v), Not(s.lost(n))), s.accepted(n, b, i, v))
        )  # fmt: skip

    @invariant
    def accepted_proposed(self, s: State) -> Formula:
        """Nobody accepts what was not proposed."""
        return forall(lambda n, b, i, v: Implies(s.accepted(n, b, i, v), s.proposals(b, i, v)))

    @invariant
    def promised_covers_accepted(self, s: State) -> Formula:
        """Who accepted under a ballot has promised to leave all lower ones."""
        return forall(lambda n, b, i, v, c: Implies(And(s.accepted(n, b, i, v), below(c, b)), s.promised(n, c)))

    @invariant
    def answered_left(self, s: State) -> Formula:
        """Who sent a reply has left all lower ballots."""
        return forall(lambda n, b, c: Implies(And(s.answered(n, b), below(c, b)), s.left(n, c)))

    @invariant
    def reports_proposed(self, s: State) -> Formula:
        """Nobody reports what was not proposed."""
        return forall(lambda n, b, i, c, v: Implies(s.reports(n, b, i, c, v), s.proposals(c, i, v)))

    @invariant
    def reports_complete(self, s: State) -> Formula:
        """A reply leaves no vote out: neither one that was sent nor one that may be sent yet."""
        return forall(
            lambda n, b, i, c, v: Implies(
                And(s.answered(n, b), below(c, b), Or(s.votes(n, c, i, v), s.accepted(n, c, i, v))),
                s.reports(n, b, i, c, v),
            )
        )

    @invariant
    def proposals_safe(self, s: State) -> Formula:
        """As in `Ballots`, where the vote of that member is not on its disk either, waiting to be sent."""
        return forall(
            lambda b, c, i, v, w, j, x, q: Implies(
                And(s.proposals(b, i, v), below(c, b), v != w, window(j, i), s.configuration(j, x), majority(q, x)),
                exists(
                    lambda n: And(
                        member(n, q), s.left(n, c), Not(s.votes(n, c, i, w)), Not(s.accepted(n, c, i, w))
                    )
                ),
            )
        )  # fmt: skip

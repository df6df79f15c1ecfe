"""Knowledge: nobody sees what is chosen, or which configuration is in force; nodes know, and compute (R1).

A node counts a majority of the configuration that *it* computed, from decisions that it knows. It may know less than is
true, and after a crash less than before; never anything else.
`chosen` and `configuration` remain as what is true: they grow when the first node finds out.
"""

from collections.abc import Mapping

from spec.induction.formulas.kernel import (
    Choice,
    Formula,
    Predicate,
    State,
    Step,
    Term,
    action,
    invariant,
    relation,
    then,
    when,
)
from spec.induction.layers.disk import KEPT_PROMISE, KEPT_VOTES, Disk
from spec.induction.layers.vocabulary import (
    And,
    Configuration,
    Implies,
    Node,
    Or,
    Slot,
    Value,
    first,
    follows,
    forall,
    leads_to,
    zero,
)

KEPT_KNOWN = Choice("kept_known", (Slot, Value))
KEPT_BELIEVED = Choice("kept_believed", (Slot, Configuration))


class Knowledge(Disk):
    """`Disk`, where nodes act on what they know."""

    knows = relation(Node, Slot, Value)
    """knows(n, i, v): n knows that v was chosen in i."""
    believes = relation(Node, Slot, Configuration)
    """believes(n, j, x): n knows everything up to j, and computed that it leads to x."""

    def init(self) -> Mapping[str, Predicate]:
        """Everybody knows what the empty prefix leads to."""
        return {**super().init(), "believes": lambda _, j, x: And(j == zero, x == first)}

    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term, n: Term) -> Step:
        """By the configuration of the slot as far as the proposer n knows: for that it must know up to j."""
        return super().propose(s, b, i, v, j=j, x=x, q=q, c=c).where(open=s.believes(n, j, x))

    @action()
    def choose(self, s: State, i: Term, v: Term, *, j: Term, x: Term, q: Term, b: Term, n: Term) -> Step:
        """The proposer n counts votes, by the configuration of the slot as far as it knows: Decide, in `Cell`."""
        return (
            super().choose(s, i, v, j=j, x=x, q=q, b=b)
            .where(open=s.believes(n, j, x))
            .also(knows=lambda m, i2, v2: Or(s.knows(m, i2, v2), And(m == n, i2 == i, v2 == v)))
        )  # fmt: skip

    @action()
    def learn(self, s: State, n: Term, i: Term, v: Term) -> Step:
        """A notice of decision reaches n."""
        return Step(
            when(chosen=s.chosen(i, v)),
            then(knows=lambda m, i2, v2: Or(s.knows(m, i2, v2), And(m == n, i2 == i, v2 == v))),
        )

    @action()
    def believe(self, s: State, n: Term, k: Term, j: Term, x: Term, v: Term, y: Term) -> Step:
        """Node n applies what it knows of the next slot. If it is the first to do so, this is Extend as well."""
        return Step(
            when(
                next=follows(k, j),
                prefix=s.believes(n, k, x),
                known=s.knows(n, j, v),
                leads=leads_to(x, v, y),
            ),
            then(
                believes=lambda m, j2, x2: Or(s.believes(m, j2, x2), And(m == n, j2 == j, x2 == y)),
                configuration=lambda j2, x2: Or(s.configuration(j2, x2), And(j2 == j, x2 == y)),
            ),
        )

    @action()
    def install(self, s: State, n: Term, m: Term) -> Step:
        """Node n is taught by m: the state machine and its configurations, never promises or votes (R9)."""
        return Step(
            when(),
            then(
                knows=lambda n2, i, v: Or(s.knows(n2, i, v), And(n2 == n, s.knows(m, i, v))),
                believes=lambda n2, j, x: Or(s.believes(n2, j, x), And(n2 == n, s.believes(m, j, x))),
            ),
        )

    @action(KEPT_PROMISE, KEPT_VOTES, KEPT_KNOWN, KEPT_BELIEVED)
    def crash(
        self, s: State, n: Term, *, kept_promise: Term, kept_votes: Term, kept_known: Term, kept_believed: Term
    ) -> Step:
        """As in `Disk`; knowledge was written without a flush, and any of it may be gone."""
        return (
            super().crash(s, n, kept_promise=kept_promise, kept_votes=kept_votes)
            .where(
                known=forall(lambda i, v: Implies(kept_known(i, v), s.knows(n, i, v))),
                believed=forall(lambda j, x: Implies(kept_believed(j, x), s.believes(n, j, x))),
            )
            .also(
                knows=lambda m, i, v: Or(And(m != n, s.knows(m, i, v)), And(m == n, kept_known(i, v))),
                believes=lambda m, j, x: Or(And(m != n, s.believes(m, j, x)), And(m == n, kept_believed(j, x))),
            )
        )  # fmt: skip

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """As in `Disk`, and what n knew is gone too."""
        return (
            super().lose(s, n)
            .also(
                knows=lambda m, i, v: And(m != n, s.knows(m, i, v)),
                believes=lambda m, j, x: And(m != n, s.believes(m, j, x)),
            )
        )  # fmt: skip

    @invariant
    def known_chosen(self, s: State) -> Formula:
        """What anybody knows is true."""
        return forall(lambda n, i, v: Implies(s.knows(n, i, v), s.chosen(i, v)))

    @invariant
    def believed_in_force(self, s: State) -> Formula:
        """What anybody computed is true: no stale and no early configuration ever counts for a slot (R1)."""
        return forall(lambda n, j, x: Implies(s.believes(n, j, x), s.configuration(j, x)))

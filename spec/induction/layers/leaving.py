"""Leaving: when a removed node may be erased, so that no decided slot is lost with it (R8, R11).

Agreement does not care who is erased. `recoverable` does: as long as every majority of every configuration has a member
whose disk is not lost, each decided slot is held by a node that is neither erased nor without its disk.

A slot is held by a majority: at first by those who chose it, and when one of them is removed and erased, by the
majority of the replacing configuration that learned everything durably before. Which majority that is, is state here.
A node may hold slots in trust for one that was erased earlier, older than any that it was a member for: so what counts
is every slot up to the last that it was a member for, not its own.
"""

from collections.abc import Mapping

import z3

from spec.induction.formulas.kernel import (
    Formula,
    Predicate,
    State,
    Step,
    Term,
    action,
    axiom,
    invariant,
    relation,
    safety,
    then,
    when,
)
from spec.induction.layers.truncation import Truncation
from spec.induction.layers.vocabulary import (
    And,
    Configuration,
    Implies,
    Node,
    Not,
    Or,
    Quorum,
    Slot,
    before,
    exists,
    first,
    forall,
    leads_to,
    majority,
    member,
    window,
    zero,
)

belongs = z3.Function("belongs", Node, Configuration, z3.BoolSort())
"""belongs(n, x): n is a member of x."""
removed = z3.Function("removed", Node, Configuration, z3.BoolSort())
"""removed(n, x): on the way to x this incarnation was a member, and was removed."""
opens_before = z3.Function("opens_before", Slot, Slot, z3.BoolSort())
"""opens_before(i, j): a prefix shorter than j determines the configuration of slot i."""


class Leaving(Truncation):
    """`Truncation`, where removed nodes are erased."""

    durable = relation(Node, Slot)
    """durable(n, i): n learned slot i and has that on its disk, in the log or in a snapshot."""
    said = relation(Node, Slot)
    """said(n, i): that was so once, so that n may have said it, and the word is on its way, whatever became of n."""
    erased = relation(Node)
    """The node was removed, did its duty, and is gone."""
    held_by = relation(Slot, Quorum)
    """The majority that holds the slot now."""
    latest = relation(Slot)
    """The length of the longest prefix."""

    # What no action changes: removed incarnations do not come back (R8).

    @axiom
    def majorities_belong(self) -> Formula:
        """Majorities are of members."""
        return forall(lambda n, q, x: Implies(And(majority(q, x), member(n, q)), belongs(n, x)))

    @axiom
    def removed_for_good(self) -> Formula:
        """Who is left out by a change is removed, and stays so."""
        return forall(
            lambda n, x, v, y: Implies(
                And(leads_to(x, v, y), Or(removed(n, x), And(belongs(n, x), Not(belongs(n, y))))), removed(n, y)
            )
        )

    @axiom
    def removed_is_out(self) -> Formula:
        """Who was removed is no member."""
        return forall(lambda n, x: Implies(removed(n, x), Not(belongs(n, x))))

    @axiom
    def nobody_removed_at_first(self) -> Formula:
        """The first configuration replaces nobody."""
        return forall(lambda n: Not(removed(n, first)))

    @axiom
    def opening(self) -> Formula:
        """What it means to open before a prefix."""
        return forall(lambda i, j, k: Implies(window(k, i), opens_before(i, j) == before(k, j)))

    def init(self) -> Mapping[str, Predicate]:
        """The empty prefix is the longest."""
        return {**super().init(), "latest": lambda j: j == zero}

    # Actions.

    def alive(self, s: State, n: Term) -> Formula:
        """Whether n can do anything: who is erased cannot."""
        return And(super().alive(s, n), Not(s.erased(n)))

    def growing(self, s: State, j: Term) -> Mapping[str, Predicate]:
        """What becomes of `latest` when the prefix of length j is known."""
        is_new = forall(lambda x: Not(s.configuration(j, x)))
        return then(latest=lambda k: Or(And(is_new, k == j), And(Not(is_new), s.latest(k))))

    @action()
    def extend(self, s: State, k: Term, j: Term, x: Term, v: Term, y: Term) -> Step:
        """As before."""
        return super().extend(s, k, j, x, v, y).also(**self.growing(s, j))

    @action()
    def believe(self, s: State, n: Term, k: Term, j: Term, x: Term, v: Term, y: Term) -> Step:
        """As before."""
        return super().believe(s, n, k, j, x, v, y).also(**self.growing(s, j))

    @action()
    def choose(self, s: State, i: Term, v: Term, *, j: Term, x: Term, q: Term, b: Term, n: Term) -> Step:
        """As before; those who choose a slot first are the first to hold it."""
        is_first = forall(lambda w: Not(s.chosen(i, w)))
        return (
            super().choose(s, i, v, j=j, x=x, q=q, b=b, n=n)
            .also(held_by=lambda i2, q2: Or(s.held_by(i2, q2), And(i2 == i, q2 == q, is_first)))
        )  # fmt: skip

    @action()
    def store(self, s: State, n: Term, i: Term, *, v: Term) -> Step:
        """What n knows of a slot is flushed to its disk; from then on it says so to whoever asks."""
        return Step(
            when(alive=self.alive(s, n), known=s.knows(n, i, v)),
            then(
                durable=lambda m, j: Or(s.durable(m, j), And(m == n, j == i)),
                said=lambda m, j: Or(s.said(m, j), And(m == n, j == i)),
            ),
        )

    @action()
    def truncate(self, s: State, n: Term, i: Term, *, x: Term) -> Step:
        """As before, and under a durable snapshot that holds what is dropped (R10)."""
        return (
            super().truncate(s, n, i, x=x)
            .where(snapshot=forall(lambda j: Implies(And(j != zero, Not(before(i, j))), s.durable(n, j))))
        )  # fmt: skip

    @action()
    def erase(self, s: State, n: Term, *, j: Term, y: Term, q: Term) -> Step:
        """Node n knows that y replaced it, and that a majority of y said to have learned all that n may hold (R11).

        Whoever of them lost its disk since said so too: it was late, as far as anybody can tell.
        """

        def moves(i: Term) -> Formula:
            return exists(lambda r, m: And(s.held_by(i, r), member(m, r), removed(m, y)))

        return Step(
            when(
                believed=s.believes(n, j, y),
                removed=removed(n, y),
                majority=majority(q, y),
                learned=forall(lambda m, i: Implies(And(member(m, q), opens_before(i, j)), s.said(m, i))),
            ),
            then(
                erased=lambda m: Or(s.erased(m), m == n),
                held_by=lambda i, r: Or(And(Not(moves(i)), s.held_by(i, r)), And(moves(i), r == q)),
            ),
        )

    @action()
    def lose(self, s: State, n: Term) -> Step:
        """As before; and nothing that n learned is durable any more. What it said stays said."""
        return super().lose(s, n).also(durable=lambda m, i: And(m != n, s.durable(m, i)))

    # Invariants.

    @invariant
    def nothing_at_zero(self, s: State) -> Formula:
        """No slot is no slot."""
        return forall(lambda v: Not(s.chosen(zero, v)))

    @invariant
    def latest_is_one(self, s: State) -> Formula:
        """There is one longest prefix."""
        there_is = exists(lambda j: s.latest(j))  # noqa: PLW0108  # the letter says of which sort
        return And(there_is, forall(lambda j, k: Implies(And(s.latest(j), s.latest(k)), j == k)))

    @invariant
    def latest_is_prefix(self, s: State) -> Formula:
        """It is a prefix."""
        return forall(lambda j: Implies(s.latest(j), exists(lambda x: s.configuration(j, x))))

    @invariant
    def latest_is_longest(self, s: State) -> Formula:
        """None is longer."""
        return forall(
            lambda j, k: Implies(And(s.latest(j), exists(lambda x: s.configuration(k, x))), Not(before(j, k)))
        )

    @invariant
    def removed_stays(self, s: State) -> Formula:
        """Who was removed by a prefix is removed in every longer one."""
        return forall(
            lambda n, j, k, x, y: Implies(
                And(s.configuration(j, x), s.configuration(k, y), Not(before(k, j)), removed(n, x)), removed(n, y)
            )
        )

    @invariant
    def chosen_opened(self, s: State) -> Formula:
        """What is chosen opens before every prefix that is not known yet."""
        return forall(
            lambda i, j, k: Implies(
                And(exists(lambda v: s.chosen(i, v)), s.latest(k), before(k, j)), opens_before(i, j)
            )
        )  # fmt: skip

    @invariant
    def said_durable(self, s: State) -> Formula:
        """What a node said that it learned it has, as long as its disk is not lost."""
        return forall(lambda n, i: Implies(And(s.said(n, i), Not(s.lost(n))), s.durable(n, i)))

    @invariant
    def said_chosen(self, s: State) -> Formula:
        """Nobody said so of what is not chosen."""
        return forall(lambda i: Implies(exists(lambda n: s.said(n, i)), exists(lambda v: s.chosen(i, v))))

    @invariant
    def floor_durable(self, s: State) -> Formula:
        """What is truncated is durably learned (R10)."""
        return forall(lambda n, i: Implies(And(s.floor(n, i), i != zero), s.durable(n, i)))

    @invariant
    def held_if_chosen(self, s: State) -> Formula:
        """Some majority holds each chosen slot."""
        return forall(lambda i: Implies(exists(lambda v: s.chosen(i, v)), exists(lambda q: s.held_by(i, q))))

    @invariant
    def chosen_if_held(self, s: State) -> Formula:
        """No majority holds a slot that is not chosen."""
        return forall(lambda i: Implies(exists(lambda q: s.held_by(i, q)), exists(lambda v: s.chosen(i, v))))

    @invariant
    def holders_hold(self, s: State) -> Formula:
        """Each of them learned it durably, or voted under the ballot that chose it and kept the vote."""
        return forall(
            lambda n, b, i, v, q: Implies(
                And(s.held_by(i, q), member(n, q), Not(s.lost(n)), s.first_ballot(i, b), s.chosen(i, v)),
                Or(s.durable(n, i), And(s.votes(n, b, i, v), Not(s.floor(n, i)))),
            )
        )

    @invariant
    def holders_are_majority(self, s: State) -> Formula:
        """They are a majority of some configuration."""
        return forall(lambda q: Implies(exists(lambda i: s.held_by(i, q)), exists(lambda x: majority(q, x))))

    @invariant
    def holders_present(self, s: State) -> Formula:
        """None of them is erased."""
        return forall(lambda n, i, q: Implies(And(s.held_by(i, q), member(n, q)), Not(s.erased(n))))

    @invariant
    def holders_leave_late(self, s: State) -> Formula:
        """Who holds a slot is removed only by prefixes that are longer than the slot's window."""
        return forall(
            lambda n, i, q, j, y: Implies(
                And(s.held_by(i, q), member(n, q), s.configuration(j, y), removed(n, y)), opens_before(i, j)
            )
        )

    @invariant
    def erased_removed(self, s: State) -> Formula:
        """Who is erased was removed."""
        return forall(
            lambda n, j, y: Implies(And(s.erased(n), s.latest(j), s.configuration(j, y)), removed(n, y))
        )  # fmt: skip

    @invariant
    def erased_done(self, s: State) -> Formula:
        """Nothing is open any more that an erased node was a member for."""
        return forall(
            lambda i, j, k: Implies(
                And(
                    window(k, i), Not(before(j, k)),
                    exists(lambda n, y: And(s.erased(n), s.configuration(j, y), belongs(n, y))),
                ),
                exists(lambda v: s.chosen(i, v)),
            )
        )  # fmt: skip

    @invariant
    def erased_moved(self, s: State) -> Formula:
        """No slot is held by somebody who was removed before an erased node was."""
        return forall(
            lambda n, m, i, q, j, y: Implies(
                And(
                    s.erased(n), s.configuration(j, y), belongs(n, y),
                    s.held_by(i, q), member(m, q),
                ),
                Not(removed(m, y)),
            )
        )  # fmt: skip

    @safety
    def recoverable(self, s: State) -> Formula:
        """If every majority has a member that has its disk, so does every chosen slot, and that member is not erased.

        Of every configuration that there is: what may be in force later need not be among them.
        """
        return Implies(
            forall(lambda q, x: Implies(majority(q, x), exists(lambda n: And(member(n, q), Not(s.lost(n)))))),
            forall(
                lambda b, i, v: Implies(
                    And(s.chosen(i, v), s.first_ballot(i, b)),
                    exists(
                        lambda n: And(
                            Not(s.lost(n)), Not(s.erased(n)),
                            Or(s.durable(n, i), And(s.accepted(n, b, i, v), Not(s.floor(n, i)))),
                        )
                    ),
                )
            ),
        )  # fmt: skip

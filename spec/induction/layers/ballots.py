"""Votes and majorities, for any number of everything. Reads beside `tla/Ballots.tla` and `tla/Window.tla`.

Two things differ in form. `left[n]` is a relation: left(n, c) says that c is below it, so that `left[n] <= b` is
Not(left(n, b)). And the prefix, which `Ballots` computes from the votes, is state here, with two steps of its own:
Choose notes that a majority voted, and Extend that the prefix is longer. They are steps of `Window`; in `Ballots` both
happen at once with the last vote.

What clients asked for is left out: it has no part in why ballots agree. Rules: R1, R3, R4.
"""

from collections.abc import Mapping

from spec.induction.formulas.kernel import (
    Formula,
    Predicate,
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
from spec.induction.layers.vocabulary import (
    And,
    Ballot,
    Configuration,
    Implies,
    Node,
    Not,
    Or,
    Slot,
    Value,
    Vocabulary,
    before,
    below,
    bot,
    exists,
    first,
    follows,
    forall,
    leads_to,
    majority,
    member,
    window,
    zero,
)


class Ballots(Vocabulary):
    """`Ballots` with `Window`: why two values are never chosen in one slot."""

    left = relation(Node, Ballot)
    """left(n, c): c is below the highest ballot in a promise or a vote that n sent."""
    proposals = relation(Ballot, Slot, Value)
    votes = relation(Node, Ballot, Slot, Value)
    """votes(n, b, i, v): n voted under b in i, and v was proposed there."""
    chosen = relation(Slot, Value)
    """Of `Window`: a majority of the slot's configuration voted for the value under one ballot."""
    configuration = relation(Slot, Configuration)
    """configuration(j, x): everything up to j is chosen, and leads from the first configuration to x."""

    def init(self) -> Mapping[str, Predicate]:
        """Nobody did anything, and the empty prefix leads to the first configuration."""
        return {**super().init(), "configuration": lambda j, x: And(j == zero, x == first)}

    # Actions.

    @action()
    def leave(self, s: State, n: Term, b: Term) -> Step:
        """A promise: n will not vote below b any more."""
        return Step(
            when(higher=exists(lambda c: And(below(c, b), Not(s.left(n, c))))),
            then(left=lambda m, c: Or(s.left(m, c), And(m == n, below(c, b)))),
        )

    @action()
    def propose(self, s: State, b: Term, i: Term, v: Term, *, j: Term, x: Term, q: Term, c: Term) -> Step:
        """One value for a ballot and a slot, inside the window, safe by a majority of this very slot.

        The majority q shows v to be safe by its votes: none is above c, where v was proposed; or there is none at all,
        and c is bot.
        """
        return Step(
            when(
                fresh=forall(lambda w: Not(s.proposals(b, i, w))),
                window=window(j, i),
                open=s.configuration(j, x),
                majority=majority(q, x),
                all_left=forall(lambda n, c: Implies(And(member(n, q), below(c, b)), s.left(n, c))),
                lower=below(c, b),
                proposed=Or(c == bot, s.proposals(c, i, v)),
                highest=forall(
                    lambda n, d, w: Implies(And(member(n, q), below(c, d), below(d, b)), Not(s.votes(n, d, i, w)))
                ),
            ),
            then(proposals=lambda b2, i2, v2: Or(s.proposals(b2, i2, v2), And(b2 == b, i2 == i, v2 == v))),
        )

    @action()
    def vote(self, s: State, n: Term, b: Term, i: Term) -> Step:
        """Not only members vote: the majority is counted among members. A vote leaves lower ballots too."""
        return Step(
            when(
                not_left=Not(s.left(n, b)),
                proposed=exists(lambda v: s.proposals(b, i, v)),
                fresh=forall(lambda v: Not(s.votes(n, b, i, v))),
            ),
            then(
                votes=lambda n2, b2, i2, v2: Or(
                    s.votes(n2, b2, i2, v2), And(n2 == n, b2 == b, i2 == i, s.proposals(b, i, v2))
                ),
                left=lambda m, c: Or(s.left(m, c), And(m == n, below(c, b))),
            ),
        )

    @action()
    def choose(self, s: State, i: Term, v: Term, *, j: Term, x: Term, q: Term, b: Term) -> Step:
        """A majority of the slot's configuration voted for v under one ballot.

        `Window` asks that nothing was chosen in the slot before. Asking it here would assume what is to be shown.
        """
        return Step(
            when(
                window=window(j, i),
                open=s.configuration(j, x),
                majority=majority(q, x),
                voted=forall(lambda n: Implies(member(n, q), s.votes(n, b, i, v))),
            ),
            then(chosen=lambda i2, v2: Or(s.chosen(i2, v2), And(i2 == i, v2 == v))),
        )

    @action()
    def extend(self, s: State, k: Term, j: Term, x: Term, v: Term, y: Term) -> Step:
        """The prefix of length k is one longer, and so the configuration of one more slot is known."""
        return Step(
            when(
                next=follows(k, j),
                prefix=s.configuration(k, x),
                chosen=s.chosen(j, v),
                leads=leads_to(x, v, y),
            ),
            then(configuration=lambda j2, x2: Or(s.configuration(j2, x2), And(j2 == j, x2 == y))),
        )

    # Invariants.

    @invariant
    def agreement(self, s: State) -> Formula:
        """Never two values chosen in one slot."""
        return forall(lambda i, v, w: Implies(And(s.chosen(i, v), s.chosen(i, w)), v == w))

    @invariant
    def one_configuration(self, s: State) -> Formula:
        """A prefix leads to one configuration: the one sentence that alpha is for."""
        return forall(lambda j, x, y: Implies(And(s.configuration(j, x), s.configuration(j, y)), x == y))

    @invariant
    def one_value_per_ballot(self, s: State) -> Formula:
        """Never two values for one ballot and slot."""
        return forall(lambda b, i, v, w: Implies(And(s.proposals(b, i, v), s.proposals(b, i, w)), v == w))

    @invariant
    def nothing_at_bot(self, s: State) -> Formula:
        """No ballot is no ballot."""
        return forall(lambda i, v: Not(s.proposals(bot, i, v)))

    @invariant
    def votes_proposed(self, s: State) -> Formula:
        """Nobody votes for what was not proposed."""
        return forall(lambda n, b, i, v: Implies(s.votes(n, b, i, v), s.proposals(b, i, v)))

    @invariant
    def left_covers_votes(self, s: State) -> Formula:
        """Who votes under a ballot has left all lower ones."""
        return forall(lambda n, b, i, v, c: Implies(And(s.votes(n, b, i, v), below(c, b)), s.left(n, c)))

    @invariant
    def left_is_a_ballot(self, s: State) -> Formula:
        """What is below a ballot that was left is left too, as it must be for `left[n]` to be one ballot."""
        return forall(lambda n, b, c: Implies(And(s.left(n, b), below(c, b)), s.left(n, c)))

    @invariant
    def empty_prefix(self, s: State) -> Formula:
        """The empty prefix leads to the first configuration and to no other."""
        return forall(lambda x: s.configuration(zero, x) == (x == first))

    @invariant
    def prefix_before(self, s: State) -> Formula:
        """A prefix has no hole: every shorter one is a prefix too."""
        return forall(
            lambda k, j: Implies(
                And(before(k, j), exists(lambda y: s.configuration(j, y))), exists(lambda x: s.configuration(k, x))
            )
        )

    @invariant
    def prefix_chosen(self, s: State) -> Formula:
        """A prefix has no hole: every slot up to its length is chosen."""
        return forall(
            lambda i, j: Implies(
                And(i != zero, Not(before(j, i)), exists(lambda x: s.configuration(j, x))),
                exists(lambda v: s.chosen(i, v)),
            )
        )

    @invariant
    def prefix_leads_to(self, s: State) -> Formula:
        """The configuration of a prefix is what its last value made of the one before."""
        return forall(
            lambda k, j, x, v, y: Implies(
                And(follows(k, j), s.configuration(k, x), s.chosen(j, v), s.configuration(j, y)), leads_to(x, v, y)
            )
        )

    @invariant
    def proposals_inside_window(self, s: State) -> Formula:
        """Nobody works on a slot before its configuration is known (R1)."""
        return forall(
            lambda j, i: Implies(
                And(window(j, i), exists(lambda b, v: s.proposals(b, i, v))), exists(lambda x: s.configuration(j, x))
            )
        )

    @invariant
    def chosen_inside_window(self, s: State) -> Formula:
        """Only open slots have values."""
        return forall(
            lambda j, i: Implies(
                And(window(j, i), exists(lambda v: s.chosen(i, v))), exists(lambda x: s.configuration(j, x))
            )
        )

    @invariant
    def chosen_by_majority(self, s: State) -> Formula:
        """What is chosen was voted for by a majority of the slot's configuration, under one ballot."""
        return forall(
            lambda i, v, j, x: Implies(
                And(s.chosen(i, v), window(j, i), s.configuration(j, x)),
                exists(lambda b, q: And(majority(q, x), forall(lambda n: Implies(member(n, q), s.votes(n, b, i, v))))),
            )
        )

    @invariant
    def proposals_safe(self, s: State) -> Formula:
        """The heart of it: when v was proposed under b, nothing else was or can ever be chosen under a lower ballot.

        In every majority there is a member that left that ballot without a vote for anything else.
        """
        return forall(
            lambda b, c, i, v, w, j, x, q: Implies(
                And(s.proposals(b, i, v), below(c, b), v != w, window(j, i), s.configuration(j, x), majority(q, x)),
                exists(lambda n: And(member(n, q), s.left(n, c), Not(s.votes(n, c, i, w)))),
            )
        )

    # What it is for.

    @safety
    def one_value_chosen(self, s: State) -> Formula:
        """Two majorities of a slot's configuration, under whatever ballots, voted for the same value."""
        return forall(
            lambda i, v, w, j, x, b, c, q, r: Implies(
                And(
                    window(j, i), s.configuration(j, x), majority(q, x), majority(r, x),
                    forall(lambda n: Implies(member(n, q), s.votes(n, b, i, v))),
                    forall(lambda n: Implies(member(n, r), s.votes(n, c, i, w))),
                ),
                v == w,
            )
        )  # fmt: skip

    @safety
    def configuration_fixed(self, s: State) -> Formula:
        """Whatever configurations a slot's window leads to, they are one."""
        return forall(
            lambda i, j, k, x, y: Implies(
                And(window(j, i), window(k, i), s.configuration(j, x), s.configuration(k, y)), x == y
            )
        )

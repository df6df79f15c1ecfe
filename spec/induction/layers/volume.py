"""A volume, for any number of servers, epochs and writes. Reads beside `tla/Volume.tla` and `tla/Chain.tla`.

Nothing is counted and nothing is in sequence: of a copy's data it is known what it holds, of epochs their order.
What stands in the record under an epoch is two relations, `primary` and `replica`; one that has no replica is alone.
What a server has noted down is `knows`, and `noted` is that and every epoch before. Which record is the newest, and
which epochs have one copy only, are relations too, so that no formula says "there is an epoch".

Left out: connections, attachments and reads, whose rules are about one server's door; and how a copy is sent in parts.
"""

from collections.abc import Mapping

import z3

from spec.induction.formulas.kernel import (
    Formula,
    Layer,
    Letters,
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
from spec.induction.layers.vocabulary import And, Implies, Not, Or

Server, Epoch, Write = (z3.DeclareSort(name) for name in ("Server", "Epoch", "Write"))

LETTERS = Letters({"p": Server, "r": Server, "m": Server, "n": Server, "e": Epoch, "f": Epoch, "g": Epoch, "w": Write})
forall = LETTERS.forall

older = z3.Function("older", Epoch, Epoch, z3.BoolSort())
"""older(e, f): epoch e is before f."""
first_epoch = z3.Const("first_epoch", Epoch)
founder, second = z3.Consts("founder second", Server)
"""The two copies that a volume is created with."""


class Volume(Layer):
    """Why no acknowledged write is lost, and why two copies never acknowledge under different epochs."""

    letters = LETTERS

    primary = relation(Epoch, Server)
    replica = relation(Epoch, Server)
    alone = relation(Epoch)
    """The record of an epoch names no replica."""
    newest = relation(Epoch)
    """The epoch of the record that is in force; no later one was put."""
    knows = relation(Server, Epoch)
    """The epoch that a server noted down last."""
    noted = relation(Server, Epoch)
    """That one, and every epoch before: what belongs to an earlier one is refused for ever."""
    leads = relation(Server)
    """The epoch that a server knows names it as primary."""
    holds = relation(Server, Write)
    sent = relation(Epoch, Write)
    """On its way down the chain under an epoch."""
    has = relation(Server, Epoch, Write)
    """A server said under an epoch that it holds the write."""
    offered = relation(Epoch, Server)
    """A copy is on its way to a new server; it may be empty."""
    copied = relation(Epoch, Server, Write)
    """A copy on its way to a new server has the write in it."""
    acknowledged = relation(Write)

    @axiom
    def epochs_are_ordered(self) -> Formula:
        """Epochs form a line."""
        return And(
            forall(lambda e: Not(older(e, e))),
            forall(lambda e, f, g: Implies(And(older(e, f), older(f, g)), older(e, g))),
            forall(lambda e, f: Or(older(e, f), e == f, older(f, e))),
        )

    @axiom
    def two_founders(self) -> Formula:
        """The two first copies are on two servers."""
        return founder != second

    def init(self) -> Mapping[str, Predicate]:
        """The record of the first epoch, which both copies know."""
        return {
            "primary": lambda e, p: And(e == first_epoch, p == founder),
            "replica": lambda e, p: And(e == first_epoch, p == second),
            "newest": lambda e: e == first_epoch,
            "knows": lambda p, e: And(e == first_epoch, Or(p == founder, p == second)),
            "leads": lambda p: p == founder,
            "noted": lambda p, e: And(Not(older(first_epoch, e)), Or(p == founder, p == second)),
        }

    # Words.

    def named(self, s: State, e: Term, n: Term) -> Formula:
        """A server is in the record of an epoch."""
        return Or(s.primary(e, n), s.replica(e, n))

    def serves(self, s: State, p: Term, e: Term) -> Formula:
        """A server knows that it is primary."""
        return And(s.knows(p, e), s.primary(e, p))

    def follows(self, s: State, r: Term, e: Term) -> Formula:
        """A server takes what comes down the chain of an epoch, now or when it reads or adopts that one."""
        may_yet = And(Not(s.noted(r, e)), Or(s.replica(e, r), s.alone(e)))
        return And(Not(s.primary(e, r)), Or(s.knows(r, e), may_yet))

    def heard(self, s: State, m: Term, e: Term, leads: Formula) -> Mapping[str, Predicate]:
        """A server knows another epoch from now on, as its primary or not."""
        return {
            "knows": lambda n, f: Or(And(n != m, s.knows(n, f)), And(n == m, f == e)),
            "noted": lambda n, f: Or(s.noted(n, f), And(n == m, Not(older(e, f)))),
            "leads": lambda n: Or(And(n != m, s.leads(n)), And(n == m, leads)),
        }

    # Actions.

    @action()
    def take(self, s: State, p: Term, w: Term, *, e: Term) -> Step:
        """The primary writes, and sends it down the chain."""
        return Step(
            when(serves=self.serves(s, p, e)),
            then(
                holds=lambda n, w2: Or(s.holds(n, w2), And(n == p, w2 == w)),
                sent=lambda f, w2: Or(s.sent(f, w2), And(f == e, w2 == w)),
            ),
        )

    @action()
    def hold(self, s: State, r: Term, w: Term, *, e: Term) -> Step:
        """Whoever knows the epoch and is not its primary writes what comes down its chain."""
        return Step(
            when(same=s.knows(r, e), follows=Not(s.primary(e, r)), came=s.sent(e, w)),
            then(
                holds=lambda n, w2: Or(s.holds(n, w2), And(n == r, w2 == w)),
                has=lambda n, f, w2: Or(s.has(n, f, w2), And(n == r, f == e, w2 == w)),
            ),
        )

    @action()
    def tell(self, s: State, p: Term, w: Term, *, e: Term, r: Term) -> Step:
        """The client is told once both copies hold it, or there is one."""
        return Step(
            when(
                serves=self.serves(s, p, e),
                held=s.holds(p, w),
                safe=Or(s.alone(e), And(s.replica(e, r), s.has(r, e, w))),
            ),
            then(acknowledged=lambda w2: Or(s.acknowledged(w2), w2 == w)),
        )

    @action()
    def shrink(self, s: State, m: Term, *, e: Term, f: Term) -> Step:
        """A copy goes on alone: the record changes if its epoch is the known one."""
        return Step(
            when(
                known=s.knows(m, e),
                condition=s.newest(e),
                member=self.named(s, e, m),
                two=Not(s.alone(e)),
                next=older(e, f),
            ),
            then(
                primary=lambda g, n: Or(s.primary(g, n), And(g == f, n == m)),
                alone=lambda g: Or(s.alone(g), g == f),
                newest=lambda g: g == f,
            ),
        )

    @action()
    def install(self, s: State, m: Term, e: Term) -> Step:
        """A member reads the record, maybe an old one, and notes its epoch down; the replica says what it holds."""
        return Step(
            when(member=self.named(s, e, m), newer=Not(s.noted(m, e))),
            then(
                has=lambda n, f, w: Or(s.has(n, f, w), And(n == m, f == e, s.replica(e, m), s.holds(m, w))),
                **self.heard(s, m, e, s.primary(e, m)),
            ),
        )

    @action()
    def copy(self, s: State, p: Term, r: Term, *, e: Term) -> Step:
        """A primary that is alone sends all it has to another server."""
        return Step(
            when(serves=self.serves(s, p, e), alone=s.alone(e), other=p != r),
            then(
                offered=lambda f, n: Or(s.offered(f, n), And(f == e, n == r)),
                copied=lambda f, n, w: Or(s.copied(f, n, w), And(f == e, n == r, s.holds(p, w))),
            ),
        )

    @action()
    def adopt(self, s: State, r: Term, e: Term) -> Step:
        """The new copy takes it, once, and gives up what it had."""
        return Step(
            when(newer=Not(s.noted(r, e)), sent=s.offered(e, r)),
            then(
                holds=lambda n, w: Or(And(n != r, s.holds(n, w)), And(n == r, s.copied(e, r, w))),
                has=lambda n, f, w: Or(s.has(n, f, w), And(n == r, f == e, s.copied(e, r, w))),
                **self.heard(s, r, e, z3.BoolVal(val=False)),
            ),
        )

    @action()
    def mirror(self, s: State, p: Term, r: Term, *, e: Term, f: Term) -> Step:
        """The new copy holds everything, and joins."""
        return Step(
            when(
                serves=self.serves(s, p, e),
                alone=s.alone(e),
                condition=s.newest(e),
                arrived=s.knows(r, e),
                other=p != r,
                complete=forall(lambda w: Implies(s.holds(p, w), s.has(r, e, w))),
                next=older(e, f),
            ),
            then(
                primary=lambda g, n: Or(s.primary(g, n), And(g == f, n == p)),
                replica=lambda g, n: Or(s.replica(g, n), And(g == f, n == r)),
                newest=lambda g: g == f,
                **self.heard(s, p, f, z3.BoolVal(val=True)),
            ),
        )

    # Invariants.

    @invariant
    def one_record(self, s: State) -> Formula:
        """An epoch has one record, whose copies are two servers, or one."""
        return And(
            forall(lambda e, p, n: Implies(And(s.primary(e, p), s.primary(e, n)), p == n)),
            forall(lambda e, r, n: Implies(And(s.replica(e, r), s.replica(e, n)), r == n)),
            forall(lambda e, p: Not(And(s.primary(e, p), s.replica(e, p)))),
            forall(lambda e, r: Not(And(s.alone(e), s.replica(e, r)))),
        )

    @invariant
    def one_newest(self, s: State) -> Formula:
        """One record is the newest."""
        return forall(lambda e, f: Implies(And(s.newest(e), s.newest(f)), e == f))

    @invariant
    def nothing_beyond_the_newest(self, s: State) -> Formula:
        """No epoch after the newest one was put, known, or sent under."""
        return And(
            forall(lambda e, f, n: Implies(And(s.newest(e), older(e, f)), Not(self.named(s, f, n)))),
            forall(lambda e, f: Implies(And(s.newest(e), older(e, f)), Not(s.alone(f)))),
            forall(lambda e, f, n: Implies(And(s.newest(e), older(e, f)), Not(s.noted(n, f)))),
            forall(lambda e, f, w: Implies(And(s.newest(e), older(e, f)), Not(s.sent(f, w)))),
            forall(lambda e, f, n: Implies(And(s.newest(e), older(e, f)), Not(s.offered(f, n)))),
            forall(lambda e, f, n, w: Implies(And(s.newest(e), older(e, f)), Not(s.copied(f, n, w)))),
            forall(lambda e, f, n, w: Implies(And(s.newest(e), older(e, f)), Not(s.has(n, f, w)))),
        )

    @invariant
    def noted_is_what_is_known(self, s: State) -> Formula:
        """A server knows one epoch, and noted that and what was before."""
        return And(
            forall(lambda n, e: Implies(s.knows(n, e), s.noted(n, e))),
            forall(lambda n, e, f: Implies(And(s.knows(n, e), older(e, f)), Not(s.noted(n, f)))),
            forall(lambda n, e, f: Implies(And(s.noted(n, f), older(e, f)), s.noted(n, e))),
        )

    @invariant
    def said_while_it_was_known(self, s: State) -> Formula:
        """Who said something under an epoch noted that one down, and holds it while it is the one that is known."""
        return forall(
            lambda n, e, w: Implies(s.has(n, e, w), And(s.noted(n, e), Implies(s.knows(n, e), s.holds(n, w))))
        )

    @invariant
    def leaders_are_primaries(self, s: State) -> Formula:
        """Who leads is primary of what it knows, and the other way round."""
        return forall(lambda n, e: Implies(s.knows(n, e), s.leads(n) == s.primary(e, n)))

    @invariant
    def copies_of_one_alone(self, s: State) -> Formula:
        """Copies are sent by whoever is alone, to others."""
        return And(
            forall(lambda e, r: Implies(s.offered(e, r), And(s.alone(e), Not(s.primary(e, r))))),
            forall(lambda e, r, w: Implies(s.copied(e, r, w), And(s.alone(e), Not(s.primary(e, r))))),
        )

    @invariant
    def alone_while_newest(self, s: State) -> Formula:
        """Who was alone knows it no longer once there is a newer record: nobody else could write one."""
        return forall(
            lambda e, f, p: Implies(
                And(s.alone(e), s.primary(e, p), s.newest(f), e != f), And(s.noted(p, e), Not(s.knows(p, e)))
            )
        )

    @invariant
    def members_know(self, s: State) -> Formula:
        """Who is in a record noted every earlier one; a replica that has not read its record leads nothing."""
        return And(
            forall(
                lambda e, f, m, n: Implies(
                    And(self.named(s, f, n), Or(s.alone(e), self.named(s, e, m)), older(e, f)), s.noted(n, e)
                )
            ),
            forall(lambda f, n: Implies(And(s.replica(f, n), Not(s.noted(n, f))), Not(s.leads(n)))),
            forall(lambda e, r: Implies(And(s.knows(r, e), Not(s.alone(e))), self.named(s, e, r))),
        )

    @invariant
    def two_that_part(self, s: State) -> Formula:
        """As long as neither copy of a record went beyond it, a newer one names nobody else."""
        return forall(
            lambda e, f, n, p, r: Implies(
                And(
                    s.primary(e, p), Or(s.knows(p, e), Not(s.noted(p, e))), s.replica(e, r), self.follows(s, r, e),
                    s.newest(f), self.named(s, f, n),
                ),
                Or(n == p, n == r),
            )
        )  # fmt: skip

    @invariant
    def followers_hold_no_more(self, s: State) -> Formula:
        """What a server holds that does not lead, or may yet take, everybody else in the newest record holds."""
        return And(
            forall(
                lambda f, n, r, w: Implies(
                    And(Not(s.leads(r)), s.holds(r, w), s.newest(f), self.named(s, f, n), n != r), s.holds(n, w)
                )
            ),
            forall(
                lambda e, f, n, r, w: Implies(
                    And(
                        self.follows(s, r, e), Or(s.sent(e, w), s.copied(e, r, w)),
                        s.newest(f), self.named(s, f, n), n != r,
                    ),
                    s.holds(n, w),
                )
            ),
        )  # fmt: skip

    @invariant
    def replicas_say_what_is_safe(self, s: State) -> Formula:
        """What a replica said under its epoch, everybody in the newest record holds."""
        return forall(
            lambda e, f, n, r, w: Implies(
                And(s.replica(e, r), s.has(r, e, w), s.newest(f), self.named(s, f, n)), s.holds(n, w)
            )
        )

    @invariant
    def nothing_lost(self, s: State) -> Formula:
        """What was acknowledged everybody in the newest record holds."""
        return forall(lambda e, n, w: Implies(And(s.acknowledged(w), s.newest(e), self.named(s, e, n)), s.holds(n, w)))

    # What it is for.

    @safety
    def served_after_acknowledged(self, s: State) -> Formula:
        """Whoever may acknowledge holds everything that was acknowledged."""
        return forall(lambda e, p, w: Implies(And(s.acknowledged(w), s.newest(e), self.serves(s, p, e)), s.holds(p, w)))

    @safety
    def nothing_under_an_older_epoch(self, s: State) -> Formula:
        """Once the newest record's primary knows it, no older epoch has both of its copies, nor one alone."""
        return forall(
            lambda e, f, p, n, r: Implies(
                And(self.serves(s, p, f), s.newest(f), older(e, f), self.serves(s, n, e)),
                And(Not(s.alone(e)), Implies(s.replica(e, r), Not(s.knows(r, e)))),
            )
        )

"""The words of the proof: sorts, the letters that stand for them, and the relations that no action changes.

Nothing is counted here. A quorum is a thing that has members, and two quorums of one configuration meet: that is all
that is known of majorities, so what is proved holds for any number of nodes and for any quorum system. Slots are known
by their order, by which one follows which, and by `window`: so it holds for any alpha.

No axiom says that there *is* a successor, a window or a quorum. Where one is needed a guard asks for it; saying more
would cost minutes (a solver would look for infinitely many slots) and would show nothing more.
"""

import z3

from spec.induction.formulas.kernel import Formula, Layer, Letters, Term, axiom

Node, Ballot, Slot, Value, Configuration, Quorum, Read, Record = (
    z3.DeclareSort(name) for name in ("Node", "Ballot", "Slot", "Value", "Configuration", "Quorum", "Read", "Record")
)

LETTERS = Letters({
    "n": Node, "m": Node,
    "b": Ballot, "c": Ballot, "d": Ballot,
    "i": Slot, "j": Slot, "k": Slot,
    "v": Value, "w": Value,
    "q": Quorum, "r": Quorum,
    "x": Configuration, "y": Configuration,
    "t": Read,
    "e": Record, "f": Record, "g": Record,
})  # fmt: skip
forall, exists = LETTERS.forall, LETTERS.exists

And, Or, Not, Implies = z3.And, z3.Or, z3.Not, z3.Implies

bot = z3.Const("bot", Ballot)
"""No ballot, below all: 0 in `tla/`."""
zero = z3.Const("zero", Slot)
"""No slot, below all: the length of the empty prefix."""
first = z3.Const("first", Configuration)
"""The configuration that the cell is created with: `First`."""

below = z3.Function("below", Ballot, Ballot, z3.BoolSort())
"""below(b, c): b < c."""
before = z3.Function("before", Slot, Slot, z3.BoolSort())
"""before(i, j): i < j."""
follows = z3.Function("follows", Slot, Slot, z3.BoolSort())
"""follows(k, j): j = k + 1."""
window = z3.Function("window", Slot, Slot, z3.BoolSort())
"""window(j, i): the prefix of length j determines the configuration of slot i. j = i - alpha, or zero."""
member = z3.Function("member", Node, Quorum, z3.BoolSort())
"""member(n, q): n is one of q."""
majority = z3.Function("majority", Quorum, Configuration, z3.BoolSort())
"""majority(q, x): q is a majority of x."""
leads_to = z3.Function("leads_to", Configuration, Value, Configuration, z3.BoolSort())
"""leads_to(x, v, y): where x is in force, choosing v makes it y. Most values lead from x to x."""


def at_most(b: Term, c: Term) -> Formula:
    """Whether b <= c, for ballots."""
    return Or(b == c, below(b, c))


class Vocabulary(Layer):
    """What all layers know of orders, windows and quorums."""

    letters = LETTERS

    @axiom
    def ballots_are_ordered(self) -> Formula:
        """Two owners never share a ballot: any two are comparable."""
        return And(
            forall(lambda b: Not(below(b, b))),
            forall(lambda b, c, d: Implies(And(below(b, c), below(c, d)), below(b, d))),
            forall(lambda b, c: Or(below(b, c), b == c, below(c, b))),
        )

    @axiom
    def bot_is_lowest(self) -> Formula:
        """No ballot is below bot."""
        return forall(lambda b: Not(below(b, bot)))

    @axiom
    def slots_are_ordered(self) -> Formula:
        """Slots form a line."""
        return And(
            forall(lambda i: Not(before(i, i))),
            forall(lambda i, j, k: Implies(And(before(i, j), before(j, k)), before(i, k))),
            forall(lambda i, j: Or(before(i, j), i == j, before(j, i))),
        )

    @axiom
    def zero_is_lowest(self) -> Formula:
        """No slot is before zero."""
        return forall(lambda i: Not(before(i, zero)))

    @axiom
    def follows_is_next(self) -> Formula:
        """The following slot is later, and nothing is between."""
        return And(
            forall(lambda k, j: Implies(follows(k, j), before(k, j))),
            forall(lambda k, j, i: Implies(follows(k, j), Not(And(before(k, i), before(i, j))))),
        )

    @axiom
    def window_is_behind(self) -> Formula:
        """What determines a slot's configuration is a shorter prefix: alpha is at least 1."""
        return forall(lambda j, i: Implies(window(j, i), before(j, i)))

    @axiom
    def one_window(self) -> Formula:
        """A slot has one window."""
        return forall(lambda j, k, i: Implies(And(window(j, i), window(k, i)), j == k))

    @axiom
    def leads_to_one(self) -> Formula:
        """What a value makes of a configuration is a function (R5)."""
        return forall(lambda x, v, y, y2: Implies(And(leads_to(x, v, y), leads_to(x, v, y2)), y == y2))

    @axiom
    def majorities_meet(self) -> Formula:
        """Two majorities of one configuration have a member in common."""
        return forall(
            lambda x, q, r: Implies(
                And(majority(q, x), majority(r, x)), exists(lambda n: And(member(n, q), member(n, r)))
            )
        )

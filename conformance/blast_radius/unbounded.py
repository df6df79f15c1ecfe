"""Locality, pieces, and four servers, proved for sites of any size: each claim negated, with its premises, is refuted.

What has power and who is reached are least sets, and a solver knows no least set. Nor need it: where a claim is that
something *is* reached, it is proved of every set that is closed under what leads on, and the least one is among these.
The other way round, that a home or a piece hangs together is a premise: whatever set is closed under what is in it
holds all of it. That is a statement about all sets, of which the two are used that the claim is about.

A claim that follows from nothing is worth nothing: without each of its premises it must fail, and with all of them it
must be about something.
"""

from collections.abc import Callable, Mapping

import z3
from attrs import frozen

from spec.induction.formulas.kernel import Formula

Switch, Link, Power, Server = (z3.DeclareSort(name) for name in ("Switch", "Link", "Power", "Server"))

_B = z3.BoolSort()
joins = z3.Function("joins", Link, Switch, Switch, _B)
hangs = z3.Function("hangs", Server, Link, Switch, _B)
fed = z3.Function("fed", Switch, Power, _B)
bare = z3.Function("bare", Switch, _B)
"""A switch whose power is not modelled."""
supplies = z3.Function("supplies", Power, Power, _B)
source = z3.Function("source", Power, _B)
"""A feed."""
stands = z3.Function("stands", Server, Power, _B)
"""A server stands in a rack, which is an element of power like others."""
lit = z3.Function("lit", Power, _B)
majority = z3.Function("in_majority", Server, _B)
"""The members of some majority of the cell."""
fails = {sort.name(): z3.Function(f"{sort.name()}_fails", sort, _B) for sort in (Switch, Link, Power, Server)}
home = {sort.name(): z3.Function(f"{sort.name()}_at_home", sort, _B) for sort in (Switch, Link, Power, Server)}
piece = z3.Function("piece", Switch, _B)
seen = {name: z3.Function(f"seen_from_{name}", Switch, _B) for name in ("instance", "copy")}
"""What each of them reaches of the switches, or more."""
instance, copy = z3.Consts("instance copy", Server)

s, t = z3.Consts("s t", Switch)
link = z3.Const("link", Link)
p, q = z3.Consts("p q", Power)
n = z3.Const("n", Server)


def failed(one: z3.ExprRef) -> Formula:
    """Whether a thing failed."""
    return fails[one.sort().name()](one)


def at_home(one: z3.ExprRef) -> Formula:
    """Whether a thing is between clients and cell."""
    return home[one.sort().name()](one)


def alive(one: z3.ExprRef) -> Formula:
    """Whether a switch or a server lives."""
    if one.sort() == Switch:
        return z3.And(z3.Not(failed(one)), z3.Or(bare(one), z3.Exists([q], z3.And(fed(one, q), lit(q)))))
    return z3.And(z3.Not(failed(one)), z3.Exists([q], z3.And(stands(one, q), lit(q))))


def way(server: z3.ExprRef, to: z3.ExprRef) -> Formula:
    """Whether a server has a living link to a living switch."""
    return z3.And(alive(to), z3.Exists([link], z3.And(hangs(server, link, to), z3.Not(failed(link)))))


def reaches(name: str, server: z3.ExprRef, other: z3.ExprRef) -> Formula:
    """Whether a server reaches another; servers do not forward."""
    return z3.And(alive(server), alive(other), z3.Exists([s], z3.And(way(other, s), seen[name](s))))


def power_flows() -> Formula:
    """What has not failed and is a feed, or has a supply with power, has power."""
    has = z3.Or(source(p), z3.Exists([q], z3.And(supplies(q, p), lit(q))))
    return z3.ForAll([p], z3.Implies(z3.And(z3.Not(failed(p)), has), lit(p)))


def closed(name: str) -> Formula:
    """What a server sees holds its own switches, if it lives, and leads on over living links to living switches."""
    server = {"instance": instance, "copy": copy}[name]
    leads = z3.And(seen[name](s), joins(link, s, t), z3.Not(failed(link)), alive(t))
    return z3.And(
        z3.ForAll([s], z3.Implies(z3.And(alive(server), way(server, s)), seen[name](s))),
        z3.ForAll([s, t, link], z3.Implies(leads, seen[name](t))),
    )


def served() -> Formula:
    """The instance reaches the copy, and that every member of a majority."""
    cell = z3.ForAll([n], z3.Implies(majority(n), reaches("copy", copy, n)))
    return z3.And(reaches("instance", instance, copy), cell)


# Locality: nothing fails that is between clients and cell.


def nothing_fails_at_home() -> Formula:
    """Whatever fails is elsewhere."""
    return z3.And(*(z3.ForAll([x], z3.Implies(at_home(x), z3.Not(failed(x)))) for x in (s, link, p, n)))


def power_of_home() -> Formula:
    """All power at home comes from what is at home: what is closed under it there holds all of it."""
    has = z3.Or(source(p), z3.Exists([q], z3.And(at_home(q), supplies(q, p), lit(q))))
    flows = z3.ForAll([p], z3.Implies(z3.And(at_home(p), has), lit(p)))
    switches = z3.ForAll(
        [s], z3.Implies(at_home(s), z3.Or(bare(s), z3.Exists([p], z3.And(at_home(p), fed(s, p)))))
    )  # fmt: skip
    return z3.And(z3.Implies(flows, z3.ForAll([p], z3.Implies(at_home(p), lit(p)))), switches)


def lives_at_home(server: z3.ExprRef) -> Formula:
    """A server is at home, and so is its rack."""
    return z3.And(at_home(server), z3.Exists([p], z3.And(at_home(p), stands(server, p))))


def everybody_is_at_home() -> Formula:
    """Instance, copy and cell."""
    return z3.And(*map(lives_at_home, (instance, copy)), z3.ForAll([n], z3.Implies(majority(n), lives_at_home(n))))


def home_hangs_together(name: str) -> Formula:
    """Whatever holds a server's own switches at home, and leads on over what is at home, has ways to all the others."""
    server = {"instance": instance, "copy": copy}[name]
    begins = z3.ForAll([s, link], z3.Implies(z3.And(hangs(server, link, s), at_home(link), at_home(s)), seen[name](s)))
    leads = z3.And(seen[name](s), joins(link, s, t), at_home(link), at_home(t))
    on = z3.ForAll([s, t, link], z3.Implies(leads, seen[name](t)))
    other = z3.Const("other", Server)
    arrives = z3.Exists([s, link], z3.And(hangs(other, link, s), at_home(link), at_home(s), seen[name](s)))
    all_others = z3.ForAll([other], z3.Implies(z3.Or(other == copy, majority(other)), arrives))
    return z3.Implies(z3.And(begins, on), all_others)


# A piece of the network that goes on.


def piece_is_joined(name: str) -> Formula:
    """A piece is joined by living links: whatever holds one switch of it and leads on over these holds all."""
    u = z3.Const("u", Switch)
    leads = z3.And(seen[name](s), joins(link, s, t), z3.Not(failed(link)), alive(t))
    on = z3.ForAll([s, t, link], z3.Implies(leads, seen[name](t)))
    return z3.Implies(on, z3.ForAll([s, u], z3.Implies(z3.And(piece(s), seen[name](s), piece(u)), seen[name](u))))


def touches(server: z3.ExprRef) -> Formula:
    """A server that lives has a way into the piece."""
    return z3.And(alive(server), z3.Exists([s], z3.And(way(server, s), piece(s))))


# Four servers.

cells = {name: z3.Function(f"in_{name}", Server, _B) for name in ("first_cell", "second_cell")}
four = z3.Consts("a b c d", Server)
NODES, SHARED = 7, 3


def loses_its_majority(name: str) -> Formula:
    """With seven nodes, of which no others failed: fewer than four are left."""
    return z3.PbGe([(cells[name](one), 1) for one in four], NODES - NODES // 2)


def share_three_at_most() -> Formula:
    """Of any four servers not all hold a node of both."""
    some = z3.Consts("e f g h", Server)
    both = z3.And(*(cell(one) for one in some for cell in cells.values()))
    return z3.ForAll(list(some), z3.Implies(z3.Distinct(*some), z3.Not(both)))


@frozen(kw_only=True)
class Theorem:
    """A claim, and the premises that it follows from, by name."""

    name: str
    says: str
    premises: Mapping[str, Formula]
    claim: Formula
    about: Formula
    """What must be possible beside the premises: that it is about something."""


def theorems() -> tuple[Theorem, ...]:
    """All that is proved without bounds."""
    everybody = z3.And(touches(instance), touches(copy), z3.ForAll([n], z3.Implies(majority(n), touches(n))))
    something = z3.Exists([n], majority(n))
    return (
        Theorem(
            name="locality",
            says="if nothing fails between clients and cell, the volume is served, whatever else fails",
            premises={
                "power-flows": power_flows(),
                "closed-from-instance": closed("instance"),
                "closed-from-copy": closed("copy"),
                "nothing-fails-at-home": nothing_fails_at_home(),
                "power-of-home": power_of_home(),
                "everybody-is-at-home": everybody_is_at_home(),
                "home-joined-from-instance": home_hangs_together("instance"),
                "home-joined-from-copy": home_hangs_together("copy"),
            },
            claim=served(),
            about=z3.And(something, *(z3.Exists([x], failed(x)) for x in (s, p, link, n))),
        ),
        Theorem(
            name="pieces",
            says="a piece of the network that instance, copy and a majority touch goes on, whatever became of the rest",
            premises={
                "closed-from-instance": closed("instance"),
                "closed-from-copy": closed("copy"),
                "joined-from-instance": piece_is_joined("instance"),
                "joined-from-copy": piece_is_joined("copy"),
                "everybody-touches-it": everybody,
            },
            claim=served(),
            about=z3.And(something, z3.Exists([s], z3.And(alive(s), z3.Not(piece(s))))),
        ),
        Theorem(
            name="four-servers",
            says="where no two cells share more than three servers, no four servers take the majorities of two",
            premises={
                "four": z3.Distinct(*four),
                "first-loses": loses_its_majority("first_cell"),
                "shared": share_three_at_most(),
            },
            claim=z3.Not(loses_its_majority("second_cell")),
            about=z3.BoolVal(val=True),
        ),
    )


Check = Callable[[list[Formula]], str]


def by_z3(timeout_ms: int, seed: int) -> Check:
    """Ask z3: ``unsat``, ``sat``, or ``unknown``."""

    def check(formulas: list[Formula]) -> str:
        solver = z3.Solver()
        solver.set("timeout", timeout_ms)
        solver.set("random_seed", seed % 2**32)
        solver.set("ctrl_c", False)
        solver.add(*formulas)
        return str(solver.check())

    return check


def is_proved(theorem: Theorem, check: Check) -> str:
    """``unsat`` if the claim follows from the premises."""
    return check([*theorem.premises.values(), z3.Not(theorem.claim)])


def without(theorem: Theorem, premise: str, check: Check) -> str:
    """``sat`` if the claim fails without a premise."""
    kept = [formula for name, formula in theorem.premises.items() if name != premise]
    return check([*kept, z3.Not(theorem.claim)])


def is_about_something(theorem: Theorem, check: Check) -> str:
    """``sat`` if all premises can hold, the claim with them, while something fails."""
    return check([*theorem.premises.values(), theorem.claim, theorem.about])

"""What never changes in a model, as a structure of the formulas: orders, windows, majorities, configurations.

The formulas know all of this by axioms alone. Here it is computed from the constants of a model, and the tie checks
that the axioms hold in it.
"""

from collections.abc import Mapping
from functools import cached_property

from attrs import frozen

from spec.commands import Change, Commands, Contents, Log, Name, Nodes, is_majority, majorities
from spec.induction.formulas.evaluate import Relation, Universe


def named(nodes: Nodes) -> str:
    """A set of nodes as an element: a text is hashed once, and can be read."""
    return f"{{{', '.join(map(str, sorted(nodes)))}}}"


@frozen(slots=False)
class Juries:
    """The configurations that logs can lead to, and what each value makes of each of them.

    A configuration of the formulas is what a log says of the jury: version, members, and which changes were seen, since
    the second place of a command does not count (R6).
    """

    commands: Commands

    def element(self, contents: Contents) -> str:
        """The configuration that a log led to."""
        seen = sorted(name for name in contents.verdicts if isinstance(self.commands.content[name], Change))
        jury = f"{named(contents.jury.members)} v{contents.jury.version}"
        return f"{jury} after {', '.join(seen)}" if seen else jury

    def after(self, log: Log) -> str:
        """The configuration that a log leads to."""
        return self.element(self.commands.after(log))

    @cached_property
    def members(self) -> Mapping[str, Nodes]:
        """Every configuration with its members, the first one first."""
        return {name: contents.jury.members for name, contents in self._contents.items()}

    @cached_property
    def leads_to(self) -> Relation:
        """(x, v, y): where x is in force, choosing v makes it y."""
        return frozenset(
            (name, value, self.element(self.commands.applied(contents, value)))
            for name, contents in self._contents.items()
            for value in self.commands.values
        )

    @cached_property
    def removed(self) -> Relation:
        """(n, x): on the way to x, node n was a member and was left out."""
        found: set[tuple[int, str]] = set()
        while True:
            more = {(n, y) for x, _, y in self.leads_to for n in self.members[x] - self.members[y]}
            more |= {(n, y) for x, _, y in self.leads_to for n, x2 in found if x2 == x}
            if more <= found:
                return frozenset(found)
            found |= more

    @cached_property
    def _contents(self) -> dict[str, Contents]:
        """For each configuration something that is in it; whatever else was applied has no part in what comes next."""
        found = {self.element(self.commands.beginning()): self.commands.beginning()}
        waiting = list(found.values())
        while waiting:
            contents = waiting.pop()
            for value in self.commands.values:
                after = self.commands.applied(contents, value)
                if self.element(after) not in found:
                    found[self.element(after)] = after
                    waiting.append(after)
        return found


def universe_of(
    juries: Juries, *, nodes: range, max_ballot: int, max_slot: int, values: tuple[Name, ...] | None = None
) -> Universe:
    """The structure of a model with these bounds, and of `values` alone if they are given.

    Ballot 0 is no ballot, slot 0 the empty prefix. There is one read.
    """
    values = values or juries.commands.values
    windows = {i: max(0, i - juries.commands.alpha) for i in range(1, max_slot + 1)}
    quorums = {q for members in juries.members.values() for q in majorities(members)}
    ballots, slots = range(max_ballot + 1), range(max_slot + 1)
    return Universe(
        domains={
            "Node": tuple(nodes),
            "Ballot": tuple(ballots),
            "Slot": tuple(slots),
            "Value": values,
            "Read": ("read",),
            "Configuration": tuple(juries.members),
            "Quorum": tuple(sorted(map(named, quorums))),
        },
        relations={
            "below": frozenset((b, c) for b in ballots for c in ballots if b < c),
            "before": frozenset((i, j) for i in slots for j in slots if i < j),
            "follows": frozenset((i, i + 1) for i in range(max_slot)),
            "window": frozenset((j, i) for i, j in windows.items()),
            "opens_before": frozenset((i, j) for i, k in windows.items() for j in slots if k < j),
            "member": frozenset((n, named(q)) for q in quorums for n in q),
            "majority": frozenset(
                (named(q), x)
                for q in quorums
                for x, members in juries.members.items()
                if q <= members and is_majority(q, members)
            ),
            "leads_to": frozenset((x, v, y) for x, v, y in juries.leads_to if v in values),
            "belongs": frozenset((n, x) for x, members in juries.members.items() for n in members),
            "removed": juries.removed,
        },
        functions={"bot": {(): 0}, "zero": {(): 0}, "first": {(): juries.after(())}},
    )

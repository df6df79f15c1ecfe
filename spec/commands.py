"""What a command means, for every rung of the ladder: no variables. Mirrors `tla/Commands.tla`.

A slot holds the *name* of a command; `content` says what it asks for. The example is the record that EBS keeps for a
volume: who is primary and who is replica, under a version, changed by a conditional write. The jury record is the same
thing for the control plane: who are the members, under a version, changed by a conditional change.

Rules: R1 (a configuration is a fold of decided commands), R5 (apply is total and deterministic; conditions are judged
when a command is applied).
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import combinations
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import pure
from spec.values import Map

NoOp = "noop"
"""Fills a hole, asks for nothing."""

Name: TypeAlias = str
Node: TypeAlias = int
Slot: TypeAlias = int
Ballot: TypeAlias = int
Log: TypeAlias = tuple[Name, ...]
Nodes: TypeAlias = frozenset[Node]


class Write(NamedTuple):
    """Set the volume record, if its version is `expects`."""

    expects: int
    primary: str
    replica: str


class Read(NamedTuple):
    """Read the volume record."""


class Change(NamedTuple):
    """Replace the members, if the jury record's version, pending changes included, is `expects`."""

    expects: int
    members: Nodes


Content: TypeAlias = Write | Read | Change


class Volume(NamedTuple):
    """The volume record."""

    version: int
    primary: str
    replica: str


class Jury(NamedTuple):
    """The jury record."""

    version: int
    members: Nodes


class Verdict(NamedTuple):
    """What a client is told: whether its command was done, and the record as it is afterwards."""

    done: bool
    saw: Volume | Jury


UNHEARD = Verdict(False, Volume(0, "", ""))


class Told(NamedTuple):
    """A client was told the verdict on its command."""

    command: Name
    verdict: Verdict


class Contents(NamedTuple):
    """The state that a log of values leads to."""

    volume: Volume
    jury: Jury
    verdicts: Map[Name, Verdict]


@frozen(kw_only=True, slots=False, eq=False)
class Commands:
    """The constants that every rung has, and the operators on them."""

    content: Mapping[Name, Content]
    first: Nodes
    """C0, the members for slots 1 to `alpha`."""
    alpha: int
    """A change decided in slot i counts from slot i + `alpha` on."""

    @property
    def commands(self) -> tuple[Name, ...]:
        """The names that can be asked for."""
        return tuple(self.content)

    @property
    def values(self) -> tuple[Name, ...]:
        """What a slot may hold."""
        return (*self.content, NoOp)

    # The state that a log of values leads to.

    def beginning(self) -> Contents:
        """What the empty log leads to."""
        return Contents(Volume(0, "a", "b"), Jury(0, self.first), Map())

    def judged(self, state: Contents, name: Name, verdict: Verdict) -> Contents:
        """`state` with a verdict on `name`, which carries the record as it is afterwards."""
        return state._replace(verdicts=state.verdicts.put(name, verdict))

    def written(self, state: Contents, name: Name, content: Write) -> Contents:
        """`state` after a conditional write."""
        done = content.expects == state.volume.version
        new = Volume(state.volume.version + 1, content.primary, content.replica) if done else state.volume
        return self.judged(state._replace(volume=new), name, Verdict(done, new))

    def changed(self, state: Contents, name: Name, content: Change) -> Contents:
        """`state` after a conditional change; the jury record runs ahead of the membership (R1)."""
        done = content.expects == state.jury.version
        new = Jury(state.jury.version + 1, content.members) if done else state.jury
        return self.judged(state._replace(jury=new), name, Verdict(done, new))

    def applied(self, state: Contents, value: Name) -> Contents:
        """`state` after one more value; of a command decided twice only the first place counts (R6)."""
        if value == NoOp or value in state.verdicts:
            return state
        match self.content[value]:
            case Write() as content:
                return self.written(state, value, content)
            case Change() as content:
                return self.changed(state, value, content)
            case Read():
                return self.judged(state, value, Verdict(True, state.volume))

    def after_from(self, state: Contents, values: Log) -> Contents:
        """What `values` lead to from `state`."""
        return reduce(self.applied, values, state)

    @pure
    def after(self, log: Log) -> Contents:
        """What `log` leads to, from the beginning."""
        return self.after_from(self.beginning(), log)

    def verdict_on(self, log: Log, c: Name) -> Verdict:
        """What a log says of a command; about one that is not in it, nothing good."""
        return self.after(log).verdicts.get(c, UNHEARD)

    # Configurations and majorities.

    @pure
    def members(self, log: Log, i: Slot) -> Nodes:
        """The configuration of slot `i`, for whoever knows `log`; callers see to it that it reaches to i - alpha."""
        return self.after(log[: max(0, i - self.alpha)]).jury.members


def is_majority(some: Nodes, members: Nodes) -> bool:
    """Whether more than half of `members` are among `some`."""
    return 2 * len(some & members) > len(members)


def majorities(members: Nodes) -> Iterator[Nodes]:
    """Every set of members that is a majority."""
    for size in range(len(members) // 2 + 1, len(members) + 1):
        yield from map(frozenset, combinations(sorted(members), size))

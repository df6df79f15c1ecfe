"""The specification's cell as the judge runs it where nodes come and go: `Leaving`, beside reads and long runs."""

from collections.abc import Iterator
from typing import NamedTuple, cast

from attrs import frozen

from conformance.judges.judged import JudgedCell
from spec import cell as spec
from spec.commands import Ballot, Jury, Log, Name, Node, Told
from spec.leaving import Leaving, Nowhere
from spec.machine import action
from spec.outbox import Accepted, Decision, Disk, Entry, Prepare, Promise, Proposal, Vote
from spec.service import reads
from spec.service.reads import Answer, Echo, Read, Reads, Round
from spec.teaching import Teaching
from spec.values import Function, function, function_of


class State(NamedTuple):
    """The variables: those of the cell, what was said about reads, and two of what became of each node."""

    asked: frozenset[Name]
    told: frozenset[Told]
    prepares: frozenset[Prepare]
    promises: frozenset[Promise]
    proposals: frozenset[Proposal]
    votes: frozenset[Vote]
    decisions: frozenset[Decision]
    promised: Function[Ballot]
    accepted: Function[Function[Accepted]]
    active: Function[Ballot]
    known: Function[Log]
    queue: Function[tuple[Entry, ...]]
    disk: Function[Disk]
    kept: Function[int]
    rounds: frozenset[Round]
    echoes: frozenset[Echo]
    answers: frozenset[Answer]
    place: Function[str]
    pointer: Function[Jury]


@frozen(kw_only=True, slots=False, eq=False)
class JudgedLeaving(JudgedCell, Leaving):  # type: ignore[misc]  # each has a state of its own
    """`JudgedCell`, whose nodes come and go; reads are asked, echoed and served by nodes that are here."""

    def init(self) -> Iterator[spec.State]:
        """The one initial state."""
        place = function_of("absent" if n in self.newcomers else "here" for n in self.nodes)
        pointer = function(self.nodes, Nowhere)
        for s in Teaching.init(self):
            nothing: frozenset[Round | Echo | Answer] = frozenset()
            whole = State(*s, *(nothing,) * 3, place, pointer)  # type: ignore[arg-type]
            yield cast("spec.State", whole)

    @action(b="ballots", t="reads")
    def consult(self, s: reads.State, b: Ballot, t: Read) -> reads.State | None:
        """As in `Reads`."""
        return Reads.consult(self, s, b, t) if self._is_here(s, self.owner[b]) else None

    @action(n="nodes", b="ballots", t="reads")
    def echo(self, s: reads.State, n: Node, b: Ballot, t: Read) -> reads.State | None:
        """As in `Reads`."""
        return Reads.echo(self, s, n, b, t) if self._is_here(s, n) else None

    @action(b="ballots", t="reads")
    def serve(self, s: reads.State, b: Ballot, t: Read) -> reads.State | None:
        """As in `Reads`."""
        return Reads.serve(self, s, b, t) if self._is_here(s, self.owner[b]) else None

    def _is_here(self, s: reads.State, n: Node) -> bool:
        return self.here(cast("spec.State", s), n)

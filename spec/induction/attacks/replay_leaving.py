"""Runs of the layer `leaving`, taken on `Leaving`: what is stored is settled and flushed.

A slot that a node learns before those below it is left out: in the cell decisions are learned in order, so that what
the node has of the slot is its vote.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from spec.ballots import Ballots
from spec.commands import Ballot, Node, Nodes, Slot, is_majority
from spec.induction.attacks.replay import Call, NotReplayed, Replayed, calls_of_steps, taken
from spec.induction.proving.unroll import Run
from spec.leaving import Leaving, State
from spec.machine import action
from spec.outbox import NoVote
from spec.values import put


def on_leaving(broken: type[Leaving]) -> Callable[[Ballots, Run], Replayed]:
    """Replay a run of the layer `leaving` on a broken `Leaving`, where everybody may learn, leave and lose its disk."""

    def replayed(m: Ballots, run: Run) -> Replayed:
        problems = []
        for owners in product(m.nodes, repeat=m.max_ballot):
            machine = cell_of(broken, m, dict(enumerate(owners, start=1)))
            try:
                return taken(machine, "spec/leaving.py", leaving_calls(machine, run))
            except NotReplayed as problem:
                problems.append(str(problem))
        raise NotReplayed(problems[0])

    return replayed


def cell_of(broken: type[Leaving], m: Ballots, owner: Mapping[Ballot, Node]) -> Leaving:
    """The machine with these bounds."""
    everyone = frozenset(m.nodes)
    return broken(
        content=m.content, first=m.first, alpha=m.alpha, early=m.early, nodes=m.nodes,
        max_ballot=m.max_ballot, max_slot=m.max_slot, owner=owner,
        learners=everyone, mortals=everyone, truncators=frozenset(), students=frozenset(),
        newcomers=frozenset(), leavers=everyone, frail=everyone,
    )  # fmt: skip


def leaving_calls(machine: Leaving, run: Run) -> Iterator[Call]:
    """The steps of the cell whose nodes come and go that a run of the formulas is."""
    known = Counter[Node]()
    for step, calls in calls_of_steps(machine, run):
        given = {**step.arguments, **step.witnesses}
        match step.action:
            case "choose":
                known[machine.owner[given["b"]]] += 1
                yield from calls
            case "learn" if given["i"] == known[given["n"]] + 1:
                known[given["n"]] += 1
                yield "learn", (given["n"], given["i"])
            case "store" if given["i"] <= known[given["n"]]:
                yield "settle", (given["n"],)
                yield "flush", (given["n"],)
            case "erase":
                yield "erase", (given["n"], given["j"] + machine.alpha - 1)
            case "lose":
                yield "lose", (given["n"],)
            case _:
                yield from calls


class WordsAreNoMatter(Leaving):
    """A node is erased as soon as it knows what replaced it."""

    def learned(self, _: object, __: Slot) -> Nodes:
        """Broken: nobody need have learned anything."""
        return frozenset(self.nodes)


class OwnSlotsAlone(Leaving):
    """A node is erased when its successors have what it was a member for."""

    @action(n="nodes", i="slots")
    def erase(self, s: State, n: Node, i: Slot) -> State | None:
        """Broken: what it holds for others is not asked for; and who voted in a slot has it."""
        served = self.served(s, n)  # type: ignore[arg-type]
        having = frozenset(
            m for m in self.nodes
            if all(j <= self.durable(s, m) or s.disk[m].accepted[j] != NoVote for j in served)  # type: ignore[arg-type]
        )  # fmt: skip
        if not (
            s.place[n] == "here"
            and max(served, default=0) == i and i < len(s.known[n]) + self.alpha
            and is_majority(having, self.members_of(s, n, i + 1))  # type: ignore[arg-type]
        ):  # fmt: skip
            return None
        jury = self.after(s.known[n][: i + 1 - self.alpha]).jury
        return s._replace(place=put(s.place, n, "absent"), pointer=put(s.pointer, n, jury))

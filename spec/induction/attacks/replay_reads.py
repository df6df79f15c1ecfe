"""Runs of the layer `reads`, taken on broken `Reads`: nobody crashes, so that writing and sending are one step."""

from collections.abc import Callable, Iterator
from typing import Any

from spec.ballots import Ballots
from spec.commands import Ballot, Node, Nodes, Slot, is_majority
from spec.induction.attacks.replay import Call, Replayed, taken
from spec.induction.proving.unroll import Run
from spec.machine import action
from spec.service import reads
from spec.service.reads import Read, Reads


def on_reads(broken: type[Reads]) -> Callable[[Ballots, Run], Replayed]:
    """Replay a run of the layer `reads` on broken `Reads`, in a network that takes no care of addresses."""

    def replayed(m: Ballots, run: Run) -> Replayed:
        owners = [(step.arguments["b"], step.arguments["n"]) for step in run.steps if step.action == "ask"]
        owners += [(step.arguments["b"], step.witnesses["n"]) for step in run.steps if step.action == "propose"]
        everyone = frozenset(m.nodes)
        machine = broken(
            content=m.content, first=m.first, alpha=m.alpha, early=m.early, nodes=m.nodes,
            max_ballot=m.max_ballot, max_slot=m.max_slot, strays=everyone, learners=everyone,
            owner=dict(owners), max_reads=dict.fromkeys(range(1, m.max_ballot + 1), 2),
        )  # fmt: skip
        return taken(machine, "spec/service/reads.py", _reads_calls(run))

    return replayed


def _reads_calls(run: Run) -> Iterator[Call]:
    """An echo before the read has arrived is one of an earlier round."""
    prepared, rounds = set(), 0
    for step in run.steps:
        given = {**step.witnesses, **step.arguments}
        match step.action:
            case "write_promise":
                if given["b"] not in prepared:
                    prepared.add(given["b"])
                    yield "prepare", (given["b"],)
                yield "promise", (given["n"], given["b"])
            case "write_vote":
                yield "vote", (given["n"], given["b"], given["i"])
            case "propose":
                yield "propose", (given["b"], given["i"], given["v"])
            case "choose":
                yield "decide", (given["b"], given["i"])
            case "learn":
                yield "learn", (given["n"], given["i"])
            case "ask":
                rounds += 1
                yield "consult", (given["b"], rounds)
            case "serve":
                yield "serve", (given["b"], rounds)
            case "echo":
                if not rounds:
                    rounds += 1
                    yield "consult", (given["b"], rounds)
                yield "echo", (given["n"], given["b"], rounds)


class ReadsOfTheOldConfiguration(Reads):
    """A read is confirmed by the members of the last slot that it must see."""

    def members_next(self, s: reads.State, b: Ballot, i: Slot) -> Nodes:
        """Broken: not those of the next slot."""
        return super().members_next(s, b, i - 1)


class ReadsWithoutEchoes(Reads):
    """A proposer answers because it was promised its ballot once."""

    def echoed(self, *_: Any) -> Nodes:
        """Broken: everybody counts."""
        return frozenset(self.nodes)


class ReadsWithOldEchoes(Reads):
    """What was echoed before a read arrived counts for it."""

    def echoed(self, s: reads.State, b: Ballot, t: Read) -> Nodes:
        """Broken: any nonce that is no later will do."""
        return frozenset(m.node for m in s.echoes if m.ballot == b and m.nonce <= self.nonce(t))


class ReadsByRefusals(Reads):
    """A node that follows a higher ballot echoes all the same."""

    @action(n="nodes", b="ballots", t="reads")
    def echo(self, s: reads.State, n: Node, b: Ballot, t: Read) -> reads.State | None:
        """Broken: its promise need not stand."""
        asked = self.round_of(s, b, t)
        if not (
            s.promised[n] >= b
            and asked is not None
            and n in self.audience[b] and n in asked.to
        ):  # fmt: skip
            return None
        return s._replace(echoes=s.echoes | {reads.Echo(b, self.nonce(t), n)})


class ReadsDespiteReports(Reads):
    """A promise vouches whatever it reported."""

    def vouching(self, s: reads.State, b: Ballot, _: Slot) -> Nodes:
        """Broken: a vote in the next slot is no matter."""
        return frozenset(m.node for m in s.promises if m.ballot == b)


class ReadsTooEarly(Reads):
    """A round is answered before what it must see is applied."""

    @action(b="ballots", t="reads")
    def serve(self, s: reads.State, b: Ballot, t: Read) -> reads.State | None:
        """Broken: the slot of the round is no matter."""
        asked = self.round_of(s, b, t)
        if not (
            asked is not None
            and s.active[self.owner[b]] == b
            and is_majority(
                self.echoed(s, b, t) & self.vouching(s, b, asked.slot + 1),
                self.members_next(s, b, asked.slot),
            )
        ):  # fmt: skip
            return None
        return s._replace(answers=s.answers | {reads.Answer(b, t, len(s.known[self.owner[b]]))})

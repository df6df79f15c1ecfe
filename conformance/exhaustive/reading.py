"""Reads in a scope (design rule R7): the specification's rounds as the code begins them, and what a step says of them.

The specification may begin a round at any time, and a second one while the first is under way. The code begins one when
somebody wants to read, no other is under way, and a majority has promised and could vouch for it. What it does is a
part of the specification, which is safe whole, and that part is what the code must be equal to: a round begins only
where it could be vouched for and all before it are answered. What a reader had been told, `seen`, is a note of the
specification's own and not compared.
"""

from collections.abc import Iterator

from attrs import fields

from conformance.exhaustive.translation import Said, Translation
from conformance.judges.vocabulary import verdict_of
from conformance.refutation import Refuted
from physalia import model
from physalia.model import NodeId, Query, RequestId
from spec import commands
from spec.commands import Ballot, is_majority
from spec.machine import action
from spec.service import reads
from spec.service.reads import Answer, Read, Reads, Round


class Eager(Reads):
    """`Reads`, where a round begins only where it could be vouched for and all before it are answered."""

    @action(b="ballots", t="reads")
    def consult(self, s: reads.State, b: Ballot, t: Read) -> reads.State | None:
        """As in `Reads`, and so."""
        highest, answered = self.highest(s, b), {m.read for m in s.answers if m.ballot == b}
        if not (
            super().consult(s, b, t) is not None
            and answered >= set(range(1, t))
            and is_majority(self.vouching(s, b, highest + 1), self.members_next(s, b, highest))
        ):  # fmt: skip
            return None
        return s._replace(rounds=s.rounds | {Round(b, t, highest, self.members_next(s, b, highest), seen=0)})


def eager(machine: Reads) -> Eager:
    """The same constants."""
    return Eager(**{field.name: getattr(machine, field.name) for field in fields(Reads)})


def queries(machine: object, node: NodeId, readers: int) -> Iterator[Query]:
    """What clients ask a node: as many of them as there are readers, if it may answer any."""
    if isinstance(machine, Reads) and any(o == node and machine.max_reads[b] for b, o in machine.owner.items()):
        yield from (Query(RequestId(f"reader-{number}", 1)) for number in range(1, readers + 1))


def notes(
    node: NodeId, action_: model.Action, slot: int, says: tuple[Said, ...], words: Translation
) -> tuple[Said, ...]:
    """What is written down of a round that begins or is answered: the slot that it must see, or is answered from."""
    name, arguments = words.step(action_)
    match name:
        case "consult":
            b, t = arguments
            to = frozenset[NodeId]().union(*(said.to for said in says if isinstance(said.message, model.Round)))
            return (Said(node, Round(b, t, slot, to, seen=0), frozenset()),)  # type: ignore[arg-type]
        case "serve":
            b, t = arguments
            return (Said(node, Answer(b, t, slot), frozenset()),)  # type: ignore[arg-type]
        case _:
            return ()


def must_answer_rightly(
    node: NodeId, step: model.Step, waited: tuple[RequestId, ...], known: int, volume: commands.Volume
) -> None:
    """Reads are answered by Serve alone: all that were in the round, from what is applied. Raises `Refuted`."""
    found = [effect for effect in step.effects if isinstance(effect, model.Found)]
    is_serve = isinstance(step.announces, model.Action) and step.announces.name == "serve"
    if found and not is_serve:
        raise Refuted(f"node {node} answers a read in a step that is no Serve", (str(found[0]),))
    if is_serve and tuple(one.request for one in found) != waited:
        raise Refuted(f"node {node} does not answer those whose round this is", (str(waited), str(found)))
    for one in found:
        if (one.slot, verdict_of(model.Verdict(done=True, saw=one.saw)).saw) != (known, volume):
            raise Refuted(f"node {node} answers a read from another state than it has applied", (str(one),))

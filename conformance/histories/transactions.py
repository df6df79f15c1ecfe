"""What clients of the cell's store saw in a world: their transactions, each with its first request and its answer.

A transaction is named by its session, its number and what it asks for, so asking again is the same one (R6). It ends
with the first answer that tells what became of it. That the session is gone, or went on, tells nothing of an earlier
attempt: then it has no answer. What was refused for its size certainly did nothing.
"""

from collections.abc import Iterator

from attrs import Factory, define

from conformance.histories.history import History, Operation
from conformance.refutation import Refuted
from conformance.world.outcomes import Outcome
from physalia.model import Action, Batch, Done, Execute, Refused, Replies, RequestId, Transact

Key = tuple[RequestId, Transact]
TELLING = ("wrong type", "no such key")
"""Refusals that tell something of what is there."""


@define
class Transactions:
    """The transactions of one world's clients. `note` must hear of every step, in order."""

    begun: dict[Key, int] = Factory(dict)
    told: dict[Key, tuple[int, Done | Refused]] = Factory(dict)
    too_large: set[Key] = Factory(set)
    _commands: dict[RequestId, set[Execute]] = Factory(dict)

    def note(self, outcome: Outcome, moment: int) -> None:
        """Take note of one step. Raises `Refuted` for two different answers to one transaction (R6)."""
        match outcome.announces:
            case Action("issue", (Execute() as command,)) if outcome.event is None:
                self._commands.setdefault(command.request, set()).add(command)
                for key in _entries(command):
                    self.begun.setdefault(key, moment)
        if outcome.waits or outcome.is_lost:
            return
        for place, (request, said) in enumerate(outcome.answers, start=1):
            commands = self._commands.get(request, set())
            if len(commands) == 1 and isinstance(said, Done | Refused | Replies):  # else nobody knows which is meant
                replies = said.replies if isinstance(said, Replies) else (said,)
                for key, reply in zip(_entries(next(iter(commands))), replies, strict=False):
                    self._tell(key, reply, moment + place)

    def _tell(self, key: Key, reply: Done | Refused, moment: int) -> None:
        if isinstance(reply, Refused) and reply.fault == "limit":
            self.too_large.add(key)
        elif isinstance(reply, Done) or reply.fault in TELLING:
            _, first = self.told.setdefault(key, (moment, reply))
            if first != reply:
                what = f"request {key[0].number} of {key[0].client} is answered twice, and differently"
                raise Refuted(what, (f"first: {first}", f"then:  {reply}"))

    def history(self, source: str) -> History:
        """The history so far."""
        operations = []
        for number, (key, begin) in enumerate(self.begun.items(), start=1):
            if key in self.too_large:
                continue
            end, reply = self.told.get(key, (None, None))
            request, asked = key
            operation = Operation(
                process=f"{request.client}/{request.number}", f="txn", asked=asked, begin=begin, end=end,
                answer=reply, line=number,
            )  # fmt: skip
            operations.append(operation)
        return History(operations=tuple(operations), failed=len(self.too_large), source=source)


def _entries(command: Execute) -> Iterator[Key]:
    match command.body:
        case Transact() as asked:
            yield command.request, asked
        case Batch(entries):
            yield from entries

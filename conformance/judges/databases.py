"""What the nodes make of the commands of the store, judged by the reference in ``spec/service/transactions.py``.

After every step a node's digest is that of the reference after the same log (R5). Whoever asks again is told what the
log would tell it next, and only if the log cannot tell it anything else any more (R6).
"""

from collections.abc import Callable
from typing import Any

from conformance.judges.judged import Asked, JudgedCell
from conformance.plain import plain, read_word, word
from conformance.refutation import Refuted
from conformance.wording import command_words
from conformance.world.outcomes import Outcome
from conformance.world.world import World
from physalia import model
from physalia.model import NodeId
from spec.commands import Log
from spec.service import transactions


class Databases:
    """The stores of all nodes of a world. `reach` is told what was seen."""

    def __init__(self, world: World, machine: JudgedCell, reach: Callable[[str], None]) -> None:
        self._world = world
        self._machine = machine
        self._reach = reach
        self._digests: dict[NodeId, tuple[Log, bytes]] = {}

    def ask(self, command: model.Asked) -> None:
        """A client asks. Raises `Refuted` for a batch of requests that could tell that they were merged."""
        if isinstance(command, model.Execute) and isinstance(command.body, model.Batch):
            requests = [plain(asked) for _, asked in command.body.entries]
            if transactions.interact(requests):
                raise Refuted("a batch merges requests of which one may change what another one touches")

    def judge(self, outcome: Outcome, log: Log) -> None:
        """Judge one step of a node, which knows this log after it."""
        node = outcome.node
        digest = self._world.nodes[node].digest()
        known = self._digests.get(node)
        if known is None or known[0] is not log:
            known = self._digests[node] = (log, self._machine.digest(log))
        if digest != known[1]:
            raise Refuted(
                f"node {node} is in another state than its log leads to",
                (
                    f"digest: {digest.hex()}",
                    f"reference: {known[1].hex()}",
                    f"store: {self._machine.stored(log).state}",
                ),
            )
        match outcome.event:
            case model.Submit(model.Execute() as command):
                for _, answer in outcome.answers:
                    self._judge_again(node, command, answer, log)
            case model.Decide() | model.Learn() if log and isinstance(self._machine.content.get(log[-1]), Asked):
                reply = self._machine.stored(log).reply
                self._reach(replied(read_word(reply)))
                self._note_sessions(log)
                self._note_conditions(log)
                told = [word(plain(answer)) for _, answer in outcome.answers]
                if any(one != reply for one in told):
                    raise Refuted(f"the answer to {log[-1]} is not the log's", (f"- {reply}", f"+ {', '.join(told)}"))

    def _note_sessions(self, log: Log) -> None:
        """Whether a session made room that was opened later than another one, but used longer ago."""
        before, after = (self._machine.stored(some).state.sessions for some in (log[:-1], log))
        if any(name > min(before) for name in before.keys() - after.keys()):
            self._reach(MADE_ROOM)

    def _note_conditions(self, log: Log) -> None:
        """Whether a condition was about what only a careful reader tells apart."""
        items = self._machine.stored(log[:-1]).state.items
        asked: Any = self._machine.content[log[-1]]
        match asked.command:
            case (_, _, _, ("Transact", _, (_, conditions, _, _))):
                for kind, key, *rest in conditions:
                    if kind == "HasVersion" and rest == [0] and key not in items:
                        self._reach(NOTHING_THERE)
                    if kind == "Equals" and key in items:
                        value = items[key][1]
                        if value == rest[0] and type(value) is not type(rest[0]):
                            self._reach(ALIKE)

    def _judge_again(self, node: NodeId, command: model.Execute, reply: object, log: Log) -> None:
        asked = plain(command)
        state = self._machine.stored(log).state
        after, told = self._machine.reference.apply(state, len(log) + 1, asked)
        if word(told) != word(plain(reply)) or after._replace(slot=0) != state._replace(slot=0):
            raise Refuted(
                f"node {node} answers {command_words(command)} before it is decided, and not what it must become",
                (f"- {told}", f"+ {reply}"),
            )
        self._reach(AGAIN)
        self._reach(f"{AGAIN}: {replied(told)}")


MADE_ROOM = "a session makes room that was opened later than another one, but used longer ago"
NOTHING_THERE = "a condition asks for version 0 where nothing is"
ALIKE = "a condition asks whether a boolean equals an integer that Python takes for the same"
AGAIN = "somebody asks the store again"


def replied(reply: transactions.Plain) -> str:
    """The mark of a reply."""
    match reply:
        case ("Done", _, succeeded, _, _):
            return f"the store does {'`then`' if succeeded else '`else`'}"
        case ("Refused", "limit", about, *_):
            return f"the store refuses: {about}"
        case ("Refused", fault, *_):
            return f"the store refuses: {fault}"
    return f"the store replies: {reply[0]}"


REPLIES = (
    "the store replies: Opened", "the store replies: Replies", "the store does `then`", "the store does `else`",
    *(f"the store refuses: {fault}" for fault in (
        "wrong type", "no such key", "number reused", "number went back",
        "value_bytes", "answer_bytes", "partition_bytes",
    )),
    AGAIN, f"{AGAIN}: the store does `then`", f"{AGAIN}: the store refuses: number went back",
    f"{AGAIN}: the store refuses: session expired", MADE_ROOM, NOTHING_THERE, ALIKE,
)  # fmt: skip
"""What a campaign of the store must meet."""

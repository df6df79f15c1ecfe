"""The state machine: a total, deterministic function of the decided commands (design rule R5).

Conditions are judged here, when a command is applied in its place in the log, and nowhere else.
"""

from typing import assert_never

from attrs import Factory, define, field

from physalia.model import (
    Change,
    Command,
    Execute,
    Fault,
    Jury,
    NodeId,
    NoOp,
    Read,
    Refused,
    Slot,
    Told,
    Verdict,
    Volume,
    Write,
)
from physalia.model.value import evolve
from physalia.store import Store, digest

FIRST_VOLUME = Volume(version=0, primary="a", replica="b")

SAY_NOTHING: frozenset[Fault] = frozenset({"session expired", "number went back", "number reused"})
"""What is answered to a request that is not remembered, whatever became of it."""


@define
class State:
    """What the decided prefix, up to slot `prefix`, amounts to.

    `verdicts` has the first verdict on every command but those of the store, which has sessions for that. `served` has
    everybody who is a member, or ever was: one name for each node that was replaced (R11).
    """

    jury: Jury
    volume: Volume = FIRST_VOLUME
    verdicts: dict[Write | Read | Change, Verdict] = Factory(dict)
    store: Store = Factory(Store)
    prefix: Slot = field(default=0, eq=False)
    served: frozenset[NodeId] = Factory(lambda state: state.jury.members, takes_self=True)

    def copy(self) -> "State":
        """The same, sharing nothing that can change."""
        return State(self.jury, self.volume, self.verdicts.copy(), self.store.copy(), self.prefix, self.served)

    def is_understood(self, command: Command) -> bool:
        """Whether this software knows what the command means (R5)."""
        return type(command) is not Execute or self.store.is_understood(command)

    def apply(self, command: Command) -> Told | None:
        """Apply the next decided command; return its verdict, or None for the no-op, for which nobody asked.

        A command that was applied before changes nothing and has the verdict that it had at its first place (R6).
        Raises `NotUnderstood`, and changes nothing.
        """
        if type(command) is Execute:
            reply = self.store.apply(self.prefix + 1, command)
            self.prefix += 1
            return reply
        self.prefix += 1
        if isinstance(command, NoOp):
            return None
        assert not isinstance(command, Execute)
        verdict = self.verdicts.get(command)
        if verdict is None:
            verdict = self._judge(command)
            self.verdicts[command] = verdict
        return verdict

    def answer(self, command: Command) -> Told | None:
        """What there is to say about a command that is asked for again, None if nothing is known of it."""
        if isinstance(command, Execute):
            return self.store.remembered(command)
        return None if isinstance(command, NoOp) else self.verdicts.get(command)

    def verdict(self, command: Command) -> Told | None:
        """What the log said of a command that may be in it, None if that is not remembered, or it is not in it.

        An answer that only says why it cannot be done any more says nothing of whether it was.
        """
        answer = self.answer(command)
        faults = {reply.fault for reply in getattr(answer, "replies", (answer,)) if isinstance(reply, Refused)}
        return None if faults & SAY_NOTHING else answer

    def digest(self) -> bytes:
        """32 bytes that are the same on every node that applied the same."""
        volume, jury = self.volume, self.jury
        return digest((self.prefix, volume, jury.version, tuple(sorted(jury.members)), self.store.digest()))

    def _judge(self, command: Write | Read | Change) -> Verdict:
        match command:
            case Write():
                done = command.expects == self.volume.version
                if done:
                    self.volume = Volume(self.volume.version + 1, command.primary, command.replica)
                return Verdict(done, self.volume)
            case Read():
                return Verdict(True, self.volume)
            case Change():
                done = command.expects == self.jury.version
                if done:
                    self.jury = evolve(self.jury, version=self.jury.version + 1, members=command.members)
                    self.served |= command.members
                return Verdict(done, self.jury)
            case _:
                assert_never(command)

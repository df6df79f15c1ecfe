"""The state machine: a total, deterministic function of the decided commands (design rule R5).

Conditions are judged here, when a command is applied in its place in the log, and nowhere else.
"""

from typing import assert_never

from attrs import Factory, define, evolve

from physalia.model import Change, Command, Jury, NoOp, Read, Verdict, Volume, Write

FIRST_VOLUME = Volume(version=0, primary="a", replica="b")


@define
class State:
    """What the decided prefix amounts to. `verdicts` has the first verdict on every command that it holds."""

    jury: Jury
    volume: Volume = FIRST_VOLUME
    verdicts: dict[Command, Verdict] = Factory(dict)

    def copy(self) -> "State":
        """The same, sharing nothing that can change."""
        return State(self.jury, self.volume, self.verdicts.copy())

    def apply(self, command: Command) -> Verdict | None:
        """Apply the next decided command; return its verdict, or None for the no-op, for which nobody asked.

        A command that was applied before changes nothing and has the verdict that it had at its first place (R6).
        """
        if isinstance(command, NoOp):
            return None
        verdict = self.verdicts.get(command)
        if verdict is None:
            verdict = self._judge(command)
            self.verdicts[command] = verdict
        return verdict

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
                return Verdict(done, self.jury)
            case _:
                assert_never(command)

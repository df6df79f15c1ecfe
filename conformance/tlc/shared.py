"""Runs of TLC that two links need are made once.

The link ``graph`` dumps the graphs of models that the link ``tlc`` checks. Where one command runs both, TLC checks such
a model while it dumps its graph, and ``graph`` leaves here what TLC said. Nobody waits: ``tlc`` comes to these models
last, and of what is not here by then it makes a run of its own.
"""

import pickle
from pathlib import Path

from attrs import frozen

from conformance.tlc.limits import Outcome
from conformance.tlc.run import TlcRun


@frozen
class SharedRuns:
    """Runs in which TLC checked everything that a model checks and found nothing, in a folder of nobody else."""

    folder: Path

    def leave(self, model: str, seen: TlcRun) -> None:
        """Leave a run for whoever needs it next; it is there whole, or not at all."""
        assert seen.outcome is Outcome.PASSED, "of anything else a link makes a run of its own"
        half = self.folder / f"{model}.half"
        half.write_bytes(pickle.dumps(seen))
        half.rename(self._place(model))

    def take(self, model: str) -> TlcRun | None:
        """What was left of a model; None if nothing was."""
        try:
            seen: TlcRun = pickle.loads(self._place(model).read_bytes())  # noqa: S301  # of this command itself
        except FileNotFoundError:
            return None
        return seen

    def _place(self, model: str) -> Path:
        return self.folder / f"{model}.run"

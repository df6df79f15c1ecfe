"""What nodes did, written down as they do it: a trace, which somebody else replays on the specification."""

from physalia.tracing.recorder import FULL, VERSION, CannotRecord, Recorder, record_in

__all__ = ["FULL", "VERSION", "CannotRecord", "Recorder", "record_in"]

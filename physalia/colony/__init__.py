"""A colony on one machine: its files, and the processes of its servers."""

from physalia.colony.layout import Colony, ColonyExists, NoColony, lay_out, load
from physalia.colony.processes import Processes, ServerFailed

__all__ = ["Colony", "ColonyExists", "NoColony", "Processes", "ServerFailed", "lay_out", "load"]

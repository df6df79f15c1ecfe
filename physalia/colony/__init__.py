"""A colony on one machine: its files, the processes of its servers, and a network that can fail."""

from physalia.colony.layout import Colony, ColonyExists, NoColony, lay_out, load
from physalia.colony.processes import Processes, ServerFailed
from physalia.colony.proxy import CLIENTS, GOOD, Network, NoNetwork, Rule

__all__ = [
    "CLIENTS",
    "GOOD",
    "Colony",
    "ColonyExists",
    "Network",
    "NoColony",
    "NoNetwork",
    "Processes",
    "Rule",
    "ServerFailed",
    "lay_out",
    "load",
]

"""The consensus core, sans-I/O: events in, effects out. `docs/steps.md` is its table of contents."""

from physalia.cell.border import Border, Foreign
from physalia.cell.compaction import compact
from physalia.cell.log import Log
from physalia.cell.memory import Key, Memory
from physalia.cell.node import RESEND_AFTER_MS, Node
from physalia.cell.reads import Consultation
from physalia.cell.recovery import CorruptRecords
from physalia.cell.seen.inspecting import LifeState, inspect, life_of

__all__ = [
    "RESEND_AFTER_MS",
    "Border",
    "Consultation",
    "CorruptRecords",
    "Foreign",
    "Key",
    "LifeState",
    "Log",
    "Memory",
    "Node",
    "compact",
    "inspect",
    "life_of",
]

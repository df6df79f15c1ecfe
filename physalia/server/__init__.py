"""A server: one process with many nodes of different cells, on one journal, reached by one port."""

from physalia.server.settings import BadSettings, CellPlan, Settings, read_settings
from physalia.server.starting import CannotStart, NotSettled, create, prepare, serve

__all__ = [
    "BadSettings",
    "CannotStart",
    "CellPlan",
    "NotSettled",
    "Settings",
    "create",
    "prepare",
    "read_settings",
    "serve",
]

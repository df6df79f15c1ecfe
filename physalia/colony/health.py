"""What the servers of a colony say of themselves, and how one after the other is started anew without a gap."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

from physalia.colony.layout import Colony
from physalia.colony.processes import LOOK_EVERY_S, START_S, Processes, ServerFailed

ASK_S = 2.0
_DIRECTLY = build_opener(ProxyHandler({}))
"""What the environment says of proxies is for the world outside, which cannot reach servers of this machine."""


def page(colony: Colony, server: int, path: str) -> dict[str, Any] | None:
    """A page of a server that is JSON; None if it does not answer, or is nowhere to be looked at."""
    watch = colony.settings[server].watch
    if watch is None:
        return None
    try:
        with _DIRECTLY.open(f"http://{watch}{path}", timeout=ASK_S) as answer:  # an address of the settings
            told = json.load(answer)
    except (HTTPException, OSError, ValueError):  # nobody, somebody who was killed meanwhile, or somebody else
        return None
    return told if isinstance(told, dict) else None


def is_well(colony: Colony, server: int) -> bool:
    """Whether it serves, suspects nobody, and has reached all its peers."""
    health = page(colony, server, "/health")
    peers = len(colony.settings[server].peers)
    return (
        health is not None and health["state"] == "serving" and not health["suspected"] and health["reached"] == peers
    )


def restart_in_turn(colony: Colony, processes: Processes, told: Callable[[int], None]) -> None:
    """Let each server drain, end and start again, and go on only when all of them are well.

    So no cell ever lacks more than one node by this. Raises `ServerFailed`, and leaves the others as they are.
    """
    for server in colony.settings:
        _await_well(colony, server)
        processes.end(server)
        processes.start(server)
        told(server)
    for server in colony.settings:
        _await_well(colony, server)


def _await_well(colony: Colony, changed: int) -> None:
    """Wait until all are well, before or after server `changed` is touched."""
    until = time.monotonic() + START_S
    while not all(is_well(colony, server) for server in colony.settings):
        if time.monotonic() > until:
            bad = ", ".join(str(server) for server in colony.settings if not is_well(colony, server))
            raise ServerFailed(f"before server {changed} is touched all must be well, and server {bad} is not.")
        time.sleep(LOOK_EVERY_S)

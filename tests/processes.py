"""Processes that are no children of the tests."""

import os
import select

from tests import PATIENCE_S


def ends(process: int) -> bool:
    """Whether a process has ended, or does so in a while; one that was killed takes a moment to go."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], PATIENCE_S)[0])
    finally:
        os.close(handle)

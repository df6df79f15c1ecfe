"""What failed in earlier game days, kept where they were run: the same blows come first the next time."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from conformance.gameday.faults import Blow
from conformance.links import BadInput
from conformance.traces.lines import MOST_OF_WHY, read_bytes

KEPT = Path(".physalia") / "gameday-failed.json"
MOST_BLOWS = 64
"""Of the last day that failed so many are kept, from its end: that is where it broke."""
MOST_S = 60.0
"""No blow lasts longer, nor the peace after it."""


def keep(blows: Sequence[Blow], path: Path = KEPT) -> None:
    """Keep the blows of a day that failed, in the place of those of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    last = [msgspec.to_builtins(blow) for blow in blows[-MOST_BLOWS:]]
    path.write_text(json.dumps({"blows": last}) + "\n", encoding="utf-8")


def kept(servers: Sequence[int], cells: Sequence[int], path: Path = KEPT) -> list[Blow]:
    """What is kept, for these servers and cells; nothing if nothing failed yet. Raises `BadInput`."""
    try:
        if not path.exists():
            return []
        blows = msgspec.json.decode(read_bytes(path, "nothing"), type=dict[str, list[Blow]])["blows"]
    except (BadInput, OSError, ValueError, KeyError, RecursionError) as error:
        raise BadInput(f"{path} has no blows of a game day ({str(error)[:MOST_OF_WHY]}): remove it.") from None
    if any(not 0.0 <= each <= MOST_S for blow in blows for each in (blow.lasts_s, blow.peace_s)):
        raise BadInput(f"{path} has a blow that lasts longer than {MOST_S:g} s, or no time at all: remove it.")
    return [blow for blow in blows if set(blow.servers) <= set(servers) and set(blow.cells) <= set(cells)]

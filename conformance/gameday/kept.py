"""What failed in earlier game days, kept where they were run: the same blows come first the next time."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from conformance.gameday.faults import Blow
from conformance.links import BadInput

KEPT = Path(".physalia") / "gameday-failed.json"
MOST_BLOWS = 64
"""Of the last day that failed so many are kept, from its end: that is where it broke."""


def keep(blows: Sequence[Blow], path: Path = KEPT) -> None:
    """Keep the blows of a day that failed, in the place of those of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    last = [msgspec.to_builtins(blow) for blow in blows[-MOST_BLOWS:]]
    path.write_text(json.dumps({"blows": last}) + "\n", encoding="utf-8")


def kept(servers: Sequence[int], cells: Sequence[int], path: Path = KEPT) -> list[Blow]:
    """What is kept, for these servers and cells; nothing if nothing failed yet. Raises `BadInput`."""
    try:
        blows = msgspec.convert(json.loads(path.read_text(encoding="utf-8"))["blows"], list[Blow])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} has no blows of a game day ({error!r}): remove it.") from None
    return [blow for blow in blows if set(blow.servers) <= set(servers) and set(blow.cells) <= set(cells)]

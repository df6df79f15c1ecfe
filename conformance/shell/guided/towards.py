"""What brings a stage near in the shell: deeds in the words of scripts. What comes of them is judged like all else."""

from collections.abc import Iterator
from typing import TypeAlias

from conformance.shell.guided.sights import Sight

Words: TypeAlias = tuple[str, ...]
"""A deed, as it stands in a script."""


def to_lead(sight: Sight, cell: int, server: str) -> Iterator[Words]:
    """Somebody else who leads dies, as long as everybody runs; whoever does not run is started again."""
    colony = sight.colony
    down = [name for name, machine in colony.machines.items() if not machine.is_up]
    leader = colony.leader(cell)
    if down:
        yield from (("start", name) for name in down)
    elif leader not in ("", server):
        yield "kill", leader


def to_depose(sight: Sight, cell: int, server: str) -> Iterator[Words]:
    """Whoever leads dies, unless it is that server, which is not to be touched."""
    leader = sight.colony.leader(cell)
    if leader not in ("", server):
        yield "kill", leader
        yield "pause", leader


def to_write(cell: int) -> Iterator[Words]:
    """A client writes something."""
    yield "client1", "put", "k", "-", "cell", str(cell)


def cut_off(sight: Sight, server: str) -> Iterator[Words]:
    """All links of a server, one after the other."""
    yield from (("cut", server, other) for other in sight.colony.machines if other != server)


def mended(sight: Sight, server: str) -> Iterator[Words]:
    """Those that are cut, made whole."""
    pairs = sorted(pair for pair in sight.colony.net.cuts if server in pair)
    yield from (("mend", *pair) for pair in pairs)

"""Rare scenarios of the shell about members that come and go, on servers that do so too."""

from collections.abc import Iterator

from conformance.guided.scenario import Fixed, Scenario, Stage
from conformance.shell.drawing import MOVES
from conformance.shell.guided.sights import Sight
from conformance.shell.guided.towards import Words, cut_off, mended, to_lead, to_write
from conformance.world.leaving import juries
from physalia.model import Envelope

# A node comes back to a server that it left, and a message of its first membership arrives.


def _one_left(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    """A node has left a server that stays."""
    if (step := sight.step) is not None and step[1].node in step[0].departed:
        mirror, outcome = step
        yield {"cell": mirror.cell, "old": outcome.node, "server": sight.home(mirror.cell, outcome.node)}


def _another_came(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """A new incarnation is made where the old one was."""
    if (step := sight.step) is None or step[0].cell != fixed["cell"]:
        return
    for node in sorted(step[0].nodes):
        if node > fixed["old"] and sight.home(fixed["cell"], node) == fixed["server"] != "":
            yield {"new": node}


def _it_is_a_member(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if (step := sight.step) is not None and step[0].cell == fixed["cell"] and fixed["new"] in juries(step[0])[-1]:
        yield {}


def _an_old_message_comes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    """Somebody still means the first incarnation."""
    match sight.what:
        case Envelope(origin=origin, to=to) if sight.server == fixed["server"]:
            if (origin.cell, to) == (fixed["cell"], fixed["old"]):
                yield {}


def _it_leads(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.step is not None and sight.leads(fixed["cell"], fixed["new"]):
        yield {}


def _not_back(sight: Sight, fixed: Fixed) -> int:
    """Whether nobody is about to make a new incarnation there, and whether every message comes there in time."""
    number = sight.colony.machines[fixed["server"]].number if fixed["server"] else 0
    comes = any(
        move.cell == fixed["cell"] and move.to == number and move.joins > fixed["old"]
        for move, _ in sight.colony.moves.begun
    )
    return 2 * (not comes) + _in_time(sight, fixed)


def _in_time(sight: Sight, fixed: Fixed) -> int:
    """Whether every link to the server is whole: then nothing is late."""
    return int(not any(fixed["server"] in pair for pair in sight.colony.net.cuts))


def _moved_back(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    """Another member is replaced by a node on that server; what is said to it meanwhile is late."""
    mirror = sight.colony.mirrors[fixed["cell"]]
    homes = [sight.home(fixed["cell"], node) for node in juries(mirror)[-1]]
    yield from (("move", str(fixed["cell"]), home, fixed["server"]) for home in homes if home)
    yield from cut_off(sight, fixed["server"])


def _whole_links(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from mended(sight, fixed["server"])
    yield from to_write(fixed["cell"])


def _takes_over(sight: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_lead(sight, fixed["cell"], fixed["server"])


BACK_AGAIN = Scenario(
    "back on a server it left, and meant by an old message",
    "Removed and re-added node treated as the same incarnation (ABA)",
    MOVES,
    (
        Stage("a node leaves its server for good", _one_left, distance=_not_back, brings=_moved_back),
        Stage("a new incarnation is made on that server", _another_came, distance=_in_time, brings=_whole_links),
        Stage("it is a member", _it_is_a_member, distance=_in_time, brings=_whole_links),
        Stage("a message comes there that means the first incarnation", _an_old_message_comes, brings=_takes_over),
        Stage("the new incarnation leads", _it_leads),
    ),
)


# The power of a server goes when a node was made there that is no member yet.


def _made(sight: Sight, _: Fixed) -> Iterator[Fixed]:
    """A node is made that a change is to bring in."""
    if (step := sight.step) is None:
        return
    mirror = step[0]
    for node in sorted(mirror.nodes.keys() & mirror.setup.newcomers):
        if node not in juries(mirror)[-1] and node not in mirror.departed and sight.home(mirror.cell, node):
            yield {"cell": mirror.cell, "new": node, "server": sight.home(mirror.cell, node)}


def _no_member_yet(sight: Sight, fixed: Fixed) -> bool:
    mirror = sight.colony.mirrors[fixed["cell"]]
    return fixed["new"] not in frozenset[int]().union(*juries(mirror))


def _power_goes(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    if sight.done in (("power", fixed["server"]), ("kill", fixed["server"])) and not sight.is_up(fixed["server"]):
        yield {"starts": sight.colony.machines[fixed["server"]].starts}


def _it_is_read_again(sight: Sight, fixed: Fixed) -> Iterator[Fixed]:
    here = sight.colony.node(fixed["server"], fixed["cell"])
    is_back = sight.colony.machines[fixed["server"]].starts > fixed["starts"]
    if is_back and here is not None and here.node_id == fixed["new"]:
        yield {}


def _its_power(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "power", fixed["server"]
    yield "kill", fixed["server"]


def _its_return(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield "start", fixed["server"]


def _written(_: Sight, fixed: Fixed) -> Iterator[Words]:
    yield from to_write(fixed["cell"])


POWERLESS_NEWCOMER = Scenario(
    "a newcomer loses power before it is a member, and leads",
    "Change finished before the new set is synced in log or ballot",
    MOVES,
    (
        Stage("a node is made that is no member yet", _made, _no_member_yet, brings=_its_power),
        Stage("the process of its server ends at once", _power_goes, _no_member_yet, brings=_its_return),
        Stage("it is read again, and is no member yet", _it_is_read_again, _no_member_yet, brings=_written),
        Stage("it is a member", _it_is_a_member, brings=_takes_over),
        Stage("it leads", _it_leads),
    ),
)

SCENARIOS = (BACK_AGAIN, POWERLESS_NEWCOMER)

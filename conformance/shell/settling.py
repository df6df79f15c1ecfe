"""The end of every story: the trouble ends, and then the colony must come to rest, with nothing owed to anybody.

First one server may stay away, or its disk may be full, or it is cut off from the others, or all disks are slow: they
must do what clients want, those that are new, and those that were there before and know what was. Then all are there:
all that was decided is known to every node of the cell, their digests are equal, every client was told, caches know
every cell, and nobody says anything any more, but for the pings between servers. A node whose disk was lost is nobody
from then on, and is asked in vain.
"""

from collections.abc import Mapping
from typing import Any

from conformance.crash_points.vfs import SimulatedVfs, mount
from conformance.refutation import Refuted
from conformance.shell.machines import PORT, Machine
from conformance.shell.unrest.leaks import leaks
from physalia.cell import Node
from physalia.journal import JournalError
from physalia.journal.opening import examine
from physalia.wire import decode_charter, decode_record, is_homes
from physalia.wire.limits import MAX_NATURAL

SILENCE_S, LEARNED_S, SERVED_S, PATIENT_S = 3.0, 10.0, 60.0, 4.0
AGAIN_S = 1.0
"""How long an operator waits until a move is tried again, and a client that was refused."""
REFUSED = "Unavailable"
"""What a client says that was told that nothing was done."""
SLOW_S = 0.25
"""A slow disk takes so long for each flush, so that many an answer comes later than an attempt lasts."""
FORGED = frozenset({"garbage", "role", "server", "mac", "oversized", "malformed"})
"""What is refused only of whoever says what nobody of this colony should."""
GONE, FULL, APART, SLOW = "gone", "full", "apart", "slow"
"""What may be with a server that the others are without; or with every disk, while nobody is away."""


def settle(colony: Any, within_s: float, without: str = "", *, how: str = GONE, soon_s: float = 0.0) -> None:
    """End the trouble and wait for rest. Raises `Refuted` if it does not come in so much time, by the slowest clock.

    A server whose clock goes a third as fast takes three times as long until it tries something again. With `soon_s` a
    new client must be served in so much true time while something is still wrong.
    """
    cells = sorted({plan.cell for plan in colony.plans})
    _serve_in_need(colony, cells, soon_s or within_s, without, how)
    _end_trouble(colony)
    end_s = colony.simulator.now_s + within_s / min(1.0, *(one.clock.rate for one in colony.machines.values()))
    _must_do(colony, cells, within_s, "")
    waiting = [
        call for one in colony.clients for call in one.asks.calls if not call.is_over and one.asks.process.is_alive
    ]
    if not colony.run(end_s - colony.simulator.now_s, lambda: all(call.is_over for call in waiting)):
        open_calls = sum(not call.is_over for call in waiting)
        raise Refuted(f"the trouble is over, and {open_calls} requests of clients have no end")
    _must_move(colony, end_s)
    for cell in cells:
        if not colony.run(end_s - colony.simulator.now_s, lambda cell=cell: _agrees(colony, cell)):
            raise Refuted(
                f"the trouble is over, and not every node of cell {cell} knows the same", _state(colony, cell)
            )
    for name in colony.caches if not colony.moves.begun else ():
        if not colony.run(end_s - colony.simulator.now_s, lambda name=name: _has_all(colony, name)):
            raise Refuted(f"the trouble is over, and {name} does not know where all cells are")
    if colony.caches and not colony.moves.begun:
        _must_learn(colony, cells)
    _must_be_understood(colony)
    _must_not_leak(colony)
    if any(one.is_lost for one in colony.machines.values()):
        return  # whoever leads asks the member that is no more until it is replaced, which no story does
    carried = -1
    while carried != (carried := sum(one.server.links.carried for one in colony.machines.values())):
        _revive(colony)
        if colony.simulator.now_s >= end_s:
            raise Refuted("the trouble is over, and nodes go on sending to each other")
        colony.run(SILENCE_S)
    colony.saw("a colony came to rest")


def _serve_in_need(colony: Any, cells: list[int], within_s: float, without: str, how: str) -> None:
    """Clients are served while something is wrong that a colony must bear, if the story has anything of that kind."""
    if how == SLOW:
        _end_trouble(colony)
        for name in colony.machines:
            colony.disk.slow(name, SLOW_S)
        _must_do(colony, cells, within_s, " while disks are slow")
    elif without and how == FULL:
        _end_trouble(colony)
        colony.disk.fill(without)
        _must_do(colony, cells, within_s, f" while the disk of server {without} is full")
    elif without and how == APART:
        _end_trouble(colony, apart=without)
        colony.isolate(without)
        _must_do(colony, cells, within_s, f" while server {without} is cut off from the others")
    elif without:
        _end_trouble(colony, without)
        _must_do(colony, cells, within_s, f" without server {without}")


def _must_do(colony: Any, cells: list[int], within_s: float, how: str) -> None:
    """A new client, for which every cell does something. Who is refused, since servers only just come, asks again."""
    end_s = colony.simulator.now_s + within_s
    client = colony.client(deadline_s=within_s)
    for cell in cells:
        said = REFUSED
        while said == REFUSED and colony.simulator.now_s < end_s:
            call = client.asks.put("at rest", b"yes", cell=cell)
            colony.run(end_s - colony.simulator.now_s, lambda call=call: _revive(colony) and call.is_over)
            said = call.said
            if said == REFUSED:
                colony.run(AGAIN_S)
        if said != "done":
            title = f"the trouble is over, and cell {cell} does nothing{how}: {said}"
            raise Refuted(title, _state(colony, cell))
    _must_do_for_all(colony, cells, how)


def _must_do_for_all(colony: Any, cells: list[int], how: str) -> None:
    """Who was there before is served as well, whatever it believes of the colony, unless it has no patience at all."""
    patient = [
        one
        for one in colony.clients[:-1]
        if one.asks.process.is_alive
        and one.asks.client.deadline_s >= PATIENT_S
        and not one.asks.client._closed.is_set()
    ]
    for one in patient:  # so much for a session that is opened first, and as much for what is asked in it
        one.asks.client.deadline_s = max(one.asks.client.deadline_s, 2 * PATIENT_S)
    asked = [
        (one.asks.process.name, cell, call)
        for one in patient
        for cell in cells
        for call in (one.asks.put("at rest", b"yes", cell=cell), one.asks.get("at rest", cell=cell))
    ]
    colony.run(SERVED_S, lambda: _revive(colony) and all(call.is_over for _, _, call in asked))
    for name, cell, call in asked:
        if call.said != "done":
            title = f"the trouble is over, and cell {cell} does nothing for {name}, though for others{how}: {call.said}"
            raise Refuted(title, _state(colony, cell))


def _must_be_understood(colony: Any) -> None:
    """Nobody here forges anything, and the network keeps bytes in order: whoever refuses what it hears is wrong."""
    heard = {name: one.server.refusals for name, one in colony.machines.items() if one.server is not None}
    heard |= {one.asks.process.name: one.asks.client.refusals for one in colony.clients}
    for name, refusals in heard.items():
        for kind in sorted(FORGED & refusals.keys()):
            raise Refuted(f"{name} refused {refusals[kind]} times what it heard as {kind}, and nobody forged anything")


def _must_move(colony: Any, end_s: float) -> None:
    """Every move that began comes to its end, by whoever begins again with its plan (R11)."""
    for move, begun in tuple(colony.moves.begun):
        call = begun
        while not move.is_over:
            if call.is_over:
                colony.run(AGAIN_S)
                call = colony.moves.go_on(move)
            colony.run(end_s - colony.simulator.now_s, lambda call=call: call.is_over)
            if colony.simulator.now_s >= end_s and not move.is_over:
                raise Refuted(f"the trouble is over, and cell {move.cell} does not move: {call.said}")
        if move.plan is not None and move.plan.leaves not in colony.mirrors[move.cell].departed:
            title = f"a move of cell {move.cell} is over, and node {move.plan.leaves} has not left it (R11)"
            raise Refuted(title, _state(colony, move.cell))
        colony.saw("a cell moved" if move.plan is not None else "a move never began")


def must_be_sound(vfs: SimulatedVfs, machines: Mapping[str, Machine]) -> None:
    """Every journal is sound, as it lies on its disk. Raises `Refuted`."""
    shown = vfs.disk
    for name, machine in machines.items():
        try:
            examine(mount(vfs, machine.disk.copy()), machine.number)
        except JournalError as error:
            raise Refuted(f"the journal of server {name} is not sound: {error}") from error
    vfs.disk = shown


def _must_not_leak(colony: Any) -> None:
    """Whoever waits for nothing holds nothing; what is on its way to be let go has a moment."""
    colony.run(LEARNED_S, lambda: not any(leaks(colony)))
    for found in leaks(colony):
        raise Refuted(f"the trouble is over, and {found}")


def _has_all(colony: Any, name: str) -> bool:
    """Whether a cache knows where every cell is."""
    cache = colony.caches[name].cache
    if not _revive(colony) or cache is None:
        return False
    return all(_is_right(colony, plan, cache.find(plan.cell)) for plan in colony.plans)


def _is_right(colony: Any, plan: Any, told: Any) -> bool:
    """Whether that is where a cell is."""
    if told is None:
        return False
    names = {machine.number: name for name, machine in colony.machines.items()}
    return dict(told.members) == {node: f"{names[plan.nodes[node]]}:{PORT}" for node in plan.members}


def _must_learn(colony: Any, cells: list[int]) -> None:
    """A client that knows nothing is told by a cache where each cell is."""
    client = colony.client()
    for cell in cells:
        call = client.asks.get("at rest", cell=cell)
        colony.run(LEARNED_S, lambda call=call: call.is_over)
        if client.asks.client.places.known(cell) is None:
            raise Refuted(f"every cache knows where cell {cell} is, and a client is not told")
    colony.saw("a cache was asked")


def _end_trouble(colony: Any, without: str = "", apart: str = "") -> None:
    """All is well again, but that one server does not run, or links to others that are cut stay so."""
    colony.away = without
    for sender, receiver in sorted(colony.net.cuts):
        if apart not in (sender, receiver) or not {sender, receiver} <= colony.machines.keys():
            colony.net.mend(sender, receiver)
    colony.net.delay_s.clear()
    colony.simulator.held_back.clear()
    colony.simulator.priorities = None
    for one in colony.clients:
        one.asks.process.clock.go(colony.simulator.now_s, 1.0)  # their patience is by their own clocks
        one.asks.process.loop.interruptions.clear()  # and nobody who asks from here on gives it up
    for name, machine in (*colony.machines.items(), *colony.caches.items()):
        machine.disk.failing_sync = None
        machine.disk.room_bytes = None
        machine.disk.sync_s = 0.0002
        if machine.is_up and machine.process.paused:
            colony.resume(name)
    if without and colony.machines[without].is_up:
        colony.kill(without)
    _revive(colony)


def _revive(colony: Any) -> bool:
    """Start whatever does not run: also what came to its end after the trouble did. Whether all runs."""
    machines = {name: one for name, one in {**colony.machines, **colony.caches}.items() if name != colony.away}
    down = [name for name, machine in machines.items() if not machine.is_up]
    for name in down:
        colony.start(name)
    return not down and all(one.server is not None or one.cache is not None for one in machines.values())


def _agrees(colony: Any, cell: int) -> bool:
    """Whether every node of a cell knows the same; one at rest is looked up in its journal."""
    if not _revive(colony):
        return False
    known = [_known(colony, name, cell) for name in colony.machines if _has(colony, name, cell)]
    return None not in known and len(set(known)) == 1


def _known(colony: Any, name: str, cell: int) -> tuple[int, bytes] | None:
    """How far a node knows what was decided, and its digest; None while it is on its way into memory."""
    node, server = colony.node(name, cell), colony.machines[name].server
    if node is None:
        host, key = server.nodes.host, server.atlas.here(cell)
        if key is None or host.is_coming(key) or host.stopped is not None:
            return None
        kept = host.journal.read(key)
        host.journal.forget(key)
        charter = decode_charter(kept[0])
        node = Node(
            key.incarnation,
            charter.first_members,
            charter.alpha,
            [decode_record(one) for one in kept[1:] if not is_homes(one)],
        )
    return node.prefix, node.digest()


def _has(colony: Any, name: str, cell: int) -> bool:
    machine = colony.machines[name]
    if colony.moves.begun and not machine.is_lost:
        key = machine.server.atlas.here(cell)
        return key is not None and bool(machine.server.nodes.host.lasts(key) == MAX_NATURAL)
    plan = next(plan for plan in colony.plans if plan.cell == cell)
    return colony.machines[name].number in plan.nodes.values() and not colony.machines[name].is_lost


def _state(colony: Any, cell: int) -> tuple[str, ...]:
    lines = []
    for name in colony.machines:
        node = colony.node(name, cell)
        if node is None:
            lines.append(f"server {name}: its node is not in memory")
        else:
            lines.append(
                f"server {name}: knows {node.prefix} slots, promised {node.promised}, leads {node.is_leading}, "
                f"elected {node.is_elected}"
            )
    return tuple(lines)

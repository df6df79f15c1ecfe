"""The end of every story: the trouble ends, and then the colony must come to rest, with nothing owed to anybody.

A leader is found, all that was decided is known to every node of the cell, their digests are equal, every client was
told, and nobody says anything any more, but for the pings between servers.
"""

from typing import Any

from conformance.refutation import Refuted

SILENCE_S = 3.0


def settle(colony: Any, within_s: float) -> None:
    """End the trouble and wait for rest. Raises `Refuted` if it does not come in so much true time."""
    _end_trouble(colony)
    end_s = colony.simulator.now_s + within_s
    cells = sorted({plan.cell for plan in colony.plans})
    client = colony.client(deadline_s=within_s)
    for cell in cells:
        call = client.asks.put("at rest", b"yes", cell=cell)
        if not colony.run(end_s - colony.simulator.now_s, lambda call=call: call.is_over) or call.said != "done":
            raise Refuted(f"the trouble is over, and cell {cell} does nothing: {call.said}", _state(colony, cell))
    waiting = [
        call for one in colony.clients for call in one.asks.calls if not call.is_over and one.asks.process.is_alive
    ]
    if not colony.run(end_s - colony.simulator.now_s, lambda: all(call.is_over for call in waiting)):
        open_calls = sum(not call.is_over for call in waiting)
        raise Refuted(f"the trouble is over, and {open_calls} requests of clients have no end")
    for cell in cells:
        if not colony.run(end_s - colony.simulator.now_s, lambda cell=cell: _agrees(colony, cell)):
            raise Refuted(
                f"the trouble is over, and not every node of cell {cell} knows the same", _state(colony, cell)
            )
    carried = -1
    while carried != (carried := sum(one.server.links.carried for one in colony.machines.values())):
        if colony.simulator.now_s >= end_s:
            raise Refuted("the trouble is over, and nodes go on sending to each other")
        colony.run(SILENCE_S)
    colony.saw("a colony came to rest")


def _end_trouble(colony: Any) -> None:
    names = (*colony.machines, *colony.caches, *(client.asks.process.machine for client in colony.clients))
    for sender, receiver in sorted(colony.net.cuts):
        colony.net.mend(sender, receiver)
    colony.net.delay_s.clear()
    colony.simulator.held_back.clear()
    del names
    for name, machine in (*colony.machines.items(), *colony.caches.items()):
        machine.disk.failing_sync = None
        machine.disk.room_bytes = None
        machine.disk.sync_s = 0.0002
        if not machine.is_up:
            colony.start(name)
        elif machine.process.paused:
            colony.resume(name)


def _agrees(colony: Any, cell: int) -> bool:
    nodes = [colony.node(name, cell) for name in colony.machines if _has(colony, name, cell)]
    if any(node is None for node in nodes):
        return False
    return len({(node.prefix, node.digest()) for node in nodes}) == 1 and any(node.is_leading for node in nodes)


def _has(colony: Any, name: str, cell: int) -> bool:
    plan = next(plan for plan in colony.plans if plan.cell == cell)
    return colony.machines[name].number in plan.nodes.values()


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

"""What a colony at rest must not hold: tasks that nobody waits for, answers that nobody takes, connections too many.

Whoever is cancelled lets go of what it held. What it leaves behind would be found nowhere else: nobody is told anything
wrong, and some day a process has no room.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from physalia.client import AsyncClient
from physalia.client.sessions import MOST_SESSIONS

TASKS_OF_A_SERVER = 7
"""Its main task, that of the server, the one that waits for the end, and four that work; one more for each it dials."""


def leaks(colony: Any) -> Iterator[str]:
    """What is there too much, in words, in clients that wait for nothing and in servers."""
    for one in colony.clients:
        if one.asks.process.is_alive and all(call.is_over for call in one.asks.calls):
            yield from of_client(one.asks.process, one.asks.client, colony.net)
    for name, machine in colony.machines.items():
        if machine.is_up and machine.server is not None:
            expected = TASKS_OF_A_SERVER + len(colony.machines) - 1 + len(colony.caches)
            if (tasks := _tasks(machine.process)) > expected:
                yield f"server {name} has {tasks} tasks, and needs {expected}"
            if waiting := _kept_for_nothing(machine.server):
                yield f"server {name} has {waiting} requests for which nobody waits"


def of_client(process: Any, client: AsyncClient, net: Any) -> Iterator[str]:
    """What a client holds that waits for nothing."""
    if tasks := _tasks(process):
        yield f"{process.name} has {tasks} tasks, and waits for nothing"
    for address, task in client._links.items():
        if task.done() and not task.cancelled() and task.exception() is None and (waiting := task.result()._waiting):
            yield f"{process.name} waits for {len(waiting)} answers of {address}, and wants none"
    for cell, partition in client._partitions.items():
        sessions = partition._sessions
        if sessions._room._value != MOST_SESSIONS or len(sessions._idle) > MOST_SESSIONS:
            yield f"{process.name} has sessions of cell {cell} that nobody uses or gives back"
    for name, count in Counter(open_to(process, net)).items():
        if count > 1:
            yield f"{process.name} has {count} connections to {name}"


def open_to(process: Any, net: Any) -> list[str]:
    """To whom a process has connections that are open at both ends, by the names of the processes."""
    ends = (end for end in net.ends if end.process is process and not end.is_over)
    peers = (end.peer for end in ends if end.peer is not None and not end.peer.is_over)
    return [peer.process.name for peer in peers if peer.process.is_alive]


def _kept_for_nothing(server: Any) -> int:
    """How many requests a server has that no node has either.

    A leader that was deposed keeps what it was asked for: somebody may ask again, and nobody knows what became of it.
    These are at most as many as the window of its cell has slots.
    """
    nodes = server.nodes.host
    return sum(
        (node := nodes.node(taken.key)) is None or taken.wanted not in node._proposer.waiting
        for taken in server.requests._taken.values()
    )


def _tasks(process: Any) -> int:
    return sum(not task.done() for task in process.loop.tasks)

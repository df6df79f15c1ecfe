"""What the disks of a colony say when all servers have ended: every journal is whole, and all nodes of a cell agree.

Each node is made anew from its journal, as its server would. Two nodes of a cell never have different commands in one
slot; where both know the same prefix, their databases have one digest; and where a shorter prefix is replayed, so has
the longer one's at that point.
"""

from collections.abc import Iterable, Sequence

from attrs import frozen

from conformance.refutation import Refuted
from physalia.cell import CorruptRecords, Node
from physalia.cell.state import State
from physalia.journal import Directory, Journal, JournalDamaged, NodeKey
from physalia.model import Command, Jury
from physalia.server import CellPlan, Settings
from physalia.server.foundings import Foundings
from physalia.server.foundry import plan_of
from physalia.wire import CodecError, decode_record, encode_record


@frozen
class Agreed:
    """What was judged: journals, nodes, and the slots that more than one node knows."""

    journals: int
    nodes: int
    slots: int


def judge(servers: Iterable[Settings]) -> Agreed:
    """Raise `Refuted` if a journal is damaged or two nodes disagree; and what opening a journal raises."""
    nodes: dict[int, list[tuple[NodeKey, Node, CellPlan]]] = {}
    journals = 0
    for settings in servers:
        files = Directory(settings.directory)
        try:
            with Journal(files, settings.server, encode_record) as journal:
                plans = {plan.cell: plan for plan in (*settings.cells, *map(plan_of, Foundings(files).read))}
                for key in sorted(journal.nodes()):
                    records = [decode_record(record) for record in journal.read(key)]
                    plan = plans[key.cell]
                    node = Node(key.incarnation, plan.members, plan.alpha, records)
                    nodes.setdefault(key.cell, []).append((key, node, plan))
        except (JournalDamaged, CorruptRecords, CodecError) as damage:
            raise Refuted(f"the disk of server {settings.server} is not whole", (str(damage),)) from None
        journals += 1
    slots = sum(_judge_cell(cell, known) for cell, known in nodes.items())
    return Agreed(journals, sum(map(len, nodes.values())), slots)


def _judge_cell(cell: int, known: Sequence[tuple[NodeKey, Node, CellPlan]]) -> int:
    """All against the one that knows most."""
    first, longest, plan = max(known, key=lambda one: one[1].prefix)
    slots = 0
    for key, node, _ in known:
        if node is longest:
            continue
        for slot, (mine, yours) in enumerate(zip(node.known, longest.known, strict=False), start=1):
            if mine != yours:
                raise Refuted(
                    f"two nodes of cell {cell} differ in slot {slot}", (f"{key}: {mine}", f"{first}: {yours}")
                )
        slots += node.prefix
        if node.digest() != _digest(longest.known[: node.prefix], plan):
            raise Refuted(
                f"two nodes of cell {cell} know the same {node.prefix} slots and have two states", (str(key),)
            )
    return slots


def _digest(commands: Sequence[Command], plan: CellPlan) -> bytes:
    state = State(Jury(0, plan.members))
    for command in commands:
        state.apply(command)
    return state.digest()

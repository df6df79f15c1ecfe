"""What the disks of a colony say when all servers have ended: every journal is whole, and all nodes of a cell agree.

Each node is made anew from its journal, as its server would. Two nodes of a cell never have different commands in a
slot that both have in their logs yet; where both know the same prefix, their databases have one digest; and a node that
knows less comes to the longer one's digest by the rest of its log, if that is still there. Who left points to members.
"""

from collections.abc import Iterable, Sequence

from attrs import frozen

from conformance.refutation import Refuted
from physalia.cell import CorruptRecords, Node
from physalia.journal import Directory, Journal, JournalDamaged, NodeKey
from physalia.model import Command, Left
from physalia.server import Settings
from physalia.wire import CodecError, decode_charter, decode_record, is_charter, is_homes


@frozen
class Agreed:
    """What was judged: journals, nodes, and the slots that more than one node knows."""

    journals: int
    nodes: int
    slots: int


def judge(servers: Iterable[Settings]) -> Agreed:
    """Raise `Refuted` if a journal is damaged or two nodes disagree; and what opening a journal raises."""
    nodes: dict[int, list[tuple[NodeKey, Node]]] = {}
    pointers: list[tuple[NodeKey, Left]] = []
    journals = 0
    for settings in servers:
        try:
            with Journal(Directory(settings.directory), settings.server) as journal:
                for key in sorted(journal.nodes()):
                    kept = journal.read(key)
                    if not kept or not is_charter(kept[0]):
                        raise Refuted(f"the disk of server {settings.server} has no charter of {key}", ())
                    charter = decode_charter(kept[0])
                    records = [decode_record(record) for record in kept[1:] if not is_homes(record)]
                    node = Node(key.incarnation, charter.first_members, charter.alpha, records)
                    if node.pointer is None:
                        nodes.setdefault(key.cell, []).append((key, node))
                    else:
                        pointers.append((key, node.pointer))
        except (JournalDamaged, CorruptRecords, CodecError) as damage:
            raise Refuted(f"the disk of server {settings.server} is not whole", (str(damage),)) from None
        journals += 1
    for key, left in pointers:
        _judge_pointer(key, left, nodes.get(key.cell, []))
    slots = sum(_judge_cell(cell, known) for cell, known in nodes.items())
    return Agreed(journals, sum(map(len, nodes.values())), slots)


def _judge_cell(cell: int, known: Sequence[tuple[NodeKey, Node]]) -> int:
    """All against the one that knows most."""
    first, longest = max(known, key=lambda one: one[1].prefix)
    slots = 0
    for key, node in known:
        if node is longest:
            continue
        for slot in range(max(node.known.base, longest.known.base) + 1, node.prefix + 1):
            mine, yours = node.known[slot - 1], longest.known[slot - 1]
            if mine != yours:
                raise Refuted(
                    f"two nodes of cell {cell} differ in slot {slot}", (f"{key}: {mine}", f"{first}: {yours}")
                )
        if node.prefix < longest.known.base:
            continue
        slots += node.prefix
        if longest.digest() != _digest_after(node, longest.known[node.prefix :]):
            raise Refuted(
                f"two nodes of cell {cell} know the same {node.prefix} slots and have two states", (str(key),)
            )
    return slots


def _judge_pointer(key: NodeKey, left: Left, known: Sequence[tuple[NodeKey, Node]]) -> None:
    """Whoever left points to members who are as new as any that it could have known, and is none itself (R11)."""
    newest = max((node.jury.version for _, node in known), default=0)
    if key.incarnation in left.members or left.version > newest:
        raise Refuted(f"{key} left as of version {left.version}, and the nodes that are there know {newest}", ())
    for _, node in known:
        if node.jury.version == left.version and node.jury.members != left.members:
            raise Refuted(f"{key} points to others than the members of version {left.version}", ())


def _digest_after(node: Node, commands: Sequence[Command]) -> bytes:
    """Of the state of a node, after these commands."""
    state = node.snapshot().learner.state
    for command in commands:
        state.apply(command)
    return state.digest()

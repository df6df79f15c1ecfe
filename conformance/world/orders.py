"""What happens to a node as a whole: somebody orders it to be made, or its disk is lost."""

from typing import TypeAlias, assert_never

from attrs import frozen

from conformance.wording import UnreadableWords
from physalia.model import NodeId


@frozen
class Create:
    """The order to make `node` arrives: for the first time, or once more, however late."""

    node: NodeId


@frozen
class LoseDisk:
    """The disk of `node` is lost, and the node with it: it comes back as somebody else (R8)."""

    node: NodeId


Order: TypeAlias = Create | LoseDisk


def order_words(order: Order) -> str:
    """The order in one line."""
    match order:
        case Create(node):
            return f"create {node}"
        case LoseDisk(node):
            return f"lose disk {node}"
        case _:
            assert_never(order)


def read_order(words: list[str]) -> Order:
    """The order that `order_words` wrote, split at its spaces. Raises `UnreadableWords`."""
    match words:
        case ["create", node]:
            return Create(int(node))
        case ["lose", "disk", node]:
            return LoseDisk(int(node))
        case _:
            raise UnreadableWords("this is no event")

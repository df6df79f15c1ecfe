"""The bytes of a charter: the first record of a node whose server is to know its cell by its journal alone.

There may be a million of them on a disk, all at rest. So names of nodes and their servers stand in a list each, and of
members only those that are none.
"""

from physalia.model import Charter, Homes, NodeId
from physalia.wire.codec import decode, encode
from physalia.wire.commands import NODE
from physalia.wire.limits import MAX_ALPHA, MAX_HOMES, MAX_MEMBERS
from physalia.wire.shapes import PAIR, CodecError, Listed, Many, Natural, Two

TAG = 100
"""Far from the tags of records, beside which a charter stands."""
WIDTH = 5
_BEGIN = bytes([0x90 | WIDTH, TAG])
"""How MessagePack begins a list of so many, and the tag."""
NODES = Many(NODE, key=lambda node: node, limit=MAX_MEMBERS)
SERVERS = Listed(Natural(1), MAX_MEMBERS)
PLACES = Many(Natural(0), key=lambda place: place, limit=MAX_MEMBERS)


def _node_of(pair: tuple[NodeId, int]) -> NodeId:
    return pair[0]


class Charters:
    """A charter that says where nodes live. All first members are among them."""

    def pack(self, charter: Charter) -> list[object]:
        """A list of the tag, the window, nodes, their servers, and the places of those that are no members."""
        nodes, servers = tuple(node for node, _ in charter.homes), tuple(server for _, server in charter.homes)
        outside = tuple(place for place, node in enumerate(nodes) if node not in charter.first_members)
        if not charter.first_members or not charter.first_members <= set(nodes) or not _is_alpha(charter.alpha):
            raise CodecError(f"expected members among the nodes, and a window of 1 to {MAX_ALPHA}")
        return [TAG, charter.alpha, NODES.pack(nodes), SERVERS.pack(servers), PLACES.pack(outside)]

    def unpack(self, plain: object) -> Charter:
        """The charter."""
        if type(plain) is not list or len(plain) != WIDTH or type(plain[0]) is not int or plain[0] != TAG:
            raise CodecError("expected a charter")
        nodes, servers, outside = NODES.unpack(plain[2]), SERVERS.unpack(plain[3]), set(PLACES.unpack(plain[4]))
        members = frozenset(node for place, node in enumerate(nodes) if place not in outside)
        is_whole = len(nodes) == len(servers) and len(members) == len(nodes) - len(outside)
        if not members or not is_whole or not _is_alpha(plain[1]):
            raise CodecError(f"expected nodes with a server each, members among them, and a window of 1 to {MAX_ALPHA}")
        return Charter(members, plain[1], tuple(zip(nodes, servers, strict=True)))


CHARTER = Charters()
HOMES_TAG = 101
_HOMES_BEGIN = bytes([0x90 | 2, HOMES_TAG])
HOMES = Many(Two(NODE, Natural(1)), key=_node_of, limit=MAX_HOMES)


class Housing:
    """Where nodes live, after a tag."""

    def pack(self, homes: Homes) -> list[object]:
        """A list of the tag and the nodes with their servers."""
        return [HOMES_TAG, HOMES.pack(homes.homes)]

    def unpack(self, plain: object) -> Homes:
        """Where they live."""
        if type(plain) is not list or len(plain) != PAIR or plain[0] != HOMES_TAG:
            raise CodecError("expected where nodes live")
        return Homes(HOMES.unpack(plain[1]))


HOUSING = Housing()


def _is_alpha(alpha: object) -> bool:
    return type(alpha) is int and 1 <= alpha <= MAX_ALPHA


def encode_charter(charter: Charter) -> bytes:
    """The bytes of a charter. Raises `CodecError` if it is beyond a limit."""
    return encode(CHARTER, charter)


def decode_charter(data: bytes) -> Charter:
    """The charter of these bytes. Raises `CodecError` if there is none."""
    return decode(CHARTER, data)


def encode_homes(homes: Homes) -> bytes:
    """The bytes of where nodes live. Raises `CodecError` if it is beyond a limit."""
    return encode(HOUSING, homes)


def decode_homes(data: bytes) -> Homes:
    """Where nodes live, of these bytes. Raises `CodecError` if there is nothing of it."""
    return decode(HOUSING, data)


def is_homes(data: bytes) -> bool:
    """Whether these bytes of what a journal keeps are meant as where nodes live, as no record is."""
    return data.startswith(_HOMES_BEGIN)


def is_charter(data: bytes) -> bool:
    """Whether these bytes of what a journal keeps are meant as a charter, as no record is."""
    return data.startswith(_BEGIN)

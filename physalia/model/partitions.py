"""Which cell a partition key names.

Each partition key has a cell of its own. Cells are numbers everywhere below the client; a key becomes one by SHA-256,
so nobody has to be asked. Of a million keys two have the same number with a chance of about 5 in 10^8. Even then
nothing is mixed: the second cell is refused when it is to be created, since a cell is created once.
"""

import hashlib

from physalia.model.ids import CellId

_BITS = 63


def cell_of(partition: str | CellId) -> CellId:
    """The cell of a partition key; a number is the cell's own. Raises `ValueError` for what names no cell."""
    if isinstance(partition, int):
        if isinstance(partition, bool) or not 1 <= partition < 1 << _BITS:
            raise ValueError(f"a cell's number is from 1 to {(1 << _BITS) - 1}")
        return partition
    if not partition:
        raise ValueError("a partition key has at least one character")
    try:
        data = partition.encode()
    except UnicodeEncodeError:
        raise ValueError("a partition key is no text: it holds half a surrogate pair") from None
    number = int.from_bytes(hashlib.sha256(b"physalia partition\0" + data).digest()[:8], "big") >> 1
    return number or 1

"""The format of snapshots: of their rows, and of what vouches for all of them."""

from physalia.model import (
    Change,
    Head,
    Jury,
    KeptItem,
    KeptMember,
    KeptSession,
    KeptVerdict,
    Read,
    Record,
    Verdict,
    Volume,
    Write,
)
from physalia.model import Done as StoreDone
from physalia.model import Refused as StoreRefused
from physalia.model import Row as SnapshotRow
from physalia.wire.commands import COMMAND, COMMANDS, COUNT, NODE, SLOT, TEXT
from physalia.wire.limits import MAX_ROWS, MAX_WINDOW
from physalia.wire.shapes import Choice, CodecError, Flag, Listed, Members, Natural, Row
from physalia.wire.transactions import DONE, ITEM, KEY, REFUSED, REQUEST, TRANSACT, Maybe

DIGEST_BYTES = 32


class Digest:
    """32 bytes."""

    def unpack(self, plain: object) -> bytes:
        """The bytes themselves, checked."""
        if type(plain) is not bytes or len(plain) != DIGEST_BYTES:
            raise CodecError(f"expected {DIGEST_BYTES} bytes")
        return plain

    pack = unpack


VOLUME = Row(Volume, version=COUNT, primary=TEXT, replica=TEXT)
JURY = Row(Jury, version=COUNT, members=Members())
JUDGED = Choice[Write | Read | Change]({tag: COMMANDS[tag] for tag in (1, 2, 3)})
ROW = Choice[SnapshotRow](
    {
        1: Row(
            Head,
            slot=SLOT,
            last=COMMAND,
            volume=VOLUME,
            jury=JURY,
            configurations=Listed(Members(), MAX_WINDOW),
            version=Natural(1),
            applied=COUNT,
            rows=Natural(1),
        ),
        2: Row(
            KeptVerdict,
            command=JUDGED,
            verdict=Row(Verdict, done=Flag(), saw=Choice[Record]({1: VOLUME, 2: JURY})),
        ),
        3: Row(KeptItem, key=KEY, item=ITEM),
        4: Row(
            KeptSession,
            name=SLOT,
            opened_by=REQUEST,
            used=SLOT,
            number=COUNT,
            asked=Maybe(TRANSACT),
            reply=Maybe(Choice[StoreDone | StoreRefused]({2: DONE, 3: REFUSED})),
        ),
        5: Row(KeptMember, node=NODE),
    }
)
ROWS = Listed(ROW, MAX_ROWS)

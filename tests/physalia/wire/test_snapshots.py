"""Snapshots on their way: what is as large as it may be passes, and nothing larger."""

import pytest

from physalia.model import Head, Jury, NoOp, Volume
from physalia.model.value import evolve
from physalia.wire import CodecError
from physalia.wire.limits import MAX_ALPHA, MAX_ROWS, MAX_WINDOW
from physalia.wire.snapshots import DIGEST_BYTES, ROW, ROWS, Digest

HEAD = Head(
    slot=1, last=NoOp(), volume=Volume(0, "a", "b"), jury=Jury(0, frozenset({1})),
    configurations=(frozenset({1}),) * 4, version=1,
    applied=0, rows=1,
)  # fmt: skip


def test_the_members_of_the_widest_window_pass_and_no_more() -> None:
    widest = evolve(HEAD, configurations=(frozenset({1}),) * (MAX_ALPHA + 1))
    assert ROW.unpack(ROW.pack(widest)) == widest
    with pytest.raises(CodecError):
        ROW.pack(evolve(HEAD, configurations=(frozenset({1}),) * (MAX_WINDOW + 1)))


def test_more_rows_than_may_be_said_at_once_are_refused() -> None:
    with pytest.raises(CodecError):
        ROWS.pack((HEAD,) * (MAX_ROWS + 1))
    with pytest.raises(CodecError):
        ROWS.unpack([None] * (MAX_ROWS + 1))


@pytest.mark.parametrize("digest", [b"", bytes(DIGEST_BYTES - 1), bytes(DIGEST_BYTES + 1), "x" * DIGEST_BYTES, None])
def test_a_digest_of_another_size_is_refused(digest: object) -> None:
    assert Digest().unpack(bytes(DIGEST_BYTES)) == bytes(DIGEST_BYTES)
    with pytest.raises(CodecError):
        Digest().unpack(digest)

"""Files of columns that something happened to, or that somebody made up."""

import io
import zipfile
from collections.abc import Iterator
from random import Random

import numpy as np

FLIPPED = "bytes"
"""What bytes are flipped may mean nothing: such a file may be read."""


def damages(content: bytes, flips: int) -> Iterator[tuple[str, bytes]]:
    """Files in the place of one with the columns of a fleet, each with a word for what is wrong with it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        columns = {name: archive.read(name) for name in archive.namelist()}
    for shape in (
        "(2**70, 3)",
        "(1180591620717411303424, 3)",
        "(99999999999, 3)",
        "(-5, 3)",
        "(60, 3)",
        "(True, 3)",
        "'x'",
    ):
        for descr in ("'<i4'", "'|O'", "'<f8'", "'|S0'", "[('a', '<i4')]", "'bogus'"):
            header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"
            yield f"{shape} {descr}", packed({**columns, "cells.npy": _npy(header)})
    wrong = {
        "nothing": b"", "half a header": b"\x93NUMPY\x01\x00", "no header": b"hello", "later": b"\x93NUMPY\x09\x00",
        "open": _npy("(" * 3000 + "\n"), "long header": b"\x93NUMPY\x02\x00\x00\x00\x00\x80{", "objects": _objects(),
    }  # fmt: skip
    for what, column in wrong.items():
        yield what, packed({**columns, "cells.npy": column})
        yield f"{what} of a version", packed({**columns, "schema_version.npy": column})
    bare = {name.removesuffix(".npy"): column for name, column in columns.items()}
    yield "no arrays", packed(dict.fromkeys(bare, b"x"))
    yield "a column twice", packed({**columns, "cells": b"x"})
    yield "encrypted", _encrypted(content)
    yield "cut off", content[: len(content) // 2]
    yield "nothing at all", b""
    yield "no archive", b"PK\x03\x04"
    random = Random(3)
    for _ in range(flips):
        broken = bytearray(content)
        for place in random.sample(range(len(broken) * 3 // 4), 3):  # in the columns, not in the list at the end
            broken[place] ^= 1 + random.randrange(255)
        yield FLIPPED, bytes(broken)


def packed(columns: dict[str, bytes]) -> bytes:
    """An archive of columns."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, column in columns.items():
            archive.writestr(name, column)
    return file.getvalue()


def _npy(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def _objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


def _encrypted(content: bytes) -> bytes:
    marked = bytearray(content)
    for head, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = marked.find(head)
        while at >= 0:
            marked[at + flag] |= 1
            at = marked.find(head, at + 1)
    return bytes(marked)

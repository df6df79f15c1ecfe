"""The log of a server: one that cannot be written ends nothing, and says afterwards that something is missing."""

import errno
import io
import json
import os
import subprocess
import sys

import pytest

from physalia.server.logs import logger
from tests import PATIENCE_S


class Stream(io.StringIO):
    """Has room, or has none."""

    error: OSError | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_a_log_that_cannot_be_written_raises_nothing_and_says_so_when_it_can(number: int) -> None:
    stream = Stream()
    log = logger(1, stream)
    log.info("before")
    stream.error = OSError(number, os.strerror(number))
    log.warning("lost")
    log.warning("lost")
    stream.error = None
    log.info("after")
    log.info("later")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["event"] for one in told] == ["before", "log could not be written", "after", "later"]
    assert told[1]["lines"] == 2


def test_a_log_whose_reader_is_gone_raises_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    text = (
        "from physalia.server.logs import logger; log = logger(1)\nfor _ in range(1000): log.info('said')\nprint('on')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", text], check=False, stdout=subprocess.PIPE, stderr=writer, timeout=PATIENCE_S
        )
    finally:
        os.close(writer)
    assert done.stdout == b"on\n"

"""What may be looked at: figures, health, single nodes; no secret, nothing changed, and nobody may ask too much.

And the log, which ends nothing if it cannot be written, and says afterwards that something is missing.
"""

import asyncio
import errno
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conformance.crash_points.vfs import SimulatedVfs, simulated_vfs
from physalia.server.logs import logger
from physalia.server.watch import MOST_AT_ONCE, MOST_HEAD_BYTES, Watch
from tests import PATIENCE_S
from tests.physalia.server.test_server import Alone, alone, run

ROOT = Path(__file__).resolve().parents[3]
SECRET = "node-of-a-secret-volume"


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with simulated_vfs() as made:
        yield made


def data(one: Alone, path: str) -> tuple[int, Any]:
    status, kind, body = Watch(one.server).page(path)
    assert kind == "application/json"
    return status.value, json.loads(body)


def figures(one: Alone) -> dict[str, float]:
    status, _, body = Watch(one.server).page("/metrics")
    assert status == 200
    families = text_string_to_metric_families(body.decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_figures_follow_what_happens(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            before = figures(one)
            assert (before["physalia_nodes"], before["physalia_nodes_leading"]) == (1, 0)
            await client.partition(1).put("a", 1)
            after = figures(one)
            assert after["physalia_nodes_leading"] == after["physalia_nodes_in_memory"] == 1
            assert after["physalia_campaigns_total"] == before["physalia_campaigns_total"] + 1
            held = asyncio.create_task(asyncio.Event().wait())
            assert figures(one)["physalia_tasks"] == len(asyncio.all_tasks()) == after["physalia_tasks"] + 1
            held.cancel()
            one.server.refusals["mac"] += 3
            assert figures(one)["physalia_refused_total"] == 3

    run(work)


def test_health_says_when_it_serves_no_more(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            status, told = data(one, "/health")
            assert status == 200
            assert told == {
                "schema_version": 1, "server": 1, "state": "serving", "is_full": False, "is_capped": False,
                "clock_rate": 1.0, "suspected": [], "reached": 0, "tasks": len(asyncio.all_tasks()),
                "spoken": {}, "are_keys_stale": False,
            }  # fmt: skip
            one.server.requests.is_closed = True
            status, told = data(one, "/health")
            assert (status, told["state"]) == (503, "draining")

    run(work)


def test_a_node_is_shown_without_any_secret_and_one_at_rest_stays_at_rest(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            await client.partition(1).put(SECRET, SECRET.encode())
            status, told = data(one, "/inspect/1")
            node = one.server.nodes.host.node(one.server.atlas.here(1))  # type: ignore[arg-type]
            assert node is not None
            assert status == 200
            assert (told["prefix"], told["digest"], told["items"]) == (node.prefix, node.digest().hex(), 1)
            assert told["leads"] is True
            pages = "".join(
                Watch(one.server).page(path)[2].decode() for path in ("/metrics", "/health", "/inspect", "/inspect/1")
            )
            assert SECRET not in pages
            assert "c" * 64 not in pages, "no key of anybody"
            assert data(one, "/inspect")[1]["leading"] == 1
            key = one.server.atlas.here(1)
            assert key is not None
            while not one.server.nodes.host.drop(key):  # something of it is on its way to the disk
                await asyncio.sleep(0.01)
            one.server.nodes.restless.clear()
            assert data(one, "/inspect/1")[1]["in_memory"] is False
            assert one.server.nodes.host.node(key) is None

    run(work)


@pytest.mark.parametrize(
    "path",
    ["/", "/inspect/2", "/inspect/x", f"/inspect/{2**63}", "/inspect/-1", "/../keys.toml", "/inspect/" + "9" * 5000],
)
def test_what_is_not_there_is_404(tmp_path: Path, vfs: SimulatedVfs, path: str) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            assert data(one, path)[0] == 404

    run(work)


def test_a_page_that_cannot_be_shown_ends_nothing(
    tmp_path: Path, vfs: SimulatedVfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks has no key, so no look may harm those who are served."""

    def fails(_watch: Watch) -> NoReturn:
        raise ZeroDivisionError

    async def work() -> None:
        async with alone(tmp_path, vfs) as one, one.client() as client:
            watch = Watch(one.server)
            assert watch._page_for(b"GET /health HTTP/1.1\r\n\r\n")[0] == 200
            monkeypatch.setattr(Watch, "health", fails)
            assert watch._page_for(b"GET /health HTTP/1.1\r\n\r\n")[0] == 500
            await client.partition(1).put("a", 1)

    run(work)


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_it_speaks_http_to_who_asks_for_little_and_by_get(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            watching = socket.create_server(("127.0.0.1", 0))
            port = watching.getsockname()[1]
            server = await asyncio.start_server(Watch(one.server).answer, sock=watching, limit=MOST_HEAD_BYTES)
            async with server:
                end = b" HTTP/1.1\r\nHost: x\r\n\r\n"
                answer = await ask(port, b"GET /health?x=1" + end)
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"no-store" in answer
                assert (await ask(port, b"POST /health" + end)).startswith(b"HTTP/1.1 405 ")
                assert (await ask(port, b"\xff\xfe\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
                assert (await ask(port, b"GET /nothing" + end)).startswith(b"HTTP/1.1 404 ")
                assert await ask(port, b"GET /" + b"x" * (4 * MOST_HEAD_BYTES) + end) == b""
                idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_AT_ONCE)]
                await asyncio.sleep(0.1)
                assert await ask(port, b"GET /health" + end) == b"", "a crowd is sent away"
                for reader, writer in idle:
                    writer.close()
                    assert await reader.read() == b""

    run(work)


def test_the_dashboard_asks_for_nothing_that_no_server_tells(tmp_path: Path, vfs: SimulatedVfs) -> None:
    async def work() -> None:
        async with alone(tmp_path, vfs) as one:
            one.server.refusals["mac"] += 1
            told = set(figures(one))
            board = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text(encoding="utf-8"))
            asked = {
                name
                for panel in board["panels"]
                for target in panel["targets"]
                for name in re.findall(r"physalia_\w+", target["expr"])
            }
            assert asked
            assert asked <= told

    run(work)


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

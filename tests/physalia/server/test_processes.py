"""Real processes: what was acknowledged survives kill -9, and what cannot start says so in a sentence."""

import asyncio
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from physalia.client import AsyncClient, Client, OutcomeUnknown, Unavailable
from physalia.model import Verdict, Volume, Write
from physalia.server import read_settings
from tests import PATIENCE_S
from tests.physalia.server.colonies import Colony, colony, free_ports

LEADER = 2
"""The server whose node is the first in line in cell 1."""


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Colony]:
    with colony(tmp_path) as made:
        made.start(*made.servers)
        yield made


def talk(made: Colony, work: Callable[[AsyncClient], Awaitable[None]], deadline_s: float = PATIENCE_S) -> None:
    async def main() -> None:
        async with AsyncClient(made.addresses, made.ring, deadline_s) as client:
            await work(client)

    asyncio.run(main())


async def put(client: AsyncClient, expects: int, cell: int = 1) -> None:
    """A write that must be the next one."""
    verdict = await client.write(cell, expects, f"primary-{expects}", "replica")
    assert verdict.done
    assert verdict.saw == Volume(expects + 1, f"primary-{expects}", "replica")


def test_put_get_and_a_condition_that_fails(three: Colony) -> None:
    async def work(client: AsyncClient) -> None:
        assert (await client.read(1)).saw == Volume(0, "a", "b")
        await put(client, 0)
        await put(client, 1)
        late = await client.write(1, 1, "x", "y")
        assert not late.done
        assert late.saw == (await client.read(1)).saw == Volume(2, "primary-1", "replica")

    talk(three, work)


def test_the_settings_may_leave_out_what_the_journals_know(tmp_path: Path) -> None:
    """Nodes are dropped after every turn of the clock here, and come back with what they know."""
    with colony(tmp_path, extra="ping_every_s = 0.05\nsuspect_after_s = 0.4\ncold_after_s = 0.0\n") as made:
        for server in made.servers:
            text = made.config(server).read_text(encoding="utf-8")
            made.config(server).write_text(text[: text.index("[[cells]]")], encoding="utf-8")
        made.start(*made.servers)

        async def work(client: AsyncClient) -> None:
            for version in range(3):
                await put(client, version)
                while sum(made.log(server).count("at rest") for server in made.servers) <= version:
                    await asyncio.sleep(0.05)
            assert (await client.read(1)).saw == Volume(3, "primary-2", "replica")

        talk(made, work)


def test_what_was_acknowledged_survives_the_kill_of_each_server_in_turn(three: Colony) -> None:
    """Writes go on while one is dead, whichever it is, and after it came back."""

    async def work(client: AsyncClient) -> None:
        version = 0
        for server in three.servers:
            three.kill(server)
            for _ in range(5):
                await put(client, version)
                version += 1
            three.start(server)
            await put(client, version)
            version += 1
        assert (await client.read(1)).saw == Volume(version, f"primary-{version - 1}", "replica")

    talk(three, work)


def test_what_was_acknowledged_survives_the_kill_of_all(three: Colony) -> None:
    async def before(client: AsyncClient) -> None:
        for version in range(20):
            await put(client, version)

    async def after(client: AsyncClient) -> None:
        assert (await client.read(1)).saw == Volume(20, "primary-19", "replica")
        await put(client, 20)

    talk(three, before)
    for server in three.servers:
        three.kill(server)
    three.start(*three.servers)
    talk(three, after)


def test_without_a_majority_nothing_is_acknowledged_and_afterwards_all_goes_on(three: Colony) -> None:
    async def before(client: AsyncClient) -> None:
        await put(client, 0)

    async def without(client: AsyncClient) -> None:
        with pytest.raises((Unavailable, OutcomeUnknown)):
            await client.submit(1, Write(client.request(), 1, "x", "y"), deadline_s=1.0)

    async def after(client: AsyncClient) -> None:
        saw = (await client.read(1)).saw
        assert saw in (Volume(1, "primary-0", "replica"), Volume(2, "x", "y"))
        await put(client, saw.version)

    talk(three, before)
    three.kill(2)
    three.kill(3)
    talk(three, without)
    three.start(2)
    talk(three, after)


def test_without_a_majority_a_cell_refuses_at_once_and_is_read_on(three: Colony) -> None:
    """Nothing of it is begun, so nobody has to wonder whether it was done. The deadline is far away."""

    async def work(client: AsyncClient) -> None:
        part = client.partition(1)
        await part.put("n", 1)
        three.kill(2)
        three.kill(3)
        while any(three.last_of(1, gone) != "suspected" for gone in (2, 3)):  # not of a slow start, before they lived
            await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="has no majority"):
            await part.put("n", 2)
        with pytest.raises(Unavailable, match="has no majority"):
            await part.get("n")
        # Who saw the write waits for a server that knows of it, and the one that is left may not: so a newcomer reads.
        async with AsyncClient(three.addresses, three.ring, PATIENCE_S) as newcomer:
            item = await newcomer.partition(1).get("n", consistency="eventual")
        assert item is None or item.value == 1

    talk(three, work)


def test_with_all_servers_gone_it_is_certain_that_nothing_was_done(three: Colony) -> None:
    async def work(client: AsyncClient) -> None:
        for server in three.servers:
            three.kill(server)
        with pytest.raises(Unavailable, match="nothing was done"):
            await client.submit(1, Write(client.request(), 0, "x", "y"), deadline_s=0.5)

    talk(three, work)


def test_a_leader_that_stands_still_is_replaced_and_then_obeys(three: Colony) -> None:
    """SIGSTOP: its connections stay open, and it says nothing. What it does when it wakes changes nothing."""

    async def work(client: AsyncClient) -> None:
        await put(client, 0)
        three.processes[LEADER].send_signal(signal.SIGSTOP)
        await put(client, 1)
        three.processes[LEADER].send_signal(signal.SIGCONT)
        for version in range(2, 10):
            await put(client, version)

    async def at_the_old_leader(client: AsyncClient) -> None:
        assert (await client.read(1)).saw.version == 10

    talk(three, work)
    assert f'"peer": {LEADER}, "event": "suspected"' in three.log(1) + three.log(3)
    three.ports = [three.ports[LEADER - 1]]
    talk(three, at_the_old_leader)


def test_who_takes_nothing_over_says_so_too(three: Colony) -> None:
    """Nobody leads anything yet. Whoever watches the log learns of every loss when it has been dealt with."""
    three.kill(1)
    for server in (2, 3):
        while '"campaigns": 0, "event": "taken over"' not in three.log(server):
            assert three.processes[server].poll() is None
            time.sleep(0.01)


def test_the_blocking_client(three: Colony) -> None:
    with Client(three.addresses, three.ring, PATIENCE_S) as client:
        assert client.write(1, 0, "x", "y").done
        assert client.read(1).saw == Volume(1, "x", "y")
        assert client.submit(1, Write(client.request(), 1, "z", "y")).done


def test_many_cells_and_clients_at_once(tmp_path: Path) -> None:
    async def one(client: AsyncClient, cell: int) -> None:
        for version in range(10):
            await put(client, version, cell)

    async def work(client: AsyncClient) -> None:
        async with asyncio.TaskGroup() as group:
            for cell in range(1, 41):
                group.create_task(one(client, cell))

    with colony(tmp_path, cells=40) as made:
        made.start(*made.servers)
        talk(made, work)
        assert all(made.end(server) == 0 for server in made.servers)
        made.start(*made.servers)

        async def check(client: AsyncClient) -> None:
            for cell in range(1, 41):
                assert (await client.read(cell)).saw == Volume(10, "primary-9", "replica")

        talk(made, check)


class TestStarting:
    """One sentence, an exit code, and nothing changed."""

    @pytest.fixture
    def made(self, tmp_path: Path) -> Iterator[Colony]:
        with colony(tmp_path, size=1) as made:
            yield made

    @staticmethod
    def refused(made: Colony, code: int, why: str, *options: str) -> None:
        before = snapshot(made.folder)
        done = made.run(1, *options)
        assert done.returncode == code, done.stderr
        assert why in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
        assert snapshot(made.folder) == before

    def test_a_port_in_use(self, made: Colony) -> None:
        with socket.create_server(("127.0.0.1", made.ports[0])):
            self.refused(made, 4, "is in use by another process")

    def test_a_server_started_twice_on_one_directory(self, made: Colony) -> None:
        made.start(1)
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(text.replace(str(made.ports[0]), str(free_ports(1)[0])), encoding="utf-8")
        done = made.run(1)
        assert done.returncode == 4
        assert "in use" in done.stderr
        assert done.stderr.count("\n") == 1
        assert made.end(1) == 0

    def test_the_directory_of_another_server(self, made: Colony) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(
            text.replace("server = 1", "server = 2").replace("11 = 1", "11 = 2"), encoding="utf-8"
        )
        self.refused(made, 2, "belongs to server 1, not to server 2")

    def test_a_port_to_be_looked_at_that_is_in_use(self, made: Colony) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self._set(made, f'watch = "127.0.0.1:{taken.getsockname()[1]}"\n')
            done = made.run(1)
        assert (done.returncode, "let watch name a free port" in done.stderr) == (4, True)

    def test_a_peer_or_a_cache_with_which_there_is_no_key(self, made: Colony) -> None:
        self._set(made, '[caches]\n99 = "127.0.0.1:1"\n', at_end=True)
        done = made.run(1)
        assert (done.returncode, "no key for servers 1 and 99" in done.stderr) == (2, True)

    def test_a_cache_with_the_number_of_a_server(self, made: Colony) -> None:
        self._set(made, '[caches]\n1 = "127.0.0.1:1"\n', at_end=True)
        done = made.run(1)
        assert (done.returncode, "is the number of a server too" in done.stderr) == (2, True)

    @staticmethod
    def _set(made: Colony, text: str, *, at_end: bool = False) -> None:
        config = made.config(1)
        before = config.read_text(encoding="utf-8")
        config.write_text(before + text if at_end else text + before, encoding="utf-8")

    def test_an_unknown_key(self, made: Colony) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text("lissten = 3\n" + text, encoding="utf-8")
        self.refused(made, 2, "sets lissten, which is no setting; did you mean listen?")

    def test_a_file_of_keys_that_everybody_can_read(self, made: Colony) -> None:
        (made.folder / "keys.toml").chmod(0o644)
        self.refused(made, 2, "is open to everybody")

    @pytest.mark.parametrize(
        ("before", "after", "why"),
        [
            ("11 = 1", "99 = 1", "holds node 11 of cell 1 in life 101, not node 99 of cell 1 in life 101"),
            ("life = 101", "life = 102", "holds node 11 of cell 1 in life 101, not node 11 of cell 1 in life 102"),
            ("cell = 1\n", "cell = 9\n", "never heard of node 11 of cell 9 in life 101"),
        ],
    )
    def test_a_node_of_which_the_disk_never_heard(self, made: Colony, before: str, after: str, why: str) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        journal = (made.folder / "disk-1" / "journal").read_bytes()
        made.config(1).write_text(text.replace(before, after), encoding="utf-8")
        done = made.run(1)
        assert done.returncode == 2
        assert why in done.stderr
        assert done.stderr.count("\n") == 1
        assert (made.folder / "disk-1" / "journal").read_bytes() == journal

    def test_a_cell_that_the_journal_knows_otherwise(self, made: Colony) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(text.replace("alpha = 3", "alpha = 4"), encoding="utf-8")
        done = made.run(1)
        assert done.returncode == 2
        assert "knows cell 1 otherwise than the settings" in done.stderr

    def test_no_journal(self, made: Colony) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(text.replace("disk-1", "."), encoding="utf-8")
        self.refused(made, 2, "does not exist: create the journal")

    def test_a_directory_that_was_deleted(self, made: Colony) -> None:
        (made.folder / "disk-1").rename(made.folder / "lost")
        self.refused(made, 4, "disk-1 is not there: bring its disk back, or make a new one by --create")
        assert not (made.folder / "disk-1").exists()

    def test_nodes_are_never_made_anew(self, made: Colony) -> None:
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(text.partition("[[cells]]")[0], encoding="utf-8")
        done = made.run(1, "--create")
        assert done.returncode == 2
        assert "never made anew" in done.stderr

    def test_cells_that_settings_name_are_not_made_on_an_empty_disk(self, made: Colony) -> None:
        """It may have had them, and lost them: nothing is born, and the server does not start either."""
        disk = made.folder / "disk-1"
        disk.rename(made.folder / "lost")
        done = made.run(1, "--create")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "a new server has none" in done.stderr
        assert not disk.exists()
        text = made.config(1).read_text(encoding="utf-8")
        made.config(1).write_text(text.partition("[[cells]]")[0], encoding="utf-8")
        assert made.run(1, "--create").returncode == 0
        made.config(1).write_text(text, encoding="utf-8")
        done = made.run(1)
        assert (done.returncode, "never heard of" in done.stderr) == (2, True)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shown(address: object) -> str:
    """The figures of a server."""
    with urlopen(f"http://{address}/metrics", timeout=PATIENCE_S) as page:
        text: str = page.read().decode()
    assert "physalia_requests_waiting" in text
    return text


class TestEnding:
    """Ctrl-C drains; a second one ends."""

    @pytest.fixture
    def alone(self, tmp_path: Path) -> Iterator[Colony]:
        """Only the leader runs, which can get nothing decided, and drains for as long as it takes."""
        with colony(tmp_path, extra="drain_s = 3600.0\nsuspect_after_s = 3600.0\n") as made:
            text = made.config(LEADER).read_text(encoding="utf-8")
            [port] = free_ports(1)
            made.config(LEADER).write_text(f'watch = "127.0.0.1:{port}"\n{text}', encoding="utf-8")
            made.start(LEADER)
            yield made

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_at_rest_it_ends_at_once(self, three: Colony, number: int) -> None:
        assert [three.end(server, number) for server in three.servers] == [0, 0, 0]
        assert '"event": "ended"' in three.log(1)

    @staticmethod
    async def waiting(made: Colony, client: AsyncClient) -> "asyncio.Task[Verdict]":
        """A write that the leader has taken on, as its own figures say."""
        asking = asyncio.ensure_future(client.write(1, 0, "x", "y"))
        address = read_settings(made.config(LEADER), {}).watch
        assert address is not None
        while "physalia_requests_waiting 0.0" in await asyncio.to_thread(shown, address):
            assert not asking.done()
        return asking

    @staticmethod
    async def drains(made: Colony) -> None:
        while '"event": "draining"' not in made.log(LEADER):
            assert made.processes[LEADER].poll() is None
            await asyncio.sleep(0.01)
        assert '"waiting": 0, "event": "draining"' not in made.log(LEADER)

    def test_what_was_asked_is_answered_before_the_end(self, alone: Colony) -> None:
        async def work(client: AsyncClient) -> None:
            asking = await self.waiting(alone, client)
            alone.processes[LEADER].send_signal(signal.SIGINT)
            await self.drains(alone)
            await asyncio.to_thread(alone.start, 1)
            assert (await asking).done

        talk(alone, work)
        process = alone.processes.pop(LEADER)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0

    def test_a_second_signal_ends_it_at_once(self, alone: Colony) -> None:
        async def work(client: AsyncClient) -> None:
            asking = await self.waiting(alone, client)
            alone.processes[LEADER].send_signal(signal.SIGINT)
            await self.drains(alone)
            assert not asking.done()
            code = await asyncio.to_thread(alone.end, LEADER)
            assert code == 130
            asking.cancel()

        talk(alone, work)

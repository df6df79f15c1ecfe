"""What a client is told by a server that suspects too many others, in whatever version of the protocol it speaks."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from physalia.client.link import Link
from physalia.journal import NodeKey
from physalia.model import Decline, Look, Page, Read, Request, RequestId, Scanned, ScannedAt, Traffic
from physalia.server.leadership import Leadership
from physalia.server.reception import Caller, Reception
from physalia.server.requests import Requests
from physalia.transport import LACKS_SINCE, MOMENTS_SINCE, Connection, Party
from physalia.wire import decode_traffic, encode_command, encode_traffic

KEY = NodeKey(1, 101, 11)


class Asker:
    """A caller who remembers what it is told."""

    def __init__(self, version: int) -> None:
        self.connection = SimpleNamespace(peer=Party("client"), version=version)
        self.told: list[Traffic] = []

    def say(self, said: Traffic) -> None:
        self.told.append(said)


def reception(*suspected: int, members: int = 3) -> tuple[Reception, Requests, list[object]]:
    """One that is asked about a cell with a member on each of servers 1, 2, .., and what its node was given."""
    node = SimpleNamespace(members=frozenset(range(11, 11 + members)))
    given: list[object] = []
    nodes = SimpleNamespace(
        host=SimpleNamespace(node=lambda _: node, pointers={}),
        when_loaded=lambda _key, call: call(),
        submit=lambda _key, command: given.append(command),
        query=lambda _key, request: given.append(request),
    )
    atlas = SimpleNamespace(here=lambda _: KEY, server_of=lambda _key, one: one - 10)
    leadership = Leadership(
        nodes, atlas, SimpleNamespace(suspected=set(suspected)), lambda: 0.0, None  # type: ignore[arg-type]
    )  # fmt: skip
    leadership.wanted = lambda key: None  # type: ignore[method-assign]
    requests = Requests()
    return Reception(nodes, atlas, requests, leadership, None), requests, given  # type: ignore[arg-type]


ASKED: list[Request | Look] = [
    Request(7, 1, encode_command(Read(RequestId("c", 1)))),
    Look(7, 1, 0, ("a",), True),
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(("version", "reason"), [(LACKS_SINCE, "no majority"), (LACKS_SINCE - 1, "not the proposer")])
def test_what_needs_a_majority_that_is_gone_is_declined_and_not_begun(
    asked: Request | Look, version: int, reason: str
) -> None:
    """A client that does not know the reason is told one that it knows."""
    made, requests, given = reception(2, 3)
    asker = Asker(version)
    ask(made, asker, asked)
    assert asker.told == [Decline(7, reason, "")]  # type: ignore[arg-type]
    assert not given
    assert not len(requests)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(("suspected", "members"), [((), 3), ((3,), 3), ((2, 3), 5), ((9,), 1), ((1,), 1), ((1, 2), 3)])
def test_as_long_as_a_majority_may_be_there_it_is_taken_on(
    asked: Request | Look, suspected: tuple[int, ...], members: int
) -> None:
    """That a server suspects itself, since its disk is full, is for its disk to say."""
    made, requests, given = reception(*suspected, members=members)
    asker = Asker(LACKS_SINCE)
    ask(made, asker, asked)
    assert (asker.told, len(given), len(requests)) == ([], 1, 1)


@pytest.mark.parametrize(("suspected", "members"), [((2,), 2), ((2, 3), 4), ((2, 3, 4), 5)])
def test_half_is_no_majority(suspected: tuple[int, ...], members: int) -> None:
    made, _, given = reception(*suspected, members=members)
    ask(made, asker := Asker(LACKS_SINCE), ASKED[0])
    assert (len(asker.told), given) == (1, [])


def ask(made: Reception, asker: Asker, asked: Request | Look) -> None:
    if isinstance(asked, Request):
        made.asked(cast("Caller", asker), asked)
    else:
        made.looked(cast("Caller", asker), asked)


@pytest.mark.parametrize("version", [MOMENTS_SINCE - 1, MOMENTS_SINCE])
def test_who_speaks_an_older_version_is_told_no_moment_of_a_scan(version: int) -> None:
    said: list[bytes] = []
    page = Page((), None)
    Caller(cast("Connection", SimpleNamespace(version=version, send=said.append))).say(ScannedAt(7, page, 9))
    assert decode_traffic(said[0]) == (ScannedAt(7, page, 9) if version >= MOMENTS_SINCE else Scanned(7, page))


def test_a_client_takes_a_scan_of_an_older_server_for_one_of_no_moment() -> None:
    async def test() -> None:
        link, page = Link(), Page((), None)
        link._connection = cast("Connection", SimpleNamespace(send=lambda _: True))
        waiting = link.ask(lambda number: Look(number, 1, 0, ("a",), True))
        link.heard(link._connection, [encode_traffic(Scanned(1, page))])
        assert await waiting == ScannedAt(1, page, 0)

    asyncio.run(test())

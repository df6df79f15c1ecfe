"""Colonies for stories. Each of them comes to rest when its story is over, and is judged then as a whole."""

from collections.abc import Iterator

import pytest

from conformance.shell.clients import Client
from conformance.shell.colony import Colony


@pytest.fixture
def colony() -> Iterator[Colony]:
    """Three servers with one cell."""
    with Colony() as made:
        yield made
        made.settle()


@pytest.fixture
def client(colony: Colony) -> Client:
    """A client of it, which has put "k" already, so that the cell has a leader."""
    made = colony.client()
    made.put("k", b"first")
    return made


@pytest.fixture
def five() -> Iterator[Colony]:
    """Five servers with one cell."""
    with Colony(servers=5) as made:
        made.client().put("k", b"first")
        yield made
        made.settle()


@pytest.fixture
def cold() -> Iterator[Colony]:
    """Three servers with two cells, whose nodes leave memory after half a second of rest."""
    with Colony(cells=2, cold_after_s=0.5) as made:
        yield made
        made.settle()


@pytest.fixture
def cached() -> Iterator[Colony]:
    """Three servers with two cells, and two caches."""
    with Colony(cells=2, caches=2) as made:
        yield made
        made.settle()

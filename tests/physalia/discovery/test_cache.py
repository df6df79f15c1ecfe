"""A cache believes the newest list of one life, in whatever order lists come, and holds so many."""

from hypothesis import given
from hypothesis import strategies as st

from physalia.discovery import Cache
from physalia.model import Whereabouts


def at(version: int, cell: int = 7, life: int = 9) -> Whereabouts:
    return Whereabouts(cell, life, version, ((version + 1, f"h:{version}"),))


@given(st.lists(st.integers(0, 6), min_size=1))
def test_an_older_list_never_wins(versions: list[int]) -> None:
    cache = Cache()
    for place, version in enumerate(versions):
        cache.take(at(version))
        assert cache.find(7) == at(max(versions[: place + 1]))
    assert len(cache) == 1


def test_another_life_is_not_believed() -> None:
    cache = Cache()
    assert cache.take(at(1))
    assert not cache.take(at(9, life=10))
    assert cache.find(7) == at(1)
    assert cache.foreign == 1


def test_of_too_many_cells_those_are_forgotten_that_were_heard_of_longest_ago() -> None:
    cache = Cache(most_cells=2)
    cache.take(at(1, cell=1))
    cache.take(at(1, cell=2))
    cache.take(at(1, cell=1))  # heard of again
    cache.take(at(1, cell=3))
    assert [cache.find(cell) is not None for cell in (1, 2, 3)] == [True, False, True]
    assert (len(cache), cache.forgotten) == (2, 1)

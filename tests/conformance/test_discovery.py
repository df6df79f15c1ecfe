"""The caches and the clients of the code take every step of `Discovery` that is theirs, and no other."""

from collections.abc import Iterator

import pytest

from physalia.client.places import Places
from physalia.discovery import Cache
from physalia.model import Whereabouts
from physalia.transport import Address
from spec.machine import Machine
from spec.models import MODELS
from spec.service.discovery import Discovery, State

CELL, LIFE = 7, 9


def model(name: str) -> Discovery:
    made = MODELS[name]
    assert isinstance(made, Discovery)
    return made


def states(machine: Discovery) -> Iterator[State]:
    """Every state that can be reached."""
    seen, open_ = set(machine.init()), list(machine.init())
    while open_:
        state = open_.pop()
        yield state
        for _, after in _steps(machine, state):
            if after not in seen:
                seen.add(after)
                open_.append(after)


def _steps(machine: Discovery, state: State) -> Iterator[tuple[str, State]]:
    calls = [
        *(("change", (n, q)) for n in machine.nodes for q in machine.groups),
        *(("depose", (n, q)) for n in machine.nodes for q in machine.groups),
        *(("learn", (n, m)) for n in machine.nodes for m in machine.nodes),
        *(("push", (n,)) for n in machine.nodes),
        *(("take", (c, v)) for c in machine.caches for v in machine.versions),
        *(("replace", (c,)) for c in machine.caches),
        *(("find", (k, c)) for k in machine.clients for c in machine.caches),
        *(("hop", (k, n)) for k in machine.clients for n in machine.nodes),
        *(
            ("serve", (k, n, v, q))
            for k in machine.clients
            for n in machine.nodes
            for v in machine.versions
            for q in machine.groups
        ),
    ]
    for name, arguments in calls:
        after = getattr(machine, name)(state, *arguments)
        if after is not None:
            yield name, after


def where(machine: Discovery, version: int) -> Whereabouts:
    """A version as the code says it."""
    return Whereabouts(CELL, LIFE, version, tuple((n, f"node:{n}") for n in sorted(machine.plan[version])))


def cache_at(machine: Discovery, version: int) -> Cache:
    cache = Cache()
    if version:
        assert cache.take(where(machine, version))
    return cache


def client_at(machine: Discovery, version: int) -> Places:
    places = Places([Address("seed", 1)])
    if version:
        assert places.learn(where(machine, version))
    return places


def shown(known: Whereabouts | None) -> int:
    return 0 if known is None else known.version


@pytest.fixture(scope="module")
def caches() -> tuple[Discovery, list[State]]:
    machine = model("MCDiscoveryCaches")
    return machine, list(states(machine))


def test_every_state_is_looked_at(caches: tuple[Discovery, list[State]]) -> None:
    assert isinstance(caches[0], Machine)
    assert len(caches[1]) == 229  # as TLC counts them: tla/manifest.toml


def test_a_cache_takes_what_the_model_lets_it_take(caches: tuple[Discovery, list[State]]) -> None:
    machine, all_states = caches
    taken = refused = 0
    for state in all_states:
        for c in machine.caches:
            for v in state.news:
                after = machine.take(state, c, v)
                cache = cache_at(machine, state.cache[c])
                is_news = cache.take(where(machine, v))
                assert is_news == (after is not None)
                assert shown(cache.find(CELL)) == (after or state).cache[c]
                taken, refused = taken + is_news, refused + (not is_news)
    assert taken
    assert refused


def test_a_client_learns_what_the_model_lets_it_find(caches: tuple[Discovery, list[State]]) -> None:
    machine, all_states = caches
    found = refused = 0
    for state in all_states:
        for k in machine.clients:
            for c in machine.caches:
                after = machine.find(state, k, c)
                client = client_at(machine, state.client[k])
                told = cache_at(machine, state.cache[c]).find(CELL)
                is_news = told is not None and client.learn(told)
                assert is_news == (after is not None)
                assert shown(client.known(CELL)) == (after or state).client[k]
                found, refused = found + is_news, refused + (not is_news)
    assert found
    assert refused


def test_a_client_asks_the_members_of_its_list_and_follows_whoever_knows_better() -> None:
    """`Hop` and `Serve`: whom a client asks is a member of its list, each in turn; it keeps what is newer."""
    machine = model("MCDiscoveryWindow")
    for version in machine.versions:
        client, asked = client_at(machine, version), set()
        for _ in machine.plan[version]:
            asked.add(client.address(CELL))
            client.turn_away(CELL)
        assert asked == {Address("node", n) for n in machine.plan[version]}
        for told in machine.versions:
            client = client_at(machine, version)
            assert client.learn(where(machine, told)) == (told > version)
            assert shown(client.known(CELL)) == max(told, version)


@pytest.mark.parametrize("fault", ["older", "equal"])
def test_a_cache_in_which_an_older_list_wins_is_told_apart(caches: tuple[Discovery, list[State]], fault: str) -> None:
    """The faults that the comparison is for: it disagrees with the model somewhere."""
    machine, all_states = caches

    def take(known: int, news: int) -> bool:
        return news != known if fault == "older" else news >= known

    disagreements = sum(
        take(state.cache[c], v) != (machine.take(state, c, v) is not None)
        for state in all_states
        for c in machine.caches
        for v in state.news
    )
    assert disagreements

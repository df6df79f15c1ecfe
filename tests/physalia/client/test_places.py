"""What a client knows of where cells are: for ever, newest first, and never the end of the road."""

from hypothesis import given
from hypothesis import strategies as st

from physalia.client.places import Places, addresses_of
from physalia.model import Whereabouts
from physalia.transport import Address

GIVEN = [Address("seed", 1), Address("seed", 2)]


def at(version: int, *ports: int, life: int = 9) -> Whereabouts:
    return Whereabouts(7, life, version, tuple((port, f"member:{port}") for port in ports))


def test_a_url_is_a_list_of_addresses() -> None:
    assert addresses_of("physalia://a:1,[::1]:2/") == [Address("a", 1), Address("::1", 2)]
    assert addresses_of(["a:1"]) == addresses_of("a:1") == [Address("a", 1)]


@given(st.permutations([at(version, version + 10) for version in range(5)]))
def test_an_older_list_never_wins_in_whatever_order_they_come(news: list[Whereabouts]) -> None:
    places = Places(list(GIVEN))
    for one in news:
        places.learn(one)
    assert places.known(7) == at(4, 14)
    assert places.address(7) == Address("member", 14)


def test_another_life_of_a_cell_is_not_believed() -> None:
    """A cell is never made anew (R15), so whoever says so is wrong."""
    places = Places(list(GIVEN))
    assert places.learn(at(1, 11))
    assert not places.learn(at(5, 12, life=10))
    assert places.stale == 1


def test_everybody_is_tried_members_first_and_then_all_servers() -> None:
    places = Places(list(GIVEN), next=0)
    places.learn(at(1, 11, 12, 13))
    asked = []
    for _ in range(9):
        asked.append(places.address(7))
        places.turn_away(7)
    assert {Address("member", port) for port in (11, 12, 13)} | set(GIVEN) == set(asked)
    assert [one.host for one in asked[:4]] == ["member", "member", "member", "member"] or asked[3] in GIVEN


def test_a_cache_is_asked_when_nobody_knows_and_when_all_that_are_known_are_silent() -> None:
    places = Places(list(GIVEN))
    assert places.is_lost(7)
    places.learn(at(1, 11, 12))
    assert not places.is_lost(7)
    places.turn_away(7)
    assert not places.is_lost(7)
    places.turn_away(7)
    assert places.is_lost(7)
    places.answered(7, Address("member", 11))
    assert not places.is_lost(7)


def test_what_is_no_address_is_nobody() -> None:
    places = Places(list(GIVEN), next=0)
    places.learn(Whereabouts(7, 9, 1, ((1, "nonsense"), (2, "member:2"))))
    assert places.address(7) == Address("member", 2)


def test_a_hint_is_followed_if_it_is_an_address() -> None:
    places = Places(list(GIVEN), next=0)
    assert places.hinted(7, "leader:9")
    assert places.address(7) == Address("leader", 9)
    for nonsense in ("", "leader", "leader:", "leader:99999999"):
        assert not places.hinted(7, nonsense)
    assert places.address(7) == Address("leader", 9)

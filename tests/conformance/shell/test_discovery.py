"""Stories of caches: lost, cold, cut off, or never needed."""

from conformance.shell.colony import Colony


def knows(colony: Colony) -> list[bool]:
    """For each client but the one that ended the story, whether somebody told it where cell 1 is."""
    return [client.asks.client.places.known(1) is not None for client in colony.clients]


def test_a_client_learns_from_a_cache_where_a_cell_is(cached: Colony) -> None:
    cached.client().put("k", b"v")
    cached.run(1.0)
    client = cached.client()
    assert client.get("k") == b"v"
    assert knows(cached)[-1]


def test_nobody_needs_a_cache(cached: Colony) -> None:
    cached.kill("cache1")
    cached.kill("cache2")
    client = cached.client()
    client.put("k", b"v")
    assert client.get("k") == b"v"
    assert not any(knows(cached))


def test_a_cache_that_is_gone_is_passed_over(cached: Colony) -> None:
    cached.client().put("k", b"v")
    cached.run(1.0)
    cached.kill("cache1")
    for _ in range(3):
        assert cached.client().get("k") == b"v"


def test_a_cache_that_was_lost_is_filled_again(cached: Colony) -> None:
    cached.client().put("k", b"v")
    for name in ("cache1", "cache2"):
        cached.kill(name)
        cached.restart(name)
    cached.run(5.0)
    client = cached.client()
    assert client.get("k") == b"v"
    assert knows(cached)[-1]


def test_a_cache_that_is_there_and_empty_hides_no_other(cached: Colony) -> None:
    cached.client().put("k", b"v")
    cached.run(1.0)
    for name in "abc":
        cached.net.cut("cache1", name)
    cached.kill("cache1")
    cached.restart("cache1")
    client = cached.client()
    assert client.get("k") == b"v"
    assert knows(cached)[-1]


def test_a_cache_that_is_cut_off_from_servers_knows_old_things(cached: Colony) -> None:
    client = cached.client()
    client.put("k", b"v")
    cached.run(1.0)
    for name in "abc":
        cached.net.cut("cache1", name)
        cached.net.cut("cache2", name)
    cached.kill(cached.leader())
    late = cached.client()
    late.put("k", b"w")
    assert late.get("k") == b"w"


def test_a_cache_that_does_not_answer_costs_one_attempt(cached: Colony) -> None:
    cached.client().put("k", b"v")
    cached.net.cut("client2", "cache1")
    cached.net.cut("client2", "cache2")
    before_s = cached.simulator.now_s
    assert cached.client().get("k") == b"v"
    assert cached.simulator.now_s - before_s < 3.0


def test_a_paused_cache_holds_up_no_server(cached: Colony) -> None:
    cached.pause("cache1")
    client = cached.client()
    for number in range(5):
        client.put("k", b"%d" % number)
    assert client.get("k") == b"4"


def test_caches_are_told_after_a_new_leader(cached: Colony) -> None:
    client = cached.client()
    client.put("k", b"v")
    cached.kill(cached.leader())
    client.put("k", b"w")
    cached.run(2.0)
    late = cached.client()
    assert late.get("k") == b"w"
    assert knows(cached)[-1]


def test_a_cache_is_refilled_with_cells_at_rest() -> None:
    with Colony(cells=2, caches=1, cold_after_s=0.5) as colony:
        client = colony.client()
        for cell in (1, 2):
            client.put("k", b"v", cell=cell)
        colony.run(5.0)
        colony.kill("cache1")
        colony.restart("cache1")
        colony.run(5.0)
        late = colony.client()
        assert late.get("k", cell=2) == b"v"
        assert late.asks.client.places.known(2) is not None
        colony.settle()

"""Who is silent for long enough is suspected, once, until it answers."""

from physalia.server.suspicion import Suspicion


def test_silence_becomes_suspicion_and_an_answer_ends_it() -> None:
    suspicion = Suspicion([2, 3], after_s=1.0, now_s=10.0)
    assert suspicion.fresh(11.0) == []
    assert not suspicion.heard(2, 11.0)
    assert suspicion.fresh(11.5) == [3]
    assert suspicion.suspected == {3}
    assert suspicion.fresh(11.6) == []
    assert suspicion.heard(3, 11.7)
    assert suspicion.suspected == set()
    assert suspicion.fresh(12.5) == [2]
    assert suspicion.fresh(20.0) == [3]


def test_a_server_that_can_write_nothing_suspects_itself_for_a_while() -> None:
    suspicion = Suspicion({2, 3}, 1.0, 10.0)
    assert suspicion.unable(1, 10.0)
    assert not suspicion.unable(1, 11.0), "it does so already, and for longer now"
    assert suspicion.suspected == {1}
    assert suspicion.able(13.9) == []
    assert suspicion.able(14.0) == [1]
    assert suspicion.suspected == set()
    assert suspicion.able(20.0) == []

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
    assert suspicion.fresh(13.0) == [3]


def test_who_stood_still_itself_knows_nothing_of_the_silence_of_others() -> None:
    suspicion = Suspicion([2, 3], after_s=1.0, now_s=10.0)
    suspicion.heard(2, 10.5)
    assert suspicion.fresh(10.9) == []
    assert suspicion.fresh(20.0) == [], "it was stopped, or had no processor: their answers wait to be read"
    suspicion.heard(2, 20.1)
    assert suspicion.fresh(20.9) == []
    assert suspicion.fresh(21.05) == [3], "it has looked meanwhile, and has heard nothing"
    assert suspicion.suspected == {3}


def test_a_server_that_can_write_nothing_suspects_itself_for_a_while() -> None:
    suspicion = Suspicion({2, 3}, 1.0, 10.0)
    assert suspicion.unable(1, 10.0)
    assert not suspicion.unable(1, 11.0), "it does so already, and for longer now"
    assert suspicion.suspected == {1}
    assert suspicion.able(13.9) == []
    assert suspicion.able(14.0) == [1]
    assert suspicion.suspected == set()
    assert suspicion.able(20.0) == []


def test_who_has_ended_is_suspected_at_once_and_told_once() -> None:
    suspicion = Suspicion([2, 3], after_s=1.0, now_s=10.0)
    assert suspicion.gone(2)
    assert suspicion.suspected == {2}
    assert not suspicion.gone(2)
    assert suspicion.fresh(10.5) == []
    assert suspicion.fresh(11.2) == [3], "of the other one it is told already"
    assert suspicion.heard(2, 11.6)
    assert suspicion.suspected == {3}

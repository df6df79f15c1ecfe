"""What clients saw: a good history passes, and each way of being wrong is refuted."""

import pytest

from conformance.judges.clients import Clients
from conformance.refutation import Refuted
from conformance.wording import command_words
from physalia.model import Asked, Jury, Read, RequestId, Verdict, Volume, Write
from spec import commands

FIRST = Write(RequestId("x", 1), 0, "b", "c")
SECOND = Write(RequestId("y", 1), 1, "c", "d")
READ = Read(RequestId("z", 1))
LOG: tuple[Asked, ...] = (FIRST, SECOND, READ)
CONTENT: dict[str, commands.Content] = {
    command_words(FIRST): commands.Write(0, "b", "c"),
    command_words(SECOND): commands.Write(1, "c", "d"),
    command_words(READ): commands.Read(),
}
RULES = commands.Commands(content=CONTENT, first=frozenset({1, 2, 3}), alpha=3)
AFTER_FIRST, AFTER_SECOND = Verdict(True, Volume(1, "b", "c")), Verdict(True, Volume(2, "c", "d"))


def history(*happened: tuple[Asked, Verdict | None]) -> Clients:
    """Commands asked (None) and answered, one after the other."""
    clients = Clients()
    for command, verdict in happened:
        clients.time += 1
        if verdict is None:
            clients.ask(command)
        else:
            clients.answer(command.request, verdict)
    return clients


def judge(clients: Clients, log: tuple[Asked, ...] = LOG) -> None:
    clients.judge(RULES, tuple(map(command_words, log)))


def test_a_good_history_passes_and_with_its_last_answer_put_wrong_it_does_not() -> None:
    good = (
        (FIRST, None), (SECOND, None), (SECOND, AFTER_SECOND), (FIRST, AFTER_FIRST), (READ, None),
        (READ, AFTER_SECOND), (READ, AFTER_SECOND),
    )  # fmt: skip
    clients = history(*good)
    judge(clients)
    assert {command: told.verdict for command, told in clients.answered.items()} == {
        FIRST: AFTER_FIRST, SECOND: AFTER_SECOND, READ: AFTER_SECOND,
    }  # fmt: skip
    with pytest.raises(Refuted):
        judge(history(*good[:-2], (READ, AFTER_FIRST)))


def test_an_answer_to_nobody() -> None:
    with pytest.raises(Refuted, match="asked nothing"):
        history((FIRST, AFTER_FIRST))


def test_two_answers_to_one_command() -> None:
    with pytest.raises(Refuted, match="answered twice, and differently"):
        history((FIRST, None), (FIRST, AFTER_FIRST), (FIRST, Verdict(False, AFTER_FIRST.saw)))


def test_an_answer_without_a_decision() -> None:
    with pytest.raises(Refuted, match="never decided"):
        judge(history((FIRST, None), (FIRST, AFTER_FIRST)), ())


def test_an_answer_that_the_log_does_not_amount_to() -> None:
    with pytest.raises(Refuted, match="not what the log amounts to"):
        judge(history((FIRST, None), (FIRST, Verdict(False, Volume(0, "a", "b")))))


def test_an_order_against_real_time() -> None:
    clients = history((READ, None), (READ, Verdict(True, Volume(0, "a", "b"))), (FIRST, None), (FIRST, AFTER_FIRST))
    judge(clients, (READ, FIRST))
    backwards = history((READ, None), (READ, AFTER_FIRST), (FIRST, None), (FIRST, AFTER_FIRST))
    with pytest.raises(Refuted, match=r"was answered before .* was asked"):
        judge(backwards, (FIRST, READ))


def test_a_command_that_nobody_was_answered_has_its_place_too() -> None:
    """What was asked after an answer cannot come before it, though its own answer got lost."""
    again = Read(RequestId("w", 1))
    CONTENT[command_words(again)] = commands.Read()
    start = Verdict(True, Volume(0, "a", "b"))
    clients = history((READ, None), (READ, start), (again, None))
    judge(clients, (READ, again))
    with pytest.raises(Refuted, match=r"read\(z#1\) was answered before read\(w#1\) was asked"):
        judge(clients, (again, READ))


def test_a_read_that_misses_an_acknowledged_write() -> None:
    stale = history((FIRST, None), (FIRST, AFTER_FIRST), (READ, None), (READ, Verdict(True, Volume(0, "a", "b"))))
    with pytest.raises(Refuted, match="returns version 0, though version 1 was acknowledged"):
        stale.judge_reads()


def test_a_read_of_what_nobody_wrote() -> None:
    invented = history((READ, None), (READ, AFTER_FIRST), (FIRST, None))
    with pytest.raises(Refuted, match="that nobody had written"):
        invented.judge_reads()
    with pytest.raises(Refuted, match="does not return a volume's record"):
        history((READ, None), (READ, Verdict(True, Jury(0, frozenset({1}))))).judge_reads()

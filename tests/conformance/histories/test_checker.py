"""The checker beside the definition, and the laws that every checker of linearizability keeps."""

import itertools
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.histories import checker
from conformance.histories.brute import is_linearizable
from conformance.histories.checker import Budget, Exhausted, check
from conformance.histories.generate import ask_cas_register, ask_kv, linearizable, small, spoil
from conformance.histories.history import TRUE, Operation, Value, before, opened
from conformance.histories.known import MODELS
from conformance.histories.models import ANYTHING, ILLEGAL, Kind
from tests.conformance.histories.made import histories

CAS, KV = MODELS["cas-register"], MODELS["kv"]


def holds(operations: list[Operation], model: str) -> bool:
    known = MODELS[model]
    return all(check(part, known, Budget()) for part in known.parts(operations))


@pytest.mark.parametrize("model", MODELS)
def test_the_checker_says_what_the_definition_says(model: str) -> None:
    verdicts = set()

    @settings(max_examples=60, deadline=None, database=None)
    @given(histories(model))
    def compare(operations: list[Operation]) -> None:
        expected = is_linearizable(operations, MODELS[model])
        verdicts.add(expected)
        assert holds(operations, model) == expected

    compare()
    assert verdicts == {True, False}


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_more_freedom_keeps_a_history_linearizable(model: str, data: st.DataObject) -> None:
    """Widening an interval, setting an operation free, cutting off what comes later, and other names for clients."""
    operations = data.draw(histories(model, 6))
    if not holds(operations, model):
        return
    place = data.draw(st.integers(0, len(operations) - 1))
    one = operations[place]
    rest = operations[:place] + operations[place + 1 :]
    assert holds([*rest, evolve(one, begin=-1)], model)
    assert holds([*rest, one if one.end is None else evolve(one, end=one.end + 100)], model)
    assert holds([*rest, opened(one)], model)
    assert holds(list(before(operations, one.begin)), model)
    assert holds([evolve(other, process=f"client {other.process}") for other in operations], model)


@settings(max_examples=80, deadline=None, database=None)
@given(histories("cas-register", 7))
def test_an_open_operation_that_never_happened_may_as_well_not_have_been_asked(operations: list[Operation]) -> None:
    """What is linearizable without it is so with it."""
    ended = [one for one in operations if not one.is_open]
    if holds(ended, "cas-register"):
        assert holds(operations, "cas-register")


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_of_its_operations_what_its_steps_do(model: str) -> None:
    """Kinds and bounds, on which the search relies, are those of the steps in every state that is met."""
    known, random, met = MODELS[model], Random(5), set()
    states = {known.initial}
    for _ in range(400):
        operation = known.admit(small(model, random, 1)[0])
        kind, bounds = known.kind(operation), known.bounds(operation)
        results = {state: known.step(state, operation) for state in states}
        for state, after in results.items():
            if kind in (Kind.OVERWRITES, Kind.ADDS):
                assert after is not ILLEGAL
            if after is ILLEGAL:
                continue
            assert kind is not Kind.READS or after == state
            if bounds is not None:
                assert bounds.needs is ANYTHING or bounds.needs == state
                grew = known.may_become(state, after)
                assert grew or after in (state, bounds.makes)
        if kind is Kind.OVERWRITES:
            assert len(set(results.values())) == 1
        met.add(kind)
        states |= {after for after in results.values() if after is not ILLEGAL and len(states) < 60}
    assert {Kind.READS} < met
    assert len(states) > 1


def _ask_mixed(random: Random) -> tuple[str, Value, Value]:
    """Texts and a number under one key, in every way that a kv has."""
    f = random.choice(("read", "write", "append", "delete", "cas"))
    text, given = random.choice("ab"), random.choice(("a", "b", 1))
    return f, {"write": given, "append": text, "cas": (given, text)}.get(f), "k"


def test_what_an_object_answered_is_never_refused() -> None:
    """Histories made up at random are seldom right, so the definition beside them sees few of the right ones."""
    for seed in range(400):
        operations = linearizable(KV, _ask_mixed, clients=3, operations=8, seed=seed, lost=0.2)
        assert holds([KV.admit(one) for one in operations], "kv"), seed


def test_what_is_no_text_may_become_one_by_appending() -> None:
    """Or nothing. A history in which a number was put before was refused once, though it can be ordered."""
    values = [None, 1, TRUE, ("a",), "a", "ab"]
    for before_, text in itertools.product(values, ["", "b", None]):
        after = KV.step(before_, Operation(process=0, f="append", asked=text, key="k", begin=0, end=1))
        assert after is not ILLEGAL
        assert after == before_ or KV.may_become(before_, after)
    asked = [("write", 1, None), ("append", "a", None), ("read", None, "a"), ("read", None, "a")]
    events = [
        Operation(process=0, f=f, asked=one, answer=answer, key="k", begin=2 * place, end=2 * place + 1)
        for place, (f, one, answer) in enumerate(asked)
    ]
    assert is_linearizable(events, KV)
    assert holds(events, "kv")
    assert not holds([*events[:3], evolve(events[3], answer=1)], "kv")


def test_thousands_of_operations_of_fifty_clients_are_ordered_and_a_spoilt_answer_is_refused() -> None:
    operations = linearizable(CAS, ask_cas_register(5), clients=50, operations=4000, seed=1)
    assert len(operations) > 2500
    budget = Budget(configurations=100_000)
    assert check(operations, CAS, budget)
    assert budget.tried > 1000
    assert not check(spoil(operations, Random(1), 99), CAS, Budget())


def test_keys_are_judged_apart_and_one_wrong_key_is_enough() -> None:
    operations = linearizable(KV, ask_kv(50, 3), clients=20, operations=2000, seed=2, lost=0.01)
    parts = list(KV.parts(operations))
    assert len(parts) == 50
    assert all(check(part, KV, Budget()) for part in parts)
    wrong = list(KV.parts(spoil(operations, Random(2), 99)))
    assert sum(not check(part, KV, Budget()) for part in wrong) == 1


def test_a_deep_search_needs_no_stack() -> None:
    deep = [Operation(process=n % 2, f="write", asked=n, begin=2 * n, end=2 * n + 3) for n in range(5_000)]
    assert check(deep, MODELS["register"], Budget())


def test_a_search_without_memory_or_time_is_no_verdict() -> None:
    operations = linearizable(CAS, ask_cas_register(5), clients=50, operations=1000, seed=3)
    with pytest.raises(Exhausted, match="10 situations"):
        check(operations, CAS, Budget(configurations=10))
    with pytest.raises(Exhausted, match="processor time"):
        check(linearizable(CAS, ask_cas_register(5), clients=50, operations=12_000, seed=3), CAS, Budget(seconds=0.0))


def test_a_long_search_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    operations = linearizable(CAS, ask_cas_register(3), clients=8, operations=14_000, seed=4)
    assert check(operations, CAS, Budget(told=lambda ended, tried: told.append((ended, tried))))
    assert told == sorted(told)
    assert len(told) >= 1


def test_the_core_stays_small() -> None:
    assert len(Path(checker.__file__).read_text(encoding="utf-8").splitlines()) <= 400


def _at_once(writes: int, reads: int = 0) -> list[Operation]:
    """Writes of different values, and reads of some of them, all under way at the same time."""
    late = 2 * (writes + reads)
    wrote = [Operation(process=n, f="write", asked=n, begin=n, end=late + n) for n in range(writes)]
    read = [
        Operation(process=-1 - n, f="read", asked=None, answer=n, begin=writes + n, end=2 * late + n)
        for n in range(reads)
    ]
    return wrote + read


def _peak_mib(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_what_there_is_to_choose_from_is_not_written_down_for_every_end() -> None:
    """It took 1.5 GB for 5,000 writes at once; every end had its own copy of all of them, and of all who need them."""
    assert _peak_mib(lambda: check(_at_once(300, 300), MODELS["register"], Budget())) < 8
    assert not check([*_at_once(30, 30), *_wrong(9_000)], MODELS["register"], Budget())


def _wrong(begin: int) -> list[Operation]:
    return [Operation(process=0, f="read", asked=None, answer="nobody wrote it", begin=begin, end=begin + 1)]


@pytest.mark.parametrize("reads", [0, 300])
def test_what_is_prepared_is_bounded_by_the_budget_the_memory_and_the_time(reads: int) -> None:
    operations = _at_once(1_000, reads)

    def exhausted(budget: Budget, why: str) -> int:
        with pytest.raises(Exhausted, match=why):
            check(operations, MODELS["register"], budget)
        return budget.tried

    assert _peak_mib(lambda: exhausted(Budget(configurations=10), "^10 situations are remembered")) < 5
    assert _peak_mib(lambda: exhausted(Budget(mib=2), "^the 2 MiB that one search may keep are used up")) < 5
    assert exhausted(Budget(seconds=0.0), "^0 s of processor time are used up") < 100


def test_what_a_long_search_keeps_is_counted() -> None:
    """All of it, that is: what is counted is not much less than what it takes."""
    operations = linearizable(CAS, ask_cas_register(100), clients=50, operations=1_500, seed=3, lost=0.02)

    def search() -> None:
        with pytest.raises(Exhausted, match="the 1 MiB"):
            check(operations, CAS, Budget(mib=1))

    assert _peak_mib(search) < 4

"""The store and its reference: the same replies, the same state, the same digest, after every command."""

import os
import subprocess
import sys
from collections import Counter
from random import Random
from typing import Any

import pytest
from attrs import asdict, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from physalia.model import (
    Absent,
    Add,
    Batch,
    Compare,
    Delete,
    Equals,
    Execute,
    Exists,
    Get,
    HasType,
    HasVersion,
    OpenSession,
    Operation,
    Put,
    RequestId,
    Transact,
    Transaction,
)
from physalia.store import LIMITS, VERSION, Limits, Store, batches, canonical, digest, interacts, refusal
from physalia.store.digests import MOST_UNSUMMED
from physalia.wire import decode_command, encode_command
from spec.service import transactions as spec
from tests.physalia.store.random_logs import random_log
from tests.physalia.store.strategies import SMALL, logs

KINDS = ("Opened", "Done then", "Done else", "Replies")
FAULTS = (
    "session expired", "number went back", "number reused", "no such key", "wrong type",
    "limit value_bytes", "limit answer_bytes", "limit partition_bytes",
)  # fmt: skip


def plain(thing: Any) -> Any:
    """The value as the reference writes it: its name, then its fields."""
    if isinstance(thing, tuple):
        return tuple(map(plain, thing))
    fields = getattr(type(thing), "__match_args__", None)
    return thing if fields is None else (type(thing).__name__, *(plain(getattr(thing, name)) for name in fields))


def reference(limits: Limits) -> spec.Transactions:
    names = ("value_bytes", "answer_bytes", "partition_bytes", "sessions")
    return spec.Transactions(**{name: value for name, value in asdict(limits).items() if name in names})


def kind(reply: Any) -> str:
    match reply:
        case ("Done", _, succeeded, _, _):
            return "Done then" if succeeded else "Done else"
        case ("Refused", "limit", about, *_):
            return f"limit {about}"
        case ("Refused", fault, *_):
            return str(fault)
    return str(reply[0])


def run(log: list[Execute], limits: Limits, seen: Counter[str]) -> Store:
    """Take both through the log, and compare all there is after every command."""
    store, rules, state = Store(limits), reference(limits), spec.beginning()
    for slot, command in enumerate(log, start=1):
        reply = store.apply(slot, command)
        state, told = rules.apply(state, slot, plain(command))
        assert canonical(reply) == spec.encode(told)
        assert canonical(tuple(sorted(store.items.now.items()))) == spec.encode(tuple(sorted(state.items.items())))
        assert store.items.size_bytes == spec.total(state.items)
        sessions = {name: plain(one) for name, one in store.sessions.table.items()}
        assert sessions == {name: ("Session", *one) for name, one in state.sessions.items()}
        if slot % 2:  # in between it is left to itself, so that changes pile up
            assert store.digest() == spec.digest(state)
        seen.update(map(kind, (told, *told[1]) if told[0] == "Replies" else (told,)))
    assert store.digest() == store.copy().digest() == spec.digest(state)
    return store


def run_many() -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in range(60):
        run(random_log(Random(seed), 60), SMALL, seen)
    return seen


def test_store_and_reference_agree() -> None:
    seen = run_many()
    assert all(seen[one] for one in (*KINDS, *FAULTS)), seen


@settings(max_examples=40, deadline=None)
@given(logs)
def test_store_and_reference_agree_on_what_can_be_made_small(log: list[Execute]) -> None:
    run(log, SMALL, Counter())


MOST_BITS = 8 * LIMITS.value_bytes
edges = st.sampled_from([0, 7, 8, 63, 64, 14_300, MOST_BITS - 2, MOST_BITS - 1])
integers = st.builds(
    lambda sign, bits, more: sign * (1 << bits) + more, st.sampled_from([1, -1]), edges, st.integers(-2, 2)
)  # fmt: skip
any_value = st.one_of(integers, st.booleans(), st.binary(max_size=9))
some_key = st.sampled_from(["a", "é"])
any_condition = st.one_of(
    st.builds(Equals, some_key, any_value), st.builds(Exists, some_key), st.builds(Absent, some_key),
    st.builds(HasType, some_key, st.sampled_from(["bytes", "integer", "boolean"])),
    st.builds(Compare, some_key, st.sampled_from(["<", "<=", ">", ">=", "!="]), any_value),
    st.builds(HasVersion, some_key, st.integers(0, 8)),
)  # fmt: skip
any_operation = st.one_of(
    st.builds(Put, some_key, any_value), st.builds(Add, some_key, integers), st.builds(Delete, some_key),
    st.builds(Get, some_key),
)  # fmt: skip
operations = st.lists(any_operation, max_size=4).map(tuple)
large = st.builds(Transaction, st.lists(any_condition, max_size=3).map(tuple), operations, operations)


@settings(max_examples=60, deadline=None)
@given(st.lists(large, min_size=1, max_size=8))
def test_store_and_reference_agree_on_integers_of_any_size(asked: list[Transaction]) -> None:
    """With the limits that cells have, up to them and across; what is let in also survives the codec."""
    log = [Execute(RequestId("x", 1), VERSION, OpenSession())]
    for number, transaction in enumerate(asked, start=2):
        command = Execute(RequestId("x", number), VERSION, Transact(1, transaction))
        if refusal(command) is None:
            assert decode_command(encode_command(command)) == command
            log.append(command)
    run(log, LIMITS, Counter())


def test_a_sum_may_grow_to_the_limit_and_not_across_it() -> None:
    seen: Counter[str] = Counter()
    for sign in (1, -1):
        edge = sign * ((1 << MOST_BITS - 1) - 1)
        steps: list[Operation] = [Put("a", edge), Add("a", 0), Add("a", sign)]
        log = [Execute(RequestId("x", 1), VERSION, OpenSession())]
        for number, step in enumerate(steps, start=2):
            log.append(Execute(RequestId("x", number), VERSION, Transact(1, Transaction(then=(step,)))))
        run(log, LIMITS, seen)
    assert seen == Counter({"Opened": 2, "Done then": 4, "limit value_bytes": 2})


@pytest.mark.parametrize("name", ["holds", "size", "total", "encode"])
def test_a_difference_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is no formality: a reference with one function bent is at odds with the store."""
    original = getattr(spec, name)
    bent = {
        "holds": lambda one, item: item is not None if one[0] == "HasType" else original(one, item),
        "size": lambda value: original(value) + (value is True),
        "total": lambda items: original(items) + ("é" in items),
        "encode": lambda thing: b"t" if thing is False else original(thing),
    }
    monkeypatch.setattr(spec, name, bent[name])
    with pytest.raises(AssertionError):
        run_many()


def test_more_changes_than_are_kept_unsummed() -> None:
    """Keys and sessions are summed up by themselves, while nobody asks, and the sum stays right."""
    limits = evolve(LIMITS, sessions=MOST_UNSUMMED)
    store = Store(limits)
    slot = 0
    for client in range(2 * MOST_UNSUMMED):
        slot += 2
        name = RequestId(f"c{client}", 1)
        store.apply(slot - 1, Execute(name, 1, OpenSession()))
        store.apply(slot, Execute(name, 1, Transact(slot - 1, Transaction(then=(Put(f"k{client}", client),)))))
    assert max(len(store.items.sum.before), len(store.sessions.sum.before)) <= MOST_UNSUMMED
    items = {key: plain(item) for key, item in store.items.now.items()}
    sessions = {name: spec.Session(*plain(one)[1:]) for name, one in store.sessions.table.items()}
    assert (len(items), len(sessions)) == (2 * MOST_UNSUMMED, MOST_UNSUMMED)
    assert store.digest() == spec.digest(spec.State(slot, items, sessions))


SCRIPT = """
from random import Random
from physalia.store import Store
from tests.physalia.store.random_logs import random_log
from tests.physalia.store.random_logs import random_log
from tests.physalia.store.strategies import SMALL

print(hash("physalia"))
for seed in range(20):
    store = Store(SMALL)
    for slot, command in enumerate(random_log(Random(seed), 40), start=1):
        store.apply(slot, command)
    print(store.digest().hex())
"""


def test_digests_are_the_same_under_every_hash_seed() -> None:
    first_hash, *first = digests("1")
    second_hash, *second = digests("2")
    assert first_hash != second_hash
    assert first == second
    assert len(set(first)) == 20


def digests(hash_seed: str) -> list[str]:
    """What the script prints when Python runs under this hash seed."""
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_encoding_tells_types_apart() -> None:
    things = [None, True, False, 1, 0, -1, b"", b"\x01", "", "\x01", (), (1,), ((1,),), (b"", b""), 255, 256, -256]
    assert len({canonical(thing) for thing in things}) == len(things)
    assert [canonical(thing) for thing in things] == [spec.encode(thing) for thing in things]
    assert Put("k", True) != Put("k", 1)
    assert digest(Put("k", True)) != digest(Put("k", 1))
    assert hash(Put("k", 1)) == hash(Put("k", 1))


def test_a_batch_is_what_its_requests_are_one_by_one() -> None:
    """Merged or not, clients are told the same, but for the slots, and the items are the same."""
    merged: Counter[bool] = Counter()

    for seed in range(40):
        log = random_log(Random(seed), 60)
        requests = [(one.request, one.body) for one in log if isinstance(one.body, Transact)]
        sessions = sorted({asked.session for _, asked in requests})
        alone, together = Store(), Store()
        for store in (alone, together):
            for session in sessions:
                store.apply(session, Execute(RequestId(f"{session}", session), 1, OpenSession()))
        mine = [(RequestId(f"{asked.session}", at), asked) for at, (_, asked) in enumerate(requests, start=1)]
        one_by_one = [alone.apply(1000 + at, Execute(pair[0], 1, pair[1])) for at, pair in enumerate(mine)]
        in_batches: list[Any] = []
        of_batch = {}
        for at, batch in enumerate(batches(mine, most=4)):
            assert not interacts([asked for _, asked in batch])
            merged[len(batch) > 1] += 1
            reply: Any = together.apply(1000 + at, Execute(RequestId("b", at), 1, Batch(batch)))
            of_batch.update({1000 + len(in_batches) + more: 1000 + at for more in range(len(batch))})
            in_batches += reply.replies
        assert [moved(plain(reply), of_batch) for reply in one_by_one] == [plain(reply) for reply in in_batches]
        items = {key: moved(plain(item), of_batch) for key, item in alone.items.now.items()}
        assert items == {key: plain(item) for key, item in together.items.now.items()}

    assert set(merged) == {True, False}


def moved(thing: Any, slots: dict[int, int]) -> Any:
    """The same with every version moved; conditions on versions are left as they were asked."""
    match thing:
        case ("Item", value, version):
            return "Item", value, slots.get(version, version)
        case ("Done", version, *rest):
            return "Done", slots[version], *(moved(one, slots) for one in rest)
        case ("Failed", condition, saw):
            return "Failed", condition, moved(saw, slots)
        case tuple():
            return tuple(moved(one, slots) for one in thing)
    return thing

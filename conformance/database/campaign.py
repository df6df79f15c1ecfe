"""Runs of one store: what is refused at its door, what commands make of it, and what scans read meanwhile."""

from collections import Counter
from random import Random
from typing import Any

from conformance.database import door
from conformance.database.pages import Moments, said
from conformance.database.slips import LIMITS, Slips
from conformance.plain import plain, word
from conformance.refutation import Refuted
from physalia.cell.learner import Learner
from physalia.cell.proposer import Proposer
from physalia.model import (
    Answer,
    Batch,
    Execute,
    OpenSession,
    Put,
    Refused,
    Reject,
    RequestId,
    Token,
    Transact,
    Transaction,
)
from physalia.model.value import evolve
from physalia.store import VERSION, Store, batches, max_session, refusal
from spec.service import transactions

INVALID = ("command", "batch", "request", "transaction", "condition", "operation", "key", "version", "type", "relation",
           "amount", "value")  # fmt: skip
TOO_LARGE = ("batch_entries", "transaction_steps", "transaction_bytes", "key_bytes", "value_bytes")
LET_IN, MERGED, APART = "the door lets a request in", "requests are merged", "requests that interact are not merged"
DOOR_MARKS = (
    *(f"the door refuses: invalid {about}" for about in INVALID), *(f"the door refuses: {one}" for one in TOO_LARGE),
    "the door refuses: interacting", LET_IN, MERGED, APART,
)  # fmt: skip
WHOLE, FURTHER, SHORT = "a scan ends", "a page goes on where one ended", "a page ends for want of bytes"
OLD, EXPIRED, COPIED = "a page shows what is no more", "a scan is told that it expired", "a copy remembers no scan"
BATCHED, STRANGE = "sessions were last used together", "somebody else names a session and its last number"
PAST = "a session went on, and one asks what became of an earlier request"
FULL, OVERFULL = "a partition is full to the last byte", "a partition holds more than it may by now"
SCAN_MARKS = (WHOLE, FURTHER, SHORT, OLD, EXPIRED, COPIED, BATCHED, STRANGE, PAST, FULL, OVERFULL)
PREFIXES = ("", "", "a", "b", "é", "x")
SCANS_PER_COMMAND = 0.5
AGAIN_PER_COMMAND, AGAIN_OF = 0.125, 8
BATCH_PER_COMMAND, STRANGER = 0.125, "stranger"
TRIES = 200
"""Of so many requests without a slip some are small enough."""


class Door:
    """Asks for one command, and has some requests merged."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()

    def run(self, commands: int) -> int:
        """So many commands are asked for. Raises `Refuted`; for an exception only if nothing else is wrong."""
        raised: Exception | None = None
        for _ in range(commands):
            try:
                self._ask(Slips(self._random).command())
                self._merge()
            except Refuted:
                raise
            except Exception as error:  # noqa: BLE001  # the door promises a reply to whatever comes
                raised = raised or error
        if raised is not None:
            raise raised
        return commands

    def _ask(self, command: Execute) -> None:
        told, wanted = refusal(command, LIMITS), door.faults(command, LIMITS)
        if (plain(told) not in wanted) if told is not None else wanted:
            raise Refuted(
                "the door does not say what is wrong with a request" if wanted else "the door refuses what is right",
                (f"request: {plain(command)!r}", f"- {sorted(wanted, key=repr)!r}", f"+ {told!r}"),
            )
        if told is not None:
            about = told.about if told.fault == "limit" else f"{told.fault} {told.about}"
            self.reached[f"the door refuses: {'interacting' if told.fault == 'interacting' else about}"] += 1
            return
        self.reached[LET_IN] += 1
        if max_session(command) != door.highest_session(command):
            raise Refuted(
                f"of a request the highest session is said to be {max_session(command)}",
                (f"request: {plain(command)!r}",),
            )

    def _merge(self) -> None:
        """Batches are as long as may be, and nobody in one can tell (R12)."""
        slips, most = Slips(self._random, slip=0), self._random.choice((1, 2, 3))
        requests = [slips.named() for _ in range(self._random.choice((0, 1, 3, 5)))]
        found = tuple(batches(requests, most))
        fault = door.wrongly_merged(requests, found, most)
        if fault:
            raise Refuted(f"requests are merged wrongly: {fault}", (f"most: {most}", f"batches: {plain(found)!r}"))
        self.reached[MERGED] += any(len(batch) > 1 for batch in found)
        self.reached[APART] += any(len(batch) < most for batch in found[:-1])


class Scans:
    """One store, whose commands come one after the other, and which somebody scans."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached: Counter[str] = Counter()
        self._store = Store(limits=LIMITS)
        self._reference = transactions.Transactions(
            value_bytes=LIMITS.value_bytes, answer_bytes=LIMITS.answer_bytes,
            partition_bytes=LIMITS.partition_bytes, sessions=LIMITS.sessions,
        )  # fmt: skip
        self._state = transactions.beginning()
        self._moments = Moments(LIMITS)
        self._tokens: list[tuple[Token, str]] = []
        self._numbers: dict[int, int] = {}
        self._done: list[Execute] = []
        self._replied: dict[Execute, Any] = {}

    def run(self, commands: int) -> int:
        """So many commands are applied, with scans between them. Raises `Refuted`."""
        for slot in range(1, commands + 1):
            self._apply(slot, self._command(slot))
            while self._random.random() < SCANS_PER_COMMAND:
                self._scan()
        self._fill(FULL, 0)
        self._fill(OVERFULL, 1)
        return commands

    def _fill(self, how: str, too_much_bytes: int) -> None:
        """Of a partition that has no room each change is tried that makes it larger, smaller, or no other."""
        for growth_bytes in (-1, 0, 1):
            store, key = Store(limits=LIMITS), self._random.choice(("a", "é"))
            values = (bytes(2), bytes(2 + growth_bytes))
            bodies: tuple[OpenSession | Transact, ...] = (
                OpenSession(),
                *(Transact(1, Transaction((), (Put(key, value),), ())) for value in values),
            )
            state = transactions.beginning()
            for slot, body in enumerate(bodies, start=1):
                if slot == len(bodies):
                    room_bytes = transactions.total(state.items) - too_much_bytes
                    store.limits = evolve(LIMITS, partition_bytes=room_bytes)
                reference = evolve(self._reference, partition_bytes=store.limits.partition_bytes)
                command = Execute(RequestId("client", slot), VERSION, body)
                state, wanted = reference.apply(state, slot, plain(command))
                told = plain(store.apply(slot, command))
                if word(told) != word(wanted):
                    raise Refuted(f"{how}, and the store replies wrongly", _compared(plain(command), wanted, told))
        self.reached[how] += 1

    def _command(self, slot: int) -> Execute:
        if self._done and self._random.random() < AGAIN_PER_COMMAND:
            return self._random.choice(self._done[-AGAIN_OF:])
        self._done.append(self._new_command(slot))
        return self._done[-1]

    def _new_command(self, slot: int) -> Execute:
        if not self._numbers or self._random.random() < 1 / 16:
            self._numbers[slot] = 0
            return Execute(RequestId("client", slot), VERSION, OpenSession())
        is_batch = len(self._numbers) > 1 and self._random.random() < BATCH_PER_COMMAND
        sessions = [*self._numbers][-2:] if is_batch else [self._random.choice([*self._numbers][-2:])]
        self._random.shuffle(sessions)
        for session in sessions:
            self._numbers[session] += 1
        for _ in range(TRIES):
            asked = [evolve(Slips(self._random, slip=0).request(), session=session) for session in sessions]
            names = [RequestId("client", self._numbers[session]) for session in sessions]
            body = Batch(tuple(zip(names, asked, strict=True))) if is_batch else asked[0]
            command = Execute(names[0], VERSION, body)
            if refusal(command, LIMITS) is None:
                self.reached[BATCHED] += is_batch
                return command
        raise Refuted(f"of {TRIES} requests that are right but perhaps too large the door lets none in")

    def _apply(self, slot: int, command: Execute) -> None:
        before = self._state.items
        self._state, wanted = self._reference.apply(self._state, slot, plain(command))
        self._moments.change(before, self._state.items)
        told = plain(self._store.apply(slot, command))
        if word(told) != word(wanted):
            raise Refuted("the store replies otherwise than it must", _compared(plain(command), wanted, told))
        self._compare_state()
        self._judge_memory(command, told)

    def _judge_memory(self, command: Execute, told: Any) -> None:
        """What is said to be the reply to a command without a place in the log is what its next place gives it."""
        if plain(self._store.remembered(command)) != told:
            raise Refuted("the store does not remember what it has just replied", (f"request: {plain(command)!r}",))
        asked = [command]
        if isinstance(command.body, Transact):
            asked.append(evolve(command, request=RequestId(STRANGER, command.request.number)))
            self.reached[STRANGE] += 1
        past = self._random.choice(self._done)
        asked.append(past)
        self._replied.setdefault(command, told)
        self._judge_verdict(past)
        for each in asked:
            remembered = self._store.remembered(each)
            _, replied = self._reference.apply(self._state, self._store.slot + 1, plain(each))
            if remembered is not None and word(plain(remembered)) != word(replied):
                raise Refuted(
                    "the store remembers another reply than the log gives",
                    _compared(plain(each), replied, plain(remembered)),
                )

    def _judge_verdict(self, past: Execute) -> None:
        """Who waits where a log is jumped over is told what became of it when it was done, or that nobody knows."""
        learner = Learner.create(1, frozenset({1}), 1)
        learner.state.store = self._store
        _, (told,) = Proposer(learner, waiting={past: None}).abandon()
        is_unknown = told == Reject(past.request, "outcome unknown")
        if not is_unknown and not self._is_told(told, past):
            raise Refuted(
                "of a request that was done something else is said than it was told",
                _compared(plain(past), self._replied[past], plain(told)),
            )
        self.reached[PAST] += is_unknown and isinstance(self._store.remembered(past), Refused)

    def _is_told(self, told: object, past: Execute) -> bool:
        if not isinstance(told, Answer) or told.request != past.request:
            return False
        return word(plain(told.verdict)) == word(self._replied[past])

    def _compare_state(self) -> None:
        """Whatever was asked: the state is that of the log, and its size is counted right."""
        items = self._store.items
        if self._store.digest() != transactions.digest(self._state):
            raise Refuted("the store is in another state than its log leads to", (f"store: {self._state}",))
        if items.size_bytes != transactions.total(self._state.items):
            raise Refuted(
                "the size of the items is counted wrongly",
                (f"- {transactions.total(self._state.items)}", f"+ {items.size_bytes}"),
            )

    def _scan(self) -> None:
        """One more page: of a new scan, or of one of the last."""
        if self._tokens and self._random.getrandbits(1):
            token, prefix = self._random.choice(self._tokens[-4:])
            self.reached[FURTHER] += 1
        else:
            token, prefix = Token(self._store.slot, ""), self._random.choice(PREFIXES)
            self._moments.begin(token.slot, self._state.items)
            self._page(self._store, None, token, prefix)
            return
        self._page(self._store, token, token, prefix)
        if self._random.random() < 1 / 8:
            copied = self._store.copy().page(prefix, 1, token)
            if plain(copied) != transactions.refused("scan expired", size=token.slot):
                raise Refuted("a copy of a store goes on with a scan of another", (f"+ {copied!r}",))
            self.reached[COPIED] += 1

    def _page(self, store: Store, asked: Token | None, token: Token, prefix: str) -> None:
        most = self._random.choice((0, 1, 2, 3, 9))
        wanted = self._moments.page(token.slot, token.after, prefix, most)
        told, further = said(store.page(prefix, most, asked))
        if word(told) != word(wanted):
            raise Refuted("a page is not what it must be", _compared((token, prefix, most), wanted, told))
        self._compare_state()
        if wanted[0] == "Refused":
            self.reached[EXPIRED] += 1
            return
        found = wanted[1]
        self.reached[OLD] += any(self._state.items.get(key) != item for key, item in found)
        self.reached[SHORT] += further is not None and len(found) < max(1, min(most, LIMITS.page_items))
        if further is None:
            self.reached[WHOLE] += 1
        else:
            self._tokens.append((further, prefix))


def _compared(asked: Any, wanted: Any, told: Any) -> tuple[str, ...]:
    return f"asked: {asked!r}", f"- {wanted!r}", f"+ {told!r}"

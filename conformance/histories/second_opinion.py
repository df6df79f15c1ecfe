"""A second opinion: `detangle.lin`, a checker of other people, on histories of up to some hundred operations.

It has the models of a register with `cas` and of keys; there each operation means the same as here.
"""

from collections.abc import Callable, Sequence
from random import Random

from detangle import lin

from conformance.histories.checker import Budget, check
from conformance.histories.generate import ask_cas_register, ask_kv, linearizable, spoil
from conformance.histories.history import FALSE, Operation
from conformance.histories.known import MODELS

HISTORIES = 200
_CLIENTS, _OPERATIONS, _VALUES, _KEYS, _LOST = 5, 60, 3, 4, 0.05


def disagreement(seed: int, told: Callable[[int], None]) -> tuple[int, str]:
    """How many histories were compared, half of them spoilt, and where the two disagree; empty if nowhere."""
    random = Random(seed)  # noqa: S311 (repeatable, no secret)
    for number in range(HISTORIES):
        name = "kv" if number % 4 > 1 else "cas-register"
        model, ask = MODELS[name], ask_kv(_KEYS, _VALUES) if name == "kv" else ask_cas_register(_VALUES)
        operations = linearizable(
            model, ask, clients=_CLIENTS, operations=_OPERATIONS, seed=f"{seed}/{number}", lost=_LOST,
            refused_fail=bool(number % 3),
        )  # fmt: skip
        if number % 2:
            operations = spoil(operations, random, random.randrange(_VALUES))
        ours = all(check(part, model, Budget()) for part in model.parts(operations))
        theirs = theirs_of(operations, name)
        told(number + 1)
        if ours != theirs:
            return number + 1, f"history {number} of a {name}: the checker says {ours}, and detangle.lin {theirs}"
    return HISTORIES, ""


def theirs_of(operations: Sequence[Operation], model: str) -> bool:
    """Whether `detangle.lin` takes the same history for linearizable."""
    theirs = [_theirs(number, one) for number, one in enumerate(operations)]
    return bool(lin.check(theirs, lin.KV() if model == "kv" else lin.Register(), budget=50_000_000).ok)


def _theirs(number: int, one: Operation) -> lin.Operation:
    asked = one.asked
    if one.key is not None:
        pair = asked if isinstance(asked, tuple) else (asked,)
        asked = one.key if one.f == "read" else (one.key, *pair)
    made = lin.Operation(number, one.process, one.f, asked, one.begin, 0.0)
    if one.end is None:
        made.status = lin.INFO
        return made
    made.status, made.ret = lin.OK, one.end
    made.output = one.answer != FALSE if one.f == "cas" else one.answer
    return made

"""A second opinion: the queries as SMT-LIB scripts, put to cvc5, which shares no code with z3.

cvc5 decides most of them by enumerating instances; what it leaves open is tried once more by looking for finite models.
How long it tries is counted in what it does, as for z3: a busy machine decides what a quick one does. Who gives it a
number of seconds gets that.
"""

import time
from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from spec.induction.proving.queries import Query
from spec.induction.proving.solve import Answer, Outcome, as_smtlib

_WAYS: tuple[Mapping[str, str], ...] = (
    {"enum-inst": "true", "enum-inst-interleave": "true"},
    {"finite-model-find": "true"},
)


WORK = 20_000_000
"""How much cvc5 may do for a query in each way, in its own count (`rlimit-per`). The hardest needs an eighth of it."""


class Opinion(StrEnum):
    """What the second solver thinks of what the first one said."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNDECIDED = "undecided"


@frozen(kw_only=True, eq=False)
class Second:
    """A second opinion on an answer."""

    answer: Answer
    opinion: Opinion
    said: str
    seconds: float


def second_opinion(answer: Answer, *, timeout_s: float | None = None) -> Second:
    """Put a query that z3 decided to cvc5, with so many seconds, or as much `WORK`, for each way of trying."""
    start = time.monotonic()
    expected = "unsat" if answer.outcome is Outcome.PROVED else "sat"
    said = ""
    for way in _WAYS:
        said = verdict_of_cvc5(answer.query, way, timeout_s)
        if said in ("sat", "unsat"):
            break
    opinion = (
        Opinion.AGREES if said == expected else Opinion.DISAGREES if said in ("sat", "unsat") else Opinion.UNDECIDED
    )
    return Second(answer=answer, opinion=opinion, said=said, seconds=time.monotonic() - start)


def verdict_of_cvc5(query: Query, options: Mapping[str, str], timeout_s: float | None = None) -> str:
    """What cvc5 answers to the script of a query: `sat`, `unsat`, or else why it does not. ImportError without cvc5."""
    import cvc5  # noqa: PLC0415  # needed for a second opinion only

    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    timed = {"rlimit-per": str(WORK)} if timeout_s is None else {"tlimit-per": str(max(1, round(timeout_s * 1000)))}
    for name, value in {**options, **timed}.items():
        solver.setOption(name, value)
    symbols = cvc5.SymbolManager(terms)
    parser = cvc5.InputParser(solver, symbols)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, as_smtlib(query), query.name)
    said = "unknown"
    try:
        while not (command := parser.nextCommand()).isNull():
            said = str(command.invoke(solver, symbols)).strip() or said
    except RuntimeError as error:  # what it cannot read, it has no opinion on
        return f"error: {error}"
    if said in ("sat", "unsat"):
        return said
    limit = f"{WORK:,} units of work" if timeout_s is None else f"{timeout_s:g} s"
    return f"{said}, with a limit of {limit}; `physalia prove --second --timeout S` sets another"

"""One query, one fresh solver: what z3 says of it, how long that took, and which premises it used.

What z3 does not decide is unknown, and unknown is never a pass; a query can be written to a file that reproduces it.
How long z3 tries is counted in what it does, not in seconds: a slow machine, or one with much else to do, decides what
a quick one does. Who gives it a number of seconds gets that.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from enum import StrEnum
from pathlib import Path
from typing import Any

import z3
from attrs import frozen

from spec.induction.formulas.kernel import Formula
from spec.induction.proving.queries import Query

WORK = 100_000_000
"""How much z3 may do for a query, in its own count (`rlimit`). All queries together take a third of it."""
SEED = 0
_LISTEN_EVERY_S = 0.5
_STOP_AGAIN_S = 0.05
_ASKING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="z3")
_ASKING.submit(int)  # its one thread starts here, where no interrupt can come between and make it two
# A formula may be let go of in one thread while the other is inside of z3: the collector of cycles runs in whichever it
# likes. Without this z3 counts references as if there were one thread, and crashes, or never comes back.
z3.Z3_enable_concurrent_dec_ref(z3.main_ctx().ref())


class Outcome(StrEnum):
    """What came of a query."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Effort:
    """How hard to try: seconds for each query, or as much `WORK` as there is if None; and the seed of the solver."""

    timeout_s: float | None = None
    seed: int = SEED


@frozen(kw_only=True, eq=False)
class Answer:
    """What a solver said of a query."""

    query: Query
    outcome: Outcome
    seconds: float
    """From a fresh solver to its answer."""
    used: frozenset[str] = frozenset()
    """The premises that a proof used; not the fewest possible."""
    reason: str = ""
    """Why it is unknown, in the solver's words."""
    model: Any = None
    """The structure in which the premises hold and the claim does not."""
    origin: str = ""
    """The query of a layer below that was asked instead; empty if this one was."""


def solver(effort: Effort) -> Any:
    """A fresh solver. Nothing is left over from another query, so that each can be reproduced alone.

    Its first guess is that a fact is false, which is how states are: most relations hold of few things. With its usual
    guesses the same queries take longer, and the longest depends on the seed: from 0.5 s to more than 20.
    """
    fresh = z3.Solver()
    limit(fresh, effort.timeout_s)
    fresh.set("random_seed", effort.seed)
    fresh.set("smt.phase_selection", 0)
    return fresh


def limit(solver: Any, timeout_s: float | None = None) -> None:
    """Let a solver of z3 give up after so many seconds, or after so much work."""
    if timeout_s is None:
        solver.set("rlimit", WORK)
    else:
        solver.set("timeout", max(1, round(timeout_s * 1000)))


def gave_up(solver: Any, timeout_s: float | None = None) -> str:
    """Which limit a solver of z3 has come to, with its own words, and what can be done about it."""
    limited = f"{WORK:,} units of work" if timeout_s is None else f"{timeout_s:g} s"
    return (
        f"z3 gave up, with a limit of {limited} ({solver.reason_unknown()}); `physalia prove --timeout S` sets another"
    )


def check(solver: Any) -> Any:
    """What a solver of z3 says. Ctrl-C ends its search.

    z3 would take that signal for itself, and give up as if the time were over, or not even that. So it is told not to
    listen, and is asked in a thread: the one that waits hears the signal, and stops it.
    """
    solver.set(ctrl_c=False)
    try:
        asked = _ASKING.submit(solver.check)
        while wait([asked], _LISTEN_EVERY_S).not_done:
            pass  # a signal that came just before the wait began would not end it
        return asked.result()
    except KeyboardInterrupt:
        idle = _ASKING.submit(int)  # its turn comes when the search is over, or had not begun
        while wait([idle], _STOP_AGAIN_S).not_done:  # not at once: z3 forgets what it is told as a search begins
            solver.ctx.interrupt()
        raise


def solve(query: Query, effort: Effort) -> Answer:
    """Ask z3 whether the claim follows from the premises."""
    start = time.monotonic()
    fresh = solver(effort)
    for name, premise in query.premises.items():
        fresh.assert_and_track(premise, name)
    fresh.add(z3.Not(query.claim))
    said = check(fresh)
    seconds = time.monotonic() - start
    if said == z3.unsat:
        used = frozenset(str(name.decl().name()) for name in fresh.unsat_core())
        return Answer(query=query, outcome=Outcome.PROVED, seconds=seconds, used=used)
    if said == z3.sat:
        return Answer(query=query, outcome=Outcome.REFUTED, seconds=seconds, model=fresh.model())
    return Answer(query=query, outcome=Outcome.UNKNOWN, seconds=seconds, reason=gave_up(fresh, effort.timeout_s))


def satisfiable(formulas: list[Formula], effort: Effort) -> tuple[Outcome, Any, float]:
    """Ask z3 for a structure in which all formulas hold: PROVED with the structure, REFUTED if there is none."""
    fresh = solver(effort)
    fresh.add(*formulas)
    start = time.monotonic()
    said = check(fresh)
    seconds = time.monotonic() - start
    if said == z3.sat:
        return Outcome.PROVED, fresh.model(), seconds
    return Outcome.REFUTED if said == z3.unsat else Outcome.UNKNOWN, None, seconds


def as_smtlib(query: Query, answers: Mapping[str, str] | None = None) -> str:
    """The query as an SMT-LIB script: a solver says `unsat` if it is proved. `answers` are remarks for the heading."""
    plain = z3.Solver()
    plain.add(*query.assertions)
    body = "\n".join(line for line in plain.to_smt2().splitlines() if not line.startswith(";"))
    remarks = {"query": query.name, "unsat": "the claim follows from the premises", **(answers or {})}
    heading = "\n".join(f"; {name}: {remark}" for name, remark in remarks.items())
    return f"{heading}\n(set-logic UF)\n{body}\n"


def write_smtlib(query: Query, folder: Path, answers: Mapping[str, str] | None = None) -> Path:
    """Write the script into `folder`, under the query's name; OSError if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{query.name.replace('/', '.')}.smt2"
    file.write_text(as_smtlib(query, answers), encoding="utf-8")
    return file

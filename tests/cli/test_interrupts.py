"""Ctrl-C ends a proof wherever it strikes: in the solver, which takes the signal for itself, and in a destructor."""

import ctypes
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import z3

from physalia import cli
from physalia.cli import interrupts, run
from physalia.placement.site.generate import Fabric, generate
from physalia.placement.site.topology import Topology
from physalia.placement.survival.by_z3 import refute
from spec.induction.proving.solve import check
from tests import PATIENCE_S

MANY_STEPS = 10**8


class StruckInItsDestructor:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def work_on() -> None:
    StruckInItsDestructor()
    go_on()


def go_on() -> None:
    for _ in range(MANY_STEPS):
        pass


def test_an_interrupt_in_a_destructor_is_kept() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        work_on()


def test_an_interrupt_in_what_keeps_interrupts_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the second strike came while the first was still being dealt with, and was dropped."""
    later = interrupts._later
    times: list[int] = []

    def struck_meanwhile() -> None:
        times.append(len(times))
        if len(times) == 1:
            signal.raise_signal(signal.SIGINT)
        later()

    monkeypatch.setattr(interrupts, "_later", struck_meanwhile)
    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        work_on()
    assert len(times) == 2


class StruckAsItIsGivenToC:
    """The interrupt comes while ctypes makes something for C of an object: it becomes another exception."""

    @property
    def _as_parameter_(self) -> int:
        signal.raise_signal(signal.SIGINT)
        return 1

    def __del__(self) -> None:
        ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(int)(self)


def test_an_interrupt_in_a_destructor_that_became_something_else_is_kept() -> None:
    def lets_go() -> None:
        StruckAsItIsGivenToC()
        go_on()

    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        lets_go()


def test_a_formula_is_made_whole_before_an_interrupt_strikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that z3 never counted would be taken off the count when it goes, and others that share it are gone then."""
    counted: list[None] = []
    count = z3.z3.Z3_inc_ref

    def struck(*arguments: object) -> None:
        if not counted:
            signal.raise_signal(signal.SIGINT)
        counted.append(count(*arguments))

    monkeypatch.setattr(z3.z3, "Z3_inc_ref", struck)
    made: list[z3.ExprRef] = []

    def makes() -> None:
        made.append(z3.Bool("shared"))
        go_on()

    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        makes()
    assert len(made) == 1
    assert counted


def test_other_complaints_of_destructors_are_reported_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []

    class Careless:
        def __del__(self) -> None:
            raise ValueError("careless")

    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    with interrupts.kept():
        Careless()
    assert len(reported) == 1
    assert sys.unraisablehook == reported.append


def test_an_interrupt_ends_a_search_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    solver, asked = endless(), z3.Solver.check

    def interrupted(one: z3.Solver) -> z3.CheckSatResult:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        return asked(one)

    monkeypatch.setattr(z3.Solver, "check", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check(solver)
    monkeypatch.undo()
    assert check(z3.Solver()) == z3.sat


def endless() -> z3.Solver:
    """A question that z3 does not answer: an order without end."""
    sort = z3.DeclareSort("S")
    less, more = z3.Function("less", sort, sort, z3.BoolSort()), z3.Function("more", sort, sort)
    a, b, c = z3.Consts("a b c", sort)
    solver = z3.Solver()
    solver.add(
        z3.ForAll([a, b, c], z3.Implies(z3.And(less(a, b), less(b, c)), less(a, c))),
        z3.ForAll([a], z3.And(z3.Not(less(a, a)), less(a, more(a)))),
    )
    return solver


def test_the_solvers_of_placements_leave_interrupts_alone() -> None:
    """Struck at twenty moments of one proof after another; z3 would keep every third of them for itself."""
    site = generate(Fabric(servers=40, servers_per_rack=4))
    names = list(site.servers)
    for strike in range(20):
        threading.Timer(0.02 + 0.003 * strike, signal.raise_signal, [signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt), interrupts.kept():
            prove_again_and_again(site, names[0], names[4:39:5])


def prove_again_and_again(site: Topology, instance: str, cell: list[str]) -> None:
    for _ in range(MANY_STEPS):
        assert refute(site, instance, cell, timeout_ms=10_000).holds is not None


def test_an_interrupted_proof_is_exit_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "physalia.cli", "prove", "--no-tie"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(line.startswith("  ballots: holds") for line in process.stderr)  # the next layer is under way
    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "physalia: interrupted; nothing is left running."
    assert printed == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("became", [z3.Z3Exception("canceled"), None], ids=["another exception", "nothing"])
def test_an_interrupt_that_a_binding_makes_something_else_of_is_no_defect(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    became: Exception | None,
) -> None:
    def struck(*_: object) -> tuple[tuple[()], str]:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            if became is not None:
                raise became from None
        return (), ""

    monkeypatch.setattr("conformance.graph.mirror.simulate", struck)
    assert run(["spec", "simulate", "MCStore"]) == 130
    told = capsys.readouterr().err
    assert told == "physalia: interrupted; nothing is left running.\n"


def test_what_is_no_interrupt_is_still_a_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise z3.Z3Exception("canceled")

    monkeypatch.setattr("conformance.graph.mirror.simulate", broken)
    assert run(["spec", "simulate", "MCStore"]) == 4
    assert "this is a defect of physalia" in capsys.readouterr().err


def test_a_request_to_terminate_is_exit_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "physalia.cli", "prove", "--no-tie"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(line.startswith("  ballots: holds") for line in process.stderr)  # the next layer is under way
    process.terminate()
    _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "physalia: interrupted; nothing is left running."


def test_an_interrupt_while_commands_are_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Imports take a second, and more on a busy machine: there it comes before anybody who would hear it is there."""

    def interrupted(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    monkeypatch.setattr(cli, "own_packages_first", lambda: None)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as left:
            cli.main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert left.value.code == 130
    assert capsys.readouterr().err == "physalia: interrupted; nothing is left running.\n"

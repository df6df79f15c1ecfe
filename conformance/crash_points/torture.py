"""Runs of cells on journals, as many as it takes: the part of the link in which nodes depend on what disks kept."""

from collections.abc import Callable
from traceback import walk_tb

from conformance.crash_points.calm import Calm
from conformance.crash_points.campaign import Broken, stage
from conformance.crash_points.cells import Cell
from conformance.crash_points.ledger import Violation
from conformance.crash_points.tally import Tally
from conformance.crash_points.trouble import Trouble
from conformance.crash_points.vfs import SimulatedVfs
from conformance.refutation import How
from physalia.journal import JournalError

EVENTS = 1200
"""How many things happen in a run before the trouble stops."""


def run_cells(seed: str, points: int, tally: Tally, tell: Callable[[], None] = lambda: None) -> None:
    """Run whole cells until so many crash points were tried; `tell` is called after each. Raises `Broken`."""
    with stage() as vfs:
        while tally.points < points:
            run(vfs, f"{seed}/{tally.chains}", tally)
            tally.chains += 1
            tell()


def run_cell(name: str, tally: Tally) -> None:
    """One of them, to its end. Raises `Broken`."""
    with stage() as vfs:
        run(vfs, name, tally)
        tally.chains += 1


def run(vfs: SimulatedVfs, name: str, tally: Tally) -> None:
    """Let a cell live through trouble, and judge it. Raises `Broken`."""
    cell = Cell(vfs, name, tally)
    trouble = Trouble(cell)
    works = cell.works() + trouble.works()
    chosen = cell.rng.choices([work for _, work in works], [weight for weight, _ in works], k=EVENTS)
    try:
        cell.begin()
        for work in chosen:
            cell.at += 1
            work()
        Calm(cell, trouble.lost).come()
        cell.witness.judge()
        tally.reached["members changed"] += cell.witness.contents.jury.version
    except Violation as violation:
        raise Broken(f"at {name}/{cell.at}: {violation}", name, cell.at) from violation
    except JournalError as error:
        said = f"{type(error).__name__}, which nothing here gave cause for: {error}"
        raise Broken(f"at {name}/{cell.at}: {said}", name, cell.at) from error
    except Exception as error:
        if not _is_of_the_product(error):
            raise
        said = f"it raises {type(error).__name__}: {error}"
        raise Broken(f"at {name}/{cell.at}: {said}", name, cell.at, How.RAISED) from error


def _is_of_the_product(error: Exception) -> bool:
    """Whether it was raised by what is judged, and not by its judges."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"]).startswith("physalia.")

"""Links beside each other: what is seen does not depend on who is ready first, and an interrupt ends all of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import define, field

from conformance import beside
from conformance import verify as chain
from conformance.links import BadInput, LinkReport, Profile, Settings, Silence, Verdict
from tests import PATIENCE_S
from tests.processes import ends

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(profile=Profile.QUICK, seed=7)


def links(*names: str) -> dict[str, str]:
    return {name: f"tests.conformance.links_beside:{name}" for name in names}


@define
class Told(Silence):
    lines: list[str] = field(factory=list)

    def update(self, part: str, done: int, unit: str, **more: int | None) -> None:
        self.lines.append(f"{part}: {done} {unit} {more}")

    def finish(self, part: str, note: str) -> None:
        self.lines.append(f"{part}: {note}")


def told_by(report: LinkReport) -> str:
    return report.failures[0].title if report.failures else report.rows[0].name


@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_reports_are_in_the_order_asked_for(at_once: int) -> None:
    names = ("refutes", "holds", "cannot", "breaks")
    seen = beside.run(links(*names), SETTINGS, Silence(), at_once)
    assert [one.link for one in seen] == list(names)
    assert [one.verdict for one in seen] == [Verdict.REFUTED, Verdict.HOLDS, Verdict.ERROR, Verdict.ERROR]
    assert seen[0].failures[0].replay == "physalia verify refutes --quick --seed 7"


def test_the_same_is_seen_in_one_process_and_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("refutes", "holds", "cannot", "breaks", "full")
    monkeypatch.setattr(chain, "LINKS", links(*names))
    monkeypatch.setattr("conformance.links.LINKS", links(*names))
    reports = []
    for processors in (1, 3):
        monkeypatch.setattr(beside, "cores", lambda here=processors: here)
        reports.append(chain.verify(names, SETTINGS, Silence()))
    alone, several = ([(one.link, one.verdict, told_by(one)) for one in report.links] for report in reports)
    assert alone == several
    assert reports[0].verdict is reports[1].verdict is Verdict.REFUTED


def test_progress_says_which_link_it_is_of() -> None:
    told = Told()
    beside.run(links("holds", "refutes"), SETTINGS, told, 2)
    assert told.lines == ["holds: one: 5 states {'total': 10, 'queue': 3, 'depth': 2}", "holds: one: quick, seed 7"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("dies", "ended without a word, by SIGKILL"), ("leaves", "ended without a word, with exit code 7")],
)
def test_a_process_that_ends_without_a_word_is_an_error(name: str, says: str) -> None:
    broken, whole = beside.run(links(name, "holds"), SETTINGS, Silence(), 2)
    assert broken.verdict is Verdict.ERROR
    assert says in broken.failures[0].title
    assert broken.failures[0].replay == f"physalia verify {name} --quick --seed 7"
    assert whole.verdict is Verdict.HOLDS


def test_bad_input_is_nobodys_report() -> None:
    with pytest.raises(BadInput, match="no such thing"):
        beside.run(links("never_ends", "refuses"), SETTINGS, Silence(), 2)


INTERRUPTED = """
import os, signal, sys
from conformance import beside
from conformance.links import Settings, Silence

class Told(Silence):
    started = 0

    def finish(self, part, note):
        print(note, flush=True)
        self.started += 1
        if self.started == 2:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))

links = {name: "tests.conformance.links_beside:never_ends" for name in "abc"}
try:
    beside.run(links, Settings(), Told(), 2)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_an_interrupt_ends_all_processes_and_what_they_started(how: str, tmp_path: Path) -> None:
    """Also the signal that nobody hears: processes see that nobody waits for them any more."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, how], cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    *started, last = done.stdout.splitlines() + (["nothing is said"] if how == "SIGKILL" else [])
    assert (done.returncode, last) == ((0, "interrupted") if how == "SIGINT" else (-signal.SIGKILL, "nothing is said"))
    assert len(started) == 2
    for line in started:
        link, child, left = line.split()
        assert Path(left).is_relative_to(tmp_path)
        assert how == "SIGKILL" or not Path(left).exists()
        assert ends(int(link))
        assert ends(int(child))
    assert how == "SIGKILL" or not list(tmp_path.iterdir())

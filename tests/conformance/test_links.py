"""Verdicts combine so that nothing that voids a pass is lost."""

import subprocess
import sys

import pytest

from conformance import beside
from conformance import verify as chain
from conformance.links import (
    EXIT_CODES,
    BadInput,
    CannotRun,
    LinkReport,
    Profile,
    Progress,
    Row,
    Settings,
    Silence,
    Verdict,
    combine,
)


@pytest.mark.parametrize(
    ("verdicts", "combined"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([Verdict.HOLDS], Verdict.HOLDS),
        ([Verdict.HOLDS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.HOLDS], Verdict.ERROR),
        ([Verdict.ERROR, Verdict.REFUTED, Verdict.HOLDS], Verdict.REFUTED),
    ],
)
def test_the_worst_is_the_verdict(verdicts: list[Verdict], combined: Verdict) -> None:
    assert combine(verdicts) is combined


def test_every_verdict_has_its_exit_code() -> None:
    assert {verdict: EXIT_CODES[verdict] for verdict in Verdict} == {
        "holds": 0,
        "refuted": 1,
        "inconclusive": 3,
        "error": 4,
    }


def test_a_profile_includes_those_before_it() -> None:
    assert Profile.DEEP.includes(Profile.QUICK)
    assert Profile.QUICK.includes(Profile.QUICK)
    assert not Profile.QUICK.includes(Profile.DEFAULT)


def test_a_report_adds_rows_up() -> None:
    rows = [
        Row(name="a", verdict=Verdict.HOLDS, states=2, edges=3),
        Row(name="b", verdict=Verdict.HOLDS, states=5, steps=7),
    ]
    report = LinkReport.of("tlc", rows, [], models=2, seconds=1.0)
    assert (report.states, report.edges, report.steps, report.verdict) == (7, 3, 7, Verdict.HOLDS)


_WITHOUT_HYPOTHESIS = """
import sys

sys.modules["hypothesis"] = None
from conformance import verify as chain
from conformance.links import Settings, Silence

report = chain.verify(["lockstep"], Settings(), Silence())
print(report.verdict, report.links[0].failures[0].title, sep="\\n")
"""


def test_a_missing_package_is_named_with_what_brings_it() -> None:
    """In a process of its own: here some test may have imported what needs the package."""
    done = subprocess.run([sys.executable, "-c", _WITHOUT_HYPOTHESIS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "error",
        "the link lockstep needs the package hypothesis: run pip install 'physalia[verify]'.",
    ]


@pytest.mark.parametrize(
    ("raised", "says"), [(CannotRun("No Java."), "No Java."), (ZeroDivisionError("oh"), "ZeroDivisionError: oh")]
)
def test_a_link_that_breaks_is_an_error_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, says: str
) -> None:
    def link(name: str) -> object:
        def run(settings: Settings, progress: Progress) -> LinkReport:
            if name == "graph":
                raise raised
            return LinkReport.of(name, [Row(name="a", verdict=Verdict.HOLDS)], [], models=1, seconds=0.0)

        return run

    monkeypatch.setattr(beside, "cores", lambda: 1)  # other processes would not know these links
    monkeypatch.setattr(chain, "load", link)
    report = chain.verify(["graph", "tlc"], Settings(), Silence())
    assert [one.verdict for one in report.links] == [Verdict.ERROR, Verdict.HOLDS]
    assert report.verdict is Verdict.ERROR
    assert says in report.links[0].failures[0].title


def test_bad_input_is_not_the_links_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Settings, progress: Progress) -> LinkReport:
        raise BadInput("no such thing")

    monkeypatch.setattr(chain, "load", lambda name: refuse)
    with pytest.raises(BadInput, match="no such thing"):
        chain.verify(["tlc"], Settings(), Silence())

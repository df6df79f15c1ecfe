"""The campaign tries what it says, reaches what it must, gives the same bytes for a seed, and can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from conformance.crash_points import link
from conformance.crash_points.campaign import Broken, run_campaign, run_chain
from conformance.crash_points.damage import FLIPPED, Damage, may_miss
from conformance.crash_points.ledger import Ledger, Violation
from conformance.crash_points.tally import Tally
from conformance.links import LinkReport, Profile, Settings, Silence, Verdict
from conformance.mutants.entries import Mutant, catalogue
from physalia.journal import NodeKey, store

ROOT = Path(__file__).resolve().parents[3]
AT_ONCE = (
    "journal-flush-off",
    "journal-acknowledged-before-commit",
    "journal-no-latch",
    "journal-needs-flush-cleared",
    "journal-mark-before-flush",
    "journal-half-a-batch",
    "host-sends-before-the-flush",
    "host-released-although-the-flush-failed",
    "host-recovers-without-the-last-record",
)
"""Mutants that break their word within the first crash points; `physalia conformance mutants` tries the others too."""
MUTANTS = [
    pytest.param(mutant, id=mutant.name, marks=() if mutant.name in AT_ONCE else (pytest.mark.slow,))
    for mutant in catalogue()
    if mutant.killer == "crash-points"
]
ANN = NodeKey(1, 1, 1)


def steps(report: LinkReport) -> dict[str, int]:
    assert (report.verdict, report.failures) == (Verdict.HOLDS, ())
    return {row.name: row.steps for row in report.rows}


def test_two_thousand_crash_points_lose_nothing_and_reach_what_they_must() -> None:
    seen = steps(link.run(Settings(profile=Profile.DEFAULT, seed=1), Silence()))
    assert seen["journal"] == 2_000
    assert seen["cells"] >= 1_500


@pytest.mark.slow
def test_a_hundred_thousand_crash_points_lose_nothing() -> None:
    seen = steps(link.run(Settings(profile=Profile.DEEP, seed=2), Silence()))
    assert seen["journal"] == 80_000
    assert seen["cells"] >= 20_000


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    digests = []
    for seed in ("x", "x", "y"):
        tally = Tally()
        run_campaign(seed, 100, 10, tally)
        assert tally.points == 100
        digests.append((tally.digest.hexdigest(), tally.reached))
    assert digests[0] == digests[1] != digests[2]


def test_a_profile_that_did_not_reach_everything_is_inconclusive() -> None:
    tally = Tally()
    run_campaign("short", 5, None, tally)
    missing = link.missing(tally.reached, link.ALWAYS + link.MORE)
    assert {failure.verdict for failure in missing} == {Verdict.INCONCLUSIVE}
    assert "the campaign never reached: damage: an older copy" in {failure.title for failure in missing}
    assert len(link.missing(tally.reached, link.ALWAYS)) < len(missing)


def test_a_broken_word_is_refuted_with_the_command_that_shows_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.Store, "require_alive", lambda _: None)
    report = link.run(Settings(profile=Profile.QUICK), Silence())
    failure, *_ = report.failures
    assert report.verdict is Verdict.REFUTED
    assert "after a failed flush the journal goes on" in failure.title
    *_, chain, option, per_life = failure.replay.split()
    assert option == "--per-life"
    with pytest.raises(Broken, match="after a failed flush the journal goes on") as again:
        run_chain(chain, int(per_life), Tally())
    assert failure.events == again.value.events >= 1


class TestLedger:
    """What a journal may show after a crash, and nothing else."""

    first: ClassVar = ((ANN, None), (ANN, b"1"))
    second: ClassVar = ((ANN, b"2"), (ANN, b"3"))
    ledger: ClassVar = Ledger().begin(first).acknowledge().begin(second)

    @pytest.mark.parametrize("shown", [[b"1"], [b"1", b"2", b"3"]])
    def test_what_is_sure_and_perhaps_the_batch_that_was_being_flushed(self, shown: list[bytes]) -> None:
        settled = self.ledger.settle({ANN: shown})
        assert settled.contents() == {ANN: shown}
        assert settled.maybe is None

    @pytest.mark.parametrize("shown", [[], [b"1", b"2"], [b"2", b"3"], [b"1", b"3", b"2"], [b"1", b"2", b"3", b"4"]])
    def test_nothing_else(self, shown: list[bytes]) -> None:
        with pytest.raises(Violation):
            self.ledger.settle({ANN: shown})

    def test_a_node_that_is_missing_and_one_that_was_never_born(self) -> None:
        with pytest.raises(Violation, match="is not there"):
            self.ledger.settle({})
        with pytest.raises(Violation, match="never acknowledged"):
            self.ledger.settle({ANN: [b"1"], NodeKey(2, 2, 2): []})

    def test_what_was_shown_once_is_sure(self) -> None:
        settled = self.ledger.settle({ANN: [b"1", b"2", b"3"]})
        with pytest.raises(Violation):
            settled.settle({ANN: [b"1"]})

    def test_what_was_refused_is_never_seen(self) -> None:
        with pytest.raises(Violation):
            self.ledger.refuse().settle({ANN: [b"1", b"2", b"3"]})


def test_damage_may_be_missed_only_in_the_log_and_in_the_dark() -> None:
    assert may_miss(Damage(FLIPPED, "journal-wal"), is_dark=True) == 1
    for damage, is_dark in (
        (Damage(FLIPPED, "journal-wal"), False),
        (Damage("cut", "journal-wal"), False),
        (Damage("cut", "journal"), True),
        (Damage("removed", "marks"), True),
    ):
        assert may_miss(damage, is_dark) == 0


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_journal_that_is_wrong_on_purpose_breaks_its_word(mutant: Mutant, tmp_path: Path) -> None:
    for package in ("conformance", "physalia", "spec"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / mutant.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutant.replace) == 1
    file.write_text(text.replace(mutant.replace, mutant.with_), encoding="utf-8")
    is_of_cells = mutant.name.startswith("host-")
    options = ["--cells", "--points", "1500"] if is_of_cells else ["--points", "2000", "--per-life", "24"]
    command = [sys.executable, "-m", "conformance.crash_points", *options]
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 1, done.stdout + done.stderr
    broken, replay = done.stderr.strip().splitlines()
    whose, option = ("a cell", "--cell") if is_of_cells else ("the journal", "--chain")
    assert broken.startswith(f"{whose} broke its word at 0/")
    assert replay.startswith(f"python -m conformance.crash_points {option} 0/")

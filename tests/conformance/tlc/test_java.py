"""The first of many short runs of TLC leaves its classes for the others, and nothing stays behind."""

from pathlib import Path

import pytest

from conformance.tlc.java import AT_FULL_SPEED, LARGE_GENERATED, QUICK_START, Classes, options_for
from conformance.tlc.limits import Limits, Outcome
from conformance.tlc.run import Processes, TlcRun, run_tlc
from conformance.tlc.toolchain import find_toolchain
from tests.conformance.tlc.small_specifications import specify


def test_runs_that_share_classes_see_what_a_run_by_itself_sees(tmp_path: Path) -> None:
    with Processes(many=True) as processes:
        classes = processes.classes
        assert classes is not None
        first, mapped = check(specify(tmp_path), processes), classes.ready
        again = [check(specify(tmp_path), processes) for _ in range(2)]
        violated = check(specify(tmp_path, checks="INVARIANT Tiny"), processes)
        assert not mapped or classes.file.stat().st_size > 1 << 20
    assert not classes.folder.exists()
    with Processes() as processes:
        alone = check(specify(tmp_path), processes)
    assert mapped, "the Java that comes as a package writes the file"
    assert {counts(run) for run in (first, *again, alone)} == {(Outcome.PASSED, 34, 57, 7)}
    assert (violated.outcome, violated.violated, len(violated.trace)) == (Outcome.VIOLATED, "Tiny", 2)


def test_the_first_run_may_fall_and_leave_classes_all_the_same(tmp_path: Path) -> None:
    with Processes(many=True) as processes:
        violated = check(specify(tmp_path, checks="INVARIANT Tiny"), processes)
        passed = check(specify(tmp_path), processes)
    assert (violated.outcome, violated.violated, len(violated.trace)) == (Outcome.VIOLATED, "Tiny", 2)
    assert counts(passed) == (Outcome.PASSED, 34, 57, 7)


def test_only_one_run_writes_and_none_maps_what_is_not_whole() -> None:
    classes = Classes()
    with classes.for_run() as first:
        assert first == ("-XX:+IgnoreUnrecognizedVMOptions", f"-XX:AOTCacheOutput={classes.file}")
        with classes.for_run() as beside:
            assert beside == ()
        classes.file.write_bytes(b"half of it")
        with classes.for_run() as beside:
            assert beside == ()
    with classes.for_run() as later:
        assert later == (f"-XX:AOTCache={classes.file}",)
    classes.remove()
    assert not classes.folder.exists()


def test_where_java_writes_nothing_no_run_is_told_of_a_file() -> None:
    classes = Classes()
    with classes.for_run():
        pass
    with classes.for_run() as later:
        assert later == ()
    classes.remove()


def test_java_passes_over_an_option_that_it_does_not_know(tmp_path: Path) -> None:
    ignoring = ("-XX:+IgnoreUnrecognizedVMOptions", "-XX:NoSuchFileOfClasses=1")
    with Processes() as processes:
        assert counts(check(specify(tmp_path), processes, ignoring)) == (Outcome.PASSED, 34, 57, 7)


@pytest.mark.parametrize(
    ("generated", "slow", "options"),
    [
        (LARGE_GENERATED - 1, False, QUICK_START),
        (LARGE_GENERATED, False, AT_FULL_SPEED),
        (16_441, True, AT_FULL_SPEED),
    ],
)
def test_long_runs_are_at_full_speed(generated: int, slow: bool, options: tuple[str, ...]) -> None:
    assert options_for(generated, slow=slow) == options


def check(folder: Path, processes: Processes, java_options: tuple[str, ...] = QUICK_START) -> TlcRun:
    return run_tlc(
        find_toolchain(), folder, "MCCounter", processes=processes, limits=Limits(memory_mib=256),
        java_options=java_options,
    )  # fmt: skip


def counts(run: TlcRun) -> tuple[Outcome, int, int, int]:
    return run.outcome, run.distinct, run.generated, run.depth

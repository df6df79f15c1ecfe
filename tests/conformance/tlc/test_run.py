"""TLC's verdicts are told apart: passed, violated, broken, cut; and nothing is left running."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.links import CannotRun
from conformance.tlc.cfg import config_properties, resolve_violated, take_refinement_out
from conformance.tlc.counterexamples import narrate
from conformance.tlc.java import QUICK_START
from conformance.tlc.limits import Limits, Outcome, Watch
from conformance.tlc.messages import Transcript
from conformance.tlc.run import COVERAGE, Processes, TlcRun, copy_of, run_tlc
from conformance.tlc.toolchain import Toolchain, find_toolchain
from tests.conformance.tlc.small_specifications import COUNTER, specify


@pytest.fixture
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


def check(folder: Path, processes: Processes, limits: Limits | None = None) -> TlcRun:
    return run_tlc(
        find_toolchain(),
        folder,
        "MCCounter",
        processes=processes,
        limits=limits or Limits(memory_mib=256),
        arguments=COVERAGE,
        java_options=QUICK_START,
    )


def name_of(run: TlcRun, folder: Path) -> str:
    return resolve_violated(
        run.violated, folder, config_properties(folder / "MCCounter.cfg"), is_assumption=run.is_assumption
    )


def test_a_run_that_holds_reports_counts_witnesses_and_actions(tmp_path: Path, processes: Processes) -> None:
    run = check(specify(tmp_path, checks="INVARIANTS Small Witnesses"), processes)
    assert run.outcome is Outcome.PASSED
    assert (run.distinct, run.generated, run.depth) == (34, 57, 7)
    assert run.reached == {"ReachThree"}
    assert run.taken["Add"] > 0
    assert run.taken["Forget"] > 0
    assert run.trace == ()


def test_two_runs_of_one_copy_may_begin_in_the_same_second(tmp_path: Path, processes: Processes) -> None:
    folder = specify(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        runs = [*pool.map(lambda _: check(folder, processes), range(4))]
    assert {(run.outcome, run.distinct) for run in runs} == {(Outcome.PASSED, 34)}


def test_an_action_that_is_never_taken_is_seen(tmp_path: Path, processes: Processes) -> None:
    dead = COUNTER.replace("\\/ Forget", "\\/ Forget \\/ Never")
    assert check(specify(tmp_path, counter=dead), processes).taken["Never"] == 0


def test_an_invariant_falls_with_the_shortest_counterexample(tmp_path: Path, processes: Processes) -> None:
    run = check(specify(tmp_path, checks="INVARIANT Tiny"), processes)
    assert (run.outcome, run.violated, len(run.trace)) == (Outcome.VIOLATED, "Tiny", 2)
    assert narrate("MCCounter", run) == (
        "  1 Initial predicate",
        "      count = 0",
        "      log = <<>>",
        "  2 Add",
        "      (no arguments: the model has no mirror)",
        "      count: 0 -> 2",
        "      log[1] = [added |-> {2}, before |-> 0]",
    )


def test_an_invariant_that_falls_at_once_has_one_state(tmp_path: Path, processes: Processes) -> None:
    run = check(specify(tmp_path, checks="INVARIANT Started", extra="Started == count > 0"), processes)
    assert (run.outcome, run.violated, len(run.trace)) == (Outcome.VIOLATED, "Started", 1)


def test_a_refinement_is_named_by_the_module_above(tmp_path: Path, processes: Processes) -> None:
    folder = specify(tmp_path, checks="PROPERTY RefinesUpper\nPROPERTY Positive", extra="RefinesUpper == Up!Spec")
    run = check(folder, processes)
    assert run.outcome is Outcome.VIOLATED
    assert name_of(run, folder) == "RefinesUpper"


def test_an_action_property_is_named(tmp_path: Path, processes: Processes) -> None:
    shrinking = COUNTER.replace("Tail(log) /\\ count' = count", "Tail(log) /\\ count' = count - 1")
    folder = specify(tmp_path, checks="PROPERTY Positive", counter=shrinking)
    assert name_of(check(folder, processes), folder) == "Positive"


def test_a_temporal_property_is_named_and_the_loop_is_told(tmp_path: Path, processes: Processes) -> None:
    folder = specify(tmp_path, checks="PROPERTY Ends")
    run = check(folder, processes)
    assert run.outcome is Outcome.VIOLATED
    assert name_of(run, folder) == "Ends"
    assert run.loops_to > 0
    assert "for ever" in narrate("MCCounter", run)[-1]


def test_fingerprints_are_not_random_so_that_runs_are_the_same(tmp_path: Path, processes: Processes) -> None:
    """With random ones the counterexample to a liveness property was now and then a longer one."""
    told: list[str] = []
    run_tlc(find_toolchain(), specify(tmp_path), "MCCounter", processes=processes, on_line=told.append)
    assert any("Model-Checking with fp 0 and seed" in line for line in told), told


def test_an_assumption_that_is_false_is_named(tmp_path: Path, processes: Processes) -> None:
    folder = specify(tmp_path, extra="ASSUME TwoIsLess == 2 < 1")
    run = check(folder, processes)
    assert run.outcome is Outcome.VIOLATED
    assert name_of(run, folder) == "TwoIsLess"


@pytest.mark.parametrize(
    ("checks", "extra", "says"),
    [
        ("INVARIANT Wild", "", "out of domain"),
        ("INVARIANT NotThere", "", "NotThere"),
        ("INVARIANT Odd", "Odd == count +", "MCCounter.tla:5:1: "),
        ("INVARIANT Odd", 'Odd == count = "three"', "check equality"),
    ],
)
def test_what_cannot_be_evaluated_is_no_violation(
    tmp_path: Path, processes: Processes, checks: str, extra: str, says: str
) -> None:
    run = check(specify(tmp_path, checks=checks, extra=extra), processes)
    assert (run.outcome, run.violated) == (Outcome.BROKEN, "")
    assert says.lower() in " ".join(run.errors).lower()


ENDLESS = COUNTER.replace("count < 4 /\\ ", "")


def test_a_run_that_takes_too_long_is_cut(tmp_path: Path, processes: Processes) -> None:
    run = check(specify(tmp_path, counter=ENDLESS), processes, Limits(memory_mib=512, time_s=4))
    assert run.outcome is Outcome.OUT_OF_TIME
    assert run.errors[0].startswith("TLC was cut after the 4 s that it had")
    assert "--tlc-time" in run.errors[0]


def test_a_run_without_end_is_cut_by_its_states(tmp_path: Path, processes: Processes) -> None:
    run = check(specify(tmp_path, counter=ENDLESS), processes, Limits(memory_mib=512, states=1_000))
    assert run.outcome is Outcome.OUT_OF_BOUNDS
    assert run.errors == ("TLC was cut beyond 1,000 generated states: the model seems to have no end.",)


def test_a_run_is_stopped_beyond_the_states_that_it_has(tmp_path: Path, processes: Processes) -> None:
    limits = Limits(memory_mib=512).for_states(57, distinct=34)
    run = check(specify(tmp_path, counter=ENDLESS), processes, limits)
    assert run.outcome is Outcome.EXCEEDED
    assert run.distinct > 34
    assert run.errors == ("TLC was stopped beyond 34 distinct states, which are all that there should be.",)


def test_a_run_that_ends_is_judged_by_its_end_whatever_it_found(tmp_path: Path, processes: Processes) -> None:
    """Also of one that found more there is a counterexample, or a depth, that says more than a number."""
    few = Limits(memory_mib=256).for_states(57, distinct=1)
    passed = check(specify(tmp_path, checks="INVARIANTS Small Witnesses"), processes, few)
    assert (passed.outcome, passed.distinct) == (Outcome.PASSED, 34)
    violated = check(specify(tmp_path, checks="INVARIANTS Tiny"), processes, few)
    assert (violated.outcome, violated.violated) == (Outcome.VIOLATED, "Tiny")


def test_a_model_has_states_to_spare_and_one_of_unknown_size_has_no_bound() -> None:
    assert Limits().for_states(500).states == 205_000
    assert Limits().for_states(0).states is None


def test_a_run_that_says_nothing_is_cut(tmp_path: Path, processes: Processes) -> None:
    silent = tmp_path / "java"
    silent.write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n", encoding="utf-8")
    silent.chmod(0o700)
    toolchain = Toolchain(java=silent, jar=find_toolchain().jar)
    limits = Limits(silence_s=0.5)
    run = run_tlc(toolchain, specify(tmp_path), "MCCounter", processes=processes, limits=limits)
    assert (run.outcome, run.errors) == (Outcome.OUT_OF_TIME, ("TLC was cut: it had said nothing for 0.5 s.",))


def test_a_disk_that_is_full_is_no_error_of_the_specification(tmp_path: Path, processes: Processes) -> None:
    full = tmp_path / "java"
    message = ["@!@!@STARTMSG 2262:0 @!@!@", "TLC2", "@!@!@ENDMSG 2262 @!@!@", "@!@!@STARTMSG 1000:1 @!@!@"]
    message += ["java.io.IOException: No space left on device", "@!@!@ENDMSG 1000 @!@!@"]
    full.write_text(f"#!{sys.executable}\nprint({chr(10).join(message)!r})\nraise SystemExit(255)\n", encoding="utf-8")
    full.chmod(0o700)
    toolchain = Toolchain(java=full, jar=find_toolchain().jar)
    with pytest.raises(CannotRun, match="is full, where TLC works: make room"):
        run_tlc(toolchain, specify(tmp_path), "MCCounter", processes=processes)


def test_every_word_renews_the_time_that_a_run_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no machine is too slow for a model, and all of the time that somebody sets is still kept."""
    clock = [100.0]
    monkeypatch.setattr("conformance.tlc.limits.time.monotonic", lambda: clock[0])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        watch = Watch(process, Limits(silence_s=900.0, time_s=5_000.0))
        for minute in range(60):
            clock[0] = 100.0 + 60 * minute
            watch.heard()
            assert watch._left() == min(900.0, 5_000.0 - 60 * minute)
        clock[0] += 899.0
        assert watch._left() == 1.0
        watch.heard()
        clock[0] = 5_100.0
        assert watch._left() == 0.0
        process.kill()


def test_a_run_that_takes_too_much_memory_is_told_from_an_error(tmp_path: Path, processes: Processes) -> None:
    greedy = COUNTER.replace(
        "Init == count = 0", "Init == count \\in {Len([i \\in 1..(10^8) |-> <<i, n>>]) : n \\in 1..9}"
    )
    run = check(specify(tmp_path, counter=greedy), processes, Limits(memory_mib=64))
    assert run.outcome is Outcome.OUT_OF_MEMORY
    assert run.errors[0].startswith("TLC's heap of 64 MiB was full")
    assert "PHYSALIA_TLC_HEAP" in run.errors[0]


def test_closing_ends_what_is_running(tmp_path: Path) -> None:
    specify(tmp_path, counter=ENDLESS)
    speaks = threading.Event()
    seen: list[subprocess.Popen[str]] = []
    with Processes() as processes:

        def interrupt() -> None:
            speaks.wait()
            seen.extend(processes.running)
            processes.close()

        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(InterruptedError):
            run_tlc(
                find_toolchain(), tmp_path, "MCCounter", processes=processes, limits=Limits(memory_mib=512),
                on_line=lambda _: speaks.set(),
            )  # fmt: skip
        other.join()
    assert len(seen) == 1
    assert seen[0].poll() is not None


def test_a_broken_jar_says_what_to_install(tmp_path: Path, processes: Processes) -> None:
    jar = tmp_path / "broken.jar"
    jar.write_bytes(b"no jar")
    specify(tmp_path)
    with pytest.raises(CannotRun, match="PHYSALIA_TLA2TOOLS"):
        run_tlc(Toolchain(java=find_toolchain().java, jar=jar), tmp_path, "MCCounter", processes=processes)


def test_a_java_that_does_not_start_says_what_to_install(tmp_path: Path, processes: Processes) -> None:
    java = tmp_path / "java"
    java.write_text("not a program", encoding="utf-8")
    specify(tmp_path)
    with pytest.raises(CannotRun, match="PHYSALIA_JAVA"):
        run_tlc(Toolchain(java=java, jar=find_toolchain().jar), tmp_path, "MCCounter", processes=processes)


@pytest.mark.parametrize("variable", ["PHYSALIA_JAVA", "PHYSALIA_TLA2TOOLS"])
def test_a_variable_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "/nowhere/at/all")
    with pytest.raises(CannotRun, match=f"{variable} leads to /nowhere/at/all"):
        find_toolchain()


def test_a_refinement_is_taken_out_of_a_copy_only(tmp_path: Path) -> None:
    folder = specify(tmp_path, checks="INVARIANT Small \\* not this: Refines\nPROPERTIES RefinesUpper Positive")
    with copy_of(folder) as copy:
        take_refinement_out(copy / "MCCounter.cfg")
        assert config_properties(copy / "MCCounter.cfg") == ("Positive",)
    assert config_properties(folder / "MCCounter.cfg") == ("RefinesUpper", "Positive")
    assert not copy.exists()


def test_actions_of_a_trace_have_the_same_names_in_the_dialect_of_later_jars() -> None:
    transcript = Transcript()
    for header in ("1: <Initial predicate>", "2: <Vote(3,1,1) line 134, col 3 to line 141, col 9 of module Cell>"):
        for line in ("@!@!@STARTMSG 2217:4 @!@!@", header, "votes = {}", "@!@!@ENDMSG 2217 @!@!@"):
            transcript.read(line)
    assert [state.action for state in transcript.trace] == ["Initial predicate", "Vote"]


def said(*messages: tuple[str, str]) -> Transcript:
    """What is kept of messages with these headers and texts; lines outside of messages have an empty header."""
    transcript = Transcript()
    for header, text in messages:
        framed = [f"@!@!@STARTMSG {header} @!@!@", *text.splitlines(), f"@!@!@ENDMSG {header.split(':')[0]} @!@!@"]
        for line in framed if header else text.splitlines():
            transcript.read(line)
    return transcript


def test_what_frames_messages_is_never_shown() -> None:
    """Also around a message without a number, and after what a specification prints without ending its line."""
    transcript = said(
        ("-1:1", "something\nwent  wrong"), ("", "all @!@!@STARTMSG 2262:0 @!@!@\nTLC2\n@!@!@ENDMSG 2262 @!@!@")
    )
    assert transcript.errors == ["something went wrong"]
    assert transcript.started
    assert transcript.tail == ["all "]
    assert "@!@!@" not in " ".join([*transcript.errors, *transcript.tail])


SYNTAX = """Parsing file /somewhere/MCCell.tla
***Parse Error***
Was expecting "==== or more Module body"
Encountered "Vote" at line 136, column 1 and token ">>"

Residual stack trace follows:
Module definition starting at line 1, column 1.

Fatal errors while parsing TLA+ spec in file MCCell

tla2sany.semantic.AbortException
*** Abort messages: 1

In module Cell

Could not parse module Cell from file Cell.tla
"""
SEMANTICS = """*** Errors: 2

line 85, col 6 to line 85, col 12 of module Cell

Unknown operator: `promise'.


line 138, col 20 to line 138, col 20 of module Cell

Unknown operator: `c'.
"""


@pytest.mark.parametrize(
    ("printed", "sentences"),
    [
        (SYNTAX, ['Cell.tla:136:1: "Vote" and token ">>", where "==== or more Module body" was expected']),
        (
            f"Semantic processing of module Cell\n{SEMANTICS}Semantic errors:\n\n{SEMANTICS}",
            ["Cell.tla:85:6: Unknown operator: `promise'.", "Cell.tla:138:20: Unknown operator: `c'."],
        ),
        ("", ["Parsing or semantic analysis failed."]),
    ],
)
def test_the_parser_complains_once_with_file_and_line(printed: str, sentences: list[str]) -> None:
    assert said(("", printed), ("3002:1", "Parsing or semantic analysis failed.")).errors == sentences


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ("ASSUME TwoIsLess == 2 < 1", "TwoIsLess"),
        ("ASSUME TwoIsLess ==\n  /\\ 2 < 1", "TwoIsLess"),
        ("ASSUME 3 \\in {1, 2} \\* a bound", "the ASSUME in MCCounter.tla:4: 3 \\in {1, 2}"),
        ("ASSUME /\\ 1 < 2\n       /\\ 2 < 1", "the ASSUME in MCCounter.tla:4: /\\ 1 < 2 /\\ 2 < 1"),
    ],
)
def test_an_assumption_without_a_name_is_told_by_its_bounds(
    tmp_path: Path, processes: Processes, extra: str, name: str
) -> None:
    """And not by the only property of the model, which has nothing to do with it."""
    folder = specify(tmp_path, checks="PROPERTY Positive", extra=extra)
    run = check(folder, processes)
    assert run.is_assumption
    properties = config_properties(folder / "MCCounter.cfg")
    assert resolve_violated(run.violated, folder, properties, is_assumption=True) == name

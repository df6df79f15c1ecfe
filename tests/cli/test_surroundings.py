"""What surrounds the program: pipes that close, narrow terminals, other encodings, full disks, limits that are set."""

import errno
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from conformance import beside
from conformance import verify as chain
from conformance.links import LINKS, CannotRun, Failure, Link, LinkReport, Progress, Settings, Verdict
from conformance.tlc.limits import Limits
from physalia.cli import run
from physalia.placement.site.shipped import example
from tests import PATIENCE_S
from tests.cli.test_cli import ROOT, fake_links, physalia, schema

TALKATIVE = (["spec", "check"], ["spec", "tlc"], ["spec", "graph"], ["verify"], ["prove"], ["conformance"])
"""Commands that say on standard error how far they are, or what is wrong."""


def closed_pipe() -> int:
    """What a command writes to when whoever read its output has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["spec", "list"], ["spec", "list", "--json"], ["spec", "simulate", "MCStoreChanges"],
        ["spec", "check", "MCStoreChanges"], ["spec", "tlc", "MCStoreChanges"], ["spec", "graph", "MCStoreChanges"],
        ["verify", "graph", "--quick", "--tlc-time", "0.01"], ["doctor"], ["schema", "verify"], ["prove", "ballots"],
        ["place", "--help"], ["conformance", "mutants", "no-such-mutant"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nobody_who_reads_is_exit_141_and_nothing_is_refuted(arguments: list[str], stream: str) -> None:
    """Whatever wrote it, and however much: what is printed last is written when the program ends."""
    pipe = closed_pipe()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: pipe}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "physalia.cli", *arguments], cwd=ROOT, text=True, check=False, timeout=PATIENCE_S,
            stdout=streams["stdout"], stderr=streams["stderr"],
        )  # fmt: skip
    finally:
        os.close(pipe)
    writes_there = (
        arguments[0] != "conformance"
        if stream == "stdout"
        else arguments[:2] in TALKATIVE or arguments[:1] in TALKATIVE
    )
    assert done.returncode == (141 if writes_there else {"conformance": 2}.get(arguments[0], 0))
    assert "Traceback" not in (done.stderr or "") + (done.stdout or "")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_that_is_closed_takes_what_is_printed_nowhere(number: int, tmp_path: Path) -> None:
    """The exit code says it all the same, and no file that is opened next takes the place of the stream."""
    site, written = example("single-fed.json"), tmp_path / "cert.json"
    command = [sys.executable, "-m", "physalia.cli", "place"]
    codes = []
    for arguments in (
        ["query", site, "--instance", "server-1-01-01", "--cert", written],
        ["check", written, example("dual-fed.json")],
        ["query", site, "--instance", "nobody"],
    ):
        done = subprocess.run(
            [*command, *map(str, arguments)], cwd=ROOT, text=True, check=False, timeout=PATIENCE_S,
            capture_output=True, preexec_fn=lambda: os.close(number),
        )  # fmt: skip
        codes.append(done.returncode)
        said = (done.stdout, done.stderr)
        assert "Traceback" not in "".join(said)
        if number:
            assert not said[number - 1]
    assert codes == [0, 1, 2]
    assert json.loads(written.read_text())["claim"] == "optimal"


@pytest.mark.parametrize("arguments", [["--version"], ["spec", "list", "--json"], ["schema", "kv"]], ids=" ".join)
def test_where_there_is_no_room_for_what_is_printed_is_one_sentence_and_exit_4(arguments: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "physalia.cli", *arguments], cwd=ROOT, text=True, check=False, timeout=PATIENCE_S,
            stdout=full, stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr
    assert "No space left on device" in done.stderr


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"physalia {metadata.version('physalia')}\n"


@pytest.mark.parametrize("command", [[], ["verify"], ["spec", "tlc"], ["place"], ["conformance", "mutants"]])
def test_a_short_option_asks_for_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    helped = []
    for option in ("-h", "--help"):
        assert run([*command, option]) == 0
        helped.append(capsys.readouterr().out)
    assert helped[0] == helped[1]
    assert "Usage: physalia" in helped[0]


def test_no_verdict_is_cut_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(beside, "cores", lambda: 1)  # other processes would not know these links
    monkeypatch.setattr(chain, "load", fake_links(dict.fromkeys(LINKS, Verdict.INCONCLUSIVE)))
    assert run(["verify"]) == 3
    table = capsys.readouterr().out
    for name in LINKS:
        (line,) = [line for line in table.splitlines() if line.startswith(f"{name} ")]
        assert line.split()[-1] == "inconclusive", table


@pytest.mark.parametrize("profile", [[], ["--quick"], ["--deep"]])
def test_again_runs_the_link_as_it_was_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], profile: list[str]
) -> None:
    """Also where a link broke, and where a link has left out how it was run."""

    def load(name: str) -> Link:
        def link(settings: Settings, progress: Progress) -> LinkReport:
            if name == "tlc":
                raise ZeroDivisionError
            failure = Failure(title="it broke", replay=f"physalia verify {name}")
            return LinkReport.of(name, [], [failure], models=1, seconds=0.1)

        return link

    monkeypatch.setattr(beside, "cores", lambda: 1)  # other processes would not know these links
    monkeypatch.setattr(chain, "load", load)
    assert run(["verify", "tlc", "graph", *profile, "--seed", "7"]) == 1
    told = capsys.readouterr().out
    words = "".join(f" {option}" for option in profile)
    assert f"again: physalia verify tlc{words} --seed 7" in told
    assert f"again: physalia verify graph{words} --seed 7" in told


def test_a_full_temporary_directory_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/physalia-tlc-x")

    monkeypatch.setattr("conformance.tlc.run.tempfile.TemporaryDirectory", full)
    assert run(["verify", "tlc", "--quick"]) == 4
    told = "".join(capsys.readouterr())
    assert "No space left on device" in told
    assert "Traceback" not in told
    assert "is broken" not in told


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"]])
def test_an_encoding_without_the_letters_of_a_path_is_no_defect(tmp_path: Path, arguments: list[str]) -> None:
    jar = tmp_path / "\u00fcber.jar"
    done = physalia(*arguments, PYTHONIOENCODING="ascii", PHYSALIA_TLA2TOOLS=str(jar))
    assert (done.returncode, done.stderr) == (4, "")
    if "--json" in arguments:
        missing = [finding for finding in json.loads(done.stdout)["findings"] if not finding["found"]]
        assert str(jar) in missing[0]["detail"]
    else:
        assert "\\xfcber.jar" in done.stdout


def test_folders_that_are_not_in_ascii_are_found_in_the_locale_c(tmp_path: Path) -> None:
    folder = tmp_path / "\u00fcber"
    folder.mkdir()
    done = physalia("spec", "tlc", "MCStoreChanges", LC_ALL="C", TMPDIR=str(folder))
    assert done.returncode == 0, done.stdout
    assert not list(folder.iterdir())


def test_what_tlc_may_use_can_be_set(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["spec", "tlc", "MCStore", "--tlc-time", "0.01"]) == 3
    told = capsys.readouterr().out
    assert told.startswith("inconclusive MCStore: TLC did not finish (out of time)")
    assert "the 0.01 s that it had" in told
    monkeypatch.setenv("PHYSALIA_TLC_TIME", "0.01")
    assert run(["spec", "graph", "MCStore"]) == 3
    assert "the 0.01 s that it had" in capsys.readouterr().out
    monkeypatch.setenv("PHYSALIA_TLC_TIME", "soon")
    assert run(["spec", "graph", "MCStore"]) == 2
    monkeypatch.delenv("PHYSALIA_TLC_TIME")
    heaps: list[int] = []

    def no_run(*_: object, limits: Limits, **__: object) -> None:
        heaps.append(limits.memory_mib)
        raise CannotRun("no run")

    monkeypatch.setattr("conformance.tlc.link.run_tlc", no_run)
    monkeypatch.setattr("conformance.graph.link.run_tlc", no_run)
    monkeypatch.setenv("PHYSALIA_TLC_HEAP", "300")
    for command in (["spec", "tlc", "MCStore"], ["spec", "graph", "MCStore"], ["verify", "tlc", "--tlc-heap", "200"]):
        assert run(command) == 4
    assert set(heaps) == {300, 200}
    capsys.readouterr()


def test_a_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    names = capsys.readouterr().out.split()
    assert {"verify", "spec-tlc", "doctor", "place-certificate"} <= set(names)
    for name in names:
        assert run(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out) == schema(name)
    assert run(["schema", "verifi"]) == 2
    assert "did you mean verify?" in capsys.readouterr().err

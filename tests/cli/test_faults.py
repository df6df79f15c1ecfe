"""The kill matrix of mechanical faults on the command line: what is refused, what is printed, and what it ends with."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from conformance.links import BadInput
from conformance.mutants.mechanical import campaign, pool
from conformance.mutants.mechanical.campaign import Matrix
from conformance.mutants.mechanical.trying import Outcome, Status
from physalia.cli import run

FAULT = pool.faults_in("physalia/cell/acceptor.py")[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "3"], "--seed is about mechanical faults: give --mechanical as well."),
        (["--number", "3"], "--number is about mechanical faults"),
        (["--asks", "3"], "--asks is about mechanical faults"),
        (["--no-new"], "--no-new is about mechanical faults"),
        (["--mechanical", "--seed", "3", "some fault"], "--seed is about a draw, and faults are named"),
        (["--mechanical", "--resume", "some fault"], "--resume is about a draw, and faults are named"),
        (["--mechanical", "--killer-time", "3"], "--killer-time is about the mutants of the catalogue"),
        (["--mechanical", "--killer", "tlc"], "--killer is about the mutants of the catalogue"),
        (["--mechanical", "--record"], "--record is about the mutants of the catalogue"),
        (["--mechanical", "--shrink-s", "3"], "--shrink-s is about the mutants of the catalogue"),
        (["--killer", "magic"], "there is no link called magic"),
        (["no-such"], "there is no mutant called no-such"),
        (["--mechanical", "some fault"], "there is no mechanical fault 'some fault'"),
    ],
)
def test_what_does_not_belong_together_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["conformance", "mutants", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_nothing_to_resume_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in (["--mechanical"], []):
        assert run(["conformance", "mutants", *kind, "--resume"]) == 2
        assert "run it without --resume" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def _matrix(*statuses: Status) -> Matrix:
    outcomes = [(FAULT, Outcome(name=FAULT.name, status=status, link="lockstep: a", note="n")) for status in statuses]
    return Matrix(seed=5, rooms={"physalia/cell": 1_000, "tla": 2}, outcomes=tuple(outcomes), seconds=1.0)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([Status.KILLED] * 9 + [Status.SURVIVED], 0),
        ([Status.KILLED] * 8 + [Status.SURVIVED, Status.ACCIDENT], 1),
        ([Status.BUILD_FAILED], 3),
    ],
)
def test_the_seed_and_every_survivor_are_told(
    statuses: list[Status], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: dict[str, Any] = {}

    def draw(seed: int, number: int, *_: object, resume: bool, most_asks: int, no_new: bool) -> Matrix:
        assert not no_new
        drawn.update(seed=seed, number=number, resume=resume, asks=most_asks)
        return _matrix(*statuses)

    monkeypatch.setattr(campaign, "run", draw)
    assert (
        run(["conformance", "mutants", "--mechanical", "--seed", "5", "--number", "7", "--asks", "4", "--resume"])
        == code
    )
    assert drawn == {"seed": 5, "number": 7, "resume": True, "asks": 4}
    out = capsys.readouterr().out
    lost = [status for status in statuses if status in (Status.SURVIVED, Status.ACCIDENT)]
    assert [line.partition(":")[0] for line in out.splitlines() if FAULT.name in line and "again" not in line] == lost
    assert out.count("again: physalia conformance mutants --mechanical 'physalia/cell/acceptor.py ") == len(lost)
    assert "seed 5" in out


@pytest.mark.parametrize(("known", "code"), [({}, 1), ({FAULT.name: "nobody looks there"}, 0)])
def test_with_no_new_whatever_is_not_listed_refutes(
    known: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(*_: object, no_new: bool, **__: object) -> Matrix:
        return evolve(_matrix(*[Status.KILLED] * 9, Status.SURVIVED), known=known, no_new=no_new)

    monkeypatch.setattr(campaign, "run", draw)
    assert run(["conformance", "mutants", "--mechanical", "--no-new"]) == code
    out = capsys.readouterr().out
    assert ("listed: nobody looks there" in out, "1 that survivors.toml does not list" in out) == (not code, bool(code))


def test_json_goes_to_standard_output_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = evolve(_matrix(Status.KILLED), seed=0)
    monkeypatch.setattr(campaign, "run", lambda *_, resume, most_asks, no_new: matrix)
    assert run(["conformance", "mutants", "--mechanical", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["applied"], told["killed_by_link"]) == (1, 1)
    assert "1 of 1 killed by links (1 by lockstep)" in err


def test_a_fault_without_a_draw_is_tried_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tried(names: tuple[str, ...], *_: object) -> Matrix:
        if list(names) != [FAULT.name]:
            raise BadInput("another name.")
        return evolve(_matrix(Status.KILLED), rooms={})

    monkeypatch.setattr(campaign, "try_named", tried)
    assert run(["conformance", "mutants", "--mechanical", FAULT.name]) == 0
    assert "seed" not in capsys.readouterr().out

"""Who killed a mutant the last time is asked first, and a wrong name is told; a run goes on where it was cut."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from conformance.exhaustive.scopes import SCOPES
from conformance.links import BadInput, Profile, Silence, Verdict
from conformance.lockstep.campaigns import CAMPAIGNS
from conformance.lockstep.link import BESIDE
from conformance.mutants import first, kept, matrix, matters
from conformance.mutants.copies import Judgement, Killers, Status
from conformance.mutants.entries import Mutant, catalogue
from conformance.mutants.kept import Kept
from conformance.mutants.matrix import KillMatrix, run

MUTANT = Mutant(
    name="one", family="A", fault="a is b", killer="lockstep", file="spec/some.py", replace="a = 1", with_="a = 2"
)
KILLED, FELL_OVER = Judgement(Status.KILLED, "judged", "judged", 7), Judgement(Status.KILLED, "IndexError", "raised")
HOLDS = Judgement(Status.SURVIVED, "holds", parts=("left", "right"))
UNKNOWN = Judgement(Status.ERROR, "exit 2, verdict none: there is no such part")
Said = Callable[[str, bool], Judgement]


class Asked:
    """Killers that say of a part ("" is the whole link), with the mutant in or not, what they are told to say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        (root / "spec").mkdir()
        file = root / "spec" / "some.py"
        file.write_text("a = 1\n", encoding="utf-8")
        self.asked: list[str] = []
        self.said: Said = lambda part, is_in: KILLED if is_in and part in ("", "right") else HOLDS

        @contextmanager
        def a_copy() -> Iterator[Path]:
            yield root

        def judge(_: Killers, __: Path, command: Sequence[str], time_s: float | None = None) -> Judgement:
            part = command[command.index("--part") + 1] if "--part" in command else ""
            is_in = file.read_text(encoding="utf-8") == "a = 2\n"
            self.asked += [part] if is_in else []
            said = self.said(part, is_in)
            return Judgement(said.status, said.note, said.how, said.events, "right", said.parts) if is_in else said

        monkeypatch.setattr(matrix, "a_copy", a_copy)
        monkeypatch.setattr(matrix, "cores", lambda: 1)
        monkeypatch.setattr(Killers, "judge", judge)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    return Asked(monkeypatch, tmp_path)


def tried(**given: object) -> KillMatrix:
    return run([MUTANT], Silence(), **given)  # type: ignore[arg-type]


def test_who_killed_it_the_last_time_is_asked_alone(asked: Asked) -> None:
    done = tried(first={"one": "right"})
    assert asked.asked == ["right"]
    assert (done.verdict, done.parts, done.stale) == (Verdict.HOLDS, {"one": "right"}, [])


def test_without_a_name_the_whole_link_is_asked_and_says_who_it_was(asked: Asked) -> None:
    done = tried()
    assert asked.asked == [""]
    assert (done.verdict, done.parts) == (Verdict.HOLDS, {"one": "right"})


def test_a_wrong_name_is_told_and_the_rest_is_asked(asked: Asked) -> None:
    done = tried(first={"one": "left"})
    assert asked.asked == ["left", ""]
    assert (done.named(Status.KILLED), done.stale, done.verdict) == (["one"], ["one"], Verdict.ERROR)
    assert done.as_json()["stale"] == 1
    assert done.as_json()["mutants"][0]["stale"] == "left"
    assert done.parts == {"one": "right"}, "which mends it"


def test_a_part_that_is_not_there_is_a_wrong_name(asked: Asked) -> None:
    asked.said = lambda part, is_in: UNKNOWN if part == "no such" else KILLED if is_in else HOLDS
    done = tried(first={"one": "no such"})
    assert (done.stale, done.verdict) == (["one"], Verdict.ERROR)


def test_a_survivor_of_all_is_one_whatever_is_written_down(asked: Asked) -> None:
    asked.said = lambda *_: HOLDS
    done = tried(first={"one": "right"})
    assert asked.asked == ["right", ""]
    assert (done.verdict, done.parts) == (Verdict.REFUTED, {})


def test_after_an_accident_every_part_is_asked_by_itself(asked: Asked) -> None:
    asked.said = lambda part, is_in: HOLDS if not is_in else KILLED if part == "right" else FELL_OVER
    done = tried()
    assert asked.asked == ["", "left", "right"]
    assert (done.verdict, done.accidents, done.parts) == (Verdict.HOLDS, [], {"one": "right"})


def test_what_only_fell_over_is_not_killed(asked: Asked) -> None:
    asked.said = lambda _, is_in: FELL_OVER if is_in else HOLDS
    done = tried()
    assert (done.verdict, done.accidents, done.parts, done.as_json()["killed"]) == (Verdict.REFUTED, ["one"], {}, 0)


def test_what_was_judged_is_not_judged_again(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the fault, who is asked, and what matters to them stay as they are."""
    file = tmp_path / "kept" / "catalogue.jsonl"
    with pytest.raises(BadInput, match="run it without --resume"):
        Kept.resumed(file)
    (before,) = tried(kept=Kept(file)).outcomes
    asked.asked.clear()
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"key": "cut sho')
    (after,) = tried(kept=Kept.resumed(file)).outcomes
    assert (after.judgement, after.stale) == (before.judgement, before.stale) == (evolve(KILLED, part="right"), "")
    assert tried(kept=Kept.resumed(file), first={"one": "right"}).verdict is Verdict.HOLDS
    assert not asked.asked
    tried(kept=Kept.resumed(file), first={"one": "left"})
    assert asked.asked == ["left", ""], "somebody else is to be asked first now"
    asked.asked.clear()
    monkeypatch.setattr(kept, "matters_to", lambda _: "another cell")
    tried(kept=Kept.resumed(file))
    assert asked.asked == [""]


def test_what_was_cut_or_broke_is_judged_again(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.jsonl"
    asked.said = lambda _, is_in: Judgement(Status.TIMEOUT, "cut") if is_in else HOLDS
    tried(kept=Kept(file))
    tried(kept=Kept.resumed(file))
    assert asked.asked == ["", ""]


def test_a_killer_that_does_not_hold_is_not_kept(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.jsonl"
    file.touch()
    asked.said = lambda *_: KILLED
    assert tried(kept=Kept(file)).named(Status.ERROR) == ["one"]
    asked.said = lambda _, is_in: KILLED if is_in else HOLDS
    assert tried(kept=Kept.resumed(file)).named(Status.KILLED) == ["one"]


def test_names_are_written_beside_what_is_there_and_those_of_nobody_go(tmp_path: Path) -> None:
    file = tmp_path / "first.toml"
    assert first.read(file) == {}
    first.write({"a": "x, 1 to 3", "gone": "y"}, ["a", "gone"], file)
    first.write({"b b": 'say "z"'}, ["a", "b b"], file)
    assert first.read(file) == {"a": "x, 1 to 3", "b b": 'say "z"'}
    for damaged in ("a = ", "a = 1"):
        file.write_text(damaged, encoding="utf-8")
        with pytest.raises(BadInput, match="write it again with --record"):
            first.read(file)


def test_what_is_written_down_is_a_part_that_is_there_of_a_mutant_that_is_there() -> None:
    """Mutants that are not in it yet are asked about in whole: `physalia conformance mutants --record` writes it."""
    recorded = first.read()
    assert set(recorded) <= {mutant.name for mutant in catalogue() if mutant.has_parts}
    assert len(recorded) > 300
    parts = {
        "lockstep": {*BESIDE, *(one.name for one in CAMPAIGNS if Profile.QUICK in one.amounts)},
        "exhaustive": {scope.name for scope in SCOPES},
    }
    wrong = {
        mutant.name: recorded[mutant.name]
        for mutant in catalogue()
        if mutant.name in recorded and recorded[mutant.name] not in parts.get(mutant.killer, recorded.values())
    }
    assert not wrong


def test_every_mutant_is_in_what_matters_to_its_killer() -> None:
    """Else a link imports something in a way that is not seen, and what is kept would outlive a change of it."""
    faults = (mutant for mutant in catalogue() if mutant.file)
    unseen = {one.name: one.file for one in faults if matters.ROOT / one.file not in matters.files_of(one.killer)}
    assert not unseen


def test_what_matters_to_one_killer_is_not_all_there_is() -> None:
    seen = {killer: matters.files_of(killer) for killer in ("lockstep", "placement")}
    cell, placement = matters.ROOT / "physalia/cell/node.py", matters.ROOT / "physalia/placement/solver/search.py"
    assert cell in seen["lockstep"] - seen["placement"]
    assert placement in seen["placement"] - seen["lockstep"]

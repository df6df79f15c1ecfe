"""Rare scenarios in the world of the shell: watching changes nothing, and what met one needs all of its events."""

from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from conformance.guided import part as rare
from conformance.guided.kept import again
from conformance.guided.scenario import Scenario, Stage, Watch
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.shell import campaign, link
from conformance.shell.drawing import LEASES, MOVES, SHORT_LOGS, draw
from conformance.shell.guided.ground import EXPECTED, SCENARIOS, ground
from conformance.shell.guided.runs import Led, Runs
from conformance.shell.guided.sights import Sight
from conformance.shell.script import Script, read

MET = sorted((Path(__file__).parent / "met").glob("shell-*.txt"))
SMALL = """colony seed small servers 3 cells 1
0.0 client1 put k 1 cell 1
0.3 stop a
0.4 client1 put k 2 cell 1
0.9 start a
"""


def steps_of(name: str) -> Scenario[Sight]:
    """The scenario that something is done which has this name, and that a step comes after it."""
    done = Stage[Sight]("it is done", lambda sight, _: ({},) if sight.done[:1] == (name,) else ())
    step = Stage[Sight]("a step comes", lambda sight, _: ({},) if sight.step is not None else ())
    return Scenario(name, "", "", (done, step))


def test_watching_a_run_changes_nothing() -> None:
    script = read(SMALL, "small")
    watch = Watch(steps_of("stop"))
    assert Runs().play(script, (watch,)).found is None
    assert watch.is_complete
    assert campaign.run(script).refuted is None


def test_a_run_that_was_led_is_the_same_when_it_is_played_again() -> None:
    """What was done to bring a stage near stands in its script, at the moment at which it was done."""
    put = Stage[Sight](
        "a put is asked for",
        lambda sight, _: ({},) if sight.done[1:2] == ("put",) else (),
        brings=lambda *_: (("kill", "b"), ("start", "b")),
    )
    scenario = Scenario("led", "", "", (put, *steps_of("never").stages))
    script = read(SMALL, "small")
    led = Runs().play(Led(script.seed, script.settings, script.events, 0.5, "luck"), (Watch(scenario),)).schedule
    assert {event.words[0] for event in led.events} > {event.words[0] for event in script.events}
    assert type(led) is Script
    assert read(led.text(), "led") == led
    assert campaign.run(led).digest == campaign.run(led).digest
    twice = [
        Runs().play(Led(script.seed, script.settings, script.events, 0.5, "luck"), (Watch(scenario),)) for _ in "12"
    ]
    assert twice[0] == twice[1]
    watch = Watch(scenario)
    assert Runs().play(led, (watch,)).schedule == led
    assert len(watch.reached) == 1


def test_what_is_not_done_is_not_met() -> None:
    watch = Watch(steps_of("kill"))
    Runs().play(read(SMALL, "small"), (watch,))
    assert watch.reached == []


def test_a_watch_that_falls_over_is_a_defect_and_no_refutation() -> None:
    broken = Stage[Sight]("nobody knows", lambda *_: (1 / 0,))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        Runs().play(read(SMALL, "small"), (Watch(Scenario("broken", "", "", (broken,))),))


@pytest.mark.parametrize(("wanted", "verdict"), [("put", Verdict.HOLDS), ("nothing", Verdict.INCONCLUSIVE)])
def test_it_is_a_part_of_the_link(wanted: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's deed is met by the first run; what nobody does is expected, and makes the link inconclusive."""
    done = Stage[Sight]("it is done", lambda sight, _: ({},) if wanted in sight.done[1:2] else ())
    here = evolve(ground(), scenarios=(Scenario("done", "", "", (done,)),), expected=frozenset({"done"}), runs=2)
    monkeypatch.setattr(link, "ground", lambda *_: here)
    report = link.run(Settings(profile=Profile.DEEP, models=(rare.NAME,)), Silence())
    assert report.verdict is verdict
    assert [row.name for row in report.rows] == [rare.NAME]
    assert [line for failure in report.failures for line in failure.lines] == (
        [] if verdict is Verdict.HOLDS else ["never: done, of which 0 of 1 stages were met"]
    )


@pytest.mark.parametrize("way", ["redraw", "splice", "change"])
def test_a_changed_run_is_the_same_up_to_its_place(way: str) -> None:
    one, other = draw("1", always=MOVES), draw("2")
    changed = Runs().change(way, one, 2.5, other, "7")
    assert changed == Runs().change(way, one, 2.5, other, "7")
    assert changed != one
    assert (changed.seed, changed.settings) == (one.seed, one.settings)
    early = [event for event in one.events if event.at_s < 2.1]
    if way != "change":
        assert [event for event in changed.events if event.at_s < 2.1] == early


def test_what_another_run_did_is_left_out_where_it_makes_no_sense() -> None:
    """It had more servers, and more cells."""
    small = read("colony seed small servers 3 cells 1\n0.1 kill a\n", "small")
    large = read(
        "colony seed large servers 5 cells 2 nodes 3 spares 4\n0.5 kill e\n0.6 move 2 a d\n0.7 kill b\n", "large"
    )
    changed = Runs().change("splice", small, 0.2, large, "7")
    assert [event.words for event in changed.events] == [("kill", "a"), ("kill", "b")]


def test_a_run_keeps_its_beginning_to_the_byte() -> None:
    script = read(SMALL, "small")
    longer = evolve(script, events=(*script.events, *read(f"{SMALL}1.5 kill b\n", "more").events[-1:]))
    assert _lines(script, 1.2) == _lines(longer, 1.2)


def _lines(script: Script, until_s: float) -> list[str]:
    seen: list[str] = []

    def note(sight: Sight, _: object) -> tuple[()]:
        if sight.colony.simulator.now_s < until_s:
            seen.append(f"{sight.colony.simulator.now_s:.6f} {sight.what}")
        return ()

    Runs().play(script, (Watch(Scenario("all", "", "", (Stage("never", note),))),))
    return seen


@pytest.mark.parametrize("always", [MOVES, LEASES, SHORT_LOGS])
def test_what_is_to_be_there_always_is_drawn(always: str) -> None:
    word = {MOVES: "move", LEASES: "lease"}.get(always)
    drawn = [draw(str(seed), always=always) for seed in range(20)]
    has = [
        script.settings.get("log") if word is None else any(word in event.words[:2] for event in script.events)
        for script in drawn
    ]
    assert sum(map(bool, has)) > 14
    assert all("log" not in draw(str(seed)).settings for seed in range(20))


@pytest.mark.parametrize("file", MET, ids=lambda file: file.stem)
def test_without_the_events_around_a_stage_it_does_not(file: Path) -> None:
    """Of the shortest run no event can be left out: one that is drawn is, and the scenario is not met."""
    here, text = ground(), file.read_text(encoding="utf-8")
    scenario = again((here,), text, file.name).scenario
    script = here.read(scenario, text, file.name)
    number = Random(file.stem).randrange(len(script.events))
    watch = Watch(scenario)
    Runs().play(Runs().without(script, number, 1), (watch,))
    assert not watch.is_complete


def test_what_is_expected_is_looked_for() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 4
    assert set(names) >= EXPECTED
    assert all(len(scenario.stages) > 2 and scenario.like for scenario in SCENARIOS)

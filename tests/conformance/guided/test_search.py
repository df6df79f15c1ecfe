"""A search by progress meets what chance does not, is the same for the same seed, and meets nothing by accident."""

from collections.abc import Iterator
from random import Random

import pytest

from conformance.guided import part as rare
from conformance.guided.kept import again, text
from conformance.guided.looking import chosen, look
from conformance.guided.scenario import Fixed, Progress, Reached, Scenario, Stage, Watch
from conformance.guided.search import Search
from conformance.guided.shortening import shortened
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from tests.conformance.guided.toy import Letters, ground, word

RUNS = 400
PLANTED = "crabs"
"""A run of twelve letters has these five in their order about once in 15,000."""


def watched(scenario: Scenario[str], run: str) -> Watch[str]:
    watch = Watch(scenario)
    Letters().play(run, (watch,))
    return watch


def test_guidance_meets_a_planted_scenario_and_chance_does_not() -> None:
    search = Search(Letters(), 0, RUNS)
    guided, by_chance = search.guided(word(PLANTED)), search.by_chance([word(PLANTED)])[0]
    assert 0 < guided.met_after < RUNS
    assert (by_chance.met_after, by_chance.runs) == (0, RUNS)
    assert by_chance.best.stages < len(PLANTED)
    assert guided.met is not None
    assert watched(word(PLANTED), guided.met).is_complete


def test_guidance_is_no_luck_of_one_seed() -> None:
    met = [Search(Letters(), seed, RUNS).guided(word(PLANTED)).met_after for seed in range(10)]
    drawn = [Search(Letters(), seed, RUNS).by_chance([word(PLANTED)])[0].met_after for seed in range(10)]
    assert all(met)
    assert not any(drawn)


def test_the_same_seed_makes_the_same_search() -> None:
    first, second, other = (Search(Letters(), seed, RUNS).guided(word(PLANTED)) for seed in (3, 3, 4))
    assert first == second
    assert first.met != other.met


def test_what_cannot_come_is_told_as_not_reached() -> None:
    impossible = word("ab?")
    looked = look(ground(impossible), (impossible,), 60, 0, Silence(), with_chance=True)
    (line,) = looked.lines
    assert looked.verdict is Verdict.INCONCLUSIVE
    assert (line.after, line.by_chance) == (0, 0)
    assert (line.reached, line.furthest) == (2, "an b comes")
    assert looked.runs == 2 * 60


@pytest.mark.parametrize("run", ["abd", "acd", "bcd", "dcba", "aabbdd", "abzcd", ""])
def test_a_run_without_one_of_the_stages_is_no_match(run: str) -> None:
    assert not watched(word("abcd", together="b"), run).is_complete


@pytest.mark.parametrize("run", ["abcd", "xaxbxcxd", "abzbcd", "aabbccdd"])
def test_a_run_with_all_of_them_is_one(run: str) -> None:
    assert watched(word("abcd", together="b"), run).is_complete


def test_one_step_meets_one_stage() -> None:
    twice = word("aa")
    assert not watched(twice, "a").is_complete
    assert watched(twice, "aa").is_complete


def test_stages_speak_of_what_the_first_one_fixed() -> None:
    first = Stage[str]("a letter comes", lambda sight, _: ({"letter": sight},))
    again = Stage[str]("the same letter comes", lambda sight, fixed: ({},) if sight == fixed["letter"] else ())
    twice = Scenario("twice", "", "letters", (first, again))
    assert not watched(twice, "abc").is_complete
    assert watched(twice, "abca").is_complete


def test_where_a_run_came_nearest_is_remembered() -> None:
    near = Stage[str](
        "an a comes",
        lambda sight, _: ({},) if sight == "a" else (),
        distance=lambda sight, _: abs(ord(sight) - ord("m")),
    )
    scenario = Scenario("near", "", "letters", (near, *word("!").stages))
    watch = watched(scenario, "xayoqk")
    assert watch.best == Progress(1, -2)
    assert watch.reached == [Reached(-2, 4.0)]


def test_one_attempt_is_led_on_at_a_time_as_long_as_it_stands() -> None:
    def comes(sight: str, _: Fixed) -> Iterator[Fixed]:
        if sight.isupper():
            yield {"letter": sight}

    again = Stage[str](
        "a capital letter comes",
        comes,
        lambda sight, fixed: sight != fixed["letter"].lower(),
        brings=lambda _, fixed: (fixed["letter"] + "!",),
        spoils=lambda _, fixed, event: event == fixed["letter"].lower(),
    )
    watch, rng = Watch(Scenario("led", "", "letters", (again, *word("?").stages))), Random(0)
    assert watch.hints("", rng) == []
    watch.see("A", 1.0)
    first = watch.hints("A", rng)
    assert first == ["A!"]
    for place, letter in enumerate("BCD", start=2):
        watch.see(letter, float(place))
        assert watch.hints(letter, rng) == first
    assert watch.is_spoiled_by("D", "a", rng)
    assert not watch.is_spoiled_by("D", "b", rng)
    watch.see("a", 5.0)
    (other,) = watch.hints("a", rng)
    assert other in ("B!", "C!", "D!")


def test_a_run_that_met_a_scenario_is_made_as_short_as_it_goes() -> None:
    scenario = word("crab", together="r")
    assert shortened(Letters(), scenario, "xcyrqzrabbzq", tries=100) == "crab"
    assert shortened(Letters(), scenario, "xcyrqzrabbzq", tries=0) == "xcyrqzrabbzq"


def test_a_refutation_ends_a_search_and_is_told() -> None:
    looked = look(ground(word(PLANTED), world=Letters(wrong="q")), (word(PLANTED),), RUNS, 0, Silence())
    assert looked.verdict is Verdict.REFUTED
    assert looked.failure is not None
    assert looked.failure.title.startswith("wrong: ")
    assert looked.runs < RUNS


def test_scenarios_are_chosen_by_their_names() -> None:
    here = ground(word("ab"), word("cd"))
    assert [one.name for one in chosen((here,), ())] == ["ab", "cd"]
    assert [one.name for one in chosen((here,), ("cd",))] == ["cd"]
    with pytest.raises(BadInput, match="no scenario 'xy'; there are 'ab', 'cd'"):
        chosen((here,), ("xy",))


def test_a_run_that_was_kept_is_played_again() -> None:
    here = ground(word("ab"), word("cd"))
    kept = text(here, word("cd"), "xcxd")
    assert kept.startswith("# scenario: cd\n# 1. an c comes\n")
    played = again((here,), kept, "cd.txt")
    assert (played.scenario.name, played.watch.is_complete, played.failure) == ("cd", True, None)
    assert not again((here,), kept.replace("xcxd", "xxxd"), "cd.txt").watch.is_complete
    refuted = again((here,), kept.replace("xcxd", "xc!d"), "cd.txt").failure
    assert refuted is not None
    with pytest.raises(BadInput, match=r"cd\.txt does not begin with a line such as '# scenario: NAME'"):
        again((here,), kept.replace("# scenario: cd", "# scenario: ef"), "cd.txt")


# As a part of a link.


def test_only_the_deep_profile_looks_for_scenarios() -> None:
    wanted = [profile for profile in Profile if rare.is_wanted(Settings(profile=profile))]
    assert wanted == [Profile.DEEP]
    assert not rare.is_wanted(Settings(profile=Profile.DEEP, models=("another part",)))
    assert rare.is_wanted(Settings(profile=Profile.DEEP, models=(rare.NAME,)))


def test_what_was_expected_and_not_met_makes_a_link_inconclusive() -> None:
    settings = Settings(profile=Profile.DEEP)
    row, failure = rare.part(ground(word("ab"), word("ab?")), "toy", settings, Silence())
    assert row.verdict is Verdict.INCONCLUSIVE
    assert failure is not None
    assert failure.lines == ("never: ab?, of which 2 of 3 stages were met",)
    assert "1 of 2 met" in row.note
    row, failure = rare.part(ground(word("ab")), "toy", settings, Silence())
    assert (row.verdict, failure) == (Verdict.HOLDS, None)

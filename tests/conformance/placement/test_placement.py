"""The link `placement` holds, and refuses listings, answers and runs in which something is wrong or never happened."""

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from conformance.links import BadInput, LinkReport, Profile, Settings, Silence, Verdict
from conformance.manifest import load_manifest
from conformance.placement import explore as placement_explore
from conformance.placement import link as placement
from conformance.placement.brute import availability, exact_unavailability, unavailability
from conformance.placement.definition import Question, World, distances_to
from conformance.placement.explore import Tally, examine, explore, keep
from conformance.placement.judge import Table, judge
from conformance.placement.link import DRAWN, SEEDED, Amount, compare
from conformance.placement.models import RUNG, Listed, Listing, question
from conformance.placement.sites import Seeded
from conformance.placement.sites import question as make_up
from conformance.placement.table import by_definition, possible
from conformance.refutation import Refuted
from conformance.tlc.limits import Outcome
from conformance.tlc.run import run_tlc
from physalia.placement.rules.policy import read
from physalia.placement.site import format as files
from physalia.placement.site.format import digest
from physalia.placement.site.topology import DEVICE_KINDS, DeviceKind
from physalia.placement.solver.answer import Answer
from physalia.placement.survival.by_cuts import Survival

FOLDER = load_manifest().folder
MODELS = [model.name for model in load_manifest().models if model.rung == RUNG]
SMALL = "MCPlacementImpossible"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement_explore, "RUNS", tmp_path / "runs")


def run(*models: str, **amount: int) -> LinkReport:
    return placement.run(Settings(profile=Profile.QUICK, models=models), Silence())


def listing_of(name: str) -> Listing:
    """What TLC would print of a model, made from the definitions."""
    asked = question(FOLDER, name)
    table, _ = by_definition(asked)
    listing = Listing(tuple(asked.topology.servers))
    number = {server: at for at, server in enumerate(asked.topology.servers, start=1)}
    for cell in table.cells:
        value = asked.value(cell)
        legal = cell in table.legal
        words = [str(told).upper() for told in (legal, legal and value == table.best, cell in table.surviving)]
        numbers = "{" + ", ".join(str(number[server]) for server in cell) + "}"
        listing.read(f'"<<\\"cell\\", {numbers}, {", ".join(words)}, <<{", ".join(map(str, value))}>>>>"')
    return listing


def test_the_link_holds_on_a_model_and_reports_what_tlc_listed() -> None:
    report = run(SMALL)
    assert (report.verdict, report.models, report.states) == (Verdict.HOLDS, 1, 163)
    assert report.rows[0].note == "70 cells: 0 legal, 5 survive"


@pytest.mark.parametrize("name", MODELS)
def test_the_answers_are_those_of_every_model(name: str) -> None:
    listing = listing_of(name)
    assert {listed.survives for listed in listing.cells.values()} == {True, False}
    compare(name, listing)


WRONG: dict[str, Callable[[Listed], Listed]] = {
    "legal": lambda listed: evolve(listed, legal=not listed.legal),
    "optimal": lambda listed: evolve(listed, optimal=not listed.optimal),
    "survives": lambda listed: evolve(listed, survives=not listed.survives),
    "value": lambda listed: evolve(listed, value=(*listed.value[:3], listed.value[3] + 1)),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_listing_that_is_wrong_of_one_cell_is_refuted(change: Callable[[Listed], Listed]) -> None:
    listing = listing_of("MCPlacementCrossing")
    cell = next(iter(listing.cells))
    listing.cells[cell] = change(listing.cells[cell])
    with pytest.raises(Refuted, match="TLC says"):
        compare("MCPlacementCrossing", listing)


def test_a_listing_that_lacks_a_cell_is_refuted() -> None:
    listing = listing_of(SMALL)
    listing.cells.popitem()
    with pytest.raises(Refuted, match="lists 69 cells, and there are 70"):
        compare(SMALL, listing)


def test_a_cell_that_is_listed_twice_is_an_error() -> None:
    listing = Listing(("a", "b"))
    line = '"<<\\"cell\\", {1, 2}, TRUE, FALSE, TRUE, <<4, 0, 8, 1>>>>"'
    listing.read(line)
    assert listing.cells == {frozenset("ab"): Listed(True, False, True, (4, 0, 8, 1))}
    listing.read('<<"reached", "ReachVictim">>')
    with pytest.raises(ValueError, match="twice"):
        listing.read(line)


def test_a_module_without_constants_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "MCNone.tla").write_text("---- MODULE MCNone ----\n====\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no definition of TheSite"):
        question(tmp_path, "MCNone")


def test_tlc_that_does_not_finish_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*arguments: Any, **options: Any) -> Any:
        return evolve(run_tlc(*arguments, **options), outcome=Outcome.OUT_OF_TIME)

    monkeypatch.setattr(placement, "run_tlc", cut)
    report = run(SMALL)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.failures[0].replay == f"physalia spec tlc {SMALL}"


def test_an_unknown_part_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no part 'MCStore'"):
        run("MCStore")


def test_made_up_sites_hold_and_say_how_many_can_be_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(placement.AMOUNTS, Profile.QUICK, Amount(seeded=3, most_seeded=400, drawn=12))
    report = run(SEEDED, DRAWN)
    assert report.verdict is Verdict.HOLDS, report.failures
    assert [row.name for row in report.rows] == [SEEDED, DRAWN]
    assert all("with a placement" in note and "seed 0" in note for note in report.notes)


def test_what_never_happened_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "ALWAYS", ("placed", "the sky falls"))
    monkeypatch.setitem(placement.AMOUNTS, Profile.QUICK, Amount(seeded=1, most_seeded=4, drawn=1))
    report = run(SEEDED)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "never: the sky falls" in report.failures[0].lines
    assert report.failures[0].replay == "physalia verify placement --quick --seed 0"


@pytest.mark.parametrize("name", [SEEDED, DRAWN, SMALL])
def test_a_solver_that_gives_up_is_inconclusive(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(
        "conformance.placement.judge.prove", lambda *_: (Survival(holds=None, method="z3", failures=1),)
    )
    report = run(name)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "z3 gave up on whether" in report.failures[0].title


def test_too_few_possible_sites_are_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "FEASIBLE_SHARES", {SEEDED: 1.1, DRAWN: 1.1})
    monkeypatch.setitem(placement.AMOUNTS, Profile.QUICK, Amount(seeded=1, most_seeded=1, drawn=2))
    report = run(DRAWN)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.failures[0].lines == ("never: a placement in at least 110% of the sites",)


def test_a_wrong_answer_is_refuted_with_files_that_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.placement.judge.cut_sets", lambda *_: {})
    monkeypatch.setitem(placement.AMOUNTS, Profile.QUICK, Amount(seeded=5, most_seeded=5, drawn=1))
    report = run(SEEDED)
    assert report.verdict is Verdict.REFUTED
    (failure,) = report.failures
    assert "the cut set says nothing" in failure.title
    assert failure.lines[-1].startswith("physalia place query ")


def test_hypothesis_finds_what_is_wrong_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.placement.judge.cut_sets", lambda *_: {})
    monkeypatch.setitem(placement.AMOUNTS, Profile.QUICK, Amount(seeded=1, most_seeded=1, drawn=20))
    assert run(DRAWN).verdict is Verdict.REFUTED


def judged(asked: Question, change: Callable[[Answer], Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    from physalia.placement.solver import answer as answers  # noqa: PLC0415

    real = answers.query
    monkeypatch.setattr(answers, "query", lambda *arguments, **options: change(real(*arguments, **options)))
    table, _ = by_definition(asked)
    judge(asked, table, z3=False)


def placed() -> Question:
    return next(asked for at in count() if by_definition(asked := possible(make_up(Seeded(f"placed/{at}"))))[0].best)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda answer: evolve(answer, verdict="impossible"), "the answer is impossible"),
        (lambda answer: evolve(answer, cost=evolve(answer.cost, fill=answer.cost.fill + 1)), "is said to cost"),
        (lambda answer: evolve(answer, servers=()), "costs nothing, for it is not legal"),
        (lambda answer: evolve(answer, trees={}), "the checker refuses"),
    ],
)
def test_answers_that_are_wrong_are_refuted(
    change: Callable[[Answer], Answer], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refuted, match=says):
        judged(placed(), change, monkeypatch)


def test_a_checker_that_accepts_anything_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.placement.judge.check", lambda *_: "fine")
    with pytest.raises(Refuted, match="the checker accepts a certificate with"):
        judged(placed(), lambda answer: answer, monkeypatch)


@pytest.mark.parametrize("emptied", ["legal", "surviving"])
def test_a_table_that_says_otherwise_is_refuted(emptied: str) -> None:
    asked = question(FOLDER, "MCPlacementSingleFed")
    table, _ = by_definition(asked)
    wrong: Table = evolve(table, **{emptied: type(getattr(table, emptied))()})
    with pytest.raises(Refuted):
        judge(asked, wrong, z3=False)


def test_an_availability_that_is_wrong_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.placement.brute.unavailability", lambda *_: 0.123)
    with pytest.raises(Refuted, match=r"is 0\.123, by"):
        examine(Seeded("wrong"), Tally())


def test_the_same_seed_makes_up_the_same_sites() -> None:
    def digests(seed: int) -> list[str]:
        tally, found = Tally(), []

        def note(so_far: Tally) -> None:
            assert so_far.latest is not None
            found.append(digest(so_far.latest.topology))

        explore(4, seed, tally, note)
        return found

    assert digests(3) == digests(3) != digests(4)


def test_a_kept_question_is_read_as_it_was(tmp_path: Path) -> None:
    asked = make_up(Seeded("kept"))
    (line,) = keep(asked, "why", tmp_path)
    words = line.split()
    assert files.read(Path(words[3])) == asked.topology
    assert read(Path(words[words.index("--policy") + 1])) == asked.policy
    assert words[words.index("--instance") + 1] == asked.instance


def test_a_kept_question_is_answered_by_its_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from physalia.cli import run as physalia  # noqa: PLC0415

    (line,) = keep(placed(), "why", tmp_path)
    assert physalia([*line.split()[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "placed"


def test_the_definitions_on_a_site_that_is_worked_out_by_hand() -> None:
    """`MCPlacementSingleFed`: racks b and c hang on switch x1 alone; the instance a1 on both."""
    topology = question(FOLDER, "MCPlacementSingleFed").topology
    assert World(topology).reached("a1") == set(topology.servers)
    assert set(topology.servers) - World(topology, frozenset({"x1"})).reached("a1") == {"b1", "b2", "c1", "c2"}
    assert not World(topology, frozenset({"ta"})).is_up("a1")
    assert not World(topology, frozenset({"fx"})).is_up("a1")
    assert World(topology, frozenset({"fy"})).is_up("a1")
    distances = distances_to(topology, "a1")
    assert [distances[name] for name in ("a1", "a2", "b1", "d1")] == [0, 2, 4, 6]


def test_brute_force_on_a_chain_that_is_worked_out_by_hand() -> None:
    """Of three nodes in one rack behind a switch that fails in 1 of 4 cases, and servers that fail in half of them."""
    topology = question(FOLDER, "MCPlacementSingleFed").topology
    certain: dict[DeviceKind, float] = dict.fromkeys(DEVICE_KINDS, 0.0)
    chances = {"td": 0.25, "d1": 0.5, "d2": 0.5, "d3": 0.5}
    made = evolve(topology, probability=certain, device_probability=chances)
    assert availability(made, "a1", ["d1", "d2", "d3"]) == 0.75 * 0.5
    assert unavailability(made, "a1", ["d1", "d2", "d3"]) == 1 - 0.75 * 0.5
    assert exact_unavailability(made, "a1", ["d1", "d2", "d3"]) == Fraction(5, 8)
    for way in (availability, unavailability, exact_unavailability):
        assert way(evolve(made, device_probability={"a1": 1.0}), "a1", ["d1"]) is None


def test_brute_force_tells_what_doubles_near_1_cannot() -> None:
    topology = question(FOLDER, "MCPlacementSingleFed").topology
    certain: dict[DeviceKind, float] = dict.fromkeys(DEVICE_KINDS, 0.0)
    made = evolve(topology, probability=certain, device_probability=dict.fromkeys(("d1", "d2", "d3"), 2.0**-40))
    expected = 3 * Fraction(1, 2**80) * (1 - Fraction(1, 2**40)) + Fraction(1, 2**120)
    assert exact_unavailability(made, "a1", ["d1", "d2", "d3"]) == expected
    assert unavailability(made, "a1", ["d1", "d2", "d3"]) == pytest.approx(float(expected), rel=1e-14)
    assert availability(made, "a1", ["d1", "d2", "d3"]) == 1.0

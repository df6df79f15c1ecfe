"""Two graphs are compared as sets, both directions; a mutated mirror gives a printed difference."""

import re
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from conformance.graph.compare import Comparison, compare
from conformance.graph.link import Runner, models_of, run
from conformance.graph.mirror import check
from conformance.links import BadInput, Profile, Settings, Silence, Verdict
from conformance.manifest import Manifest, Model, load_manifest
from conformance.tlc.decode import StateDecoder
from conformance.tlc.dump import Dump, DumpError, Label
from conformance.tlc.limits import Limits as RunLimits
from conformance.tlc.run import Processes
from conformance.tlc.toolchain import find_toolchain
from spec.cell import Cell, State
from spec.machine import Exploration, Limits, Machine, explore, walk
from spec.models import MODELS, PROGRESS
from spec.observed import changes_of
from tests.spec.toys import Counters, Counting

NAME = "MCCellChangeRefines"


def whole(machine: Machine[Any]) -> Exploration[Any]:
    return explore(machine, invariants=(), record=True)


def dump_of(found: Exploration[Any]) -> Dump:
    """What TLC would dump if it agreed."""
    dump = Dump(
        states=[found.state(number) for number in range(found.distinct)],
        initial=list(range(found.initial)),
        labels=[Label(name.capitalize()) for name in found.machine.action_names()],
    )
    names = list(found.machine.action_names())
    for source, step, target in zip(found.edge_sources, found.edge_steps, found.edge_targets, strict=True):
        dump.sources.append(source)
        dump.label_numbers.append(names.index(found.steps[step][0]))
        dump.targets.append(target)
    return dump


def with_arguments(dump: Dump, found: Exploration[Any]) -> Dump:
    """The same, as a jar of later years dumps it."""
    dump.labels = [Label(name.capitalize(), args) for name, args in found.steps]
    dump.label_numbers = array("q", found.edge_steps)
    return dump


def mutant(**changes: Callable[..., Any]) -> Machine[Any]:
    """The model with some of its methods changed; a changed action keeps its arguments."""
    machine = MODELS[NAME]
    for name, change in changes.items():
        if hasattr(getattr(Cell, name), "domains"):
            change.domains = getattr(Cell, name).domains  # type: ignore[attr-defined]
    broken = type("Mutant", (type(machine),), changes)
    fields = {field.name: getattr(machine, field.name) for field in type(machine).__attrs_attrs__}  # type: ignore[attr-defined]
    mutated: Machine[Any] = broken(**fields)
    return mutated


def against_the_original(machine: Machine[Any]) -> Comparison:
    return compare(whole(machine), dump_of(whole(MODELS[NAME])))


def test_equal_graphs_have_no_difference() -> None:
    comparison = against_the_original(mutant())
    assert comparison.difference == ()
    assert (comparison.states, comparison.edges) == (154, 305)


def vote_for_lower_ballots(self: Cell, s: State, n: int, b: int, i: int) -> Any:
    """Without the guard on the audience."""
    everyone = type(self).__mro__[1](
        **{**vars_of(self), "audience": dict.fromkeys(self.ballots, frozenset(self.nodes))}
    )
    return everyone.vote(s, n, b, i)


def vars_of(cell: Cell) -> dict[str, Any]:
    return {field.name: getattr(cell, field.name) for field in type(cell).__attrs_attrs__}


def promise_nothing(self: Cell, s: State, n: int, b: int) -> Any:
    """An edge is missing: node 4 never promises."""
    return None if n == 4 else Cell.promise(self, s, n, b)


def vote_without_promise(self: Cell, s: State, n: int, b: int, i: int) -> Any:
    """A field is not changed."""
    after: Any = Cell.vote(self, s, n, b, i)
    return after and s._replace(**{**changes_of(after), "promised": s.promised})


def learn_nothing(self: Cell, s: State, n: int, i: int) -> Any:
    """An edge too many, that leads to where it starts."""
    return s if n == 1 and i == 1 else Cell.learn(self, s, n, i)


def asked_before(self: Cell) -> Any:
    for state in Cell.init(self):
        yield state._replace(asked=frozenset({"swap"}))


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"vote": vote_for_lower_ballots}, ["spec/ alone allows vote(3, 1, 1):", "      promised[3]: 0 -> 1"]),
        ({"promise": promise_nothing}, ["TLC alone allows a step Promise:", "      promised[4]: 0 -> 1"]),
        ({"vote": vote_without_promise}, ["TLC alone allows a step Vote:", "spec/ alone allows vote(4, 1, 1):"]),
        ({"learn": learn_nothing}, ["spec/ alone allows learn(1, 1):"]),
    ],
)
def test_a_mutated_mirror_gives_a_printed_difference(changes: dict[str, Callable[..., Any]], lines: list[str]) -> None:
    difference = against_the_original(mutant(**changes)).difference
    assert difference[1] == "The shortest path to where they part:"
    assert difference[2].split() == ["0", "init()"]
    assert "The last common state:" in difference
    assert set(lines) <= set(difference), "\n".join(difference)


def test_another_initial_state_is_a_difference() -> None:
    difference = against_the_original(mutant(init=asked_before)).difference
    assert [line.split(": ")[0] for line in difference] == ["initial for TLC alone", "initial for spec/ alone"]


def test_the_mirror_says_what_stops_it() -> None:
    dump = dump_of(whole(Counters(2)))
    difference = compare(whole(Counters(1)), dump).difference
    assert difference[0] == "5 states and 8 steps are TLC's alone, 0 states and 0 steps are spec/'s alone."
    assert "TLC alone allows a step Count:" in difference
    assert any(line.endswith("where this is false: getattr(s, side) < self.top") for line in difference)


def test_the_other_direction() -> None:
    difference = compare(whole(Counters(2)), dump_of(whole(Counters(1)))).difference
    assert difference[0] == "0 states and 0 steps are TLC's alone, 5 states and 8 steps are spec/'s alone."
    assert "spec/ alone allows count(left):" in difference


def test_the_path_is_a_shortest_one() -> None:
    dump = dump_of(whole(Counters(4)))
    gone = next(
        place for place in range(len(dump.sources))
        if dump.states[dump.sources[place]] == Counting(2, 1) and dump.states[dump.targets[place]] == Counting(2, 2)
    )  # fmt: skip
    for column in (dump.sources, dump.label_numbers, dump.targets):
        del column[gone]
    difference = compare(whole(Counters(4)), dump).difference
    path = difference[2 : difference.index("The last common state:")]
    assert len([line for line in path if not line.startswith("      ")]) == 4
    assert "  left = 2" in difference
    assert "  right = 1" in difference


def test_arguments_that_are_labelled_are_compared() -> None:
    found = whole(MODELS[NAME])
    assert compare(found, with_arguments(dump_of(found), found)).difference == ()
    dump = with_arguments(dump_of(found), found)
    at = dump.labels.index(Label("Vote", (4, 1, 1)))
    dump.labels[at] = Label("Vote", (2, 1, 1))
    difference = compare(found, dump).difference
    assert "TLC alone allows Vote(2, 1, 1):" in difference
    assert "spec/ alone allows vote(4, 1, 1):" in difference
    assert "      spec/ allows vote(2, 1, 1), and it leads elsewhere:" in difference


@pytest.mark.parametrize("wrong", [(3, 1), (3, 1, "one"), (3, 1, 1, 1)])
def test_arguments_that_the_mirror_cannot_mean_are_a_difference(wrong: tuple[Any, ...]) -> None:
    found = whole(MODELS[NAME])
    dump = with_arguments(dump_of(found), found)
    dump.labels = [Label("Vote", wrong) if label == Label("Vote", (4, 1, 1)) else label for label in dump.labels]
    shown = ", ".join(f'"{part}"' if isinstance(part, str) else str(part) for part in wrong)
    assert f"TLC calls steps Vote({shown}), which are no actions" in compare(found, dump).difference[0]


def test_arguments_that_are_labelled_here_and_there_are_an_error() -> None:
    found = whole(MODELS[NAME])
    dump = with_arguments(dump_of(found), found)
    dump.labels[dump.labels.index(Label("Vote", (4, 1, 1)))] = Label("Vote")
    with pytest.raises(DumpError, match="steps Vote are labelled with their arguments in one place"):
        compare(found, dump)


def test_sequences_and_names_are_arguments_too() -> None:
    for name in ("MCStoreChanges", "MCLog"):
        found = whole(MODELS[name])
        assert compare(found, with_arguments(dump_of(found), found)).difference == ()


def test_the_hint_is_about_the_very_step_that_tlc_takes(tmp_path: Path) -> None:
    """Vote without its guard on promises: another call comes further in its guard, and has nothing to do with it."""
    folder = copytree(TLA, tmp_path / "tla")
    cell = (folder / "Cell.tla").read_text(encoding="utf-8")
    before, vote = cell.split("\nVote(n, b, i) ==")
    mutated = before + "\nVote(n, b, i) ==" + vote.replace("promised[n] <= b", "TRUE", 1)
    (folder / "Cell.tla").write_text(mutated, encoding="utf-8")
    manifest = load_manifest(folder)
    with Processes() as processes:
        runner = Runner(manifest, find_toolchain(), processes, RunLimits(), Silence())
        judged = runner.graph(manifest.model("MCCellTwoBallots"))
    assert judged.failure is not None
    lines = judged.failure.lines
    alone = lines[next(at for at, line in enumerate(lines) if line.startswith("TLC alone allows")) :]
    (vote_line,) = [line for line in alone if "votes: + Vote(" in line]
    ballot, slot, node = re.findall(r"=(\d)", vote_line)
    assert f"      spec/ refuses vote({node}, {ballot}, {slot}), where this is false: s.promised[n] <= b" in alone
    assert not [line for line in alone if "is not None" in line]


def test_a_step_that_no_call_would_take_is_said_to_be_none() -> None:
    difference = against_the_original(mutant(vote=vote_without_promise)).difference
    assert any(line.startswith("      spec/ has no vote with this effect") for line in difference)


def test_a_mirror_without_end_is_cut_short_and_differs() -> None:
    endless = explore(Counters(10**9), invariants=(), record=True, limits=Limits(states=2_000))
    difference = compare(endless, dump_of(whole(Counters(3)))).difference
    assert "spec/ alone allows count(left):" in difference
    assert difference[-1].startswith("The exploration of spec/ was cut short at the limit of 2,000 states")


def test_the_link_cuts_a_mirror_without_end_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.graph.mirror.SPARE_STATES", 0)
    monkeypatch.setattr("conformance.graph.mirror.MODELS", {NAME: MODELS["MCCellChange"]})
    report = link(monkeypatch, (model(NAME),))
    assert report.verdict is Verdict.REFUTED
    assert "cut short" in report.failures[0].lines[-1]


def test_a_mirror_without_end_is_refuted_by_its_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.graph.mirror.MODELS", {NAME: Counters(10**9)})
    checked = check(Manifest(folder=TLA, models=(model(NAME),), twins=()), NAME, Silence())
    assert (checked.verdict, checked.violated) == (Verdict.REFUTED, "")
    assert 2 * checked.model.distinct < checked.found.distinct < 10**5
    assert any(one.startswith("distinct states: the manifest says 154, ") for one in checked.differences)


def test_a_label_that_is_no_action_is_a_difference() -> None:
    dump = dump_of(whole(Counters(1)))
    dump.labels[0] = Label("Next")
    assert "Next, which are no actions of spec/" in compare(whole(Counters(1)), dump).difference[0]


def test_a_wrong_label_alone_is_a_difference() -> None:
    dump = dump_of(whole(MODELS[NAME]))
    decide, learn = dump.labels.index(Label("Decide")), dump.labels.index(Label("Learn"))
    dump.labels[decide], dump.labels[learn] = dump.labels[learn], dump.labels[decide]
    difference = compare(whole(MODELS[NAME]), dump).difference
    assert "TLC alone allows a step Learn:" in difference


def test_states_that_no_path_leads_to_are_an_error() -> None:
    dump = dump_of(whole(Counters(1)))
    dump.states.append(Counting(7, 7))
    with pytest.raises(DumpError, match="no path leads to"):
        compare(whole(Counters(1)), dump)


def test_two_nodes_of_one_state_are_an_error() -> None:
    dump = dump_of(whole(Counters(1)))
    dump.states.append(dump.states[0])
    with pytest.raises(DumpError, match="one and the same"):
        compare(whole(Counters(1)), dump)


def test_steps_with_several_arguments_are_counted() -> None:
    class Twice(Counters):
        sides = ("left", "left")

    assert compare(whole(Twice(3)), dump_of(whole(Twice(3)))).ambiguous == 3


def model(name: str, **fields: Any) -> Model:
    given: dict[str, Any] = {
        "rung": "Cell", "purpose": "", "bounds": "", "profile": Profile.QUICK, "expect": "holds",
        "distinct": 154, "generated": 306, "depth": 15, "graph": Profile.QUICK, "actions": (),
    }  # fmt: skip
    return Model(name=name, **(given | fields))


TLA = Path(__file__).resolve().parents[3] / "tla"


def link(monkeypatch: pytest.MonkeyPatch, models: tuple[Model, ...], profile: Profile = Profile.QUICK) -> Any:
    monkeypatch.setattr("conformance.graph.link.load_manifest", lambda: Manifest(folder=TLA, models=models, twins=()))
    return run(Settings(profile=profile), Silence())


def test_the_link_compares_tlc_with_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    report = link(monkeypatch, (model(NAME), model("MCCellChangeIssued", graph=None, distinct=53, depth=15)))
    assert report.verdict is Verdict.HOLDS, report.failures
    assert [row.name for row in report.rows] == [NAME, "MCCellChangeIssued, invariants and refinement"]
    assert (report.rows[0].states, report.rows[0].edges) == (154, 305)


def test_the_link_refutes_a_mutated_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.graph.mirror.MODELS", {NAME: mutant(promise=promise_nothing)})
    report = link(monkeypatch, (model(NAME),))
    assert report.verdict is Verdict.REFUTED
    assert "TLC alone allows a step Promise:" in report.failures[0].lines


def test_states_of_a_model_that_is_also_checked_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    report = link(monkeypatch, (model(NAME),), Profile.DEFAULT)
    assert [row.name for row in report.rows] == [NAME, f"{NAME}, invariants and refinement"]
    assert (report.models, report.states, report.edges) == (1, 154, 305)


def test_a_mirror_that_is_checked_and_compared_is_explored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    explored: list[bool] = []

    def counted(machine: Machine[Any], **options: Any) -> Exploration[Any]:
        explored.append(options.get("record", False))
        return explore(machine, **options)

    for module in ("link", "mirror"):
        monkeypatch.setattr(f"conformance.graph.{module}.explore", counted)
    report = link(monkeypatch, (model(NAME),), Profile.DEFAULT)
    assert [row.verdict for row in report.rows] == [Verdict.HOLDS, Verdict.HOLDS]
    assert explored == [True]


def test_a_mirror_that_breaks_its_word_is_compared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {NAME: mutant(vote=vote_without_promise)}
    for module in ("link", "mirror"):
        monkeypatch.setattr(f"conformance.graph.{module}.MODELS", broken)
    report = link(monkeypatch, (model(NAME),), Profile.DEFAULT)
    compared, checked = report.rows
    assert (compared.verdict, checked.verdict) == (Verdict.REFUTED, Verdict.REFUTED)
    assert compared.states > 0
    assert "mirror says memory_written" in report.failures[1].lines[0]


def test_a_mirror_that_is_refuted_by_its_number_is_not_followed_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.graph.mirror.SPARE_STATES", 20)
    report = link(monkeypatch, (model(NAME, distinct=20),), Profile.DEFAULT)
    assert [row.verdict for row in report.rows] == [Verdict.HOLDS, Verdict.REFUTED]
    assert "the manifest says 20" in report.failures[0].lines[0]


def test_a_mirror_that_refines_nothing_is_refuted_by_its_check(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = mutant(vote=vote_without_promise)
    monkeypatch.setattr("conformance.graph.mirror.MODELS", {NAME: broken})
    report = link(monkeypatch, (model(NAME, graph=None),))
    assert report.verdict is Verdict.REFUTED
    assert "the manifest says none, the mirror says memory_written" in report.failures[0].lines[0]


def test_counts_that_differ_from_the_manifest_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = link(monkeypatch, (model(NAME, graph=None, distinct=155),))
    assert report.verdict is Verdict.REFUTED
    assert "155" in report.failures[0].lines[0]


def test_counts_that_differ_point_to_where_the_graphs_part() -> None:
    compared = check(Manifest(folder=TLA, models=(model(NAME, distinct=155),), twins=()), NAME, Silence())
    assert compared.why[-1] == f"`physalia spec graph {NAME}` shows where the two part."
    alone = check(Manifest(folder=TLA, models=(model(NAME, distinct=155, graph=None),), twins=()), NAME, Silence())
    assert len(alone.why) == 1


def test_a_mirror_of_a_model_without_numbers_says_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    new = model(NAME, distinct=0, generated=0, depth=0)
    checked = check(Manifest(folder=TLA, models=(new,), twins=()), NAME, Silence())
    assert checked.verdict is Verdict.INCONCLUSIVE
    assert checked.why == ("The manifest does not say yet, and the mirror says: distinct = 154, depth = 15.",)
    report = link(monkeypatch, (model(NAME, graph=None, distinct=0, generated=0, depth=0),))
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_dump_without_a_state_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(file: Path, state_of: Any, distinct: int) -> Dump:
        raise DumpError(f"{file}: it ends too early")

    monkeypatch.setattr("conformance.graph.link.read_dump", cut)
    report = link(monkeypatch, (model(NAME),))
    assert report.verdict is Verdict.ERROR


def test_actions_that_no_graph_has_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    report = link(monkeypatch, (model(NAME),), Profile.DEFAULT)
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].title == "Cell: no graph that was compared has a step issue, learn, flush, crash"


def test_an_action_that_the_manifest_lists_must_be_in_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, (model(NAME, actions=("Promise", "Vote")),)).verdict is Verdict.HOLDS
    report = link(monkeypatch, (model(NAME, actions=("Promise", "Crash")),))
    assert report.verdict is Verdict.REFUTED
    assert report.failures[0].lines == ("Crash was never taken.",)
    unsaid = link(monkeypatch, (model(NAME, actions=None),))
    assert unsaid.failures[0].lines == tuple(f"{one} was never taken." for one in ("Issue", "Learn", "Flush", "Crash"))


def test_profiles_say_how_a_model_is_compared() -> None:
    later = model("MCCellHole", graph=Profile.DEEP, profile=Profile.DEFAULT)
    manifest = Manifest(folder=TLA, models=(model(NAME), later), twins=())
    for profile, graphs, checked in (
        (Profile.QUICK, [NAME], []),
        (Profile.DEFAULT, [NAME], [NAME, "MCCellHole"]),
        (Profile.DEEP, [NAME, "MCCellHole"], [NAME, "MCCellHole"]),
    ):
        found = models_of(manifest, Settings(profile=profile))
        assert ([one.name for one in found[0]], [one.name for one in found[1]]) == (graphs, checked)
    assert models_of(manifest, Settings(profile=Profile.QUICK, models=("MCCellHole",))) == ([later], [])
    with pytest.raises(BadInput, match="MCNothing"):
        models_of(manifest, Settings(models=("MCNothing",)))


def printed(value: Any) -> str:
    """A value of the mirror as TLC prints it."""
    match value:
        case bool():
            return str(value).upper()
        case str():
            return f'"{value}"'
        case frozenset():
            return f"{{{', '.join(map(printed, value))}}}"
        case tuple() if hasattr(value, "_fields"):
            fields = zip(value._fields, value, strict=True)
            return f"[{', '.join(f'{name} |-> {printed(part)}' for name, part in fields)}]"
        case tuple():
            return f"<<{', '.join(printed(part) for part in (value[1:] if value and value[0] is None else value))}>>"
        case Mapping():
            pairs = (f"{printed(key)} :> {printed(part)}" for key, part in value.items())
            return f"({' @@ '.join(pairs)})" if value else "<<>>"
        case _:
            return str(value)


@pytest.mark.parametrize("name", [*MODELS, *PROGRESS])
def test_every_state_of_the_ladder_can_be_decoded(name: str) -> None:
    machine = {**MODELS, **PROGRESS}[name]
    states = [step.state for step in walk(machine, 1, most_steps=40)]
    decoder = StateDecoder(type(states[0]))
    assert len(states) > 5
    for state in states:
        assert decoder.state({name: printed(value) for name, value in state._asdict().items()}) == state

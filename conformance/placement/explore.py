"""Made-up questions, one after the other, from Hypothesis or from a seed, each judged whole; and what they add up to.

Each is judged three ways: every cell by definition, the answers with their certificates, and the availability of one
cell by every combination of up to ``MOST_UNCERTAIN`` failed devices.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from conformance.placement import brute as placement_brute
from conformance.placement.audited import judge_audit
from conformance.placement.definition import Question, single_failures
from conformance.placement.fleets import judge_fleet
from conformance.placement.judge import judge, told
from conformance.placement.sites import Choices, question, with_probabilities
from conformance.placement.table import by_definition, possible
from conformance.refutation import Refuted
from physalia.placement.availability.estimator import Estimator, NotExact
from physalia.placement.site import format as files

T = TypeVar("T")

Told = Callable[["Tally"], None]

RUNS = Path(".physalia", "runs", "placement")
MOST_UNCERTAIN = 13
RELATIVE = 1e-9
Z3_EVERY = 5
"""z3 proves every fifth answer again."""


@define
class Tally:
    """What the questions add up to. ``latest`` is the question that is being judged."""

    questions: int = 0
    cells: int = 0
    compared: int = 0
    marks: Counter[str] = field(factory=Counter)
    latest: Question | None = None

    @property
    def feasible_share(self) -> float:
        """The share of questions that have a legal cell."""
        return self.marks["placed"] / self.questions if self.questions else 0.0


def examine(choose: Choices, tally: Tally) -> None:
    """Make a question up and judge the answers to it; Refuted if one is wrong."""
    asked = question(choose)
    if choose.number(1, 3) > 1:
        asked = possible(asked)
    tally.latest = asked
    table, binding = by_definition(asked)
    seen = judge(asked, table, z3=tally.questions % Z3_EVERY == 0)
    audits = judge_audit(asked, table)
    fleets = judge_fleet(asked, table, choose)
    how = _judge_availability(asked, choose)
    if any(len(rack.supplies) > 1 for rack in asked.topology.racks.values()):
        binding.add("a rack with two supplies")
    tally.questions += 1
    tally.cells += len(table.cells)
    tally.compared += seen.compared + 1
    tally.marks.update({*seen.marks, *binding, *audits, *fleets, how})


def _judge_availability(asked: Question, choose: Choices) -> str:
    names = list(asked.topology.servers)
    cell = choose.some(names, asked.policy.cell_size, asked.policy.cell_size)
    near = dict.fromkeys((asked.instance, *cell))
    own = [*near, *(link for name in near for link, _ in asked.topology.links_of(name))]
    shared = [device for device in single_failures(asked.topology) if asked.topology.kind_of(device) != "link"]
    matter = list(dict.fromkeys([*shared, *asked.topology.links, *own]))
    topology = with_probabilities(choose, asked.topology, matter, MOST_UNCERTAIN)
    expected = placement_brute.unavailability(topology, asked.instance, cell)
    try:
        found = Estimator(topology).of(asked.instance, cell)
    except NotExact as reason:
        if expected is None:
            return "availability: never up"
        raise Refuted(f"the unavailability of {told(cell)} is {expected}; the code has none: {reason}") from reason
    if expected is None or abs(found.unavailability - expected) > (RELATIVE + found.error) * expected:
        raise Refuted(
            f"the unavailability of {told(cell)} from {asked.instance} is {expected}, by {found.method} "
            f"{found.unavailability}",
            tuple(f"{device} fails with {chance}" for device, chance in topology.device_probability.items()),
        )
    return f"availability by {found.method}"


class Drawn:
    """Choices that Hypothesis makes."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``."""
        from hypothesis import strategies  # noqa: PLC0415  # heavy

        return int(self._draw(strategies.sampled_from(range(low, high + 1))))

    def some(self, options: Sequence[T], low: int, high: int) -> list[T]:
        """From ``low`` to ``high`` different ones of the options, in their order."""
        from hypothesis import strategies  # noqa: PLC0415

        most = min(high, len(options))
        places = strategies.lists(
            strategies.integers(0, len(options) - 1), min_size=min(low, most), max_size=most, unique=True
        )
        return [options[at] for at in sorted(self._draw(places))] if options else []


def explore(examples: int, seed: int, tally: Tally, done: Told) -> None:
    """Let Hypothesis make so many questions up; Refuted with the first that it finds."""
    import hypothesis  # noqa: PLC0415

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(hypothesis.strategies.data())
    def search(data: Any) -> None:
        examine(Drawn(data.draw), tally)
        done(tally)

    search()


def keep(asked: Question, title: str, runs: Path = RUNS) -> tuple[str, ...]:
    """Write a question down as files that ``physalia place query`` takes; the lines that say where they are."""
    folder = runs / files.digest(asked.topology)[:12]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.json").write_bytes(files.dumps(asked.topology))
    (folder / "policy.toml").write_text(_toml(asked), encoding="utf-8")
    (folder / "why.txt").write_text(title + "\n", encoding="utf-8")
    clients = " ".join(f"--{role} {name}" for role, name in asked.clients.items())
    color = "" if asked.color is None else f" --color {asked.color}"
    return (f"physalia place query {folder / 'site.json'} --policy {folder / 'policy.toml'} {clients}{color}",)


def _toml(asked: Question) -> str:
    from physalia.placement.rules.policy import to_document  # noqa: PLC0415

    document = to_document(asked.policy)
    rules = document.pop("rules")
    lines = [f"{key} = {_value(value)}" for key, value in document.items()]
    for rule in rules:
        lines += ["", "[[rules]]", *(f"{key} = {_value(value)}" for key, value in rule.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'

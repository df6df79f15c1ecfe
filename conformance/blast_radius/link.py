"""The link ``blast-radius``: whom failures take, as the running code counts it, as it is defined, and as it is proved.

On small sites that a seed and Hypothesis make up, and on those of the models of ``tla/BlastRadius.tla``, every set of
sixteen devices fails. For each volume and each set the running code's answer must be that of the definition; whoever
keeps the premises of a claim must see the claim hold; single devices, the worst pair and groups of servers are counted
volume by volume. z3 proves locality and pieces for sites of any size. The models themselves are run by ``tlc`` and
``graph``.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator

from attrs import define, evolve, field, frozen

from conformance.blast_radius import unbounded
from conformance.blast_radius.certified import judge_certificate, judge_certified_triple, judge_triple
from conformance.blast_radius.crowds import MARKS, judge_crowd, judge_too_much_shared
from conformance.blast_radius.every_set import EverySet
from conformance.blast_radius.judge import judge_claims, judge_counts, judge_every_set
from conformance.blast_radius.sites import (
    Case,
    four_planes,
    leaning,
    made_up,
    of_model,
    one_rack,
    three_racks,
    three_servers,
    two_cuts,
    two_planes,
    two_ways,
)
from conformance.blast_radius.unbounded import Theorem, theorems
from conformance.links import Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.placement.audited import judge_audit
from conformance.placement.definition import Question
from conformance.placement.explore import Drawn
from conformance.placement.fleets import judge_fleet
from conformance.placement.judge import judge
from conformance.placement.sites import Seeded
from conformance.placement.table import by_definition
from conformance.refutation import Refuted
from physalia.placement.rules.policy import AntiAffinity, Policy, Survives
from physalia.placement.site import format as files
from spec.sites.examples import AS_THE_INSTANCE_SEES_IT, BLAST_RADIUS_MODELS

LINK = "blast-radius"
VOLUMES = 6
SEEDED, DRAWN, MODELS = "sites from a seed", "sites from Hypothesis", "sites of the models"
CROWDED = "crowded sites"
PAIRS_EVERY = 3
"""On every third site pairs are counted by definition, the worst three are sought, and a certificate is checked."""
Z3_MS = 60_000

ALWAYS = (
    "a volume in blast", "a volume unserved and whole", "a volume that is served or lost anyway",
    "by one failure: the premise holds", "locality: the premise holds", "pieces: the premise holds",
    "in blast by one failure, though the cell survives as the instance sees it",
    "unserved by failures outside of the row, for a cell that is not in it",
    "every single device", "the worst pair", "a group of servers", "survival of a copy binds",
    "the worst three devices", "an expectation", "a certificate that stands", "the checker's counts of sets",
    "a certificate of three devices", "a lie about three unserved", "a lie about three in blast",
    "a lie about cells", "a lie about near", "a lie about spread", "a lie about four", "a lie about pair",
    "a lie about two in blast", "a lie about the cell near", "a lie about the cell spread", *MARKS,
)  # fmt: skip
"""What must be seen, or nothing was shown of it."""


@frozen(kw_only=True)
class Amount:
    """How many sites a profile makes up, and how many with little room."""

    seeded: int
    drawn: int
    crowded: int


AMOUNTS = {
    Profile.QUICK: Amount(seeded=3, drawn=1, crowded=100),
    Profile.DEFAULT: Amount(seeded=12, drawn=5, crowded=400),
    Profile.DEEP: Amount(seeded=200, drawn=40, crowded=6_000),
}


@define
class Tally:
    """What the sites add up to. ``latest`` is the one that is being judged."""

    sites: int = 0
    crowded: int = 0
    sets: int = 0
    fates: int = 0
    marks: Counter[str] = field(factory=Counter)
    latest: Case | None = None


def run(settings: Settings, progress: Progress) -> LinkReport:
    """Judge made-up sites and those of the models, and prove what has no bounds."""
    start = time.monotonic()
    amount, tally, proving = AMOUNTS[settings.profile], Tally(), {_name(one): one for one in theorems()}
    parts: dict[str, Callable[[], None]] = {
        MODELS: lambda: _models(tally, progress),
        SEEDED: lambda: _seeded(tally, amount.seeded, settings.seed, progress),
        DRAWN: lambda: _drawn(tally, amount.drawn, settings.seed, progress),
        CROWDED: lambda: _crowded(tally, amount.crowded, settings.seed, progress),
    }
    wanted = settings.parts_of(LINK, [*parts, *proving])
    rows, failures = [], []
    for part in (part for part in parts if part in wanted):
        row, found = _part(part, parts[part], tally, progress)
        rows.append(row)
        failures += found
    if not failures and not settings.models:
        failures += _unseen(tally)
    proved, open_ones = _prove([one for name, one in proving.items() if name in wanted], settings.seed, progress)
    rows += proved
    failures += open_ones
    notes = (
        f"{tally.sites} sites, {tally.sets:,} sets of failed devices, the fates of {tally.fates:,} volumes under them",
        f"{len(theorems())} theorems for sites of any size; each fails without any of its premises",
        "the models of tla/BlastRadius.tla are run by the links tlc and graph, and their sites are judged here",
    )
    return LinkReport.of(
        LINK, rows, failures, models=len(BLAST_RADIUS_MODELS), seconds=time.monotonic() - start, notes=notes
    )  # fmt: skip


def _part(
    part: str, judged: Callable[[], None], tally: Tally, progress: Progress
) -> tuple[Row, list[Failure]]:  # fmt: skip
    start, sites, fates = time.monotonic(), tally.sites + tally.crowded, tally.fates
    failures = []
    try:
        judged()
    except Refuted as refuted:
        failures.append(_failure(part, refuted, tally))
    verdict = Verdict.REFUTED if failures else Verdict.HOLDS
    note = f"{tally.sites + tally.crowded - sites} sites"
    row = Row(name=part, verdict=verdict, steps=tally.fates - fates, seconds=time.monotonic() - start, note=note)
    progress.finish(part, f"{verdict}: {note}")
    return row, failures


def _failure(part: str, refuted: Refuted, tally: Tally) -> Failure:
    lines: tuple[str, ...] = tuple(refuted.lines)
    if tally.latest is not None:
        lines = (*lines, *files.dumps(tally.latest.topology).decode().splitlines())
    return Failure(title=f"{part}: {refuted}", lines=lines, replay=f"physalia verify {LINK}")


def _unseen(tally: Tally) -> Iterator[Failure]:
    missing = [mark for mark in ALWAYS if not tally.marks[mark]]
    if missing:
        title = f"this never happened, so nothing was shown of it: {'; '.join(missing)}"
        yield Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=f"physalia verify {LINK}")


def judge_case(case: Case, tally: Tally, *, fully: bool = False) -> None:
    """Everything about one site, what takes long only on some unless it shall be done fully; Refuted if it is wrong."""
    tally.latest = case
    pairs = fully or tally.sites % PAIRS_EVERY == 0
    marks = {*judge_every_set(case), *judge_claims(case), *judge_counts(case, pairs=pairs)}
    if pairs:
        every = EverySet(case.topology, case.devices)
        marks |= {*judge_certificate(case, every), *judge_triple(case, every)}
    if fully:
        marks |= {*judge_certified_triple(case)}
    tally.sites += 1
    tally.sets += 1 << len(case.devices)
    tally.fates += len(case.volumes) << len(case.devices)
    tally.marks.update(marks)


def _crowded(tally: Tally, sites: int, seed: int, progress: Progress) -> None:
    """Fleets on sites with little room, and the worst three devices of one where they are hard to find."""
    tally.latest = None
    tally.marks.update(judge_too_much_shared())
    for at in range(sites):
        tally.marks.update(judge_crowd(Seeded(f"{seed}/crowd/{at}")))
        tally.crowded += 1
        progress.update(CROWDED, at + 1, "sites", total=sites)
    case = two_cuts()
    tally.latest = case
    tally.marks.update(judge_triple(case, EverySet(case.topology, case.devices), len(case.volumes)))
    tally.crowded += 1


def _models(tally: Tally, progress: Progress) -> None:
    """The sites of the models; a cell that survives as its instance sees it, and no copy; and seven made by hand."""
    by_hand = [two_ways(), four_planes(), leaning(), one_rack(), two_planes(), three_racks(), three_servers()]
    cases = [*by_hand]
    for machine in (*BLAST_RADIUS_MODELS.values(), AS_THE_INSTANCE_SEES_IT):
        topology, volumes, devices = of_model(machine)
        cases.append(Case(topology=topology, volumes=volumes[:VOLUMES], devices=devices))
    for done, case in enumerate(cases, start=1):
        judge_case(case, tally, fully=done <= len(by_hand))
        progress.update(MODELS, done, "sites", total=len(cases))
    tally.marks.update(judge_rules(cases[-1]))


def judge_rules(case: Case) -> set[str]:
    """Place a cell on a site where copies see less than the instance, and judge the answers by definition.

    On sites that are made up at random a copy hardly ever decides. Marks of the rules that bind.
    """
    asked = case.volumes[0]
    rules = (
        AntiAffinity(id="apart"),
        Survives(id="seen-from-instance"),
        Survives(id="seen-from-primary", client="primary"),
        Survives(id="seen-from-replica", client="replica"),
    )
    question = Question(
        topology=case.topology, policy=Policy(cell_size=len(asked.cell), rules=rules), instance=asked.instance,
        primary=asked.primary, replica=asked.replica,
    )  # fmt: skip
    table, binding = by_definition(question)
    # Without a server that every good cell needs there is none, though there are cells for the instance alone.
    servers = dict(case.topology.servers)
    for name in sorted(frozenset.intersection(*table.legal))[-1:]:
        servers[name] = evolve(servers[name], drained=True)
    without = evolve(question, topology=evolve(case.topology, servers=servers))
    for each in (question, without):
        table, more = by_definition(each)
        binding |= more
        judge(each, table, z3=False)
        judge_audit(each, table)
        judge_fleet(each, table, Seeded("blast radius"))
    return binding


def _seeded(tally: Tally, count: int, seed: int, progress: Progress) -> None:
    for number in range(count):
        judge_case(made_up(Seeded(f"blast radius {seed} {number}"), VOLUMES), tally)
        progress.update(SEEDED, number + 1, "sites", total=count)


def _drawn(tally: Tally, count: int, seed: int, progress: Progress) -> None:
    import hypothesis  # noqa: PLC0415  # heavy

    done = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(hypothesis.strategies.data())
    def search(data: hypothesis.strategies.DataObject) -> None:
        nonlocal done
        judge_case(made_up(Drawn(data.draw), VOLUMES), tally)
        done += 1
        progress.update(DRAWN, done, "sites", total=count)

    search()


def _name(theorem: Theorem) -> str:
    return f"any size: {theorem.name}"


def _prove(asked: list[Theorem], seed: int, progress: Progress) -> tuple[list[Row], list[Failure]]:
    """Every theorem that is asked for, that it is about something, and that it fails without any premise."""
    check, rows, failures = unbounded.by_z3(Z3_MS, seed), [], []
    for theorem in asked:
        start = time.monotonic()
        found = list(_judged(theorem, check))
        failures += found
        verdict = found[0].verdict if found else Verdict.HOLDS
        note = f"{theorem.says}; {len(theorem.premises)} premises, none of which is idle"
        name = _name(theorem)
        rows.append(Row(name=name, verdict=verdict, seconds=time.monotonic() - start, note=note))
        progress.finish(name, f"{verdict}: {theorem.says}")
    return rows, failures


def _judged(theorem: Theorem, check: unbounded.Check) -> Iterator[Failure]:
    replay = f"physalia verify {LINK}"
    asked = [
        ("unsat", unbounded.is_proved(theorem, check), "does not follow from its premises"),
        ("sat", unbounded.is_about_something(theorem, check), "is about nothing: its premises cannot hold"),
        *(("sat", unbounded.without(theorem, premise, check), f"does not need its premise {premise}")
          for premise in theorem.premises),
    ]  # fmt: skip
    for wanted, found, what in asked:
        if found != wanted:
            verdict = Verdict.INCONCLUSIVE if found == "unknown" else Verdict.REFUTED
            title = f"{theorem.name}: not decided in time" if found == "unknown" else f"{theorem.name} {what}"
            yield Failure(title=title, verdict=verdict, replay=replay)

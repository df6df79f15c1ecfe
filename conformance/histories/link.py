"""The link ``histories``: what clients saw has an explanation, and what has none is refused.

Seven parts. Histories with known verdicts: good ones hold, wrong ones are refused with the very window that shows it.
Hard ones, and too little memory or time for them: then nothing is said of them.
The checker beside the definition, on small histories of every model; and on histories without one of their operations.
And what clients saw in every scenario that the lockstep's random driver plays, in scenarios of Hypothesis, on random
walks through the scopes of the link exhaustive, and in the contests for a lock, judged by nothing but their questions
and answers. The deep profile adds a second opinion on larger histories.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import resources
from importlib.util import find_spec
from random import Random
from time import monotonic

from attrs import evolve, frozen

from conformance.exhaustive.performing import MakeExplorable
from conformance.exhaustive.scopes import SCOPES
from conformance.exhaustive.walks import Walks
from conformance.histories.brute import is_linearizable
from conformance.histories.checker import Budget, check
from conformance.histories.generate import ask_cas_register, linearizable, small
from conformance.histories.history import TRUE, History, Map, Operation
from conformance.histories.judging import Judged, judge, lines
from conformance.histories.known import MODELS
from conformance.histories.reading import parse
from conformance.histories.slots import SlotStore
from conformance.histories.worlds import record, record_lock, record_walk
from conformance.judges.coverage import Coverage
from conformance.leases import link as leases
from conformance.leases.campaign import RATES
from conformance.links import BadInput, CannotRun, Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.lockstep import machine as rules
from conformance.lockstep.campaigns import CAMPAIGNS, Campaign, Steer, long, troubled, very_long
from conformance.lockstep.play import Play
from conformance.refutation import How, Refuted
from conformance.world.scenario import Calm, Scenario
from physalia.cell import Node
from physalia.model import Done
from physalia.model import Refused as Refused_
from spec.service.reads import Reads

SLOTS = SlotStore()
SMALL = {Profile.QUICK: 400, Profile.DEFAULT: 2_000, Profile.DEEP: 20_000}
"""So many small histories of each model are held against the definition."""
SMALL_OPERATIONS = 6
HARD = 3_000
"""So many operations of fifty clients take more than the budgets below."""
BUDGETS = (
    (Budget(), "all that it needs"),
    (Budget(configurations=10), "10 situations"),
    (Budget(mib=1), "1 MiB"),
    (Budget(seconds=0.0), "no time"),
)
"""Enough for it, and then too little of each kind, with what that is in words."""
CHOSEN = {Profile.QUICK: 14, Profile.DEFAULT: 30, Profile.DEEP: 300}
"""So many scenarios of Hypothesis for each campaign that has any, at most: the lockstep judges more of them."""
WALKS = {Profile.QUICK: 300, Profile.DEFAULT: 1_000, Profile.DEEP: 10_000}
"""So many walks through each scope of the profile."""
WALK_STEPS = 120
LEAST_SCENARIOS = 32
"""So many scenarios of each campaign at least, but of the long ones: without the other judges they cost little."""

Part = Callable[[Settings, Progress, MakeExplorable], Iterator[tuple[Row, Failure | None]]]


@frozen(kw_only=True)
class Known:
    """A history of the corpus: its verdict, and the lines on which the operations begin that cannot be ordered."""

    file: str
    model: str
    verdict: str
    what: str
    window: tuple[int, ...] = ()


def corpus() -> tuple[Known, ...]:
    """The histories with known verdicts."""
    text = _folder().joinpath("corpus.toml").read_text(encoding="utf-8")
    return tuple(
        Known(**{**entry, "window": tuple(entry.get("window", ()))}) for entry in tomllib.loads(text)["history"]
    )


def run(settings: Settings, progress: Progress, make_node: MakeExplorable = Node) -> LinkReport:
    """Run the parts, all or those that are named, each as a whole or by the name of a row."""
    started = monotonic()
    rows, failures = [], []
    for name, part in PARTS.items():
        whole = evolve(settings, models=()) if name in settings.models else settings
        for row, failure in part(whole, progress, make_node):
            rows.append(row)
            progress.finish(row.name, f"{row.verdict}: {row.note}")
            failures += [] if failure is None else [failure]
            if row.verdict is Verdict.REFUTED:  # the first one of a part is enough
                break
    known = {*PARTS, *(row.name for row in rows)}
    for name in settings.models:
        if name not in known:
            raise BadInput(f"the link histories has no part {name!r}; it has {', '.join(PARTS)}, and rows of these.")
    return LinkReport.of("histories", rows, failures, models=len(MODELS), seconds=monotonic() - started)


def _asks_for(settings: Settings, row: str) -> bool:
    """Whether a row is to be run: all are, if none is named."""
    return row in (settings.models or (row,))


def judged_corpus(settings: Settings, progress: Progress, _: MakeExplorable) -> Iterator[tuple[Row, Failure | None]]:
    """Every history of the corpus is judged as it must be."""
    if not _asks_for(settings, "corpus"):
        return
    started = monotonic()
    failure, judged = None, 0
    for known in corpus():
        progress.update("corpus", judged, "histories")
        seen = judge_known(known)
        window = () if seen.window is None else tuple(one.line for one in seen.window.bound)
        judged += 1
        if (seen.verdict, window) != (known.verdict, known.window) and failure is None:
            failure = Failure(
                title=f"{known.file}, in which {known.what}, is judged wrongly: {seen.verdict}, lines {list(window)}",
                lines=(f"it should be: {known.verdict}, lines {list(known.window)}",),
                replay=f"{settings.again('histories')}",
                how=How.JUDGED,
                events=len(seen.history.operations),
            )
    yield _row("corpus", failure, judged, started, f"{judged} histories with known verdicts"), failure


def judge_known(known: Known) -> Judged:
    """Judge a history of the corpus."""
    model = MODELS[known.model]
    text = _folder().joinpath(known.file).read_text(encoding="utf-8")
    return judge(parse(text, model, known.file), model, Budget())


def within_budgets(settings: Settings, progress: Progress, _: MakeExplorable) -> Iterator[tuple[Row, Failure | None]]:
    """Whoever has too little memory or time says that it does not know, and goes no further."""
    if not _asks_for(settings, "budgets"):
        return
    started, failure = monotonic(), None
    model, tried = MODELS["cas-register"], 0
    hard = tuple(linearizable(model, ask_cas_register(5), clients=50, operations=HARD, seed=settings.seed))
    for number, (budget, what) in enumerate(BUDGETS):
        progress.update("budgets", number, what)
        judged = judge(History(operations=hard, source=what), model, budget, shrink_s=0.0)
        tried = tried or judged.tried
        must = Verdict.INCONCLUSIVE if number else Verdict.HOLDS
        is_beyond = number and judged.tried > min(budget.configurations + 1, tried - 1)
        if failure is None and (judged.verdict is not must or is_beyond):
            title = f"with {what} a history that holds is said to be {judged.verdict} after {judged.tried} situations"
            failure = Failure(title=title, replay=settings.again("histories"), how=How.JUDGED)
    yield _row("budgets", failure, len(BUDGETS), started, f"{len(BUDGETS) - 1} searches that are cut short"), failure


def beside_definition(
    settings: Settings, progress: Progress, _: MakeExplorable
) -> Iterator[tuple[Row, Failure | None]]:
    """The checker says of small histories what the definition says."""
    for name, model in MODELS.items():
        if not _asks_for(settings, f"beside the definition: {name}"):
            continue
        started = monotonic()
        failure, verdicts = None, Counter[bool]()
        random = Random(f"{settings.seed}/{name}")  # noqa: S311 (repeatable, no secret)
        for number in range(SMALL[settings.profile]):
            progress.update(f"beside the definition: {name}", number, "histories")
            operations = [model.admit(one) for one in small(name, random, random.randint(1, SMALL_OPERATIONS))]
            expected = is_linearizable(operations, model)
            verdicts[expected] += 1
            said = all(check(part, model, Budget()) for part in model.parts(operations))
            if said != expected:
                failure = Failure(
                    title=f"of a small history of a {name} the checker says {said}, and the definition {expected}",
                    lines=tuple(map(str, operations)),
                    replay=settings.again("histories"),
                    how=How.JUDGED,
                    events=len(operations),
                )
                break
        note = f"{verdicts[True]} linearizable, {verdicts[False]} not"
        verdict = Verdict.HOLDS if min(verdicts[True], verdicts[False]) > 0 else Verdict.INCONCLUSIVE
        row = _row(f"beside the definition: {name}", failure, sum(verdicts.values()), started, note, verdict)
        yield row, failure


def left_out(settings: Settings, progress: Progress, _: MakeExplorable) -> Iterator[tuple[Row, Failure | None]]:
    """Without an operation that matters a history that held is refused, and without one that does not it holds.

    Of small histories of every model the definition says which do. In a large one of a register each write has a value
    of its own: exactly those matter whose value an answer has, since nothing else can have put it there.
    """
    if not _asks_for(settings, "left out"):
        return
    started, failure = monotonic(), None
    seen: Counter[tuple[str, bool]] = Counter()
    for name, rest, matters, what in _without_one(settings):
        progress.update("left out", seen.total(), "operations")
        holds = all(check(part, MODELS[name], Budget()) for part in MODELS[name].parts(rest))
        seen[name, matters] += 1
        if holds is matters and failure is None:
            said = "holds" if holds else "is refused"
            title = f"a history of a {name} without an operation that {'matters' if matters else 'does not'} {said}"
            failure = _refuted(settings, title, (f"left out: {what}", *map(str, rest[:SMALL_OPERATIONS])), len(rest))
    missing = [f"{name}, {matters=}" for name in MODELS for matters in (True, False) if not seen[name, matters]]
    if missing and failure is None:
        title = f"nothing was left out of a history of {'; '.join(missing)}: nothing was shown of it"
        failure = Failure(title=title, verdict=Verdict.INCONCLUSIVE, replay=settings.again("histories"))
    turned = sum(count for (_, matters), count in seen.items() if matters)
    note = f"{seen.total()} operations left out, {turned} of them such that the verdict turns"
    yield _row("left out", failure, seen.total(), started, note), failure


def _without_one(settings: Settings) -> Iterator[tuple[str, list[Operation], bool, Operation]]:
    """Histories without one operation each: of which model, what is left, whether it mattered, and what it was."""
    for name, model in MODELS.items():
        random, found = Random(f"{settings.seed}/{name}/left out"), 0  # noqa: S311  # repeatable, no secret
        while found < SMALL[settings.profile] // LEFT_OUT_OF:
            operations = [model.admit(one) for one in small(name, random, random.randint(2, SMALL_OPERATIONS))]
            if not is_linearizable(operations, model):
                continue
            found += 1
            for place, one in enumerate(operations):
                rest = [*operations[:place], *operations[place + 1 :]]
                yield name, rest, not is_linearizable(rest, model), one
    register, large = MODELS["register"], settings.profile.name
    asked = (f"v{number}" for number in range(LARGE))

    def ask(random: Random) -> tuple[str, str | None, None]:
        return ("write", next(asked), None) if random.getrandbits(1) else ("read", None, None)

    whole = linearizable(register, ask, clients=8, operations=LARGE, seed=f"{settings.seed}/{large}", lost=0.05)
    told = {one.answer for one in whole if one.f == "read" and not one.is_open}
    for place, one in enumerate(whole):
        yield "register", [*whole[:place], *whole[place + 1 :]], one.f == "write" and one.asked in told, one


LEFT_OUT_OF = 20
"""Of one in so many of the small histories that are held against the definition each operation is left out."""
LARGE = 120


def seen_by_clients(
    settings: Settings, progress: Progress, make_node: MakeExplorable
) -> Iterator[tuple[Row, Failure | None]]:
    """What clients saw in the scenarios of the lockstep's driver is linearizable."""
    for campaign in CAMPAIGNS:
        name = f"clients: {campaign.name}"
        if settings.profile not in campaign.amounts or not _asks_for(settings, name):
            continue
        amount = campaign.amounts[settings.profile]
        of_store = any(setup.store_is_small for setup in campaign.setups)
        least = 0 if campaign.steer in (long, very_long) else LEAST_SCENARIOS * (1 + of_store)
        reached = REACHED if campaign.steer is troubled else REACHED[:2]
        if of_store:
            reached = (*reached, *(f"transactions {what}" for what in REACHED))
        runs = max(amount.runs, least)
        recorded = _recorded(campaign, amount.length, runs, settings, make_node)
        yield _judged(name, recorded, runs, reached, settings, progress)


def _recorded(
    campaign: Campaign, length: int, runs: int, settings: Settings, make_node: MakeExplorable
) -> Iterator[tuple[History, ...]]:
    for number in range(runs):
        setup, seed = campaign.setups[number % len(campaign.setups)], f"{settings.seed}/{campaign.name}/{number}"
        yield record(setup, seed, length, campaign.steer, MODELS["store"], make_node)


def seen_in_scenarios(
    settings: Settings, progress: Progress, make_node: MakeExplorable
) -> Iterator[tuple[Row, Failure | None]]:
    """What clients saw in scenarios that Hypothesis chose for the lockstep and our node is linearizable."""
    for campaign in CAMPAIGNS:
        amount = campaign.amounts.get(settings.profile)
        name, setup = f"Hypothesis: {campaign.name}", campaign.setups[0]
        if amount is None or not amount.scenarios or not _asks_for(settings, name):
            continue
        most = min(amount.scenarios, CHOSEN[settings.profile])
        chosen: list[Scenario] = []
        found = rules.explore(setup, most, amount.moves, settings.seed, Coverage(), partial(_keep, chosen))
        chosen += [] if found is None else [found.scenario]  # what the lockstep refutes, clients may see as well
        recorded = (record(setup, name, 0, _again(one), MODELS["store"], make_node) for one in chosen)
        reached = (*REACHED[:1], *(["transactions done"] if setup.store_is_small else []))
        yield _judged(name, recorded, len(chosen), reached, settings, progress)


def _keep(chosen: list[Scenario], played: Play) -> None:
    chosen.append(played.scenario)


def _again(scenario: Scenario) -> Steer:
    """What happened, but for the calm at the end, which `record` has of its own."""
    return lambda *_: (one for one in scenario.happenings if not isinstance(one, Calm))


def seen_on_walks(
    settings: Settings, progress: Progress, make_node: MakeExplorable
) -> Iterator[tuple[Row, Failure | None]]:
    """What clients saw on random walks through the scopes of the link exhaustive is linearizable."""
    walks = WALKS[settings.profile]
    for scope in (one for one in SCOPES if settings.profile.includes(one.profile)):
        if not _asks_for(settings, f"walks: {scope.name}"):
            continue
        recorded = _walked(Walks(scope, make_node), walks, settings)
        reached = (*REACHED[:1], *([READ] if isinstance(scope.machine, Reads) else []))
        yield _judged(f"walks: {scope.name}", recorded, walks, reached, settings, progress)


def _walked(walks: Walks, runs: int, settings: Settings) -> Iterator[tuple[History, ...]]:
    for number in range(runs):
        yield (record_walk(walks, f"{settings.seed}/{number}", WALK_STEPS, MODELS["store"]),)


def _judged(
    name: str, recorded: Iterator[tuple[History, ...]], runs: int, reached: Sequence[str], settings: Settings,
    progress: Progress,
) -> tuple[Row, Failure | None]:  # fmt: skip
    """Judge what was recorded in so many runs: of records, and of transactions. So much must have been seen in them."""
    started, failure, steps, seen = monotonic(), None, 0, Counter[str]()
    for number in range(runs):
        try:
            seen_of = next(recorded)
        except Refuted as refuted:
            failure = _refuted(settings, f"{name}, run {number}: {refuted.title}", refuted.lines)
            failure = failure if refuted.how is How.JUDGED else None
            break
        for history, model, of_what in zip(seen_of, (MODELS["store"], SLOTS), ("", "transactions "), strict=False):
            judged = judge(history, model, Budget())
            steps += len(history.operations)
            seen.update(f"{of_what}{what}" for what in _seen(judged))
            if judged.window is not None:
                title = f"{name}, run {number}: {judged.why}"
                failure = _refuted(settings, title, lines(judged.window), len(judged.window.bound))
                break
            if judged.verdict is Verdict.INCONCLUSIVE and not judged.history.operations:
                continue
            seen.update(["not judged"] if judged.verdict is Verdict.INCONCLUSIVE else [])
        progress.update(name, number + 1, "runs", total=runs)
        if failure is not None:
            break
    missing = [what for what in reached if not seen[what]]
    verdict = Verdict.INCONCLUSIVE if missing else Verdict.HOLDS
    if missing and failure is None:
        failure = Failure(
            title=f"{name}: nothing was refuted, but some things no client ever saw",
            verdict=verdict,
            lines=tuple(f"never: {what}" for what in missing),
            replay=settings.again("histories"),
        )
    note = f"{runs} runs: " + ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    return _row(name, failure, steps, started, note, verdict), failure


REACHED = ("done", "refused", "without answer")
"""What clients must have seen in every campaign; that answers stay away is asked of those with much trouble only."""
READ = "read without a slot"


def _seen(judged: Judged) -> Iterator[str]:
    for one in judged.history.operations:
        if not one.is_open and isinstance(one.process, str) and one.process.startswith("reader"):
            yield READ
        if one.is_open:
            yield "without answer"
        elif isinstance(one.answer, Done | Refused_):
            yield "done" if isinstance(one.answer, Done) and one.answer.succeeded else "refused"
        else:
            assert isinstance(one.answer, Map)
            yield "done" if one.answer.get("succeeded") == TRUE else "refused"


def _refuted(settings: Settings, title: str, shown: tuple[str, ...], events: int = 0) -> Failure:
    return Failure(title=title, lines=shown, replay=settings.again("histories"), how=How.JUDGED, events=events)


def locks(settings: Settings, progress: Progress, _: MakeExplorable) -> Iterator[tuple[Row, Failure | None]]:
    """What the users of a lock saw in the contests of the lockstep is one lock, held by one at a time."""
    if not _asks_for(settings, f"clients: {leases.NAME}"):
        return
    started, seen, failure = monotonic(), Counter[str](), None
    model, most = MODELS["lease"], leases.CONTESTS[settings.profile]
    for number in range(most):
        judged = judge(record_lock(leases.seed_of(settings, number), leases.EVENTS, RATES, model), model, Budget())
        seen.update("without answer" if one.is_open else one.f for one in judged.history.operations)
        progress.update("clients: leases", number + 1, "contests", total=most)
        if judged.window is not None:
            title = f"{leases.NAME}, contest {number}: {judged.why}"
            failure = _refuted(settings, title, lines(judged.window), len(judged.window.bound))
            break
    missing = {"acquire", "release", "without answer"} - set(seen)
    note = f"{most} contests: " + ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    verdict = Verdict.INCONCLUSIVE if missing else Verdict.HOLDS
    yield _row(f"clients: {leases.NAME}", failure, sum(seen.values()), started, note, verdict), failure


def second_opinion(settings: Settings, progress: Progress, _: MakeExplorable) -> Iterator[tuple[Row, Failure | None]]:
    """In the deep profile, another checker says the same of larger histories."""
    if settings.profile is not Profile.DEEP or not _asks_for(settings, "second opinion"):
        return
    if find_spec("detangle") is None:
        raise CannotRun("the second opinion needs the package detangle: run pip install 'physalia[verify]'.")
    from conformance.histories.second_opinion import disagreement  # noqa: PLC0415

    started = monotonic()
    compared, why = disagreement(settings.seed, lambda done: progress.update("second opinion", done, "histories"))
    failure = _refuted(settings, why, ()) if why else None
    yield _row("second opinion", failure, compared, started, f"{compared} histories, and detangle.lin agrees"), failure


def _row(
    name: str, failure: Failure | None, steps: int, started: float, note: str, verdict: Verdict = Verdict.HOLDS
) -> Row:
    found = verdict if failure is None else failure.verdict
    return Row(name=name, verdict=found, steps=steps, seconds=monotonic() - started, note=note)


def _folder() -> "resources.abc.Traversable":
    return resources.files("conformance.histories").joinpath("corpus")


PARTS: dict[str, Part] = {
    "corpus": judged_corpus,
    "budgets": within_budgets,
    "definition": beside_definition,
    "left-out": left_out,
    "clients": seen_by_clients,
    "hypothesis": seen_in_scenarios,
    "walks": seen_on_walks,
    "locks": locks,
    "second-opinion": second_opinion,
}

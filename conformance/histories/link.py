"""The link ``histories``: what clients saw has an explanation, and what has none is refused.

Four parts. Histories with known verdicts: good ones hold, wrong ones are refused with the very window that shows it.
The checker beside the definition, on small histories of every model. And what clients saw in every scenario that the
lockstep's random driver plays, and users of a lock in its contests, judged by nothing but their questions and answers.
The deep profile adds a second opinion on larger histories.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from importlib.util import find_spec
from random import Random
from time import monotonic

from attrs import frozen

from conformance.histories.brute import is_linearizable
from conformance.histories.checker import Budget, check
from conformance.histories.generate import small
from conformance.histories.history import TRUE, Map
from conformance.histories.judging import Judged, judge, lines
from conformance.histories.known import MODELS
from conformance.histories.reading import parse
from conformance.histories.slots import SlotStore
from conformance.histories.worlds import record, record_lock
from conformance.leases import link as leases
from conformance.leases.campaign import RATES
from conformance.links import BadInput, CannotRun, Failure, LinkReport, Profile, Progress, Row, Settings, Verdict
from conformance.lockstep.campaigns import CAMPAIGNS, Campaign, long, troubled, very_long
from conformance.refutation import How, Refuted
from conformance.world.cells import MakeNode
from physalia.cell import Node
from physalia.model import Done
from physalia.model import Refused as Refused_

SLOTS = SlotStore()
SMALL = {Profile.QUICK: 400, Profile.DEFAULT: 2_000, Profile.DEEP: 20_000}
"""So many small histories of each model are held against the definition."""
SMALL_OPERATIONS = 6
LEAST_SCENARIOS = 32
"""So many scenarios of each campaign at least, but of the long ones: without the other judges they cost little."""

Part = Callable[[Settings, Progress, MakeNode], Iterator[tuple[Row, Failure | None]]]


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


def run(settings: Settings, progress: Progress, make_node: MakeNode = Node) -> LinkReport:
    """Run the parts, all or those that are named."""
    started = monotonic()
    for name in settings.models:
        if name not in PARTS:
            raise BadInput(f"the link histories has no part {name!r}; it has {', '.join(PARTS)}.")
    rows, failures = [], []
    for name in settings.models or PARTS:
        for row, failure in PARTS[name](settings, progress, make_node):
            rows.append(row)
            progress.finish(row.name, f"{row.verdict}: {row.note}")
            failures += [] if failure is None else [failure]
    return LinkReport.of("histories", rows, failures, models=len(MODELS), seconds=monotonic() - started)


def judged_corpus(settings: Settings, progress: Progress, _: MakeNode) -> Iterator[tuple[Row, Failure | None]]:
    """Every history of the corpus is judged as it must be."""
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


def beside_definition(settings: Settings, progress: Progress, _: MakeNode) -> Iterator[tuple[Row, Failure | None]]:
    """The checker says of small histories what the definition says."""
    for name, model in MODELS.items():
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


def seen_by_clients(
    settings: Settings, progress: Progress, make_node: MakeNode
) -> Iterator[tuple[Row, Failure | None]]:
    """What clients saw in the scenarios of the lockstep's driver is linearizable."""
    for campaign in CAMPAIGNS:
        if settings.profile in campaign.amounts:
            row, failure = _campaign(campaign, settings, progress, make_node)
            yield row, failure
            if failure is not None and failure.verdict is Verdict.REFUTED:
                return


def _campaign(
    campaign: Campaign, settings: Settings, progress: Progress, make_node: MakeNode
) -> tuple[Row, Failure | None]:
    started, amount, failure = monotonic(), campaign.amounts[settings.profile], None
    seen = Counter[str]()
    steps = 0
    of_store = any(setup.store_is_small for setup in campaign.setups)
    least = 0 if campaign.steer in (long, very_long) else LEAST_SCENARIOS * (1 + of_store)
    runs = max(amount.runs, least)
    for number in range(runs):
        seed = f"{settings.seed}/{campaign.name}/{number}"
        setup = campaign.setups[number % len(campaign.setups)]
        try:
            seen_of = record(setup, seed, amount.length, campaign.steer, MODELS["store"], make_node)
        except Refuted as refuted:
            failure = _refuted(settings, f"{campaign.name}, scenario {number}: {refuted.title}", refuted.lines)
            failure = failure if refuted.how is How.JUDGED else None
            break
        for history, model, of_what in zip(seen_of, (MODELS["store"], SLOTS), ("", "transactions "), strict=True):
            judged = judge(history, model, Budget())
            steps += len(history.operations)
            seen.update(f"{of_what}{what}" for what in _seen(judged))
            if judged.window is not None:
                title = f"{campaign.name}, scenario {number}: {judged.why}"
                failure = _refuted(settings, title, lines(judged.window), len(judged.window.bound))
                break
            if judged.verdict is Verdict.INCONCLUSIVE and not judged.history.operations:
                continue
            seen.update(["not judged"] if judged.verdict is Verdict.INCONCLUSIVE else [])
        progress.update(f"clients: {campaign.name}", number + 1, "scenarios", total=runs)
        if failure is not None:
            break
    reached = REACHED if campaign.steer is troubled else REACHED[:2]
    if of_store:
        reached = (*reached, *(f"transactions {what}" for what in REACHED))
    missing = [what for what in reached if not seen[what]]
    verdict = Verdict.INCONCLUSIVE if missing else Verdict.HOLDS
    if missing and failure is None:
        failure = Failure(
            title=f"{campaign.name}: nothing was refuted, but some things no client ever saw",
            verdict=verdict,
            lines=tuple(f"never: {what}" for what in missing),
            replay=settings.again("histories"),
        )
    note = f"{runs} scenarios: " + ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    return _row(f"clients: {campaign.name}", failure, steps, started, note, verdict), failure


REACHED = ("done", "refused", "without answer")
"""What clients must have seen in every campaign; that answers stay away is asked of those with much trouble only."""


def _seen(judged: Judged) -> Iterator[str]:
    for one in judged.history.operations:
        if one.is_open:
            yield "without answer"
        elif isinstance(one.answer, Done | Refused_):
            yield "done" if isinstance(one.answer, Done) and one.answer.succeeded else "refused"
        else:
            assert isinstance(one.answer, Map)
            yield "done" if one.answer.get("succeeded") == TRUE else "refused"


def _refuted(settings: Settings, title: str, shown: tuple[str, ...], events: int = 0) -> Failure:
    return Failure(title=title, lines=shown, replay=settings.again("histories"), how=How.JUDGED, events=events)


def locks(settings: Settings, progress: Progress, _: MakeNode) -> Iterator[tuple[Row, Failure | None]]:
    """What the users of a lock saw in the contests of the lockstep is one lock, held by one at a time."""
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


def second_opinion(settings: Settings, progress: Progress, _: MakeNode) -> Iterator[tuple[Row, Failure | None]]:
    """In the deep profile, another checker says the same of larger histories."""
    if settings.profile is not Profile.DEEP:
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
    "definition": beside_definition,
    "clients": seen_by_clients,
    "locks": locks,
    "second-opinion": second_opinion,
}

"""Ask links about a project with a fault in it, one part after the other, until one refutes it.

``python -m conformance.mutants.mechanical.ask ASK ..`` runs in a copy of the project, and prints one line of JSON.
An ask is a link, or a link and a part of it: ``lockstep: 3 nodes, alpha 3``. Parts are what the link itself runs, in
its quick profile; only that the lockstep does not add runs for long until everything was met, since a fault may be
that something is not met any more.
"""

import builtins
import json
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

from attrs import asdict, evolve, frozen

from conformance.links import LinkReport, Profile, Settings, Silence, Verdict
from conformance.refutation import How

BROKE = "the link broke"
ASK_S = 25
"""So many seconds of processor time an ask may take."""
PATIENCE = 4
"""So many times as many runs as it has a campaign of the lockstep adds at most."""
MOST_CUTS = 2
"""After so many asks that had to be cut, no more are made."""
ENOUGH_S = 60
"""After so many seconds of processor time for one fault, no further ask is begun."""
MOST_BYTES = 4 << 30
"""So much memory whoever is asked may take: a loop that does not end fills it faster than the time is over."""
_JAVA = ("tlc", "graph")
"""They start Java, which takes the memory of its tasks for itself beforehand, and has a limit of its own."""
REACHED = "__mutant_reached__"
"""The call that marks the place of a fault in Python; ``SITE`` defines it for every process of a copy."""
SITE = f"""import builtins
builtins.{REACHED} = lambda: builtins.__dict__.__setitem__("{REACHED}_once", True)
"""


@frozen(kw_only=True)
class Answer:
    """What came of an ask. ``how`` says of a refutation whether something was judged or an accident happened."""

    ask: str
    verdict: Verdict
    title: str
    how: str = ""
    events: int = 0

    @property
    def is_kill(self) -> bool:
        """Whether a judge refuted something."""
        return self.verdict is Verdict.REFUTED and self.how == How.JUDGED

    @property
    def is_accident(self) -> bool:
        """Whether the code raised an exception of its own, or a node could not start."""
        return self.verdict is Verdict.REFUTED and self.how != How.JUDGED


class Cut(BaseException):
    """The time of an ask is over. No judge takes this for an exception of the code."""


def answers(asks: Iterable[str]) -> Iterator[Answer]:
    """Ask until something is judged wrong, or too much had to be cut."""
    cuts = 0
    for ask in asks:
        answer = _answer(ask)
        yield answer
        cuts += answer.verdict is Verdict.INCONCLUSIVE and answer.title.startswith("cut ")
        if answer.is_kill or cuts == MOST_CUTS or _used_s() > ENOUGH_S:
            return


def _used_s() -> float:
    """Processor time of this process and of those that it started and waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _answer(ask: str) -> Answer:
    link, _, part = ask.partition(": ")
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if link in _JAVA else MOST_BYTES, most))
    signal.setitimer(signal.ITIMER_PROF, ASK_S)
    try:
        report = KINDS[link](part)
    except Cut:
        return Answer(ask=ask, verdict=Verdict.INCONCLUSIVE, title=f"cut after {ASK_S} s of processor time")
    except Exception as error:  # noqa: BLE001  # a link that breaks refutes nothing, and the next one is asked
        return Answer(ask=ask, verdict=Verdict.ERROR, title=f"{BROKE}: {type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    failures = [failure for failure in report.failures if failure.verdict is report.verdict]
    if report.verdict is not Verdict.REFUTED or not failures:
        return Answer(ask=ask, verdict=report.verdict, title=failures[0].title if failures else str(report.verdict))
    first = failures[0]
    how = first.how or How.JUDGED
    return Answer(ask=ask, verdict=report.verdict, title=first.title, how=how, events=first.events)


def _settings(*parts: str, profile: Profile = Profile.QUICK) -> Settings:
    return Settings(profile=profile, models=tuple(part for part in parts if part), shrink_s=0)


def _lockstep(campaign: str) -> LinkReport:
    from conformance.lockstep.link import run  # noqa: PLC0415  # each process needs few of these, here and below

    return run(_settings(campaign), Silence(), patience=PATIENCE)


def _glance(words: str) -> LinkReport:
    """A few runs of every short campaign of the lockstep, first of those that begin with one of these words."""
    from conformance.mutants.mechanical.glance import glance  # noqa: PLC0415

    return glance([word for word in words.split(" / ") if word], _settings())


def _exhaustive(model: str) -> LinkReport:
    from conformance.exhaustive.link import run  # noqa: PLC0415

    return run(_settings(model), Silence())


def _histories(part: str) -> LinkReport:
    from conformance.histories.link import run  # noqa: PLC0415

    return run(_settings(part), Silence())


def _crash_points(words: str) -> LinkReport:
    """All of the link, or a part of it, ``PART``, or more of that: ``PART PROFILE``."""
    from conformance.crash_points.link import run  # noqa: PLC0415

    part, _, profile = words.partition(" ")
    return run(_settings(part, profile=Profile(profile or Profile.QUICK)), Silence())


def _blast_radius(_: str) -> LinkReport:
    from conformance.blast_radius.link import run  # noqa: PLC0415

    return run(_settings(), Silence())


def _placement(_: str) -> LinkReport:
    from conformance.placement.link import run  # noqa: PLC0415

    return run(_settings(), Silence())


def _graph(model: str) -> LinkReport:
    from conformance.graph.link import run  # noqa: PLC0415

    return run(_settings(model, profile=Profile.DEEP), Silence())


def _mirror(model: str) -> LinkReport:
    """That part of the link graph which needs no TLC: the mirror has the states that TLC found, and all invariants."""
    from conformance.graph import link, mirror  # noqa: PLC0415
    from conformance.manifest import load_manifest  # noqa: PLC0415

    manifest = load_manifest()
    checked = mirror.check(manifest, model, Silence())
    judged = link.judged_mirror(checked, 0.0)
    return LinkReport.of(
        "graph", [judged.row], [judged.failure] if judged.failure else [], models=1, seconds=judged.row.seconds
    )


def _tlc(name: str) -> LinkReport:
    """A model, or one of its twins: ``MODEL TWIN``."""
    from conformance.manifest import load_manifest  # noqa: PLC0415
    from conformance.tlc import link as ladder  # noqa: PLC0415
    from conformance.tlc.limits import Limits  # noqa: PLC0415
    from conformance.tlc.run import Processes  # noqa: PLC0415
    from conformance.tlc.toolchain import find_toolchain  # noqa: PLC0415

    manifest = load_manifest()
    model, _, twin = name.partition(" ")
    task = ladder.task_named(manifest, model, twin or None, refinement=True)
    with Processes() as processes:
        runner = ladder.Runner(
            manifest=manifest, toolchain=find_toolchain(), processes=processes, limits=Limits.of(_settings())
        )
        judged = runner.run(task, Silence())
    return LinkReport.of(
        "tlc", [judged.row], [judged.failure] if judged.failure else [], models=1, seconds=judged.row.seconds
    )


KINDS: dict[str, Callable[[str], LinkReport]] = {
    "glance": _glance,
    "lockstep": _lockstep,
    "exhaustive": _exhaustive,
    "histories": _histories,
    "crash-points": _crash_points,
    "blast-radius": _blast_radius,
    "placement": _placement,
    "graph": _graph,
    "mirror": _mirror,
    "tlc": _tlc,
}
"""What can be asked: links by their names, and the mirror's part of the link graph."""


def main(asks: list[str]) -> None:
    """Ask, and print what was answered, whether Python came to the fault, and what it took."""

    def cut(_: int, __: FrameType | None) -> None:
        raise Cut

    signal.signal(signal.SIGPROF, cut)
    given = [asdict(evolve(answer, title=answer.title[:400])) for answer in answers(asks)]
    reached = hasattr(builtins, f"{REACHED}_once")
    print(json.dumps({"answers": given, "reached": reached, "processor_s": _used_s()}))


if __name__ == "__main__":
    main(sys.argv[1:])

"""The links of the chain of evidence: what each one is called, how it is run and what it reports.

A link is a function ``run(settings, progress) -> LinkReport``. It is named in ``LINKS`` by its import path and loaded
only when it is run, so that listing links imports nothing heavy. A link

* runs what ``settings.profile`` asks for, and nothing at random that does not follow from ``settings.seed``;
* tells ``progress`` what it is doing at least every second or two, and once when a part is finished;
* returns a report for whatever it finds. A refutation is a report, never an exception. ``CannotRun`` is raised when
  the link itself cannot work (no Java, a broken jar); any other exception is a defect of the link.
"""

import shlex
from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Protocol

from attrs import frozen


class Verdict(StrEnum):
    """What a link concludes. Inconclusive is never shown as a pass."""

    HOLDS = "holds"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


EXIT_CODES = {Verdict.HOLDS: 0, Verdict.REFUTED: 1, Verdict.INCONCLUSIVE: 3, Verdict.ERROR: 4}

# The first of these that occurs is the verdict of the whole: a counterexample stays one whatever else went wrong.
_STRONGEST_FIRST = (Verdict.REFUTED, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.HOLDS)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on everything together; inconclusive when there is nothing to combine."""
    found = set(verdicts)
    return next((verdict for verdict in _STRONGEST_FIRST if verdict in found), Verdict.INCONCLUSIVE)


class Profile(StrEnum):
    """How much is run: each profile includes what the ones before it run."""

    QUICK = "quick"
    DEFAULT = "default"
    DEEP = "deep"

    def includes(self, first: "Profile") -> bool:
        """Whether something that is first run in profile ``first`` is run in this one."""
        order = list(Profile)
        return order.index(first) <= order.index(self)


class CannotRun(Exception):
    """The link cannot work here; the message is one sentence that says what is missing and what to install."""


class BadInput(Exception):
    """What the user gave cannot be used; the message is one sentence with file, place and what to do."""


OF_MODELS = ("tlc", "graph")
"""Links whose parts are models, and which `physalia spec` runs one by one."""
SHRINK_S = 20.0
"""How much is done to make a counterexample shorter, if nobody says otherwise: seconds of processor time."""


@frozen(kw_only=True)
class Settings:
    """What a link is asked to do. ``models`` narrows it to the named models or parts; empty means all of the profile's.

    ``processors`` is how many a link may keep busy: those that can, share their parts out among so many processes.
    ``shrink_s`` is how much a counterexample of the running code is made shorter, in seconds of processor time.
    ``tlc_time_s`` and ``tlc_heap_mib`` are what each run of TLC may use, where the user says so. ``shared`` is a folder
    where links of one command leave each other what both need.
    """

    profile: Profile = Profile.DEFAULT
    seed: int = 0
    models: tuple[str, ...] = ()
    processors: int = 1
    shrink_s: float = SHRINK_S
    tlc_time_s: float | None = None
    tlc_heap_mib: int | None = None
    shared: Path | None = None

    def parts_of(self, link: str, names: Iterable[str]) -> list[str]:
        """Those of a link's parts that are asked for, in their order; BadInput for one that it does not have."""
        known = list(names)
        for name in self.models:
            if name not in known:
                raise BadInput(f"the link {link} has no part {name!r}; it has {', '.join(known)}.")
        return [name for name in known if name in (self.models or known)]

    def again(self, link: str) -> str:
        """The command that runs a link once more as it was run."""
        if self.models and link in OF_MODELS:
            return f"physalia spec {link} {' '.join(self.models)}"
        profile = "" if self.profile is Profile.DEFAULT else f" --{self.profile}"
        parts = "".join(f" --part {shlex.quote(name)}" for name in self.models)
        return f"physalia verify {link}{profile} --seed {self.seed}{parts}"


class Progress(Protocol):
    """Where a link says how far it is. Rates are computed by the display."""

    def update(
        self,
        part: str,
        done: int,
        unit: str,
        *,
        total: int | None = None,
        queue: int | None = None,
        depth: int | None = None,
    ) -> None:
        """``part`` (a model, a twin, a test) has done ``done`` of ``total`` units, with ``queue`` waiting."""

    def finish(self, part: str, note: str) -> None:
        """``part`` is finished; ``note`` says in a few words what came of it."""


class Silence:
    """A progress display that shows nothing."""

    def update(
        self,
        part: str,
        done: int,
        unit: str,
        *,
        total: int | None = None,
        queue: int | None = None,
        depth: int | None = None,
    ) -> None:
        """Show nothing."""

    def finish(self, part: str, note: str) -> None:
        """Show nothing."""


@frozen(kw_only=True)
class Row:
    """One thing that a link ran: a model, a twin, a batch of scenarios."""

    name: str
    verdict: Verdict
    states: int = 0
    edges: int = 0
    steps: int = 0
    seconds: float = 0.0
    note: str = ""


@frozen(kw_only=True)
class Failure:
    """Why something does not hold: a sentence, the lines that show it, and the command that shows it again.

    Of a refutation of the running code, ``how`` says whether a step was judged or an accident happened, and ``events``
    how long the shortest scenario is that was found.
    """

    title: str
    verdict: Verdict = Verdict.REFUTED
    lines: tuple[str, ...] = ()
    replay: str = ""
    how: str = ""
    events: int = 0


@frozen(kw_only=True)
class LinkReport:
    """What a link saw. ``steps`` counts steps of the running code; ``edges`` those of a specification.

    ``notes`` are sentences worth reading on success too, such as how many twins were killed.
    """

    link: str
    verdict: Verdict
    seconds: float
    models: int = 0
    states: int = 0
    edges: int = 0
    steps: int = 0
    rows: tuple[Row, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        link: str,
        rows: Iterable[Row],
        failures: Iterable[Failure],
        *,
        models: int,
        seconds: float,
        notes: Iterable[str] = (),
    ) -> "LinkReport":
        """Add rows up. A link that ran nothing is inconclusive; a failure outweighs rows that hold."""
        rows, failures = tuple(rows), tuple(failures)
        return cls(
            link=link,
            verdict=combine([row.verdict for row in rows] + [failure.verdict for failure in failures]),
            seconds=seconds,
            models=models,
            states=sum(row.states for row in rows),
            edges=sum(row.edges for row in rows),
            steps=sum(row.steps for row in rows),
            rows=rows,
            failures=failures,
            notes=tuple(notes),
        )


Link = Callable[[Settings, Progress], LinkReport]

INSTALL = "pip install 'physalia[verify]'"
"""What brings everything that links need."""

LINKS = {
    "tlc": "conformance.tlc.link:run",
    "graph": "conformance.graph.link:run",
    "induction": "conformance.induction.link:run",
    "exhaustive": "conformance.exhaustive.link:run",
    "lockstep": "conformance.lockstep.link:run",
    "traces": "conformance.traces.link:run",
    "histories": "conformance.histories.link:run",
    "shell": "conformance.shell.link:run",
    "crash-points": "conformance.crash_points.link:run",
    "placement": "conformance.placement.link:run",
    "blast-radius": "conformance.blast_radius.link:run",
}


def load(name: str, path: str = "") -> Link:
    """Import the link ``name``, from ``path`` if it is not the usual one; CannotRun if a package is missing."""
    module, _, function = (path or LINKS[name]).partition(":")
    try:
        link: Link = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "conformance", "physalia", "spec"):
            raise
        raise CannotRun(f"the link {name} needs the package {missing}: run {INSTALL}.") from None
    return link

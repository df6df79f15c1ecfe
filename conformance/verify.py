"""Run links of the chain one after the other, and combine what they saw."""

import os
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import asdict, evolve, frozen

from conformance.links import BadInput, CannotRun, Failure, LinkReport, Progress, Settings, Verdict, combine, load

SCHEMA_VERSION = 1
_STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


@frozen(kw_only=True)
class Report:
    """What a whole run saw, link by link."""

    settings: Settings
    links: tuple[LinkReport, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The verdict on everything together."""
        return combine(link.verdict for link in self.links)

    def as_json(self) -> Mapping[str, Any]:
        """The report as docs/verify.schema.json describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "profile": self.settings.profile,
            "seed": self.settings.seed,
            "seconds": self.seconds,
            "links": [asdict(link) for link in self.links],
        }


def verify(names: Iterable[str], settings: Settings, progress: Progress) -> Report:
    """Run the named links. BadInput passes through; a link that cannot run, or breaks, has the verdict ``error``."""
    start = time.monotonic()
    with _storage():
        links = tuple(_run(name, settings, progress) for name in names)
    return Report(settings=settings, links=links, seconds=time.monotonic() - start)


@contextmanager
def _storage() -> Iterator[None]:
    """Let Hypothesis keep what it keeps in a folder that goes with the run, and not in the working directory."""
    if _STORAGE in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="physalia-hypothesis-", ignore_cleanup_errors=True) as folder:
        os.environ[_STORAGE] = folder
        try:
            yield
        finally:
            del os.environ[_STORAGE]


def _run(name: str, settings: Settings, progress: Progress) -> LinkReport:
    start = time.monotonic()
    try:
        return _again_as_it_was(load(name)(settings, progress), settings)
    except BadInput:
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        sentence = f"the link {name} cannot work here: {error}; see to it, or let TMPDIR name a folder with room."
        failure = Failure(title=sentence, verdict=Verdict.ERROR, replay=settings.again(name))
    except CannotRun as reason:
        failure = Failure(title=str(reason), verdict=Verdict.ERROR)
    except Exception as defect:  # noqa: BLE001  # whatever breaks in one link, the others are still run and shown
        failure = Failure(
            title=f"the link {name} is broken: {type(defect).__name__}: {defect}",
            verdict=Verdict.ERROR,
            lines=tuple("".join(traceback.format_exception(defect)).splitlines()),
            replay=settings.again(name),
        )
    return LinkReport.of(name, [], [failure], models=0, seconds=time.monotonic() - start)


def _again_as_it_was(report: LinkReport, settings: Settings) -> LinkReport:
    """The same report, in which `physalia verify LINK` has the profile and the seed of this run."""
    whole = f"physalia verify {report.link}"
    failures = (
        evolve(failure, replay=settings.again(report.link)) if failure.replay.startswith(whole) else failure
        for failure in report.failures
    )
    return evolve(report, failures=tuple(failures))

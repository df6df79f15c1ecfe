"""Run links of the chain, beside each other where there are processors for it, and combine what they saw."""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from conformance import beside
from conformance.alone import report
from conformance.links import LINKS, LinkReport, Progress, Settings, Verdict, combine, load

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
    """Run the named links. BadInput passes through; a link that cannot run, or breaks, has the verdict ``error``.

    One link alone runs in this process, and may have all processors; several run in processes of their own, as many at
    once as there are processors. The reports are in the order of the names, whoever was ready first.
    """
    start, asked, at_once = time.monotonic(), {name: LINKS[name] for name in names}, beside.cores()
    with _storage():
        if len(asked) > 1 and at_once > 1:
            with _shared() as folder:
                links = beside.run(asked, evolve(settings, shared=folder), progress, at_once)
        else:
            alone = evolve(settings, processors=at_once)
            links = tuple(report(name, alone, progress, load) for name in asked)
    return Report(settings=settings, links=links, seconds=time.monotonic() - start)


@contextmanager
def _shared() -> Iterator[Path]:
    """A folder where links leave each other what both need."""
    with tempfile.TemporaryDirectory(prefix="physalia-shared-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


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

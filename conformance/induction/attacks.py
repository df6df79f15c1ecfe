"""The attacks, judged: each broken rule must be exploited, and with the rule in place there must be no such run."""

import difflib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from conformance.links import BadInput, Failure, Progress, Row, Verdict, combine
from spec.induction.attacks.attacks import ATTACKS, attack, is_prevented
from spec.induction.attacks.replay import NotReplayed
from spec.induction.attacks.scenario import Attack, Found
from spec.induction.proving.unroll import NoRun

SCHEMA_VERSION = 1


@frozen(kw_only=True)
class JudgedAttack:
    """What became of one attack."""

    attack: Attack
    found: Found | None
    verdict: Verdict
    sentence: str

    def lines(self) -> Iterator[str]:
        """The scenario, and the verdict."""
        if self.found is not None:
            yield from self.found.lines()
        yield f"  {self.verdict}: {self.sentence}"

    def as_json(self) -> Mapping[str, Any]:
        """The same for machines."""
        scenario = self.found.as_json() if self.found else {"name": self.attack.name, "rule": self.attack.rule}
        return {**scenario, "verdict": self.verdict, "sentence": self.sentence}


@frozen(kw_only=True)
class AttackReport:
    """What became of all of them."""

    attacks: tuple[JudgedAttack, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """It holds if every broken rule has its run, and the rule in place has none."""
        return combine(one.verdict for one in self.attacks)

    def rows(self) -> Iterator[Row]:
        """A row for each attack."""
        for one in self.attacks:
            seconds = one.found.seconds if one.found else 0.0
            yield Row(name=f"attack {one.attack.name}", verdict=one.verdict, seconds=seconds, note=one.sentence)

    def failures(self) -> Iterator[Failure]:
        """The attacks that do not come out as they must."""
        for one in self.attacks:
            if one.verdict is not Verdict.HOLDS:
                title = f"attack {one.attack.name}, {one.attack.broken}: {one.sentence}"
                replay = f"physalia prove --attacks {one.attack.name}"
                yield Failure(title=title, verdict=one.verdict, replay=replay)

    def as_json(self) -> Mapping[str, Any]:
        """The report for machines."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "seconds": self.seconds,
            "attacks": [one.as_json() for one in self.attacks],
        }


def run_attacks(names: Iterable[str], progress: Progress) -> AttackReport:
    """Find the runs of these attacks, or of all if none is named. BadInput for a name that is not there."""
    start = time.monotonic()
    chosen = [_known(name) for name in names] or list(ATTACKS)
    judged = []
    for number, name in enumerate(chosen):
        progress.update(f"attack {name}", number, "attacks", total=len(chosen))
        judged.append(judge(ATTACKS[name]))
        progress.finish(f"attack {name}", judged[-1].sentence)
    return AttackReport(attacks=tuple(judged), seconds=time.monotonic() - start)


def _known(name: str) -> str:
    if name not in ATTACKS:
        close = difflib.get_close_matches(name, ATTACKS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(ATTACKS)}."
        raise BadInput(f"there is no attack called {name}; {hint}")
    return name


def judge(one: Attack) -> JudgedAttack:
    """Find the run of one attack, replay it, and see that the rule prevents it."""
    try:
        found = attack(one.name)
        prevented = is_prevented(one.name)
    except NoRun as problem:
        verdict = Verdict.REFUTED if problem.proved else Verdict.INCONCLUSIVE
        return JudgedAttack(attack=one, found=None, verdict=verdict, sentence=str(problem))
    except NotReplayed as problem:
        sentence = f"the Python model does not take the run: {problem}"
        return JudgedAttack(attack=one, found=None, verdict=Verdict.REFUTED, sentence=sentence)
    verdict, sentence = _sentence(found, prevented)
    return JudgedAttack(attack=one, found=found, verdict=verdict, sentence=sentence)


def _sentence(found: Found, prevented: bool) -> tuple[Verdict, str]:
    if not prevented:
        return Verdict.REFUTED, "the same run is there with the rule in place"
    if found.replayed is not None and not found.replayed.violated:
        return Verdict.REFUTED, f"on {found.replayed.model} nothing is violated"
    steps = len(found.run.steps)
    seen = f", and on {found.replayed.model} too" if found.replayed else ""
    return Verdict.HOLDS, f"{steps} steps to a violation of {found.run.violated}{seen}; none with the rule in place"

"""Every rule of every judge has a fault that it refutes, and that passes when only this rule is switched off.

Some rules stand before something that cannot go on without them: an exception was raised, or there is no next state.
Switched off, the judge itself breaks there, and still nobody else refutes.
"""

from collections.abc import Callable

import pytest

from conformance.judges.shown import Shown
from conformance.refutation import Refuted
from tests.conformance.judges.cases import CASES
from tests.conformance.judges.rules import Rule, rules, switched_off

NOTHING_LEFT = {
    "judge._judge_action: the specification does not allow",
    "clients.answer: somebody is answered who asked nothing:",
    "clients.judge: is answered, but was never decided .. log:",
    "projection.told: is answered with .. , which is no verdict",
    "world._step: node .. raised .. : .. given:",
    "mail.seal: node .. sends what cannot be encoded:",
    "world._receive: node .. refuses what is meant for it",
    "restarting.begin: ",
    "restarting.folded: the records",
}
"""Rules without which the judge has nothing to go on with."""


@pytest.fixture(autouse=True)
def _nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nodes show is judged beside, and much of it twice: those rules have tests of their own."""
    monkeypatch.setattr(Shown, "judge", lambda *_: None)


def fits(name: str, key: str) -> bool:
    """Whether a key of `CASES` is this rule's."""
    return name == key[:-1] if key.endswith("$") else name.startswith(key) and f"{name}$" not in CASES


def case(rule: Rule) -> Callable[[], None]:
    """The fault of a rule: it raises `Refuted` by this rule."""
    return next(fault for key, fault in CASES.items() if fits(rule.name, key))


def test_every_rule_has_a_fault_and_every_fault_a_rule() -> None:
    names = [rule.name for rule in rules()]
    assert len(names) > 50
    for key in CASES:
        assert sum(fits(name, key) for name in names) == 1, key
    for name in names:
        assert sum(fits(name, key) for key in CASES) == 1, name


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_fault_that_a_rule_refutes_passes_without_it(rule: Rule) -> None:
    fault = case(rule)
    with pytest.raises(Refuted):
        fault()
    with switched_off(rule):
        if any(rule.name.startswith(name) for name in NOTHING_LEFT):
            with pytest.raises(Exception) as broke:  # noqa: PT011  # whatever breaks then, it is no refutation
                fault()
            assert not isinstance(broke.value, Refuted)
        else:
            fault()
    with pytest.raises(Refuted):
        fault()

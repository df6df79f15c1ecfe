"""An action that is deleted from a mirror turns what its models are said to be: each action of each mirror is tried.

An action that no model takes, or that leads to no state which others do not lead to as well, could be missing and
nobody would know. So each is deleted in the smallest models that take it, and their counts must be others, or an
invariant must fall. Where an action adds steps and no states, that is said: the graph has fewer steps without it, and
TLC's graph is compared with it step by step.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import fields

from conformance.graph.mirror import check
from conformance.links import Silence, Verdict
from conformance.manifest import load_manifest
from spec.machine import Machine, explore
from spec.models import MODELS

MANIFEST = load_manifest()
STEPS_ALONE = {("BlastRadius", "repair"): "a device that is repaired is as it was before it failed"}
"""Actions that lead to no state of their own in any model, and why."""
MOST_TRIED = 3
QUICK = 4_000
"""Models of more states take more than a second or two."""


def _smallest() -> dict[tuple[str, str], list[str]]:
    """For each action of each mirror, the models that take it, the smallest first."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, machine in sorted(MODELS.items(), key=lambda one: MANIFEST.model(one[0]).distinct):
        model = MANIFEST.model(name)
        for action in machine.action_names():
            of_action = found.setdefault((type(machine).__name__, action), [])
            if (
                (model.actions is None or action.capitalize() in model.actions)
                and model.distinct
                and not model.violates
            ):
                of_action.append(name)
    return found


def _each() -> Iterator[Any]:
    """Each action of each mirror; the mark `slow` where its smallest model is large."""
    for (mirror, action), names in sorted(_smallest().items()):
        is_slow = not names or MANIFEST.model(names[0]).distinct > QUICK
        yield pytest.param(mirror, action, marks=[pytest.mark.slow] if is_slow else [], id=f"{mirror}.{action}")


def lacking(machine: Machine[Any], action: str) -> Machine[Any]:
    """The same machine, but for one action."""
    kind: Any = type(machine)
    names = tuple(name for name in kind.action_names() if name != action)
    other = type(kind.__name__, (kind,), {"action_names": classmethod(lambda _: names)})
    made: Machine[Any] = other(**{one.alias: getattr(machine, one.name) for one in fields(kind) if one.init})
    return made


@pytest.mark.parametrize(("mirror", "action"), [*_each()])
def test_without_an_action_a_mirror_is_not_what_the_manifest_says(
    mirror: str, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = _smallest()[mirror, action]
    if (mirror, action) in STEPS_ALONE:
        name = models[0]
        assert explore(lacking(MODELS[name], action)).generated < explore(MODELS[name]).generated
        return
    for name in models[:MOST_TRIED]:
        monkeypatch.setitem(MODELS, name, lacking(MODELS[name], action))
        if check(MANIFEST, name, Silence()).verdict is Verdict.REFUTED:
            return
    pytest.fail(f"without {action} nothing of {', '.join(models) or 'no model'} turns")

"""Who is served at the end, who is refused at once, and what nobody is told: each rule rejects something."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.refutation import How
from conformance.shell import campaign
from conformance.shell.campaign import Result
from conformance.shell.script import read
from physalia.client.asynchronous import _Effort
from physalia.client.places import Places
from physalia.server import starting
from physalia.server.leadership import Leadership
from physalia.server.reception import Reception

Break = Callable[[pytest.MonkeyPatch], None]


def kept(name: str) -> Result:
    """A kept run."""
    return campaign.run(dict(campaign.kept())[name])


def no_majority_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leadership, "lacks_majority", lambda *_: False)


def the_first_who_declines_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Effort, "is_hopeless", lambda self, _: self.lacks_majority and not self.uncertain)


def a_client_never_turns_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Places, "turn_away", lambda *_: None)


def cells_of_settings_are_born_again(monkeypatch: pytest.MonkeyPatch) -> None:
    create = starting.create
    monkeypatch.setattr(starting, "create", lambda settings, **_: create(settings, are_cells_new=True))


def whoever_is_asked_shows_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    query = Reception._query

    def shown(self: Any, caller: Any, number: int, key: Any, request: Any) -> None:
        node = self._nodes.host.node(key)
        if node is None or not node.is_leading:
            query(self, caller, number, key, request)
            return
        from physalia.model import Found  # noqa: PLC0415

        learner = node._learner
        self._requests.found(Found(request, learner.prefix, learner.state.volume), node)

    monkeypatch.setattr(Reception, "_query", shown)


@pytest.mark.parametrize(
    ("name", "broken", "said"),
    [
        ("no-majority", no_majority_is_no_reason, "a client was not refused, and told that nobody knows"),
        ("no-majority", the_first_who_declines_is_believed, "while server b is cut off from the others: Unavailable"),
        ("no-majority", a_client_never_turns_away, "the trouble is over, and cell 1 does nothing"),
        ("a-lost-disk", cells_of_settings_are_born_again, "node 3 of cell 1 comes back without"),
        ("a-record-that-is-old", whoever_is_asked_shows_its_record, "is told version 1 of the record of cell 1"),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_each_rule_refutes_whoever_breaks_it(
    name: str, broken: Break, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept(name).refuted is None
    broken(monkeypatch)
    refuted = kept(name).refuted
    assert refuted is not None
    assert said in refuted.title
    assert refuted.how is How.JUDGED


def test_a_client_is_refused_at_once_where_everybody_knows_why() -> None:
    assert kept("no-majority").marks["a client was refused for want of a majority"] == 2


def test_a_disk_is_lost_only_while_nothing_runs_on_it() -> None:
    lost = "colony seed 1 servers 3 cells 1\n0.0 client1 put k 1 cell 1\n0.4 lose b\n"
    result = campaign.run(read(lost, "lost"))
    assert result.refuted is None
    assert not result.marks["a disk was lost"]

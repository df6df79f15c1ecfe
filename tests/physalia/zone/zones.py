"""Small zones for tests."""

from functools import cache
from typing import Any

from attrs import evolve

from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.sites import Site
from physalia.placement.effort import Effort
from physalia.placement.rules.policy import default
from physalia.zone import scenario as scenarios
from physalia.zone.life import Life, Store, begun
from physalia.zone.plan import generated
from physalia.zone.scenario import KINDS, Clients, Event, Failing, Kind, Scenario

NEVER = Failing(per_year=0.0, repair_hours=1.0)


def quiet(*events: Event, **rates: Failing) -> Scenario:
    """Nothing fails and nobody moves, but for what is named: `server=Failing(...)`, and events."""
    shipped = scenarios.default()
    failures: dict[Kind, Failing] = {kind: rates.get(kind.replace("-", "_"), NEVER) for kind in KINDS}
    return evolve(shipped, failures=failures, events=events, clients=Clients(moves_per_year=0.0))


def changed(given: Scenario, part: str, **numbers: Any) -> Scenario:
    """A scenario with some numbers of one part changed."""
    return evolve(given, **{part: evolve(getattr(given, part), **numbers)})


def placed(given: Scenario, servers: int = 480, volumes: int = 60) -> tuple[Site, Rules, Fleet]:
    """A site of two rows, with cells for so many volumes; whoever lives on it takes copies of the arrays."""
    assert given.site == scenarios.default().site
    return _placed(servers, volumes)


@cache
def _placed(servers: int, volumes: int) -> tuple[Site, Rules, Fleet]:
    return generated(changed(quiet(), "site", servers=servers, volumes=volumes), default(), 0, Effort())


def lived_through(
    given: Scenario, hours: float, store: Store = Store.CELLS, *, seed: int = 0, volumes: int = 60, servers: int = 480
) -> Life:
    """A zone at the end of its time."""
    life = begun(*placed(given, servers, volumes), given, store, hours, seed)
    life.run(lambda: None)
    return life

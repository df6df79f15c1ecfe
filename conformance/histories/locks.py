"""What the users of a lock saw in the contests of the lockstep: the same seeds, but nobody looks inside.

A lock that ended by itself is recorded as a `release` by its holder, at the moment from which it does not believe in it
any more. A request of which nobody heard in time is an `acquire` without an end: whether it was granted, who knows.
"""

from conformance.histories.history import History
from conformance.histories.models import Model
from conformance.histories.reading import Event, pair
from conformance.leases.campaign import Driver


def record(seed: str, events: int, rates: frozenset[int], model: Model) -> History:
    """One contest, and what its users saw."""
    driver = Driver(seed, rates, is_judged=False)
    driver.run(events)
    told = (
        Event(line=line, process=one.process, type=one.type, f=one.f, value=None)
        for line, one in enumerate(driver.told, start=1)
    )
    return pair(told, model, seed)

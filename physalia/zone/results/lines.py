"""The study for people: a few sentences, each with its band."""

from collections.abc import Iterator, Mapping
from typing import Any

from physalia.pictures.scales import number
from physalia.zone.results.study import gains

Document = Mapping[str, Any]


def lines(study: Document) -> Iterator[str]:
    """The study, line by line."""
    yield (
        f"{_counted(study['runs'], 'run')} of {study['days']:,.0f} days: {study['servers']:,} servers, "
        f"{study['volumes']:,} volumes, seed {study['seed']}"
    )
    yield from map(_store, study["stores"])
    cells = study["stores"][0]
    yield (
        f"the colony: {_band(cells['repaired'])} nodes replaced, {_band(cells['moved'])} steps after moved clients, "
        f"{_band(cells['mirrored'])} copies made anew, {_band(cells['resynced'])} taken again"
    )
    yield from map(_size, study["sizes"])
    swaps, greedy = gains(study)
    yield (
        f"placement: an instance loses a cell placed by the paper's swaps up to {swaps:.2f} times less often than a "
        f"database at one point, one placed by greed {greedy:.2f} times; the paper has up to 4"
    )
    routers = study["routers"]
    top = max(routers["rows"], key=lambda row: row["exact"])
    seen = top["seen"]
    yield (
        f"routers: {top['failed']} of {routers['routers']} failed make {seen['value']:.1%} ({seen['low']:.1%} to "
        f"{seen['high']:.1%}) of the volumes call; at most 8/27 = {routers['peak']:.1%}"
    )
    yield from map(_storm, study["storm"])


def _store(one: Document) -> str:
    hours = one["hours_per_volume_year"]
    return (
        f"{one['store']}: in a year a volume waits {_band(hours['blast'])} h for the store alone, is on one copy for "
        f"{_band(hours['solo'])} h and is cut off for {_band(hours['cut'])} h; {one['blast_at_once']:,} wait at once "
        f"at most; {_band(one['writes'])} writes, {_band(one['writes_in_busiest_minute'])} in the busiest minute"
    )


def _size(one: Document) -> str:
    up = {row["failed"]: row["exact"] for row in one["available"]}
    durable, tail = number(one["durability"]["times_two_copies"]), one["latency"]["p999"]
    return (
        f"{_counted(one['size'], 'node')}: up {up[0.1]:.4f} where 1 in 10 fails and {up[0.6]:.4f} where 6 do, durable "
        f"{durable} times as long as two copies, p99.9 {tail:.2f} answer times, {one['messages_per_commit']} messages"
    )


def _storm(one: Document) -> str:
    ended = one["mirrored_after_hours"]
    return (
        f"storm, {one['regime']}: {_band(one['most_requests_per_second'])} requests a second at most, customers get "
        f"{one['least_api_answered']['value']:.1%} of theirs answered at worst; all mirrored after "
        f"{'more than the time' if ended is None else _band(ended) + ' h'}"
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _band(found: Mapping[str, float | None]) -> str:
    """A mean, and its band in brackets if there is one."""
    value, low, high = (found[end] for end in ("value", "low", "high"))
    told = number(value or 0.0)
    return told if low is None or high is None else f"{told} [{number(low)}, {number(high)}]"

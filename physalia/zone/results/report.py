"""The study as one page: a picture, what it shows, and the table behind it, for each part."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from physalia.pictures.chart import Chart, Line
from physalia.pictures.page import Figure, page

Document = Mapping[str, Any]


def report(study: Document) -> str:
    """The page as HTML."""
    runs = f"{study['runs']:,} run{'s' * (study['runs'] != 1)}"
    lead = (
        f"{runs} of {study['days']:,.0f} days on {study['servers']:,} servers with "
        f"{study['volumes']:,} volumes, seed {study['seed']}. Bands are those of 95 %. What is assumed, and where each "
        "figure comes from, stands in docs/zone.md; the scenario and all results are at the end of this file as JSON."
    )
    figures = [*_time(study), *_why_seven(study), *_placing(study), _routers(study), *_storm(study)]
    return page("A zone, simulated", (lead,), figures, study)


def _time(study: Document) -> Iterator[Figure]:
    stores, days = study["stores"], study["days"]
    for what, heading, says in (
        ("blast", "Volumes that wait for the configuration store alone",
         "The most at one moment, of all runs, in each part of the time. Every store meets the same failures."),
        ("solo", "Volumes that one copy serves", "The most at one moment, of all runs, in each part of the time."),
    ):  # fmt: skip
        parts = len(stores[0]["worst"][what])
        hours = [days * (at + 0.5) / parts for at in range(parts)]
        lines = tuple(
            Line(name=one["store"], points=tuple(zip(hours, map(float, one["worst"][what]), strict=True)))
            for one in stores
        )
        chart = Chart(name=heading, x="days", y="volumes", lines=lines)
        rows = tuple(
            (hour, *(float(one["worst"][what][at]) for one in stores))
            for at, hour in enumerate(hours)
            if any(one["worst"][what][at] for one in stores)
        )
        columns = ("days (parts in which there was one)", *(one["store"] for one in stores))
        yield Figure(heading=heading, says=says, columns=columns, rows=rows, chart=chart)
    yield Figure(
        heading="What a year of a volume is made of, and what it costs the store",
        says="Hours of a volume and year, and counts of a run: means with their bands.",
        columns=("store", "what", "mean", "from", "to"),
        rows=tuple(row for one in stores for row in _years(one)),
    )


def _years(store: Document) -> Iterator[tuple[str | float | None, ...]]:
    for name, band in store["hours_per_volume_year"].items():
        yield store["store"], f"hours {name}", band["value"], band["low"], band["high"]
    for name in ("writes", "writes_in_busiest_minute", "mirrored", "resynced", "repaired", "moved"):
        band = store[name]
        yield store["store"], name.replace("_", " "), band["value"], band["low"], band["high"]


def _why_seven(study: Document) -> Iterator[Figure]:
    sizes = study["sizes"]
    names = [f"{one['size']} nodes" if one["size"] > 1 else "1 node" for one in sizes]
    lines = tuple(
        Line(
            name=name,
            points=tuple((row["failed"], row["exact"]) for row in one["available"]),
            band=tuple((row["seen"]["low"], row["seen"]["high"]) for row in one["available"]),
        )
        for name, one in zip(names, sizes, strict=True)
    )
    yield Figure(
        heading="Why seven: a majority is up (the paper's figure 4)",
        says="Lines are exact, bands seen. Larger cells are better until half of the nodes fail, and worse beyond.",
        columns=("nodes", "share of nodes that failed", "exact", "seen", "from", "to"),
        rows=tuple(
            (float(one["size"]), row["failed"], f"{row['exact']:.9f}", *_seen(row["seen"]))
            for one in sizes for row in one["available"]
        ),
        chart=Chart(name="Availability by the share of failed nodes", x="share of nodes that failed",
                    y="P(a majority is up)", lines=lines),
    )  # fmt: skip
    durable = tuple((float(one["size"]), one["durability"]["times_two_copies"]) for one in sizes)
    yield Figure(
        heading="Why seven: durability, beside two copies",
        says=(
            "How many times longer a cell keeps a majority of its disks than a volume one of its two copies, by a "
            "birth-death chain with the same disks. The other columns hold the chain against histories with bad disks."
        ),
        columns=("nodes", "times", "bad disks: lost in a year", "seen", "from", "to", "messages a commit"),
        rows=tuple(
            (float(one["size"]), one["durability"]["times_two_copies"], one["durability"]["bad_disks_lost_in_a_year"],
             *_seen(one["durability"]["bad_disks_seen"]), float(one["messages_per_commit"]))
            for one in sizes
        ),
        chart=Chart(name="Durability by size", x="nodes", y="times two copies", y_logarithmic=True,
                    lines=(Line(name="time to loss, in those of two copies", points=durable),)),
    )  # fmt: skip
    quantiles = (("p50", "half of the writes"), ("p99", "99 of 100"), ("p999", "999 of 1,000"))
    yield Figure(
        heading="Why seven: tail latency",
        says="When a write has its majority, in mean times of one answer; one answer in a hundred is late by a pause.",
        columns=("nodes", *(name for _, name in quantiles)),
        rows=tuple((float(one["size"]), *(one["latency"][key] for key, _ in quantiles)) for one in sizes),
        chart=Chart(
            name="Latency by size", x="nodes", y="mean times of one answer",
            lines=tuple(
                Line(name=name, points=tuple((float(one["size"]), one["latency"][key]) for one in sizes))
                for key, name in quantiles
            ),
        ),
    )  # fmt: skip


def _placing(study: Document) -> Iterator[Figure]:
    for one in study["placing"]:
        rows = one["rows"]
        ways = list(rows[0]["lost"])
        by_instance = [row for row in rows if row["lost_to"] == "instance"]
        lines = [
            Line(name=way, points=tuple((row["failing"], row["lost"][way]) for row in by_instance)) for way in ways
        ]
        lines.append(
            Line(name="no cell does better", points=tuple((row["failing"], row["best"]) for row in by_instance))
        )
        switches = f"{one['aggregation_per_row']} aggregation switch{'es' * (one['aggregation_per_row'] > 1)} a row"
        yield Figure(
            heading=f"Placement: {one['cell_size']} nodes, {switches} (the paper's figure 11)",
            says=(
                "The probability that an instance that is up reaches no majority when only aggregation switches fail. "
                "The table has the volume's view too: lost though its instance reaches a copy."
            ),
            columns=("P(a switch is down)", "lost to", *ways, "no cell does better"),
            rows=tuple((row["failing"], row["lost_to"], *row["lost"].values(), row["best"]) for row in rows),
            chart=Chart(name=f"Lost cells of {one['cell_size']} nodes, {switches}", x="P(a switch is down)",
                        y="P(no majority)", lines=tuple(lines), x_logarithmic=True, y_logarithmic=True),
        )  # fmt: skip


def _routers(study: Document) -> Figure:
    found = study["routers"]
    rows = found["rows"]
    lines = (
        Line(
            name="2 p (1 - p)²; the band is what was seen",
            points=tuple((float(row["failed"]), row["exact"]) for row in rows),
            band=tuple((row["seen"]["low"], row["seen"]["high"]) for row in rows),
        ),
    )
    return Figure(
        heading="Load on the store by failed routers (the paper's figure 12)",
        says=(
            f"Of {found['routers']} aggregation routers so many failed; client, primary and replica of a volume are on "
            "routers of their own choice. "
            f"At most 8/27 = {found['peak']:.1%} of the volumes call."
        ),
        columns=("failed", "exact", "seen", "from", "to"),
        rows=tuple((float(row["failed"]), row["exact"], *_seen(row["seen"])) for row in rows),
        chart=Chart(name="Volumes that call", x="failed routers", y="share of the volumes", lines=lines),
    )


def _storm(study: Document) -> Iterator[Figure]:
    for key, heading, unit in (
        ("not_mirrored", "The storm of 2011: volumes without their second copy", "share of the volumes"),
        ("requests_per_second", "The storm of 2011: requests to the store", "requests a second, customers' too"),
        ("api_answered", "The storm of 2011: what customers get", "share of their requests that is answered"),
    ):  # fmt: skip
        regimes: Sequence[Document] = study["storm"]
        lines = tuple(
            Line(name=one["regime"], points=tuple((row["hour"], row[key]) for row in one["series"])) for one in regimes
        )
        hours = [row["hour"] for row in regimes[0]["series"]]
        yield Figure(
            heading=heading,
            says="The first run, from the moment in which the copies are lost; the table has every fifth point.",
            columns=("hours", *(one["regime"] for one in regimes)),
            rows=tuple(
                (hour, *(one["series"][at][key] for one in regimes)) for at, hour in enumerate(hours) if at % 5 == 0
            ),
            chart=Chart(name=heading, x="hours", y=unit, lines=lines),
        )  # fmt: skip


def _seen(band: Document) -> tuple[float, float, float]:
    return band["value"], band["low"], band["high"]

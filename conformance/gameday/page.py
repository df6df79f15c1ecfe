"""The page of a game day: one HTML file that asks nobody for anything, for light and dark, with tables behind it.

The availability is a line over time; every fault is a band with its own hatching and its name; what was left out, and
what each judge said, stands in tables. Whatever comes from elsewhere is escaped.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from html import escape

from conformance.colonies.verdict import Part
from conformance.gameday.day import Band, Day
from conformance.gameday.faults import NAMES

WIDTH, HEIGHT, LEFT, TOP, ROW = 960, 160, 90, 20, 16
HUES = 360 // len(NAMES)

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --line: #1652b3; --rule: #d5d8dd; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e7ea; --paper: #17181b; --line: #9ec1ff; --rule: #3a3d42; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }
svg text { font: 12px ui-monospace, monospace; fill: var(--ink); }
.line { fill: none; stroke: var(--line); stroke-width: 2; }
.rule { stroke: var(--rule); }
.band { fill-opacity: .35; stroke: var(--ink); stroke-width: .5; }
.picture { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def page(day: Day, parts: Sequence[Part], title: str, replay: str) -> str:
    """The whole page."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>Again: <code>{escape(replay)}</code></p>
<div class="picture">{_picture(day)}</div>
<h2>Verdicts</h2>
{_table(("what", "verdict", "why"), [(part.name, part.verdict, part.why) for part in parts])}
<h2>Faults</h2>
{_table(("from, s", "to, s", "fault"), [(f"{b.begin_s:.1f}", f"{b.end_s:.1f}", b.blow.words) for b in day.bands])}
<h2>Left out</h2>
{_table(("fault", "why"), list(day.left_out.items()))}
<h2>Answered probes, second by second</h2>
{_table(("second", "asked", "answered"), [(str(at), str(asked), str(got)) for at, asked, got in seconds(day)])}
</body>
</html>
"""


def seconds(day: Day) -> list[tuple[int, int, int]]:
    """For each second of the day how many probes were asked, and how many of them answered."""
    asked: dict[int, list[bool]] = defaultdict(list)
    for probe in day.probes:
        asked[int(probe.at_s)].append(probe.is_answered)
    return [(at, len(answers), sum(answers)) for at, answers in sorted(asked.items())]


def _picture(day: Day) -> str:
    whole_s = max([1.0, day.seconds, *(band.end_s for band in day.bands)])
    names = [name for name in NAMES if any(band.blow.fault == name for band in day.bands)]
    height = TOP + HEIGHT + ROW * (len(names) + 2)

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - 10) * at_s / whole_s

    bands = "".join(_band(band, x, TOP + HEIGHT + ROW * (names.index(band.blow.fault) + 1)) for band in day.bands)
    labels = "".join(
        f'<text x="4" y="{TOP + HEIGHT + ROW * (row + 1) + 12}">{escape(name)}</text>' for row, name in enumerate(names)
    )
    points = " ".join(
        f"{x(at + 0.5):.1f},{TOP + HEIGHT * (1 - answered / asked):.1f}" for at, asked, answered in seconds(day)
    )
    return (
        f'<svg role="img" aria-label="availability over time" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">'
        f'<text x="4" y="{TOP + 6}">100 %</text><text x="4" y="{TOP + HEIGHT}">0 %</text>'
        f'<line class="rule" x1="{LEFT}" y1="{TOP}" x2="{WIDTH - 10}" y2="{TOP}"/>'
        f'<line class="rule" x1="{LEFT}" y1="{TOP + HEIGHT}" x2="{WIDTH - 10}" y2="{TOP + HEIGHT}"/>'
        f'{bands}{labels}<polyline class="line" points="{points}"/>'
        f'<text x="{WIDTH - 70}" y="{height - 4}">{whole_s:.0f} s</text></svg>'
    )


def _band(band: Band, x: Callable[[float], float], y: float) -> str:
    fill = f"hsl({HUES * NAMES.index(band.blow.fault)} 70% 50%)"
    left, width = x(band.begin_s), max(2.0, x(band.end_s) - x(band.begin_s))
    title = f"<title>{escape(band.blow.words)}, {band.begin_s:.1f} s to {band.end_s:.1f} s</title>"
    at = f'x="{left:.1f}" width="{width:.1f}"'
    return (
        f'<rect {at} y="{TOP}" height="{HEIGHT}" style="fill:{fill};fill-opacity:.12"/>'
        f'<rect class="band" {at} y="{y}" height="{ROW - 3}" style="fill:{fill}">{title}</rect>'
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"

"""The picture of a verdict: one HTML file that asks nobody for anything, for light and dark, with the table behind it.

Operations that cannot be ordered are bars with a number and a border; those that are free are dashed, and have an arrow
where they never end. Everything that comes from a file is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape as escape_html

from conformance.histories.history import Operation
from conformance.histories.judging import Judged, deed, words
from conformance.histories.models import shown
from conformance.histories.window import Window

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1b1f; --paper: #ffffff; --bound: #b3261e; --free: #5f6b7a; --rule: #d5d8dd; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7e7ea; --paper: #17181b; --bound: #ffb4ab; --free: #a3adba; --rule: #3a3d42; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 72rem; padding: 0 1rem; }
svg text { font: 13px ui-monospace, monospace; fill: var(--ink); }
.row { stroke: var(--rule); }
.bound { fill: var(--paper); stroke: var(--bound); stroke-width: 2.5; }
.free { fill: var(--paper); stroke: var(--free); stroke-dasharray: 5 4; }
.picture { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid var(--rule); }
td.number { font-variant-numeric: tabular-nums; text-align: right; }
"""
_MOST_FREE = 40
_STEP, _ROW, _LEFT, _LEAST = 34, 46, 150, 28


def page(judged: Sequence[Judged], model: str) -> str:
    """The whole page."""
    sections = "\n".join(_section(one) for one in judged)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Histories, model {_text(model)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Histories, held against the model {_text(model)}</h1>
{sections}
</body>
</html>
"""


def _section(judged: Judged) -> str:
    history = judged.history
    heading = f"<h2>{_text(history.source)}: {judged.verdict}</h2>\n<p>{_text(judged.why)}.</p>"
    if judged.window is None:
        return f"<section>\n{heading}\n</section>"
    window = judged.window
    told = [f"{len(window.bound)} operations, bordered, cannot be ordered"]
    if window.is_any_start:
        told.append("whatever the state was before")
    if window.free:
        told.append("even if the dashed ones take effect at any moment, or never")
    return f"""<section>
{heading}
<p>{_text(", ".join(told))}. Time goes from left to right; each row is a process.</p>
<div class="picture">
{_picture(window)}
</div>
{_table(window)}
</section>"""


def _picture(window: Window) -> str:
    """Bars between the moments at which something begins or ends, which are all equally far apart."""
    operations = [*window.bound, *window.free[-_MOST_FREE:]]
    moments = sorted({one.begin for one in operations} | {one.end for one in operations if one.end is not None})
    column = {moment: _LEFT + place * _STEP for place, moment in enumerate(moments)}
    rows = {process: place for place, process in enumerate(dict.fromkeys(one.process for one in operations))}
    width, height = _LEFT + (len(moments) + 2) * _STEP, len(rows) * _ROW + 20
    drawn = [f'<svg role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}">']
    drawn.append(f"<title>{len(window.bound)} operations that cannot be ordered</title>")
    for process, place in rows.items():
        middle = place * _ROW + 26
        drawn.append(f'<line class="row" x1="{_LEFT - 8}" x2="{width}" y1="{middle}" y2="{middle}"/>')
        drawn.append(f'<text x="4" y="{middle + 4}">{_text(f"process {shown(process)}"[:18])}</text>')
    numbers = {one.begin: number for number, one in enumerate(window.bound, start=1)}
    for one in operations:
        right = width - _STEP // 2 if one.end is None else column[one.end]
        drawn += _bar(one, column[one.begin], right, rows[one.process] * _ROW + 10, numbers.get(one.begin))
    return "\n".join((*drawn, "</svg>"))


def _bar(one: Operation, left: int, right: int, top: int, number: int | None) -> Iterable[str]:
    kind = "free" if number is None else "bound"
    width = max(_LEAST, right - left)
    yield f"<g><title>{_text(words(one))}</title>"
    yield f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="32" rx="4"/>'
    label = f"{number}" if number is not None else "?"
    yield f'<text x="{left + 8}" y="{top + 21}">{label}{" →" if one.is_open else ""}</text></g>'


def _table(window: Window) -> str:
    head = "<tr><th>number</th><th>process</th><th>operation and answer</th><th>lines</th></tr>"
    rows = [_line(str(number), one) for number, one in enumerate(window.bound, start=1)]
    rows += [_line("?", one) for one in window.free[-_MOST_FREE:]]
    more = len(window.free) - _MOST_FREE
    rest = f"<p>{more} other free operations are not shown.</p>" if more > 0 else ""
    return f"<table>\n{head}\n" + "\n".join(rows) + f"\n</table>\n{rest}"


def _line(number: str, one: Operation) -> str:
    where = f"{one.line} to {one.end_line}" if one.end_line else str(one.line)
    cells = (shown(one.process), deed(one), where)
    return f'<tr><td class="number">{number}</td>' + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _text(given: str) -> str:
    """What stands in a page as text: characters that cannot be printed, or turn the line around, are escaped."""
    visible = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in given)
    return escape_html("".join(visible))

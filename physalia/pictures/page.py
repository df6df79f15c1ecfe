"""A page of pictures: one file, which asks for nothing, and says so to the browser."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from attrs import frozen

from physalia.pictures.chart import Chart
from physalia.pictures.scales import number

Cell = str | float | None


@frozen(kw_only=True)
class Figure:
    """A picture with what it shows, and the table behind it; a table alone if there is nothing to draw."""

    heading: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: Chart | None = None


def page(title: str, lead: Sequence[str], figures: Sequence[Figure], data: Mapping[str, Any]) -> str:
    """The page as HTML: its figures in order, and the data that they come from as a block of JSON."""
    style, script = _shipped("page.css"), _shipped("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    told = json.dumps(data, indent=1, sort_keys=True).replace("<", "\\u003c")
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in lead),
        *_contents(figures),
        *(part for at, figure in enumerate(figures, start=1) for part in _figure(figure, f"figure-{at}")),
        "</main>",
        f'<script type="application/json" id="data">{told}</script>',
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _contents(figures: Sequence[Figure]) -> Iterator[str]:
    yield '<nav aria-label="Figures"><ol>'
    for at, figure in enumerate(figures, start=1):
        yield f'<li><a href="#figure-{at}">{escape(figure.heading)}</a></li>'
    yield "</ol><p>The keys j and k lead to the next figure and back.</p></nav>"


def _figure(figure: Figure, identity: str) -> Iterator[str]:
    yield f'<section id="{identity}" tabindex="-1"><h2>{escape(figure.heading)}</h2>'
    yield f"<figure>{'' if figure.chart is None else figure.chart.svg(identity)}"
    yield f"<figcaption>{escape(figure.says)}</figcaption></figure>"
    table = list(_table(figure))
    if figure.chart is None:
        yield from table
    else:
        yield from ("<details><summary>The numbers</summary>", *table, "</details>")
    yield "</section>"


def _table(figure: Figure) -> Iterator[str]:
    yield '<div class="scroll"><table><thead><tr>'
    yield from (f'<th scope="col">{escape(column)}</th>' for column in figure.columns)
    yield "</tr></thead><tbody>"
    for row in figure.rows:
        yield "<tr>" + "".join(_cell(one) for one in row) + "</tr>"
    yield "</tbody></table></div>"


def _cell(value: Cell) -> str:
    if value is None:
        return "<td>unknown</td>"
    return f"<td>{escape(value)}</td>" if isinstance(value, str) else f'<td class="number">{number(value)}</td>'


def _shipped(name: str) -> str:
    return files("physalia.pictures").joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"

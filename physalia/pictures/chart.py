"""A chart of lines, as SVG that takes its colours from the page around it."""

from collections.abc import Iterator, Sequence
from html import escape

from attrs import frozen

from physalia.pictures.scales import Scale, number, scale

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 14, 52
MARKS = ("circle", "square", "diamond", "triangle", "cross", "plus")
"""Each line has the mark, the dash and the colour of its place; beyond these they begin anew."""

_PLAIN = 40
"""A line of more points than this is drawn without marks, but for its end."""


@frozen(kw_only=True)
class Line:
    """A name, and its points from left to right; ``band`` are the lower and upper ends around each of them."""

    name: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...] = ()


@frozen(kw_only=True)
class Chart:
    """Lines over one pair of axes."""

    name: str
    x: str
    y: str
    lines: tuple[Line, ...]
    x_logarithmic: bool = False
    y_logarithmic: bool = False

    def svg(self, identity: str) -> str:
        """The picture; its parts are called after ``identity``, which must be another one for each on a page."""
        across, up = self._scales()
        legend = 18 * len(self.lines)
        return "\n".join(
            [
                f'<svg viewBox="0 0 {WIDTH} {HEIGHT + legend}" role="img" aria-labelledby="{identity}-name">',
                f'<title id="{identity}-name">{escape(self.name)}</title>',
                *self._axes(across, up),
                *(part for at, line in enumerate(self.lines) for part in _drawn(line, at, across, up)),
                *(part for at, line in enumerate(self.lines) for part in _legend(line, at)),
                "</svg>",
            ]
        )

    def _scales(self) -> tuple[Scale, Scale]:
        points = [point for line in self.lines for point in line.points]
        ends = [end for line in self.lines for pair in line.band for end in pair]
        across = scale([x for x, _ in points], LEFT, WIDTH - LEFT - RIGHT, logarithmic=self.x_logarithmic)
        heights = [y for _, y in points] + ([] if self.y_logarithmic else ends)
        up = scale(heights, HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT, logarithmic=self.y_logarithmic)
        return across, up

    def _axes(self, across: Scale, up: Scale) -> Iterator[str]:
        right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value in up.ticks:
            y = _place(up.at(value))
            yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
            yield f'<text class="tick end" x="{LEFT - 8}" y="{_place(up.at(value) + 4)}">{number(value)}</text>'
        for value in across.ticks:
            x = _place(across.at(value))
            yield f'<path class="axis" d="M{x} {floor}v5"/>'
            yield f'<text class="tick middle" x="{x}" y="{floor + 20}">{number(value)}</text>'
        yield f'<path class="axis" d="M{LEFT} {TOP}V{floor}H{right}"/>'
        yield f'<text class="label middle" x="{(LEFT + right) // 2}" y="{HEIGHT - 12}">{escape(self.x)}</text>'
        middle = (TOP + floor) // 2
        yield f'<text class="label middle" transform="translate(16 {middle}) rotate(-90)">{escape(self.y)}</text>'


def _drawn(line: Line, at: int, across: Scale, up: Scale) -> Iterator[str]:
    look = f"s{at % len(MARKS)}"
    shown = [(x, y) for x, y in line.points if up.shows(y) and across.shows(x)]
    if line.band:
        ends = [
            (x, max(low, up.low), min(high, up.high))
            for (x, _), (low, high) in zip(line.points, line.band, strict=True)
        ]
        above = [(across.at(x), up.at(high)) for x, _, high in ends]
        below = [(across.at(x), up.at(low)) for x, low, _ in reversed(ends)]
        yield f'<path class="band {look}" d="{_path(above + below)}Z"/>'
    places = [(across.at(x), up.at(y)) for x, y in shown]
    if places:
        yield f'<path class="line {look}" d="{_path(places)}"/>'
    marked = places if len(places) <= _PLAIN else places[-1:]
    yield from (_mark(at, x, y) for x, y in marked)


def _legend(line: Line, at: int) -> Iterator[str]:
    y = HEIGHT + 4 + 18 * at
    yield f'<path class="line s{at % len(MARKS)}" d="M{LEFT} {y}h34"/>'
    yield _mark(at, LEFT + 17, y)
    yield f'<text class="label" x="{LEFT + 44}" y="{y + 4}">{escape(line.name)}</text>'


def _mark(at: int, x: float, y: float) -> str:
    shapes = {
        "circle": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "square": "m-3.5 -3.5h7v7h-7z",
        "diamond": "m0 -5l5 5l-5 5l-5 -5z",
        "triangle": "m0 -5l5 8.5h-10z",
        "cross": "m-4 -4l8 8m0 -8l-8 8",
        "plus": "m0 -5v10m-5 -5h10",
    }
    place = at % len(MARKS)
    return f'<path class="mark s{place}" d="M{_place(x)} {_place(y)}{shapes[MARKS[place]]}"/>'


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_place(x)} {_place(y)}" for x, y in places)


def _place(pixel: float) -> str:
    """A pixel with one digit behind the point: the same on every machine."""
    return f"{pixel:.1f}".removesuffix(".0")

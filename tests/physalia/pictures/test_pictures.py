"""Charts and pages: the same bytes, honest axes, nothing that a name could break, and what a browser makes of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from physalia.pictures.chart import HEIGHT, WIDTH, Chart, Line
from physalia.pictures.page import Figure, page
from physalia.pictures.scales import nice_step, number, scale
from tests.physalia.pictures.browser import Browser, browser, tools

NASTY = '</script><img src=x onerror="alert(1)"> & <b>'
LINES = (
    Line(name="first", points=((0.0, 0.0), (1.0, 2.0), (2.0, 1.0)), band=((0.0, 0.5), (1.5, 2.5), (0.5, 1.5))),
    Line(name=NASTY, points=((0.0, 2.0), (2.0, 0.0))),
)
FIGURES = (
    Figure(heading="One", says="Of one.", columns=("x", "y"), rows=((0.5, 1234567.0), ("text", None)),
           chart=Chart(name="A chart", x="x", y=NASTY, lines=LINES)),
    Figure(heading=NASTY, says="A table alone.", columns=(NASTY,), rows=((NASTY,),)),
)  # fmt: skip


def made() -> str:
    return page("A page", ("It begins.",), FIGURES, {"name": NASTY, "numbers": [1, 2.5]})


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0, 1.0], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([3.0, 97.0], [0, 20, 40, 60, 80, 100]),
        ([0.0], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([-5.0, 5.0], [-6, -4, -2, 0, 2, 4, 6]),
    ],
)
def test_an_axis_has_round_numbers_and_every_value(values: list[float], ticks: list[float]) -> None:
    axis = scale(values, 10.0, 100.0)
    assert list(axis.ticks) == pytest.approx(ticks)
    assert all(axis.shows(one) for one in values)
    assert (axis.at(axis.low), axis.at(axis.high)) == (10.0, 110.0)


def test_a_logarithmic_axis_goes_by_powers_of_ten_and_has_no_nought() -> None:
    axis = scale([0.0, 3e-4, 0.2], 0.0, 300.0, logarithmic=True)
    assert list(axis.ticks) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert axis.at(1e-2) == pytest.approx(150.0)
    assert not axis.shows(0.0)
    assert len(scale([1e-30, 1.0], 0.0, 1.0, logarithmic=True).ticks) <= 7


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"),
        (1 / 3, "0.333"),
        (1234.5, "1,234"),
        (2e7, "2e7"),
        (4.86e-5, "4.86e-5"),
        (-0.25, "-0.25"),
        (99.96, "100"),
    ],
)
def test_numbers_are_short(value: float, told: str) -> None:
    assert number(value) == told


def test_steps_are_round() -> None:
    assert [nice_step(one) for one in (0.9, 1.0, 1.1, 2.4, 3.0, 7.0)] == [1, 1, 2, 2.5, 5, 10]


def test_points_are_where_they_belong() -> None:
    drawing = ElementTree.fromstring(FIGURES[0].chart.svg("one") if FIGURES[0].chart else "")
    line = next(one for one in drawing.iter("path") if one.get("class") == "line s0")
    places = [tuple(map(float, pair.split())) for pair in (line.get("d") or "").lstrip("M").split("L")]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(2 * (y0 - y2), abs=0.2), "twice as high, and up is up"
    assert y1 < y2 < y0
    ticks = {one.text: float(one.get("y") or 0) for one in drawing.iter("text") if one.get("class") == "tick end"}
    assert ticks["2"] - 4 == pytest.approx(y1, abs=0.2)
    assert ticks["0"] - 4 == pytest.approx(y0, abs=0.2)


def test_a_picture_is_xml_with_a_name_and_its_marks_tell_lines_apart() -> None:
    drawing = ElementTree.fromstring(FIGURES[0].chart.svg("one") if FIGURES[0].chart else "")
    assert drawing.get("aria-labelledby") == "one-name"
    assert drawing.findtext("title") == "A chart"
    assert NASTY in [one.text for one in drawing.iter("text")]
    marks = [one.get("d", "") for one in drawing.iter("path") if one.get("class", "").startswith("mark")]
    assert len({re.sub(r"^M[\d.]+ [\d.]+", "", one) for one in marks}) == 2
    width, height = (float(one) for one in drawing.get("viewBox", "").split()[2:])
    assert (width, height) == (WIDTH, HEIGHT + 36)


def test_the_same_numbers_make_the_same_bytes() -> None:
    assert made() == made()


def test_data_come_back_as_they_were() -> None:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', made(), flags=re.DOTALL)
    assert json.loads(block) == {"name": NASTY, "numbers": [1, 2.5]}


def test_names_stay_text() -> None:
    assert "<img" not in made()
    assert "<b>" not in made()


# In a browser.


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_a_browser_asks_for_nothing_and_complains_of_nothing(window: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    window.open(file)
    assert window.run("return document.readyState") == "complete"
    assert window.requests() == [file.resolve().as_uri()]
    assert window.complaints() == []
    assert window.run("return document.querySelector('section:nth-of-type(2) h2').textContent") == NASTY


def test_what_the_page_may_not_do_is_seen(window: Browser, tmp_path: Path) -> None:
    """The test of the tests: a page that asks for something, and one whose script was changed."""
    file = tmp_path / "page.html"
    file.write_text(made().replace("</main>", '<img src="picture.png"></main>'), encoding="utf-8")
    window.open(file)
    assert any("Content Security Policy" in one for one in window.complaints())
    file.write_text(made().replace("Content-Security-Policy", "x").replace("</main>", '<img src="picture.png"></main>'))
    window.open(file)
    assert [one.rsplit("/", 1)[1] for one in window.requests()] == ["page.html", "picture.png"]
    file.write_text(made().replace('"use strict";', '"use strict"; document.title = "other";'), encoding="utf-8")
    window.open(file)
    assert window.run("return document.title") == "A page"
    assert window.complaints()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_its_reader_prefers(window: Browser, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    window.prefers(scheme)
    window.open(file)
    window.prefers(scheme)
    paper = luminance(window.run("return getComputedStyle(document.body).backgroundColor"))
    assert (paper > 0.5) == (scheme == "light")
    script = (
        "return [...document.querySelectorAll(arguments.length ? '' : 'svg text, h1, figcaption, th, td, summary')]"
    )
    inks = window.run(
        f"{script}.map(one => getComputedStyle(one)[one.namespaceURI.endsWith('svg') ? 'fill' : 'color'])"
    )
    lines = window.run("return [...document.querySelectorAll('svg .line')].map(one => getComputedStyle(one).stroke)")
    assert len(set(lines)) == 2
    assert min(contrast(luminance(one), paper) for one in inks) >= 4.5
    assert min(contrast(luminance(one), paper) for one in lines) >= 3


def test_keys_lead_from_figure_to_figure(window: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    window.open(file)
    window.run("window.focus()")
    for key, figure in zip("jjjk", ("figure-1", "figure-2", "figure-2", "figure-1"), strict=True):
        window.press(key)
        window.await_(f"return document.activeElement.id === '{figure}'")


def test_there_is_a_table_behind_every_picture(window: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    window.open(file)
    sections = "[...document.querySelectorAll('section')]"
    assert window.run(f"return {sections}.every(one => one.querySelector('table tbody tr'))")
    assert window.run("return document.querySelectorAll('svg').length") == 1
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")


def test_without_a_browser_it_is_a_skip_here_and_a_failure_in_continuous_integration() -> None:
    with pytest.raises(pytest.skip.Exception, match="chromium and chromium-driver are not installed"):
        tools({"PATH": ""})
    with pytest.raises(pytest.fail.Exception, match="chromium and chromium-driver are not installed"):
        tools({"PATH": "", "CI": "true"})


def luminance(color: str) -> float:
    """The relative luminance of `rgb(...)`, as WCAG 2 defines it."""
    channels = [int(one) / 255 for one in re.findall(r"\d+", color)[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    """The contrast of two luminances, from 1 to 21."""
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)

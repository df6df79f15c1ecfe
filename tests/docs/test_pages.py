"""What the docs name is there: links with their anchors, files, modules. And pages are read as they should be."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Place, anchors, links, places, spans, texts, without_fences

PAGES = texts(ROOT, (".md",))


def faults(root: Path, name: str, page: str) -> Iterator[str]:
    """What a page names and what is not there."""
    here = (root / name).parent
    for link in links(page):
        if re.match(r"\w+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (here / file if file else root / name).resolve()
        if not target.exists():
            yield f"{name}: there is no {file}"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{name}: {file or 'the page'} has no #{anchor}"
    tops = {path.name for path in root.iterdir() if path.is_dir()} - {".physalia"}  # what runs leave comes and goes
    for span in spans(without_fences(page)):
        is_path = re.fullmatch(r"[\w.-]+/[\w.*/-]*", span) and span.partition("/")[0] in tops
        if is_path and not list(root.glob(span)):
            yield f"{name}: there is no {span}"
        for module in re.findall(r"\bpython -m ([\w.]+)", span):
            path = root / module.replace(".", "/")
            if module.partition(".")[0] in tops and not (path.with_suffix(".py").is_file() or path.is_dir()):
                yield f"{name}: there is no module {module}"


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name: str) -> None:
    assert not list(faults(ROOT, name, PAGES[name]))


def test_there_are_links_to_follow_and_places_to_look_for() -> None:
    followed = [link for page in PAGES.values() for link in links(page)]
    assert len([link for link in followed if "#" in link]) >= 5
    assert len(followed) >= 50
    assert {"README.md", "CONTRIBUTING.md", "docs/rules.md"} <= PAGES.keys()


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("[it](docs/gone.md)", "README.md: there is no docs/gone.md"),
        ("[`it`](docs/gone.md)", "README.md: there is no docs/gone.md"),
        ("[it](docs/page.md#two)", "README.md: docs/page.md has no #two"),
        ("[it](#two)", "README.md: the page has no #two"),
        ("see `docs/gone.py`", "README.md: there is no docs/gone.py"),
        ("see `docs/*.py`", "README.md: there is no docs/*.py"),
        ("run `python -m docs.gone`", "README.md: there is no module docs.gone"),
        ("# One\n[it](docs/page.md#one-more), `docs/page.md`, `docs/*.md`, [here](#one)", ""),
        ("[far](https://example.org/gone.md), `pip install docs`, `python -m venv x`", ""),
        ("```\n[it](docs/gone.md) `docs/gone.py`\n```\n", ""),
    ],
)
def test_what_is_not_there_is_found(tmp_path: Path, page: str, fault: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# One, `more`\n```\n# two\n```\n", encoding="utf-8")
    (tmp_path / "README.md").write_text(page, encoding="utf-8")
    assert list(faults(tmp_path, "README.md", page)) == ([fault] if fault else [])


def test_headings_have_the_anchors_of_github() -> None:
    page = "# One\n## R4 vote, decide\n### Trap 1: many *majorities*\n## One\n## [A link](x.md) & more\n## One\n"
    assert anchors(page) == {"one", "r4-vote-decide", "trap-1-many-majorities", "one-1", "a-link--more", "one-2"}


def test_places_are_read_with_their_names(tmp_path: Path) -> None:
    text = "`nothing` [`spec/a.py`](../spec/a.py) `A.b`, `c`; `tla/T.tla` `Do` and `tla/`"
    read = places(text)
    assert read == [Place("spec/a.py", ("A.b", "c")), Place("tla/T.tla", ("Do",)), Place("tla/", ())]
    for folder in ("spec", "tla"):
        (tmp_path / folder).mkdir()
    (tmp_path / "spec" / "a.py").write_text("class A:\n    x: int\n    def b(self): ...\nd = 1\n", encoding="utf-8")
    (tmp_path / "tla" / "T.tla").write_text("Do(n, k)  ==\n  /\\ n' == n\nASSUME It == TRUE\n", encoding="utf-8")
    assert [fault for place in read for fault in place.faults(tmp_path)] == ["there is no c in spec/a.py"]
    assert not list(Place("spec/a.py", ("A", "x", "A.x", "b", "d")).faults(tmp_path))
    assert not list(Place("tla/T.tla", ("Do", "It")).faults(tmp_path))
    assert list(Place("tla/T.tla", ("n",)).faults(tmp_path)) == ["there is no n in tla/T.tla"]
    assert list(Place("tla/U.tla", ("Do",)).faults(tmp_path)) == ["there is no tla/U.tla"]

"""The page of the house names every room and no other, draws the first floor, and its walks are those of the code."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.judges.coverage import Coverage
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.lockstep import link as lockstep
from conformance.lockstep.drive import drive
from conformance.lockstep.replay import replay
from conformance.verify import Report
from conformance.world.setup import Setup
from physalia.cli import models
from physalia.cli.place import commands as place
from physalia.cli.printing import print_report
from physalia.placement.site import shipped
from tests.conformance.lockstep.broken_cells import break_cell
from tests.conformance.lockstep.faults import FAULTS
from tests.docs.pages import ROOT, Place, places, without_fences
from tests.docs.walks import Call, missed, walk

PAGE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("spec", "physalia", "conformance")
TOPS = ("tla", *PACKAGES, "tests", "benchmarks", "docs")
FLOORS = ("conformance", "physalia/placement")
"""Rooms of rooms, in which every module beside the rooms has its sentence too."""
SHELVES = {"policies", "examples", "catalogue"}
"""Folders without code, which the picture leaves out."""
MOST_LINES_OF_A_PICTURE = 30


def rooms(root: Path) -> set[str]:
    """Every folder of the packages, with those beside them, and the modules on the floors."""
    inside = (path for top in PACKAGES for path in (root / top).rglob("*") if path.is_dir() and any(path.iterdir()))
    folders = (path.relative_to(root).as_posix() for path in inside if "__pycache__" not in path.parts)
    modules = (path for floor in FLOORS for path in (root / floor).glob("*.py") if path.name != "__init__.py")
    return {
        *(f"{top}/" for top in TOPS if (root / top).is_dir()),
        *(f"{folder}/" for folder in folders),
        *(path.relative_to(root).as_posix() for path in modules),
    }


def sentences(page: str) -> list[tuple[str, str]]:
    """The rows of the tables: a room, and its sentence."""
    return re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, flags=re.MULTILINE)


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next of its kind."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no section called {heading}"
    return found[1]


def drawings(text: str) -> list[str]:
    """The blocks between fences."""
    return re.findall(r"^```\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def faults(page: str, root: Path, contracts: list[dict[str, Any]]) -> Iterator[str]:
    """In what the page and the folders, or the contracts, differ."""
    told, there = [room for room, _ in sentences(page)], rooms(root)
    yield from (f"{room} has no sentence" for room in sorted(there - {*told}))
    yield from (f"{room} has a sentence and is not there" for room in sorted({*told} - there))
    yield from (f"{room} has two sentences" for room in sorted({room for room in told if told.count(room) > 1}))
    (picture,) = drawings(section(page, "The first floor"))
    drawn = set(re.findall(r"([\w]+)/", picture))
    floor = {Path(room).name for room in there if room.endswith("/")} - SHELVES
    yield from (f"{name}/ is not in the picture" for name in sorted(floor - drawn))
    yield from (f"{name}/ is in the picture only" for name in sorted(drawn - {Path(room).name for room in there}))
    if picture.count("\n") > MOST_LINES_OF_A_PICTURE:
        yield "the picture does not fit on a page"
    imports = section(page, "Who may import whom")
    layers = ["\n".join(one["layers"]) + "\n" for one in contracts if one["type"] == "layers"]
    yield from (f"no list of layers is\n{one}" for one in layers if one not in drawings(imports))
    yield from (f"no contract has the layers\n{one}" for one in drawings(imports) if one not in layers)
    bulleted, names = re.findall(r"^- (.+)$", imports, flags=re.MULTILINE), [one["name"] for one in contracts]
    yield from (f"{name!r} is no contract" for name in bulleted if name not in names)
    yield from (f"the contract {name!r} is not told" for name in names if name not in bulleted)
    for part in re.split(r"\n\n|\n(?=\d+\. |\| |- )", without_fences(page)):
        yield from (fault for where in places(part) for fault in where.faults(root))


def test_page_folders_and_contracts_agree() -> None:
    assert not list(faults(PAGE, ROOT, PROJECT["tool"]["importlinter"]["contracts"]))
    assert len(sentences(PAGE)) >= 40


# The test of the test: a small house.

SMALL = """
## The first floor
```
tla/ spec/ physalia/ conformance/ cell/
```
## The rooms

| room | what |
|---|---|
| `tla/` | it |
| `spec/` | it |
| `physalia/` | it |
| `physalia/cell/` | it |
| `conformance/` | it |
| `conformance/links.py` | it |

## Who may import whom
- A
- B
```
x | y
z
```
## How a step of the code travels
1. [`physalia/cell/node.py`](x) `step`
"""
CONTRACTS: list[dict[str, Any]] = [{"name": "A", "type": "layers", "layers": ["x | y", "z"]}, {"name": "B", "type": ""}]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for file in ("tla/Cell.tla", "spec/cell.py", "physalia/cell/node.py", "conformance/links.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("def step(): ...\n", encoding="utf-8")
    return tmp_path


def test_a_small_house_is_right(house: Path) -> None:
    assert not list(faults(SMALL, house, CONTRACTS))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("| `physalia/cell/` | it |\n", "", "physalia/cell/ has no sentence"),
        ("| `conformance/links.py` | it |\n", "", "conformance/links.py has no sentence"),
        ("| `tla/` | it |\n", "| `tla/` | it |\n| `physalia/wire/` | it |\n", "physalia/wire/ has a sentence and is"),
        ("| `tla/` | it |\n", "| `tla/` | it |\n| `tla/` | it |\n", "tla/ has two sentences"),
        (" cell/", "", "cell/ is not in the picture"),
        (" cell/", " cell/ wire/", "wire/ is in the picture only"),
        ("conformance/ cell/\n", "conformance/ cell/\n" + 30 * "|\n", "the picture does not fit on a page"),
        ("x | y\n", "x\ny\n", "no contract has the layers\nx\ny\nz\n"),
        ("```\nx | y\nz\n```\n", "", "no list of layers is\nx | y\nz\n"),
        ("- B\n", "", "the contract 'B' is not told"),
        ("- B\n", "- B\n- C\n", "'C' is no contract"),
        ("`step`", "`leap`", "there is no leap in physalia/cell/node.py"),
    ],
)
def test_a_wrong_page_is_refused(house: Path, old: str, new: str, fault: str) -> None:
    assert old in SMALL
    found = list(faults(SMALL.replace(old, new, 1), house, CONTRACTS))
    assert any(one.startswith(fault) for one in found), found


def test_a_new_room_is_missed(house: Path) -> None:
    (house / "physalia" / "wire").mkdir()
    (house / "physalia" / "wire" / "codec.py").touch()
    assert list(faults(SMALL, house, CONTRACTS)) == ["physalia/wire/ has no sentence", "wire/ is not in the picture"]


# The walks, taken.


def steps_of(text: str) -> list[Place]:
    """The places that the numbered steps of a walk name, in their order."""
    numbered = re.findall(r"^\d+\. (.+\n(?:   .+\n)*)", text, flags=re.MULTILINE)
    found = [place for step in numbered for place in places(step)]
    assert len(found) >= 8
    return found


def test_a_step_of_the_code_goes_the_way_of_the_page() -> None:
    entered = walk(lambda: drive(Setup.of(3, 3, 2), "7", 20, Coverage()))
    assert not missed(steps_of(section(PAGE, "How a step of the code travels")), entered)


def test_a_certificate_goes_the_way_of_the_page(tmp_path: Path) -> None:
    site, certificate = shipped.example("dual-fed.json"), tmp_path / "certificate.json"
    server = json.loads(site.read_text(encoding="utf-8"))["servers"][0]["name"]
    codes: list[int] = []

    def asked_and_checked() -> None:
        codes.append(place.query(site, server, cert=certificate))
        codes.append(place.check(certificate, site))

    assert not missed(steps_of(section(PAGE, "How a certificate travels")), walk(asked_and_checked))
    assert codes == [0, 0]


def test_a_counterexample_of_the_code_goes_the_way_of_the_page(tmp_path: Path) -> None:
    settings = Settings(shrink_s=1.0, profile=Profile.QUICK, models=("3 nodes, alpha 3",))
    broken = break_cell(FAULTS[0])
    verdicts: list[object] = []

    def found_and_replayed() -> None:
        report = lockstep.run(settings, Silence(), broken, tmp_path)
        print_report(Report(settings=settings, links=(report,), seconds=report.seconds))
        (scenario,) = tmp_path.glob("*Z/scenario.txt")
        verdicts.extend((report.verdict, replay(scenario.read_text(encoding="utf-8"), broken)))

    way = section(PAGE, "How a counterexample travels").partition("And one of the specification")[0]
    assert not missed(steps_of(way), walk(found_and_replayed))
    assert verdicts == [Verdict.REFUTED, 1]


def test_a_counterexample_of_the_specification_goes_the_way_of_the_page() -> None:
    codes: list[int] = []
    entered = walk(lambda: codes.append(models.tlc("MCCellTwoBallots", twin="leads-on-under-a-lower-ballot")))
    way = section(PAGE, "How a counterexample travels").partition("And one of the specification")[2]
    assert not missed(steps_of(way), entered)
    assert codes == [0]


def test_a_way_that_is_not_gone_is_missed(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "a.py").write_text("def f(): return g()\ndef g(): return 1\ndef h(): return 2\n")
    space: dict[str, Any] = {}
    source = (tmp_path / "top" / "a.py").read_text(encoding="utf-8")
    exec(compile(source, str(tmp_path / "top" / "a.py"), "exec"), space)
    entered: list[Call] = walk(space["f"], tmp_path, ("top",))
    assert entered == [("top/a.py", "f"), ("top/a.py", "g")]
    assert not missed([Place("top/a.py", ("f", "g"))], entered)
    assert missed([Place("top/a.py", ("g", "f"))], entered) == "top/a.py f"
    assert missed([Place("top/a.py", ("f", "h"))], entered) == "top/a.py h"

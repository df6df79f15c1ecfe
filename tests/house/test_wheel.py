"""The wheel carries everything: installed away from the checkout, it verifies itself, beside whatever else is there."""

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests import PATIENCE_S
from tests.docs.test_transcripts import BY_THE_WHEEL, differs, transcripts

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PHYSALIA"))}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT, folder=folder)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel; the dependencies are those of this one, seen by a path."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, folder=home)
    assert installed.returncode == 0, installed.stderr
    (site_of(python) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def site_of(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(run(python, "-c", code, folder=python.parent).stdout.strip())


def test_the_installed_wheel_verifies_itself_and_prints_what_the_readme_says(python: Path, tmp_path: Path) -> None:
    for package in ("spec", "physalia", "conformance"):
        where = run(python, "-c", f"import {package}; print({package}.__file__)", folder=tmp_path).stdout
        assert where.startswith(str(site_of(python))), f"{package} comes from {where}, not from the wheel"

    reads = """
from physalia.placement.site import format
from physalia.placement.rules import policy
from physalia.placement.site import shipped
policy.default()
format.read(shipped.example("single-fed.json"))
assert all(shipped.example(name).is_file() for name in shipped.EXAMPLES)
"""
    read = run(python, "-c", reads, folder=tmp_path)
    assert read.returncode == 0, read.stderr

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (expected,) = [printed for command, printed in transcripts(readme) if command == BY_THE_WHEEL]
    plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100"}
    done = run(python.with_name("physalia"), *BY_THE_WHEEL.split()[1:], folder=tmp_path, **plain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not differs(expected, done.stdout), differs(expected, done.stdout)
    assert not list(tmp_path.iterdir()), "something was left in the working directory"


def test_the_description_is_the_readme_with_links_that_lead_somewhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    description = metadata.get_payload()
    assert isinstance(description, str)
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert description.startswith("# Physalia\n")
    assert [line for line in description.splitlines() if line.startswith("#")] == [
        line for line in readme.splitlines() if line.startswith("#")
    ]
    assert re.search(r"\]\((?!https://)", readme), (
        "the README has no links into the repository: this test shows nothing"
    )
    assert not re.search(r"\]\((?!https://)", description)
    assert "docs/ladder.md" in description


def test_the_wheel_has_every_schema_and_finds_it(python: Path, tmp_path: Path) -> None:
    listed = run(python.with_name("physalia"), "schema", folder=tmp_path).stdout.split()
    assert listed == sorted(path.name.removesuffix(".schema.json") for path in (ROOT / "docs").glob("*.schema.json"))
    printed = run(python.with_name("physalia"), "schema", "verify", folder=tmp_path).stdout
    assert json.loads(printed) == json.loads((ROOT / "docs" / "verify.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A repository of somebody who has packages of the same names."""
    for package in ("spec", "conformance"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('somebody else')\n", encoding="utf-8")
    return tmp_path


AS_A_PROGRAM, AS_A_MODULE = ["physalia"], ["python", "-m", "physalia.cli"]
UNPROTECTED = ["python", "-c", "import physalia.cli as cli; cli.own_packages_first = lambda: None; cli.main()"]


@pytest.mark.parametrize("on_the_path", [False, True], ids=["in the working directory", "on PYTHONPATH"])
@pytest.mark.parametrize("called", [AS_A_PROGRAM, AS_A_MODULE], ids=["physalia", "python -m"])
def test_packages_of_the_same_name_are_no_harm(
    python: Path, foreign: Path, called: list[str], on_the_path: bool
) -> None:
    variables = {"PYTHONPATH": str(foreign)} if on_the_path else {}
    folder = foreign.parent if on_the_path else foreign
    command: list[str | Path] = [python.with_name(called[0]), *called[1:], "spec", "check", "MCStoreChanges"]
    done = run(*command, folder=folder, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("holds: 128 states")


@pytest.mark.parametrize("on_the_path", [False, True], ids=["in the working directory", "on PYTHONPATH"])
def test_without_care_they_would_be(python: Path, foreign: Path, on_the_path: bool) -> None:
    variables = {"PYTHONPATH": str(foreign)} if on_the_path else {}
    folder = foreign.parent if on_the_path else foreign
    command: list[str | Path] = [python, *UNPROTECTED[1:], "spec", "check", "MCStoreChanges"]
    done = run(*command, folder=folder, **variables)
    assert done.returncode == 1
    assert "somebody else" in done.stderr


def test_the_lock_names_no_place_of_the_machine_that_made_it() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if not line.lstrip().startswith("#")]
    assert not [line for line in told if "/" in line or "@" in line or line.startswith("-")]
    for at, line in enumerate(told):
        if "==" in line:
            assert told[at + 1].lstrip().startswith("--hash=sha256:"), f"{line} has no hash"


def test_the_lock_covers_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    locked = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    for requirement in wanted:
        name = requirement.split(">")[0].split("=")[0].strip()
        assert f"\n{name}==" in locked, f"{name} is not locked: run make lock"

"""The wheel carries everything: installed away from the checkout, it verifies itself."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, folder: Path, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PHYSALIA"))}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def test_the_installed_wheel_verifies_itself(tmp_path: Path) -> None:
    built = run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path / "dist", ROOT, folder=tmp_path
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")

    # The dependencies are those of this environment, seen by a path; the project itself is installed from the wheel.
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, folder=tmp_path)
    assert installed.returncode == 0, installed.stderr
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path).stdout.strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    for package in ("spec", "physalia", "conformance"):
        where = run(python, "-c", f"import {package}; print({package}.__file__)", folder=tmp_path).stdout
        assert where.startswith(str(site)), f"{package} comes from {where}, not from the wheel"

    reads = """
from physalia.placement import format, policy, shipped
policy.default()
format.read(shipped.example("single-fed.json"))
assert all(shipped.example(name).is_file() for name in shipped.EXAMPLES)
"""
    read = run(python, "-c", reads, folder=tmp_path)
    assert read.returncode == 0, read.stderr

    done = run(home / "bin" / "physalia", "verify", "--quick", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "holds"
    links = {"tlc", "graph", "induction", "lockstep", "crash-points", "placement"}
    assert {link["link"] for link in report["links"]} == links
    assert all(link["models"] > 0 for link in report["links"])


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

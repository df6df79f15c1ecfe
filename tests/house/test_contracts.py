"""Who may import whom: the contracts hold, and every one of them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import PATIENCE_S

ROOT = Path(__file__).parents[2]
PACKAGES = ("spec", "physalia", "conformance")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--config", str(root / "pyproject.toml"), "--no-cache"]
    return subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("physalia/cell/__init__.py", "import spec"),
        ("physalia/model/__init__.py", "import conformance.links"),
        ("physalia/wire/__init__.py", "import physalia.cli"),
        ("physalia/journal/__init__.py", "import conformance.links"),
        ("physalia/host/__init__.py", "import conformance.links"),
        ("physalia/transport/__init__.py", "import conformance.links"),
        ("physalia/server/__init__.py", "import spec"),
        ("physalia/client/__init__.py", "import physalia.cli"),
        ("physalia/transport/frames.py", "import physalia.host"),
        ("physalia/host/host.py", "import physalia.transport"),
        ("physalia/client/link.py", "import physalia.server"),
        ("physalia/server/server.py", "import physalia.colony"),
        ("physalia/colony/work.py", "import conformance.histories.checker"),
        ("conformance/histories/link.py", "import conformance.colonies.looks"),
        ("physalia/cell/node.py", "import physalia.journal"),
        ("physalia/journal/journal.py", "import physalia.host"),
        ("spec/cell.py", "import physalia.model"),
        ("spec/machine.py", "import conformance.links"),
        ("conformance/links.py", "import physalia.cli"),
        ("conformance/lockstep/link.py", "import conformance.placement.link"),
        ("conformance/world/world.py", "import conformance.judges.judge"),
        ("conformance/judges/judge.py", "import conformance.lockstep.play"),
        ("conformance/parallel.py", "import conformance.manifest"),
        ("physalia/placement/site/topology.py", "import physalia.placement.site.format"),
        ("physalia/placement/site/format.py", "import physalia.placement.rules.policy"),
        ("physalia/placement/survival/by_cuts.py", "import physalia.placement.survival.prove"),
        ("physalia/placement/certificates/check.py", "import physalia.placement.site.topology"),
        ("physalia/blast_radius/certificates/recount.py", "import physalia.blast_radius.fates"),
        ("physalia/placement/site/topology.py", "import physalia.fleet.errors"),
        ("physalia/fleet/sites.py", "import physalia.blast_radius.network"),
        ("spec/machine.py", "import spec.cell"),
    ],
)
def test_a_forbidden_import_is_refused(copy: Path, module: str, imports: str) -> None:
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{imports}  # noqa\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def test_every_package_of_the_running_code_is_under_contract() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "physalia").glob("*/__init__.py")]
    for package in packages:
        assert f'"physalia.{package}"' in text, f"physalia.{package} stands in no import contract"

"""``physalia doctor``: what is installed, found, missing."""

import platform
import subprocess
import zipfile
from collections.abc import Callable
from importlib import metadata

from attrs import asdict, frozen

from conformance.links import BadInput, CannotRun
from physalia.cli.options import Json
from physalia.cli.terminal import print_json, say

_CANNOT_VERIFY = 4
_OPTIONAL = ("hypothesis", "z3-solver", "cvc5", "networkx", "highspy")
_NEEDED = ("hypothesis", "z3-solver")


@frozen
class Finding:
    """One thing that was looked for. ``needed`` says whether ``physalia verify`` can do without it."""

    name: str
    found: bool
    needed: bool
    detail: str


def doctor(json: Json = False) -> int:
    """Say what is installed, found and missing; exit code 4 if ``physalia verify`` cannot run here."""
    findings = [
        Finding("Python", True, True, platform.python_version()),
        Finding("physalia", True, True, own_version()),
        _look("Java", _java),
        _look("TLC", _jar),
        _look("specifications", _manifest),
        _look("SQLite", _sqlite),
        *(_package(name) for name in _OPTIONAL),
    ]
    missing = [finding for finding in findings if finding.needed and not finding.found]
    if json:
        print_json({"schema_version": 1, "ready": not missing, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            state = "found  " if finding.found else "MISSING" if finding.needed else "absent "
            say(f"{state}  {finding.name:15} {finding.detail}")
    return _CANNOT_VERIFY if missing else 0


def own_version() -> str:
    """The version that is installed, or that there is none."""
    return _version("physalia") or "not installed, run from a checkout"


def _look(name: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, True, find())
    except (CannotRun, BadInput) as reason:
        return Finding(name, False, True, str(reason))


def _package(name: str) -> Finding:
    version = _version(name)
    return Finding(name, version is not None, name in _NEEDED, version or "pip install it if you need it")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _java() -> str:
    from conformance.tlc.toolchain import find_java  # noqa: PLC0415

    java = find_java()
    try:
        done = subprocess.run(  # noqa: S603  # the launcher that the user has named or installed
            [str(java), "-version"], capture_output=True, text=True, errors="replace", check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotRun(f"{java} does not run ({error}); let PHYSALIA_JAVA name a launcher that does.") from None
    for line in (done.stderr + done.stdout).splitlines():
        if "version" in line:
            return f"{line} at {java}"
    raise CannotRun(f"{java} says no version of Java; let PHYSALIA_JAVA name a launcher that does.")


def _jar() -> str:
    from conformance.tlc.toolchain import find_jar  # noqa: PLC0415

    jar = find_jar()
    try:
        with zipfile.ZipFile(jar) as archive:
            archive.getinfo("tlc2/TLC.class")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise CannotRun(f"{jar} holds no TLC ({error}); let PHYSALIA_TLA2TOOLS name a tla2tools.jar.") from None
    return str(jar)


def _sqlite() -> str:
    try:
        from physalia.journal import OldSqlite  # noqa: PLC0415
        from physalia.journal.database import refuse_old_sqlite  # noqa: PLC0415
    except ImportError as error:
        raise CannotRun(f"the journal cannot be loaded ({error}): pip install apsw.") from None
    try:
        return f"{refuse_old_sqlite()} in apsw {_version('apsw')}"
    except OldSqlite as error:
        raise CannotRun(str(error)) from None


def _manifest() -> str:
    from conformance.manifest import load_manifest  # noqa: PLC0415

    manifest = load_manifest()
    return f"{len(manifest.models)} models and {len(manifest.twins)} twins in {manifest.folder}"

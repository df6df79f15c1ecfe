"""What commands about placement read and need: a topology, a policy, and packages that not everybody has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.links import CannotRun

if TYPE_CHECKING:
    from physalia.placement.rules.policy import Policy
    from physalia.placement.site.topology import Topology

_INSTALL = {"z3": "z3-solver", "numpy": "highspy"}


def read(topology: Path, policy: Path | None) -> "tuple[Topology, Policy]":
    """The topology and the policy of two files; the shipped policy if none is named."""
    from physalia.placement.rules import policy as policies  # noqa: PLC0415
    from physalia.placement.site import format as files  # noqa: PLC0415

    rules = policies.default() if policy is None else policies.read(policy)
    return files.read(topology), rules


@contextmanager
def needs() -> Iterator[None]:
    """Turn a missing package into a sentence that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in {"z3", "highspy", "numpy", "networkx", "dd"}:
            missing = _INSTALL.get(name, name)
            raise CannotRun(f"this needs the package {missing}: pip install 'physalia[placement]'.") from error
        raise

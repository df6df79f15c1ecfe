"""What commands about placement read and need: a topology, a policy, and packages that not everybody has."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.links import BadInput, CannotRun

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
    """Turn a missing package into a sentence that says what to install; and let nobody look for garbage meanwhile."""
    from physalia.placement.effort import no_collection  # noqa: PLC0415

    try:
        with no_collection():
            yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in {"z3", "highspy", "numpy", "networkx", "dd"}:
            missing = _INSTALL.get(name, name)
            raise CannotRun(f"this needs the package {missing}: pip install 'physalia[placement]'.") from error
        raise


def not_swapped(given: Mapping[str, tuple[Path, bytes]]) -> None:
    """BadInput if a file that is meant for a certificate is a topology, or the other way round, by its own words."""
    for meant, (file, content) in given.items():
        is_one = _what_it_is(content)
        if is_one not in {"", meant}:
            raise BadInput(
                f"{file}: this is a {_KINDS[is_one][0]}, but {meant} is a {_KINDS[meant][0]}; "
                f"the order is {' '.join(given)}."
            )


_KINDS = {"CERT": ("certificate", "claim"), "TOPOLOGY": ("topology", "racks")}


def _what_it_is(content: bytes) -> str:
    """What the keys of a file say that it is; empty if they do not tell."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    keys = set(document) if isinstance(document, dict) else set()
    found = [meant for meant, (_, key) in _KINDS.items() if key in keys]
    return found[0] if len(found) == 1 else ""

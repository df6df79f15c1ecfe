"""What commands about placement read and need: a topology, a policy, and packages that not everybody has."""

import gc
import json
import tomllib
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

    rules = policies.default() if policy is None else policies.read(policy)
    return read_topology(topology), rules


def read_topology(file: Path) -> "Topology":
    """The topology of a file; BadInput if it is by its own words something else, and BadTopology if it is none."""
    from physalia.placement.errors import BadTopology  # noqa: PLC0415
    from physalia.placement.site import format as files  # noqa: PLC0415

    try:
        return files.read(file)
    except BadTopology:
        if file.is_file():
            content = file.read_bytes()
            not_swapped({"TOPOLOGY": (file, content)})
            if _is_inventory(content):
                raise BadInput(
                    f"{file}: this is an inventory of NetBox, but TOPOLOGY is a topology; "
                    "`physalia place import netbox` makes one of it: run that first."
                ) from None
        raise


@contextmanager
def needs() -> Iterator[None]:
    """Turn a missing package into a sentence that says what to install; and let nobody look for garbage meanwhile.

    Nor afterwards among what there is by then: the process ends soon, and a large topology is a million objects.
    """
    from physalia.placement.effort import no_collection  # noqa: PLC0415

    try:
        with no_collection():
            yield
            gc.freeze()
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
            order = f"; the order is {' '.join(given)}" if len(given) > 1 else ""
            raise BadInput(f"{file}: this is a {_KINDS[is_one][0]}, but {meant} is a {_KINDS[meant][0]}{order}.")


def must_be_toml(file: Path, content: bytes) -> None:
    """BadInput if a file that is meant for a policy is no TOML."""
    try:
        tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: this is not TOML: {error}.") from error


def _is_inventory(content: bytes) -> bool:
    """Whether a file is what NetBox, or the database below it, writes."""
    from physalia.placement.netbox import sql  # noqa: PLC0415

    try:
        entries = json.loads(content)
    except (ValueError, RecursionError):
        return sql.MARK in content
    return isinstance(entries, list) and any(
        isinstance(one, dict) and str(one.get("model")).startswith("dcim.") for one in entries
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

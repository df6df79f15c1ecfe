"""Foundings as files: what an operator writes down before anybody is asked, so that the same can be asked for again."""

import errno
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.links import BadInput, CannotRun

if TYPE_CHECKING:
    from physalia.model import Founding

SCHEMA_VERSION = 2
"""From 2 on a file has the disks on which the nodes are to be born."""


def founded_by(file: Path, cell: int, servers: list[int], alpha: int) -> "tuple[Founding, dict[int, str]]":
    """What stands in the file, with the disks of servers that are known; a new founding if there is no file.

    Raises `BadInput` if the file is none, or founds another cell.
    """
    from physalia.client import found  # noqa: PLC0415
    from physalia.model import Founding  # noqa: PLC0415

    if not file.exists():
        return found(cell, servers, alpha), {}
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        if plain["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"version {plain['schema_version']}, and this is {SCHEMA_VERSION}")  # noqa: TRY301
        nodes = tuple((int(one["node"]), int(one["server"])) for one in plain["nodes"])
        disks = {int(one["server"]): one["disk"] for one in plain["nodes"] if one["disk"]}
        any(map(bytes.fromhex, disks.values()))
        known = Founding(plain["cell"], plain["life"], plain["alpha"], nodes, frozenset(node for node, _ in nodes))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{file} is no founding ({error!r}): name another file.") from None
    if (known.cell, sorted(server for _, server in nodes), known.alpha) != (cell, sorted(servers), alpha):
        raise BadInput(f"{file} founds another cell, or on other servers: a cell is founded once; name another file.")
    return known, disks


def write_down(file: Path, founding: "Founding", disks: Mapping[int, str]) -> None:
    """Let the founding and the disks stand in the file, safe when it returns; it never takes the place of another.

    Raises `CannotRun`.
    """
    plain = {
        "schema_version": SCHEMA_VERSION,
        "cell": founding.cell,
        "life": founding.life,
        "alpha": founding.alpha,
        "nodes": [{"node": node, "server": server, "disk": disks.get(server, "")} for node, server in founding.nodes],
    }
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with fresh.open("w", encoding="utf-8") as out:
                out.write(json.dumps(plain, indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            if not file.exists():
                os.link(fresh, file)
            elif founded_by(file, founding.cell, [home for _, home in founding.nodes], founding.alpha)[0] == founding:
                fresh.replace(file)
            else:
                raise FileExistsError(errno.EEXIST, "somebody else founds this cell now")
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise CannotRun(f"{file} cannot be written ({error.strerror}): nobody was asked.") from None

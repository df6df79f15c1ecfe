"""The examples that travel with the package: topologies, an inventory, policies."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from physalia.placement.errors import PlacementError
from physalia.placement.site.generate import Fabric, Feeding

FABRICS: Final[Mapping[str, Fabric]] = MappingProxyType(
    {
        "single-fed.json": Fabric(servers=1_200, servers_per_rack=20, seed=1),
        "dual-fed.json": Fabric(
            servers=480, servers_per_rack=20, racks_per_row=8, feeding=Feeding.DUAL, redundant_racks=True, seed=2
        ),
    }
)
"""What the shipped topologies were generated from."""

EXAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "single-fed.json": "a topology: 1,200 servers in 5 rows, every rack fed from one of three sides",
        "dual-fed.json": "a topology: 480 servers in 3 rows, two feeds and two top-of-rack switches a rack",
        "netbox-harbour.json": "an inventory in NetBox's format: an invented site of 13 racks",
        "near-and-surviving.toml": "a policy: hop limits, a majority in the row, survival of any single failure",
        "apart-in-power.toml": "a policy: at most two nodes under the same set of feeds, which small sites cannot keep",
    }
)
"""What there is, and what each file is."""


def example(name: str) -> Path:
    """Where the example of a name is installed; PlacementError if there is none of that name."""
    if name not in EXAMPLES:
        raise PlacementError(f"there is no example {name}; there are {', '.join(EXAMPLES)}.")
    return Path(str(files("physalia.placement"))) / "examples" / name

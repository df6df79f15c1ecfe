"""The description of the package is README.md, without its links into the repository: elsewhere they lead nowhere.

What they name travels inside the package; `physalia schema` finds the schemas.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\[([^]]+)\]\((?!\w+://|mailto:)[^)]*\)")


class WithoutLinks(MetadataHookInterface):
    """Hatchling's hook for the metadata that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the description."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _LINK.sub(r"\1", text)}

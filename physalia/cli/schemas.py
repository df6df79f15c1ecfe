"""``physalia schema``: the JSON Schemas of what commands print with ``--json``, and of the files that they read."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput
from physalia.cli.terminal import say

_SUFFIX = ".schema.json"


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which one, such as verify; a list of all, if none.")
    ] = None,
) -> int:
    """Print the JSON Schema of a command's --json, or of a file that it reads; without a name, list them."""
    known = dict(sorted((path.name.removesuffix(_SUFFIX), path) for path in docs_folder().glob(f"*{_SUFFIX}")))
    if name is None:
        say(*known)
        return 0
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else "`physalia schema` lists them."
        raise BadInput(f"there is no schema called {name}; {hint}")
    say(*known[name].read_text(encoding="utf-8").splitlines())
    return 0


def docs_folder() -> Path:
    """The folder ``docs``: in an installed package inside it, in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"

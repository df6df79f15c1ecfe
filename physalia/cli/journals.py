"""``physalia journal``: look at the journal of a server that is not running."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.options import Json


def journal(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Where the server keeps its journal.")],
    server: Annotated[int, typer.Option(min=0, help="The number of the server.")],
    json: Json = False,
) -> int:
    """Read a whole journal, judge it as a server would that starts, and change nothing.

    Exit code 0: it is whole; 2: it is damaged, of another server or a newer version, or there is none; 4: it cannot be
    read now, or a server has it open.
    """
    from physalia import journal as journals  # noqa: PLC0415  # brings SQLite
    from physalia.cli.printing import print_json  # noqa: PLC0415  # brings rich

    try:
        standing = journals.examine(journals.Directory(directory), server)
    except (journals.CannotReach, journals.JournalInUse, journals.OldSqlite) as error:
        raise CannotRun(str(error)) from None
    except journals.JournalError as error:
        raise BadInput(str(error)) from None
    figures = {
        "batch": standing.batch,
        "entries": standing.number,
        "unfolded": standing.number - standing.fold.number,
        "folded_nodes": standing.fold.nodes,
    }
    if json:
        print_json({"schema_version": 1, "server": server, **figures})
    else:
        print(
            f"The journal of server {server} is whole: batch {figures['batch']:,}, {figures['entries']:,} entries, of "
            f"which {figures['unfolded']:,} are not folded; {figures['folded_nodes']:,} nodes are."
        )
    return 0

"""How the servers of a cell are named on a command line: several times, or in a list with commas."""

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import BadInput

if TYPE_CHECKING:
    from physalia.placement.site.topology import Topology

Servers = Annotated[
    list[str] | None,
    typer.Option(
        help="The nodes of a cell: by commas, or one each time. A name that holds a comma stands alone, or in quotes."
    ),
]


def cell_of(site: "Topology", given: Sequence[str]) -> tuple[str, ...]:
    """The servers that are named. What is the name of a server is that server, and anything else is a list.

    No name begins or ends with a space, so that spaces around a comma mean nothing.

    BadInput for a text that can be read as either, or as neither.
    """
    found: list[str] = []
    for text in given:
        names = _listed(text)
        if text not in site.servers:
            found += names
        elif len(names) > 1 and all(name in site.servers for name in names):
            raise BadInput(
                f"--servers {text}: this is the name of one server, and a list of {len(names)}; "
                "put names that hold a comma into quotes, as in --servers '\"a,b\",c'."
            )
        else:
            found.append(text)
    return tuple(found)


def _listed(text: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    except csv.Error as error:
        raise BadInput(f"--servers {text}: this is no list of names with commas between them: {error}.") from error
    if not names or not all(names):
        raise BadInput(f"--servers {text}: a name is missing before, between or after the commas; leave a comma out.")
    return names

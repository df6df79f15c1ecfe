"""``physalia serve`` and ``physalia cache``: one server of a colony, and one of its caches."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli.terminal import say

_INTERRUPTED = 130


def serve(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The settings of the server, in TOML.")],
    create: Annotated[
        bool, typer.Option("--create", help="Make the journal of a new server, which has no cell yet, and end.")
    ] = False,
) -> int:
    """Serve the nodes of many cells, until Ctrl-C: it answers what was asked, and ends; a second one ends it at once.

    Exit code 0: all that was asked was answered; 2: the settings or the keys are wrong, or do not fit the disk; 4: the
    server cannot start here, or its disk failed; 130: it was ended before all was answered.
    """
    from physalia import journal as journals  # noqa: PLC0415  # brings SQLite
    from physalia import server  # noqa: PLC0415
    from physalia.transport import BadKeys  # noqa: PLC0415

    try:
        settings = server.read_settings(config)
        if create:
            server.create(settings)
            say(f"server {settings.server} is made in {settings.directory}")
            return 0
        prepared = server.prepare(settings)
    except (server.BadSettings, server.NotSettled, BadKeys) as error:
        raise BadInput(str(error)) from None
    except (journals.CannotReach, journals.JournalInUse, journals.OldSqlite, server.CannotStart) as error:
        raise CannotRun(str(error)) from None
    except journals.JournalError as error:
        raise BadInput(str(error)) from None
    try:
        return 0 if server.serve(prepared, say) else _INTERRUPTED
    except server.CannotStart as error:
        raise CannotRun(str(error)) from None


def cache(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The settings of the cache, in TOML.")],
) -> int:
    """Be a cache that servers tell where cells are, until Ctrl-C. It keeps nothing on a disk.

    Exit code 2: the settings or the keys are wrong; 4: it cannot listen there.
    """
    from physalia import discovery  # noqa: PLC0415
    from physalia.transport import BadKeys  # noqa: PLC0415

    try:
        settings = discovery.read_cache_settings(config)
        discovery.serve(settings, say)
    except (discovery.BadCache, BadKeys) as error:
        raise BadInput(str(error)) from None
    except OSError as error:
        raise CannotRun(f"{settings.listen} cannot be listened at ({error.strerror}): name another one.") from None
    return 0

"""The commands of ``physalia``, and what becomes of errors: a sentence and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, TextIO

import typer

from conformance.links import BadInput, CannotRun
from physalia.cli import (
    INTERRUPTED,
    checks,
    gameday,
    histories,
    installation,
    interrupts,
    journals,
    models,
    schemas,
    servers,
    simulate,
    traces,
)
from physalia.cli.colony import admin, demo, kv
from physalia.cli.colony import commands as colony
from physalia.cli.fleet import blast_radius, repair
from physalia.cli.fleet import commands as fleet
from physalia.cli.place import commands as place
from physalia.cli.proof import commands as prove
from physalia.cli.rare import search
from physalia.cli.terminal import say
from physalia.placement.errors import PlacementError

_USAGE, _CANNOT_RUN, _NOBODY_READS = 2, 4, 141

app = typer.Typer(
    name="physalia",
    help="A verified cell: its TLA+ specification, the Python mirror and the running code, held against each other.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"physalia {installation.own_version()}")
        raise typer.Exit


@app.callback()
def _physalia(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end.")
    ] = False,
) -> None:
    pass


app.command()(checks.verify)
app.command()(prove.prove)
app.command()(installation.doctor)
app.command()(journals.journal)
app.command()(servers.serve)
app.command()(servers.cache)
app.command()(schemas.schema)
app.add_typer(models.app, name="spec")
checks.conformance.command("trace")(traces.trace)
checks.conformance.command("gameday")(gameday.gameday)
checks.conformance.command("search")(search.search)
app.add_typer(checks.conformance, name="conformance")
place.app.command("repair")(repair.repair)
app.add_typer(place.app, name="place")
app.add_typer(fleet.app, name="fleet")
app.add_typer(simulate.app, name="simulate")
app.command("blast-radius")(blast_radius.blast_radius)
colony.app.command("demo")(demo.demo)
app.add_typer(colony.app, name="colony")
app.add_typer(kv.app, name="kv")
app.add_typer(admin.app, name="admin")
app.add_typer(histories.app, name="history")


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code. Errors of the user are one sentence on standard error.

    Whoever closes the pipe that a command writes to is not told that something is refuted: the code is 141 then.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that the terminal does not have is no defect
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
    except BrokenPipeError:
        code = _NOBODY_READS
    except SystemExit as left:  # libraries that print leave by it once nobody reads
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        code = _NOBODY_READS
    for stream in (sys.stdout, sys.stderr):
        code = _flushed(stream) or code
    return code


def _flushed(stream: TextIO) -> int:
    """Write what waits; 0, or why that cannot be: Python must not find out again when it exits."""
    try:
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            return _NOBODY_READS
        if stream is sys.stdout:
            return _complain(f"not all could be printed ({error.strerror}): see to it, and ask again.", _CANNOT_RUN)
        return _CANNOT_RUN
    return 0


def _run(arguments: Sequence[str]) -> int:
    struck: Callable[[], bool] = bool
    try:
        with interrupts.kept() as struck:
            result = app(list(arguments), prog_name="physalia", standalone_mode=False, auto_envvar_prefix="PHYSALIA")
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted; nothing is left running.", INTERRUPTED)
    except (BadInput, PlacementError) as error:
        return _complain(str(error), _USAGE)
    except CannotRun as error:
        return _complain(str(error), _CANNOT_RUN)
    except typer.TyperException as error:
        return _complain(_usage_sentence(error), _USAGE)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _complain(f"{error}: see to it, and run the command again.", _CANNOT_RUN)
    except Exception:  # noqa: BLE001  # exit code 1, Python's own, would mean that something is refuted
        say(*traceback.format_exc().split("\n")[:-1], to_stderr=True)
        return _complain("this is a defect of physalia, and says nothing about what was checked.", _CANNOT_RUN)
    if struck() or result == INTERRUPTED:  # newer versions of typer turn the exception into this
        return _complain("interrupted; nothing is left running.", INTERRUPTED)
    return result if isinstance(result, int) else 0


def _usage_sentence(error: typer.TyperException) -> str:
    """What is wrong with the command line, and where its help is. Asked for nothing, the program shows its help."""
    context = getattr(error, "ctx", None)
    path = "physalia" if context is None else context.command_path
    if type(error).__name__ == "NoArgsIsHelpError":
        say(*(context.get_help() if context is not None else "").split("\n"), to_stderr=True)
        return ""
    problem = getattr(error, "format_message", lambda: str(error))().rstrip(".")
    return f"{problem}; `{path} --help` shows what there is."


def _complain(sentence: str, code: int) -> int:
    if sentence:
        say(f"physalia: {sentence}", to_stderr=True)
    return code

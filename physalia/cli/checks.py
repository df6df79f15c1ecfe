"""``physalia verify`` and ``physalia conformance``: the checks of the chain as a whole."""

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer

from conformance.links import EXIT_CODES, LINKS, SHRINK_S, BadInput, Profile, Settings
from physalia.cli.options import Deep, Json, KillerTime, Quick, Seed, ShrinkS, TlcHeap, TlcTime
from physalia.cli.terminal import print_json

conformance = typer.Typer(help="The checks, checked.", no_args_is_help=True, rich_markup_mode=None)


def verify(
    links: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LINK]...", help=f"Which links to run: {', '.join(LINKS)}. All, if none."),
    ] = None,
    quick: Quick = False,
    deep: Deep = False,
    json: Json = False,
    seed: Seed = 0,
    shrink_s: ShrinkS = SHRINK_S,
    tlc_time: TlcTime = None,
    tlc_heap: TlcHeap = None,
) -> int:
    """Run the links of the chain, each a check that can fail, and print what each one saw.

    Without an option this takes about ten minutes on two processors: links run beside each other, as many at once as
    there are processors, and are reported in their order. Exit code 0: everything holds; 1: something is refuted;
    3: nothing could be concluded; 4: something does not work here.
    """
    from conformance import verify as chain  # noqa: PLC0415  # only once the links are known to exist
    from physalia.cli.printing import print_report  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    names = [_known(name) for name in dict.fromkeys(links or LINKS)]
    settings = Settings(
        profile=_profile(quick, deep), seed=seed, shrink_s=shrink_s, tlc_time_s=tlc_time, tlc_heap_mib=tlc_heap
    )
    with display() as progress:
        report = chain.verify(names, settings, progress)
    if json:
        print_json(report.as_json())
    print_report(report, to_stderr=json)
    return EXIT_CODES[report.verdict]


def _profile(quick: bool, deep: bool) -> Profile:
    if quick and deep:
        raise BadInput("--quick and --deep exclude each other: give one of them, or none.")
    return Profile.QUICK if quick else Profile.DEEP if deep else Profile.DEFAULT


def _known(name: str) -> str:
    if name not in LINKS:
        close = difflib.get_close_matches(name, LINKS, n=1)
        all_links = f"there are {', '.join(LINKS)}."
        raise BadInput(f"there is no link called {name}; {_did_you_mean(close, all_links)}")
    return name


def _did_you_mean(close: Iterable[str], otherwise: str) -> str:
    return f"did you mean {' or '.join(close)}?" if close else otherwise


@conformance.command()
def mutants(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which mutants; all, if none.")] = None,
    json: Json = False,
    killer_time: KillerTime = None,
) -> int:
    """Put known bugs in, one at a time, each into a copy, and see that the link that should catch it does.

    Exit code 0: every mutant was applied and killed; 1: one survived; 4: one could not be applied or judged.
    """
    from conformance.mutants.matrix import catalogue, run  # noqa: PLC0415
    from physalia.cli.printing import print_mutants  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    known = {mutant.name: mutant for mutant in catalogue()}
    for name in names or ():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            raise BadInput(
                f"there is no mutant called {name}; {_did_you_mean(close, 'conformance/mutants/catalogue lists them.')}"
            )
    with display() as progress:
        matrix = run([known[name] for name in names or known], progress, time_s=killer_time)
    if json:
        print_json(matrix.as_json())
    else:
        print_mutants(matrix)
    return EXIT_CODES[matrix.verdict]

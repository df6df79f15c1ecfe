"""``physalia verify`` and ``physalia conformance``: the checks of the chain as a whole."""

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.links import EXIT_CODES, LINKS, SHRINK_S, BadInput, Profile, Settings
from physalia.cli.options import Deep, Json, KillerTime, Parts, Quick, Seed, ShrinkS, TlcHeap, TlcTime
from physalia.cli.terminal import print_json

if TYPE_CHECKING:
    from conformance.mutants.entries import Mutant

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
    part: Parts = None,
    tlc_time: TlcTime = None,
    tlc_heap: TlcHeap = None,
) -> int:
    """Run the links of the chain, each a check that can fail, and print what each one saw.

    Without an option this takes about twenty minutes on two processors: links run beside each other, as many at once
    as there are processors, and are reported in their order. Exit code 0: everything holds; 1: something is refuted;
    3: nothing could be concluded; 4: something does not work here.
    """
    from conformance import verify as chain  # noqa: PLC0415  # only once the links are known to exist
    from physalia.cli.printing import print_report  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    names = [_known(name) for name in dict.fromkeys(links or LINKS)]
    if part and len(names) != 1:
        raise BadInput("--part is a part of one link: name that link.")
    settings = Settings(
        profile=_profile(quick, deep), seed=seed, models=tuple(part or ()), shrink_s=shrink_s, tlc_time_s=tlc_time,
        tlc_heap_mib=tlc_heap,
    )  # fmt: skip
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
    mechanical: Annotated[
        bool, typer.Option("--mechanical", help="Instead of the catalogue: faults that a tool makes, drawn by a seed.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="With --mechanical: the seed of the draw; 0 without it.")] = None,
    number: Annotated[
        int | None, typer.Option(min=1, help="With --mechanical: how many faults are applied; 300 without it.")
    ] = None,
    asks: Annotated[
        int | None, typer.Option(min=1, help="With --mechanical: ask no more than so many about each fault.")
    ] = None,
    no_new: Annotated[
        bool,
        typer.Option("--no-new", help="With --mechanical: a survivor that is not listed refutes."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where a run was cut short: what was judged, and would be judged alike, is not judged again.",
        ),
    ] = False,
    killer: Annotated[
        str | None, typer.Option(metavar="LINK", help="Only mutants of the catalogue that this link must kill.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write down which part of a link kills a mutant: it is asked first then.")
    ] = False,
    json: Json = False,
    killer_time: KillerTime = None,
    shrink_s: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="S",
            help="Seconds of processor time to make the counterexample of a mutant shorter; 20 without it.",
        ),
    ] = None,
) -> int:
    """Put known bugs in, one at a time, each into a copy, and see that the link that should catch it does.

    Exit code 0: every mutant was applied and killed by a judge; 1: one survived, or fell over before anybody judged;
    4: one could not be applied or judged, or another part of the link kills it than the one that is written down.
    With --mechanical, 0: the links refute nine of ten, or of a smaller draw as many as chance leaves of that; 1: they
    do not, or with --no-new they miss one that is not listed.
    """
    drawing = {"--seed": seed, "--number": number, "--asks": asks, "--no-new": no_new or None}
    of_catalogue = {
        "--killer-time": killer_time,
        "--killer": killer,
        "--record": record or None,
        "--shrink-s": shrink_s,
    }
    drawn, given = ([option for option, value in one.items() if value is not None] for one in (drawing, of_catalogue))
    if mechanical:
        drawn += ["--resume"] if resume else []
        if names and drawn:
            raise BadInput(f"{drawn[0]} is about a draw, and faults are named: give one or the other.")
        if given:
            raise BadInput(f"{given[0]} is about the mutants of the catalogue: leave it out, or --mechanical.")
        return _mechanical(names or (), seed or 0, number, json, resume=resume, asks=asks, no_new=no_new)
    if drawn:
        raise BadInput(f"{drawn[0]} is about mechanical faults: give --mechanical as well.")
    asked = _asked(names or (), killer)
    return _catalogue(asked, json, resume=resume, record=record, killer_time=killer_time, shrink_s=shrink_s)


def _asked(names: Sequence[str], killer: str | None) -> "Sequence[Mutant]":
    from conformance.mutants.entries import catalogue  # noqa: PLC0415

    known = {mutant.name: mutant for mutant in catalogue()}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            raise BadInput(
                f"there is no mutant called {name}; {_did_you_mean(close, 'conformance/mutants/catalogue lists them.')}"
            )
    if killer is not None:
        _known(killer)
    return [known[name] for name in names or known if killer in (None, known[name].killer)]


def _catalogue(
    asked: "Sequence[Mutant]",
    json: bool,
    *,
    resume: bool,
    record: bool,
    killer_time: float | None,
    shrink_s: float | None,
) -> int:
    from conformance.mutants import first  # noqa: PLC0415
    from conformance.mutants.entries import catalogue  # noqa: PLC0415
    from conformance.mutants.kept import Kept  # noqa: PLC0415
    from conformance.mutants.matrix import run  # noqa: PLC0415
    from physalia.cli.printing import print_mutants  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    kept, parts = Kept.resumed() if resume else Kept(), first.read()
    shrinking = SHRINK_S if shrink_s is None else shrink_s
    with display() as progress:
        matrix = run(asked, progress, time_s=killer_time, shrink_s=shrinking, first=parts, kept=kept)
    if record:
        first.write(matrix.parts, [mutant.name for mutant in catalogue()])
    if json:
        print_json(matrix.as_json())
    else:
        print_mutants(matrix)
    return EXIT_CODES[matrix.verdict]


def _mechanical(
    names: Sequence[str], seed: int, number: int | None, json: bool, *, resume: bool, asks: int | None, no_new: bool
) -> int:
    from conformance.mutants.mechanical import campaign  # noqa: PLC0415
    from physalia.cli.faults import print_faults  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    with display() as progress:
        if names:
            matrix = campaign.try_named(names, progress)
        else:
            count = number or campaign.NUMBER
            matrix = campaign.run(seed, count, progress, resume=resume, most_asks=asks, no_new=no_new)
    if json:
        print_json(matrix.as_json())
    print_faults(matrix, to_stderr=json)
    return EXIT_CODES[matrix.verdict]

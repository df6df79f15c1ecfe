"""``physalia spec``: single models of the ladder, in TLC and in Python."""

from typing import Annotated

import typer

from conformance.links import EXIT_CODES, BadInput, Profile, Settings, Verdict
from physalia.cli.options import Json, ModelName, Seed, TlcHeap, TlcTime
from physalia.cli.terminal import print_json, say

app = typer.Typer(
    help="Single models: list, check, simulate, compare, run in TLC.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_models(json: Json = False) -> int:
    """List the models and twins of tla/manifest.toml: purpose, bounds, and the first profile that runs each."""
    from conformance.manifest import load_manifest  # noqa: PLC0415

    manifest = load_manifest()
    if json:
        print_json(manifest.as_json())
        return 0
    for model in manifest.models:
        say(f"{model.name}  ({model.rung}, {model.profile}, {model.distinct:,} states)")
        say(f"    {model.purpose}")
        say(f"    {model.bounds}")
        twins_of = [twin.name for twin in manifest.twins if twin.model == model.name]
        if twins_of:
            say(f"    twins: {', '.join(twins_of)}")
    return 0


@app.command()
def tlc(
    model: ModelName,
    twin: Annotated[str | None, typer.Option(help="Put this bug in first; see physalia spec list.")] = None,
    no_refinement: Annotated[bool, typer.Option("--no-refinement", help="Leave the refinement unchecked.")] = False,
    json: Json = False,
    tlc_time: TlcTime = None,
    tlc_heap: TlcHeap = None,
) -> int:
    """Run one model in TLC and hold the result against the manifest.

    A counterexample is printed as named actions with what each one changed. With --twin the specification is broken on
    purpose, in a copy: exit code 0 then means that TLC caught it as the manifest says.
    """
    from conformance.manifest import load_manifest  # noqa: PLC0415
    from conformance.tlc import link as ladder  # noqa: PLC0415
    from conformance.tlc.limits import Limits  # noqa: PLC0415
    from conformance.tlc.run import Processes  # noqa: PLC0415
    from conformance.tlc.toolchain import find_toolchain  # noqa: PLC0415
    from physalia.cli.printing import print_run  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    manifest = load_manifest()
    task = ladder.task_named(manifest, model, twin, refinement=not no_refinement)
    limits = Limits.of(Settings(tlc_time_s=tlc_time, tlc_heap_mib=tlc_heap))
    with Processes() as processes, display() as progress:
        runner = ladder.Runner(manifest=manifest, toolchain=find_toolchain(), processes=processes, limits=limits)
        judged = runner.run(task, progress)
    if json:
        print_json(judged.as_json())
    else:
        print_run(judged)
    return EXIT_CODES[judged.verdict]


@app.command()
def check(model: ModelName, json: Json = False) -> int:
    """Explore one model's Python mirror whole, with its invariants, and hold the counts against the manifest."""
    from conformance.graph import mirror  # noqa: PLC0415
    from conformance.manifest import load_manifest  # noqa: PLC0415
    from physalia.cli.printing import print_checked  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    with display() as progress:
        checked = mirror.check(load_manifest(), model, progress)
    if json:
        print_json(checked.as_json())
    else:
        print_checked(checked)
    return EXIT_CODES[checked.verdict]


@app.command()
def simulate(
    model: ModelName,
    seed: Seed = 0,
    steps: Annotated[int, typer.Option(min=1, help="How many steps at most.")] = 50,
    json: Json = False,
) -> int:
    """Walk through one model's Python mirror at random, checking its invariants at every step."""
    from conformance.graph import mirror  # noqa: PLC0415
    from conformance.manifest import load_manifest  # noqa: PLC0415

    walked, violated = mirror.simulate(mirror.machine_of(load_manifest(), model), seed, steps)
    verdict = Verdict.REFUTED if violated else Verdict.HOLDS
    if json:
        told = list(mirror.steps_as_json(walked))
        head = {"schema_version": 1, "verdict": verdict, "model": model, "seed": seed, "violated": violated}
        print_json({**head, "steps": told})
    else:
        say(*mirror.narrate(walked))
        ending = f"{violated} is violated" if violated else f"every invariant holds in all {len(walked)} states"
        say(f"{verdict}: {ending}")
        say(f"again: physalia spec simulate {model} --seed {seed} --steps {steps}")
    return EXIT_CODES[verdict]


@app.command()
def graph(model: ModelName, json: Json = False, tlc_time: TlcTime = None, tlc_heap: TlcHeap = None) -> int:
    """Compare one model's whole graph in TLC with that of its Python mirror: states, and steps by name, both ways."""
    from conformance.manifest import load_manifest  # noqa: PLC0415
    from conformance.verify import verify  # noqa: PLC0415
    from physalia.cli.printing import print_report  # noqa: PLC0415
    from physalia.cli.progress import display  # noqa: PLC0415

    manifest = load_manifest()
    if manifest.model(model).graph is None:
        raise BadInput(
            f'{manifest.path}: the graph of {model} is not compared; give the model graph = "quick" (or another '
            "profile) there if its dump is of reasonable size."
        )
    with display() as progress:
        settings = Settings(profile=Profile.DEEP, models=(model,), tlc_time_s=tlc_time, tlc_heap_mib=tlc_heap)
        report = verify(["graph"], settings, progress)
    if json:
        print_json(report.as_json())
    print_report(report, to_stderr=json)
    return EXIT_CODES[report.verdict]

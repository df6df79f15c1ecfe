"""A link is asked for a part of itself: what belongs to no link, or is no part, is one sentence."""

import json

import pytest

from conformance.links import BadInput, Profile, Settings
from physalia.cli import run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "corpus"], "--part is a part of one link: name that link."),
        (["histories", "shell", "--part", "corpus"], "--part is a part of one link: name that link."),
        (
            ["histories", "--part", "corpse"],
            "the link histories has no part 'corpse'; it has corpus, budgets, definition",
        ),
        (["lockstep", "--part", "4 nodes"], "the lockstep has no campaign '4 nodes'"),
        (["crash-points", "--part", "cell"], "the link crash-points has no part 'cell'; it has journal, cells,"),
        (["shell", "--part", "lost"], "the link shell has no part 'lost'; it has itself, strangers, kept, drawn."),
        (["blast-radius", "--part", "sites"], "the link blast-radius has no part 'sites'; it has sites of the models,"),
        (["placement", "--part", "sites"], "the link placement has no part 'sites'"),
        (["traces", "--part", "recorded"], "the link traces has no parts"),
        (["induction", "--part", "disk"], "the link induction has no parts; physalia prove LAYER"),
    ],
)
def test_what_is_no_part_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", *arguments, "--quick"]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("link", "part"), [("histories", "corpus"), ("crash-points", "versions")])
def test_a_part_is_run_alone(link: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", link, "--quick", "--part", part, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["links"]
    assert [row["name"] for row in report["rows"]] == [part]


def test_a_part_is_in_the_command_that_runs_it_again() -> None:
    settings = Settings(profile=Profile.QUICK, seed=3, models=("3 nodes, alpha 3",))
    assert settings.again("lockstep") == "physalia verify lockstep --quick --seed 3 --part '3 nodes, alpha 3'"
    assert settings.again("tlc") == "physalia spec tlc 3 nodes, alpha 3"
    with pytest.raises(BadInput, match="it has a, b"):
        settings.parts_of("x", ["a", "b"])
    assert Settings().parts_of("x", ["a", "b"]) == ["a", "b"]

"""What the link ``graph`` had TLC check is judged by the link ``tlc`` as if it had been run there; nothing else is."""

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from attrs import evolve

from conformance import beside
from conformance import verify as chain
from conformance.graph import link as graph
from conformance.links import LinkReport, Profile, Settings, Silence, Verdict
from conformance.manifest import Manifest, load_manifest
from conformance.tlc import link as ladder
from conformance.tlc.shared import SharedRuns
from tests.conformance.tlc.small_specifications import MANIFEST, specify
from tests.conformance.tlc.test_link import CHECKS, SEEN

TLA = Path(__file__).resolve().parents[3] / "tla"
NAME = "MCCellChangeIssued"
COMPARED = MANIFEST.format(distinct=34, generated=57, depth='7\ngraph = "quick"')


def ladder_in(folder: Path, monkeypatch: pytest.MonkeyPatch, shared: Path | None) -> LinkReport:
    specify(folder, checks=CHECKS)
    (folder / "manifest.toml").write_text(COMPARED, encoding="utf-8")
    monkeypatch.setattr(ladder, "load_manifest", lambda: load_manifest(folder))
    return ladder.run(Settings(profile=Profile.QUICK, shared=shared), Silence())


def test_a_run_that_was_left_is_judged_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SharedRuns(tmp_path).leave("MCCounter", evolve(SEEN, seconds=123.0))
    report = ladder_in(tmp_path, monkeypatch, tmp_path)
    assert report.verdict is Verdict.HOLDS, report.failures
    assert report.rows[0].seconds == 123.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"distinct": 35}, "distinct states: the manifest says 34, TLC says 35."),
        ({"depth": 6}, "depth: the manifest says 7, TLC says 6."),
        ({"reached": frozenset[str]()}, "ReachThree was never reached."),
    ],
)
def test_a_run_that_was_left_is_refuted_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], says: str
) -> None:
    SharedRuns(tmp_path).leave("MCCounter", evolve(SEEN, **wrong))
    report = ladder_in(tmp_path, monkeypatch, tmp_path)
    assert report.verdict is Verdict.REFUTED
    assert says in report.failures[0].lines


def test_of_what_was_not_left_there_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SharedRuns(tmp_path).leave("MCAnother", evolve(SEEN, distinct=1))
    assert ladder_in(tmp_path, monkeypatch, tmp_path).verdict is Verdict.HOLDS


def test_without_the_link_graph_nothing_that_lies_about_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SharedRuns(tmp_path).leave("MCCounter", evolve(SEEN, distinct=35))
    assert ladder_in(tmp_path, monkeypatch, None).verdict is Verdict.HOLDS


def compared(monkeypatch: pytest.MonkeyPatch, manifest: Manifest, shared: Path) -> LinkReport:
    (model,) = [model for model in manifest.models if model.name == NAME]
    monkeypatch.setattr(graph, "load_manifest", lambda: evolve(manifest, models=(model,), twins=()))
    return graph.run(Settings(profile=Profile.DEFAULT, shared=shared), Silence())


def test_the_link_graph_leaves_what_tlc_says_with_everything_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = load_manifest()
    report = compared(monkeypatch, manifest, tmp_path)
    assert [row.verdict for row in report.rows] == [Verdict.HOLDS, Verdict.HOLDS]
    seen = SharedRuns(tmp_path).take(NAME)
    assert seen is not None
    model = manifest.model(NAME)
    assert (seen.distinct, seen.generated, seen.depth) == (model.distinct, model.generated, model.depth)
    assert seen.reached == set(model.reaches)
    assert SharedRuns(tmp_path).take("MCCellChange") is None


@pytest.mark.parametrize("wrong", ["INVARIANT\n  Never", "PROPERTY\n  Rests"])
def test_of_what_falls_nothing_is_left_and_the_graphs_are_compared_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    folder = copytree(TLA, tmp_path / "tla")
    config, module = folder / f"{NAME}.cfg", folder / f"{NAME}.tla"
    config.write_text(f"{config.read_text(encoding='utf-8')}\n{wrong}\n", encoding="utf-8")
    before, end = module.read_text(encoding="utf-8").rsplit("\n===", 1)
    module.write_text(f"{before}\nNever == FALSE\nRests == [][FALSE]_vars\n==={end}", encoding="utf-8")
    report = compared(monkeypatch, load_manifest(folder), tmp_path)
    assert [row.verdict for row in report.rows] == [Verdict.HOLDS, Verdict.HOLDS]
    assert SharedRuns(tmp_path).take(NAME) is None


def test_links_of_one_command_have_a_folder_in_common_that_goes_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def run(links: dict[str, str], settings: Settings, *_: object) -> tuple[LinkReport, ...]:
        assert settings.shared is not None
        assert settings.shared.is_dir()
        folders.append(settings.shared)
        return tuple(LinkReport.of(name, [], [], models=0, seconds=0.0) for name in links)

    monkeypatch.setattr(beside, "run", run)
    monkeypatch.setattr(beside, "cores", lambda: 2)
    report = chain.verify(["tlc", "graph"], Settings(), Silence())
    assert report.settings.shared is None
    assert len(folders) == 1
    assert not folders[0].exists()

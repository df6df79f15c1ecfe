"""A fleet placed by workers of Dask is the same fleet; tested where that is installed, and said where it is not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from physalia.cli import run
from physalia.fleet import shards
from physalia.fleet.fleet import Fleet
from physalia.fleet.rules import Rules
from physalia.fleet.shards import place
from physalia.fleet.sites import Site
from physalia.fleet.volumes import made_up
from physalia.placement.effort import Effort, OutOfTime
from physalia.placement.rules.policy import default
from physalia.placement.site import format as files
from tests.physalia.fleet.fleets import placed, topology_of


@pytest.mark.filterwarnings("ignore")
def test_workers_elsewhere_place_the_same_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra machines is not installed")
    site = Site.of(topology_of())
    rules = Rules.of(site, default())
    empty = Fleet.unplaced(made_up(site, 60, 1), 7)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        far = place(site, rules, empty, Effort(), machines=client)
        with pytest.raises(OutOfTime):
            place(site, rules, empty, Effort(deadline=0.0, clock=lambda: 1.0), machines=client)
        files.write(site.topology, tmp_path / "site.json")
        order = ["fleet", "place", str(tmp_path / "site.json"), "--volumes", "60", "-o", str(tmp_path / "far.npz")]
        assert run([*order, "--scheduler", cluster.scheduler_address]) == 0
    assert np.array_equal(far.cells, placed(site, rules, 60).cells)
    assert "60 of 60 cells placed" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
def test_one_cluster_places_the_same_fleet_again_and_again() -> None:
    """An equal job that was sent while the last one was being forgotten was forgotten too, and waited for for ever."""
    distributed = pytest.importorskip("distributed", reason="the extra machines is not installed")
    site = Site.of(topology_of())
    rules = Rules.of(site, default())
    empty = Fleet.unplaced(made_up(site, 60, 1), 7)
    here = placed(site, rules, 60).cells
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        for _ in range(10):
            with distributed.Client(cluster.scheduler_address) as other:
                assert np.array_equal(place(site, rules, empty, Effort.within(60), machines=other).cells, here)
            assert np.array_equal(place(site, rules, empty, Effort.within(60), machines=client).cells, here)


@pytest.mark.filterwarnings("ignore")
def test_what_a_worker_raises_is_raised_here_and_not_waited_out() -> None:
    distributed = pytest.importorskip("distributed", reason="the extra machines is not installed")

    def late() -> None:
        raise TimeoutError("of the worker itself")

    looks = iter([0.0] * 5)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(TimeoutError, match="of the worker itself"),
    ):
        shards._placed(client.submit(late, pure=False), Effort(deadline=1.0, clock=lambda: next(looks)))


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_without_workers_and_one_that_loses_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra machines is not installed")
    files.write(topology_of(), tmp_path / "site.json")
    order = ["fleet", "place", str(tmp_path / "site.json"), "--volumes", "60", "-o", str(tmp_path / "far.npz")]
    with distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None) as cluster:
        assert run([*order, "--scheduler", cluster.scheduler_address]) == 4
        assert f"dask worker {cluster.scheduler_address}" in capsys.readouterr().err
        with distributed.Client(cluster) as client:
            never = client.submit(len, "a row that nobody places", pure=False)
            looks = iter([0.0, 0.0, 1.0])
            with pytest.raises(OutOfTime):
                shards._placed(never, Effort(deadline=1.0, clock=lambda: next(looks)))
    assert not (tmp_path / "far.npz").exists()


def test_without_dask_or_a_scheduler_it_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(topology_of(), tmp_path / "site.json")
    there = importlib.util.find_spec("distributed") is not None
    order = ["fleet", "place", str(tmp_path / "site.json"), "--volumes", "6", "-o", str(tmp_path / "far.npz")]
    assert run([*order, "--scheduler", "tcp://127.0.0.1:1"]) == (2 if there else 4)
    err = capsys.readouterr().err
    assert ("no scheduler of Dask that answers" if there else "needs the package distributed") in err
    assert not (tmp_path / "far.npz").exists()

"""A fleet placed by workers of Dask is the same fleet; tested where that is installed, and said where it is not."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from physalia.cli import run
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


def test_without_dask_or_a_scheduler_it_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(topology_of(), tmp_path / "site.json")
    there = importlib.util.find_spec("distributed") is not None
    order = ["fleet", "place", str(tmp_path / "site.json"), "--volumes", "6", "-o", str(tmp_path / "far.npz")]
    assert run([*order, "--scheduler", "tcp://127.0.0.1:1"]) == (2 if there else 4)
    err = capsys.readouterr().err
    assert ("no scheduler of Dask that answers" if there else "needs the package distributed") in err
    assert not (tmp_path / "far.npz").exists()

"""The page of the journal, and its benchmark, do what they say."""

import re
from pathlib import Path

import apsw
import pytest

from benchmarks import journal as benchmark
from physalia.host import Charter
from physalia.journal import Directory, Journal, NodeKey
from physalia.model import Ballot, Envelope, Origin, Prepare, Promise, Promised, Receive
from physalia.wire import encode_record

ROOT = Path(__file__).resolve().parents[3]


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "journal.md").read_text(encoding="utf-8")
    example, of_host = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert example.count('Path("/var/lib/physalia")') == 1
    record = Promised(Ballot(3, 1))
    told: dict[str, object] = {"record": record, "Here": tmp_path}
    exec(example.replace('Path("/var/lib/physalia")', "Here"), told)
    journal, node = told["journal"], told["node"]
    assert isinstance(journal, Journal)
    key, charter, event = NodeKey(1, 3, 2), Charter(frozenset({1, 2, 3}), 3), Receive(1, Prepare(Ballot(3, 1), 0))
    told |= {"key": key, "charter": charter, "event": event}
    exec(of_host, told)
    assert told["outputs"] == (Envelope(Origin(1, 3, 2), 1, Promise(Ballot(3, 1), 2, (), 0)),)
    journal.close()
    assert Journal(Directory(tmp_path), 7).read(node) == [encode_record(record)]  # type: ignore[arg-type]


def test_both_sides_of_the_benchmark_store_every_record(tmp_path: Path) -> None:
    encoded = benchmark.records_of(250)
    assert len(set(encoded)) == 250
    batches = [encoded[place : place + 100] for place in range(0, 250, 100)]
    seen = benchmark.one_round(tmp_path, batches)
    assert min(seen.bare, seen.ours, seen.fold) > 0
    with Journal(Directory(tmp_path), benchmark.SERVER) as journal:
        found = [record for node in journal.nodes() for record in journal.read(node)]
        assert journal.unfolded == 0
    assert sorted(found) == sorted(encoded)
    bare = apsw.Connection(str(tmp_path / "bare"))
    assert [entry for (entry,) in bare.execute("SELECT entry FROM entries ORDER BY number")] == encoded
    bare.close()


def test_the_benchmark_has_a_ratio_for_every_size_of_a_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "BATCHES", (1, 10))
    monkeypatch.setattr(benchmark, "one_round", lambda *_: benchmark.Round(bare=3.0, ours=4.0, fold=0.5))
    figures = benchmark.measure(20, 3, tmp_path)
    assert figures["ratio_to_sqlite"] == {"1": 0.75, "10": 0.75}
    assert figures["sqlite_records_per_second"] == {"1": 7, "10": 7}
    assert figures["folded_per_second"] == 40
    assert list(tmp_path.iterdir()) == []

"""The page of the journal, and its benchmark, do what they say."""

import re
from pathlib import Path

import pytest

from benchmarks import journal as benchmark
from physalia.journal import Directory, Journal
from physalia.model import Ballot, Promised
from physalia.wire import encode_record

ROOT = Path(__file__).resolve().parents[3]


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "journal.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert example.count('Path("/var/lib/physalia")') == 1
    record = Promised(Ballot(3, 1))
    told: dict[str, object] = {"record": record, "Here": tmp_path}
    exec(example.replace('Path("/var/lib/physalia")', "Here"), told)
    journal, node = told["journal"], told["node"]
    assert isinstance(journal, Journal)
    journal.close()
    assert Journal(Directory(tmp_path), 7).read(node) == [encode_record(record)]  # type: ignore[arg-type]


def test_both_sides_of_the_benchmark_store_every_record(tmp_path: Path) -> None:
    encoded = benchmark.records_of(250)
    assert len(set(encoded)) == 250
    batches = [encoded[place : place + 100] for place in range(0, 250, 100)]
    assert all(seconds > 0 for seconds in benchmark.journal_seconds(tmp_path, batches))
    with Journal(Directory(tmp_path), benchmark.SERVER) as journal:
        found = [record for node in journal.nodes() for record in journal.read(node)]
        assert journal.unfolded == 0
    assert sorted(found) == sorted(encoded)
    assert benchmark.bare_seconds(tmp_path, batches) > 0
    assert encoded[-1] in (tmp_path / "bare").read_bytes()


def test_the_benchmark_has_a_ratio_for_every_size_of_a_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "BATCHES", (1, 10))
    monkeypatch.setattr(benchmark, "bare_seconds", lambda *_: 3.0)
    monkeypatch.setattr(benchmark, "journal_seconds", lambda *_: (4.0, 0.5))
    figures = benchmark.measure(20, 3, tmp_path)
    assert figures["ratio_to_sqlite"] == {"1": 0.75, "10": 0.75}
    assert figures["sqlite_records_per_second"] == {"1": 7, "10": 7}
    assert figures["folded_per_second"] == 40
    assert list(tmp_path.iterdir()) == []

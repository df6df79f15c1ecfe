"""The benchmark of traces runs real servers, and what it says of large values is of large values."""

import json
from pathlib import Path

import pytest

from benchmarks.traces import __main__ as traces
from tests.benchmarks.test_idle_benchmark import figures


def test_the_cost_of_traces_is_told_for_small_and_for_large_values() -> None:
    options = ("--seconds", "0.2", "--rounds", "1", "--clients", "2", "--cells", "2", "--value-bytes", "20000")
    found = figures("traces", *options)
    assert found["traces"] == 2
    assert found["large_value_bytes"] == 20_000
    assert found["traced_bytes_per_operation_large"] > found["traced_bytes_per_operation"] + 3 * 20_000
    assert found["cpu_us_per_operation_large_recorded"] > 0


def test_a_trace_that_is_full_says_nothing_of_what_recording_costs(tmp_path: Path) -> None:
    trace = tmp_path / "server-1-1.jsonl"
    trace.write_text(json.dumps({"trace": 2}) + "\n")
    assert traces._traced_bytes(tmp_path) == trace.stat().st_size
    trace.write_bytes(trace.read_bytes() + traces.FULL_LINE)
    with pytest.raises(AssertionError, match=r"server-1-1\.jsonl is full"):
        traces._traced_bytes(tmp_path)


def test_a_value_that_no_cell_takes_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["traces", "--value-bytes", str(traces.LARGE_BYTES + 1)])
    with pytest.raises(SystemExit):
        traces.main()
    assert "a value has at most 32768 bytes" in capsys.readouterr().err

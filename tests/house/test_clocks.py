"""Nothing that runs asks what time of day it is: a clock on the wall may be set back or forward while a server runs.

Leases, suspicion, deadlines and what is replayed go by clocks that never go back, or by no clock. Only a line of the
log says the time of day, for whoever reads it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_THE_WALL = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime", "time.CLOCK_REALTIME",
    "time.asctime", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "structlog.processors.TimeStamper", "os.path.getmtime",
}  # fmt: skip
ALLOWED = {("server/logs.py", "structlog.processors.TimeStamper")}


def asks(source: str) -> Iterator[str]:
    """The clocks of the wall that a module names."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                names[one.asname or first] = one.name if one.asname else first
        elif isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, *more = ast.unparse(node).split(".")
            if (said := ".".join([names.get(first, first), *more])) in OF_THE_WALL:
                yield said


@pytest.mark.parametrize(("source", "said"), [
    ("import time\nnow = time.time()", "time.time"),
    ("from time import time_ns as now\nnow()", "time.time_ns"),
    ("import time as clock\nclock.clock_gettime(clock.CLOCK_REALTIME)", "time.CLOCK_REALTIME"),
    ("from datetime import datetime\ndatetime.now()", "datetime.datetime.now"),
    ("import datetime\nf = datetime.datetime.utcnow", "datetime.datetime.utcnow"),
    ("import structlog\nstructlog.processors.TimeStamper()", "structlog.processors.TimeStamper"),
])  # fmt: skip
def test_a_clock_of_the_wall_is_seen(source: str, said: str) -> None:
    assert list(asks(source)) == [said]
    assert not list(asks("import time\nnow = time.monotonic()\ntime_ns = 3\n"))


def test_nothing_that_runs_asks_for_the_time_of_day() -> None:
    found = {
        (str(module.relative_to(ROOT / "physalia")), clock)
        for module in sorted((ROOT / "physalia").rglob("*.py"))
        for clock in asks(module.read_text(encoding="utf-8"))
    }
    assert found == ALLOWED

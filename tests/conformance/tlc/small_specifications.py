"""A small folder of specifications, made anew for each test: a counter that may be wrong in many ways."""

from pathlib import Path

COUNTER = """---- MODULE Counter ----
EXTENDS Naturals, Sequences, TLC
VARIABLES count, log
Init == count = 0 /\\ log = <<>>
Add(k) == count < 4 /\\ count' = count + k /\\ log' = Append(log, [before |-> count, added |-> {k}])
Forget == log # <<>> /\\ log' = Tail(log) /\\ count' = count
Never == count > 100 /\\ UNCHANGED <<count, log>>
Next == (\\E k \\in {1, 2} : Add(k)) \\/ Forget
Spec == Init /\\ [][Next]_<<count, log>>
Small == count <= 5
Tiny == count < 2
Positive == [][count' >= count]_<<count, log>>
Ends == <>(count > 9)
Wild == count < 3 \\/ log[17] = 3
Witnesses == IF count = 3 THEN PrintT(<<"reached", "ReachThree">>) ELSE TRUE
====
"""

UPPER = """---- MODULE Upper ----
EXTENDS Naturals
VARIABLE number
Start == number = 0
Step == number' = number + 1
Spec == Start /\\ [][Step]_number
====
"""


def specify(folder: Path, *, checks: str = "", counter: str = COUNTER, extra: str = "") -> Path:
    """Write Counter, Upper and a model MCCounter that checks what is named; return the folder."""
    (folder / "Counter.tla").write_text(counter, encoding="utf-8")
    (folder / "Upper.tla").write_text(UPPER, encoding="utf-8")
    model = f"---- MODULE MCCounter ----\nEXTENDS Counter\nUp == INSTANCE Upper WITH number <- count\n{extra}\n====\n"
    (folder / "MCCounter.tla").write_text(model, encoding="utf-8")
    (folder / "MCCounter.cfg").write_text(f"SPECIFICATION Spec\n{checks}\n", encoding="utf-8")
    return folder


MANIFEST = """schema_version = 1

[[model]]
name = "MCCounter"
rung = "Counter"
purpose = "count"
bounds = "up to 5"
profile = "quick"
expect = "holds"
distinct = {distinct}
generated = {generated}
depth = {depth}
reaches = ["ReachThree"]

[[twin]]
name = "leaps"
model = "MCCounter"
file = "Counter.tla"
replace = "count' = count + k"
with = "count' = count + k + k"
kills = "Small"
length = 3
profile = "quick"
"""

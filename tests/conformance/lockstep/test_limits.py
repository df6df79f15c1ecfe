"""Whatever in the code has a limit is tried beyond it: each limit is found, and whoever crosses it is named."""

import ast
from importlib import import_module
from itertools import permutations
from pathlib import Path

import pytest

from conformance.judges import lessons
from conformance.judges.coverage import ALWAYS, FAR_AHEAD, LONG, LONG_LESSON, Coverage
from conformance.links import Profile
from conformance.lockstep.campaigns import CAMPAIGNS, long, very_long
from conformance.lockstep.drive import drive
from conformance.lockstep.long import JUMPS, _highest_soon
from conformance.world.setup import Setup
from physalia.cell import learner
from tests.conformance.lockstep.broken_cells import Fault, break_cell

ROOT = Path(__file__).resolve().parents[3]

CODEC = "tests/physalia/wire/test_codec.py"

TRAFFIC = "tests/physalia/wire/test_traffic.py"

CHARTERS = "tests/physalia/wire/test_charters.py"

SNAPSHOTS = "tests/physalia/wire/test_snapshots.py"

COMPACTION = "tests/physalia/cell/test_compaction.py"

TRANSACTIONS = "tests/physalia/wire/test_transactions.py"

READS = "tests/physalia/cell/test_reads.py"

JOURNAL = "tests/physalia/journal/test_journal.py"

ENTRIES = "tests/conformance/crash_points/test_refusing.py"

HOST = "tests/physalia/host/test_host.py"

CROSSED = {
    "physalia.cell.learner:HEARD_AHEAD_SLOTS": FAR_AHEAD,
    "physalia.cell.learner:TAUGHT_AT_ONCE_SLOTS": LONG_LESSON,
    "physalia.cell.forgetting:PART_BYTES": (
        f"{COMPACTION}::test_a_snapshot_that_is_too_large_for_one_record_is_written_in_several"
    ),
    "physalia.wire.limits:MAX_ALPHA": f"{CHARTERS}::test_what_cannot_be_is_not_encoded",
    "physalia.wire.limits:MAX_BUNDLED": f"{TRAFFIC}::test_no_longer_bundle_is_said_or_heard",
    "physalia.wire.limits:MAX_HOMES": f"{CHARTERS}::test_of_so_many_nodes_it_is_known_where_they_live_and_of_no_more",
    "physalia.wire.limits:MAX_PUSHED": f"{TRAFFIC}::test_a_cache_is_told_of_so_many_cells_at_once_and_no_more",
    "physalia.wire.limits:MAX_ROWS": f"{SNAPSHOTS}::test_more_rows_than_may_be_said_at_once_are_refused",
    "physalia.wire.limits:MAX_WINDOW": f"{SNAPSHOTS}::test_the_members_of_the_widest_window_pass_and_no_more",
    "physalia.wire.snapshots:DIGEST_BYTES": f"{SNAPSHOTS}::test_a_digest_of_another_size_is_refused",
    "physalia.cell.node:RESEND_AFTER_MS": "stutter resent",
    "physalia.cell.reads:MAX_READS": f"{READS}::test_beyond_the_limit_a_read_is_rejected_at_once",
    "physalia.wire.traffic:OVERHEAD_BYTES": f"{TRAFFIC}::test_the_longest_content_passes_and_no_longer_one",
    "physalia.wire.transactions:MOST_NATIVE": f"{TRANSACTIONS}::test_integers_of_any_size_come_back",
    "physalia.wire.limits:MAX_NATURAL": f"{CODEC}::test_what_is_beyond_the_limits_is_not_encoded",
    "physalia.wire.limits:MAX_TEXT_CHARACTERS": f"{CODEC}::test_what_is_beyond_the_limits_is_not_encoded",
    "physalia.wire.limits:MAX_MEMBERS": f"{CODEC}::test_what_is_beyond_the_limits_is_not_encoded",
    "physalia.wire.limits:MAX_REPORTS": f"{CODEC}::test_too_many_reports_are_not_decoded",
    "physalia.wire.limits:MAX_ENCODED_BYTES": f"{CODEC}::test_what_is_too_long_is_neither_encoded_nor_decoded",
    "physalia.journal.entries:ENTRY_RECORDS": (
        f"{ENTRIES}::test_entries_are_filled_to_the_last_record_and_beyond"  # by the part `entries` of crash-points
    ),
    "physalia.journal.journal:MAX_RECORD_BYTES": (
        f"{JOURNAL}::test_a_record_beyond_the_limit_is_refused_and_nothing_of_its_batch_is_stored"
    ),
    "physalia.journal.journal:MAX_WAITING_BYTES": (
        f"{JOURNAL}::test_more_than_may_wait_is_refused_and_what_waits_stays"
    ),
    "physalia.journal.keys:MAX_ID": f"{JOURNAL}::test_a_key_beyond_its_bounds_is_refused",
    "physalia.journal.store:LOG_PAGES": f"{JOURNAL}::test_the_log_is_emptied_when_it_is_long",
    "physalia.host.host:MOST_POINTERS": f"{HOST}::test_of_so_many_nodes_that_left_it_is_known_whither_and_of_no_more",
}
"""Who crosses a limit: a mark that a campaign must reach, or a test."""

NO_LIMITS = {
    "physalia.cell.image:BYTE_BITS": "what a byte has",
    "physalia.wire.charters:TAG": "a name of a kind of record",
    "physalia.wire.charters:WIDTH": "how many fields a charter has",
    "physalia.wire.traffic:BUNDLE": "a name of a kind of traffic",
    "physalia.wire.charters:HOMES_TAG": "a name of a kind of record",
    "physalia.wire.shapes:PAIR": "a name and its fields are two",
    "physalia.wire.traffic:DISK_BYTES": "the name of a disk has just so many bytes",
    "physalia.wire.transactions:PAIR": "a key and its value are two",
    "physalia.journal.audit:UNBORN": "what comes before the first",
    "physalia.journal.database:APPLICATION_ID": "a name of a kind of file",
    "physalia.journal.database:FORMAT_VERSION": "a version",
    "physalia.journal.database:HEADER_BYTES": "what the header of SQLite has",
    "physalia.journal.database:MOST_PAGES": "what SQLite itself may have",
    "physalia.journal.entries:JOURNAL_BYTES": "the name of a journal has just so many bytes",
    "physalia.journal.entries:_START": "what the head of an entry has",
    "physalia.journal.folded:DIGEST_MODULUS": "sums go round there",
    "physalia.journal.folded:FOLD_BYTES": "what a packed fold has",
    "physalia.journal.marks:FORMAT_VERSION": "a version",
    "physalia.journal.marks:SLOT_BYTES": "where the second slot begins",
}

PLAIN = (0, 1, 2)
"""Numbers that need no name: nothing, one, and a half's other side."""


def modules() -> dict[str, ast.Module]:
    """The modules of the core, the codec, the journal and the host, by name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for room in ("cell", "wire", "journal", "host")
        for path in sorted((ROOT / "physalia" / room).glob("*.py"))
    }


def limits(trees: dict[str, ast.Module]) -> set[str]:
    """Every number that a module gives a name to."""
    return {
        f"{name}:{target.id}"
        for name, tree in trees.items()
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name) and type(getattr(import_module(name), target.id, None)) in (int, float)
    }


def nameless_numbers(tree: ast.Module) -> list[int]:
    """Numbers inside functions, which would be limits without a name."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value not in PLAIN
    ]


def has_crossing(crossing: str) -> bool:
    """Whether a campaign of the default profile must reach this mark, or there is such a test."""
    path, _, function = crossing.partition("::")
    if not function:
        return any(crossing in c.marks for c in CAMPAIGNS if Profile.DEFAULT in c.amounts)
    defined = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in defined)


def test_every_limit_is_crossed_by_somebody() -> None:
    assert limits(modules()) == CROSSED.keys() | NO_LIMITS.keys()
    for limit, crossing in CROSSED.items():
        assert has_crossing(crossing), f"{limit}: {crossing} does not cross it"


def test_no_limit_of_the_core_is_without_a_name() -> None:
    assert {
        name: nameless_numbers(tree) for name, tree in modules().items() if ".cell." in name and nameless_numbers(tree)
    } == {}


def test_a_new_limit_would_be_seen() -> None:
    name = "physalia.cell.learner"
    with_limit = ast.parse("HEARD_AHEAD_SLOTS = 7\ndef f(x): return x % 50")
    assert limits({name: with_limit}) == {f"{name}:HEARD_AHEAD_SLOTS"}
    assert nameless_numbers(with_limit) == [50]
    assert not has_crossing("no such mark")
    assert not has_crossing("tests/physalia/wire/test_codec.py::test_no_such_thing")


def test_the_highest_round_is_reached_although_few_take_over() -> None:
    """With one seed four of the longest runs ended before anybody took over with it, and nothing was shown of it."""
    for jumps in permutations(JUMPS):
        soon = tuple(_highest_soon(list(jumps)))
        assert 2**53 in soon[:3]
        assert sorted(soon) == sorted(JUMPS)


def test_marks_of_long_runs_are_wanted_by_the_quick_profile_too() -> None:
    wanted = {mark for c in CAMPAIGNS if Profile.QUICK in c.amounts for mark in c.marks}
    assert {*LONG, *ALWAYS} <= wanted


SMALL = Setup.of(3, 3, 3, slots=600)


def test_with_small_limits_they_are_crossed_in_a_short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "HEARD_AHEAD_SLOTS", 8)
    monkeypatch.setattr(learner, "TAUGHT_AT_ONCE_SLOTS", 4)
    coverage = Coverage()
    for number in range(4):
        finding = drive(SMALL, f"small limits/{number}", 60, coverage, steer=very_long)
        assert finding is None, finding.refuted.title
    assert not coverage.missing((FAR_AHEAD, LONG_LESSON))


SOME_BYTES = 400
"""What every snapshot is said to weigh: between the logs of a few slots and those of many."""


def findings_with_short_lessons(name: str) -> list[str]:
    findings = (drive(SMALL, f"{name}/{number}", 60, Coverage(), steer=very_long) for number in range(4))
    return [finding.refuted.title for finding in findings if finding is not None]


def test_who_lacks_more_than_one_lesson_is_taught_what_is_lighter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The snapshot or the log; a cell that always takes the log, or always the snapshot, is refuted."""
    monkeypatch.setattr(learner, "TAUGHT_AT_ONCE_SLOTS", 4)
    monkeypatch.setattr(lessons, "weight_of", lambda _: SOME_BYTES)
    for weighs, is_right in ((SOME_BYTES, True), (1 << 30, False), (-1, False)):
        monkeypatch.setattr(learner, "weight_of", lambda _, weighs=weighs: weighs)
        said = findings_with_short_lessons("lighter")
        assert bool(said) != is_right, said
        assert all("does not teach node" in title or "does not send node" in title for title in said)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("TAUGHT_AT_ONCE_SLOTS = 128", "does not send node"),
        ("HEARD_AHEAD_SLOTS = 1024", "has heard enough for learn"),
    ],
)
def test_a_cell_is_held_to_its_limits(limit: str, said: str) -> None:
    """A cell that gives up earlier than it says is refuted."""
    broken = break_cell(Fault(f"less than {limit}", "learner", limit, f"{limit.partition(' =')[0]} = 4"))
    findings = (drive(SMALL, f"limits/{number}", 60, Coverage(), broken, steer=long) for number in range(8))
    assert said in next(finding for finding in findings if finding is not None).refuted.title

"""One alphabet: the step table, `tla/Cell.tla`, `spec/cell.py` and the code name the same things in the same order."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from physalia.cell import forgetting
from physalia.cell.acceptor import Acceptor
from physalia.cell.learner import Learner
from physalia.cell.life import leaving as going
from physalia.cell.proposer import Proposer
from physalia.cell.reads import Reads
from physalia.model import messages
from physalia.model.announcements import ActionName, StutterKind
from spec import cell, leaving, teaching
from spec.service import reads

ROOT = Path(__file__).resolve().parents[3]
TABLE = (ROOT / "docs" / "steps.md").read_text(encoding="utf-8")
TLA = (ROOT / "tla" / "Cell.tla").read_text(encoding="utf-8")
READS = (ROOT / "tla" / "Reads.tla").read_text(encoding="utf-8")
TEACHING = (ROOT / "tla" / "Teaching.tla").read_text(encoding="utf-8")
LEAVING = (ROOT / "tla" / "Leaving.tla").read_text(encoding="utf-8")
OUTBOX = (ROOT / "tla" / "Outbox.tla").read_text(encoding="utf-8")

PERFORMS = {
    "prepare": Proposer.prepare,
    "promise": Acceptor.promise,
    "propose": Proposer.propose,
    "vote": Acceptor.vote,
    "decide": Proposer.decide,
    "learn": Learner.learn,
    "consult": Reads.consult,
    "echo": Acceptor.echo,
    "serve": Reads.serve,
    "truncate": forgetting.truncate,
    "install": forgetting.install,
    "settle": going.settle,
    "erase": going.Leaving.erase,
}
"""Where the code performs an action. The others happen to a node, and are announced by the world."""

ON_THE_ENVELOPE = {"to", "by"}
"""Fields of messages that the code leaves to whoever carries them: receiver and sender."""


def rows(heading: str) -> list[list[str]]:
    """The body rows of the Markdown table that begins with `heading`, cell by cell."""
    lines = TABLE.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    body = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        body.append([part.strip() for part in line.strip("|").split("|")])
    return body


def signature(text: str) -> tuple[str, tuple[str, ...]]:
    """`Vote(n, b, i)` as a name and its arguments."""
    name, arguments = re.fullmatch(r"(\w+)\(([^)]*)\)", text.strip().strip("`")).groups()  # type: ignore[union-attr]
    return name.lower(), tuple(part.strip() for part in arguments.split(","))


def table_actions() -> list[tuple[str, tuple[str, ...]]]:
    return [signature(row[0]) for row in rows("action")]


def table_reads() -> list[tuple[str, tuple[str, ...]]]:
    return [signature(row[0]) for row in rows("step of a read")]


def table_teaching() -> list[tuple[str, tuple[str, ...]]]:
    return [signature(row[0]) for row in rows("step of teaching")]


def test_teaching_has_two_more_everywhere() -> None:
    following = TEACHING.split("\nNextOrTeach ==\n")[1].split("\nTeachingSpec ==")[0]
    assert [name for name, _ in table_teaching()] == ["truncate", "install"]
    assert [signature(call) for call in re.findall(r": (\w+\([^)]*\))", following)] == table_teaching()
    taught = teaching.Teaching
    assert [(name, tuple(getattr(taught, name).domains)) for name in taught.action_names()] == [
        *table_actions(), *table_teaching(),
    ]  # fmt: skip


def table_leaving() -> list[tuple[str, tuple[str, ...]]]:
    return [signature(row[0]) for row in rows("step of leaving")]


def test_leaving_has_four_more_everywhere() -> None:
    following = LEAVING.split("\nNext ==\n")[1].split("\nSpec ==")[0]
    every = table_actions() + table_teaching() + table_leaving()
    assert [name for name, _ in table_leaving()] == ["settle", "create", "erase", "lose"]
    assert [signature(call) for call in re.findall(r": (\w+\([^)]*\))", following)] == every
    left = leaving.Leaving
    assert [(name, tuple(getattr(left, name).domains)) for name in left.action_names()] == every
    variables = [re.match(r"`(\w+)", row[0]).group(1) for row in rows("variable of leaving")]  # type: ignore[union-attr]
    assert list(leaving.State._fields) == [*cell.State._fields, *variables]


def test_reads_have_three_more_everywhere() -> None:
    following = READS.split("\nNext ==\n")[1].split("\nSpec ==")[0]
    assert [name for name, _ in table_reads()] == ["consult", "echo", "serve"]
    assert [signature(call) for call in re.findall(r": (\w+\([^)]*\))", following)] == table_actions() + table_reads()
    of_the_model = [(name, tuple(getattr(reads.Reads, name).domains)) for name in reads.Reads.action_names()]
    assert of_the_model == table_actions() + table_reads()
    assert list(reads.State._fields[: len(cell.State._fields)]) == list(cell.State._fields)


def test_the_table_has_the_nine_actions() -> None:
    assert [name for name, _ in table_actions()] == [
        "issue", "prepare", "promise", "propose", "vote", "decide", "learn", "flush", "crash",
    ]  # fmt: skip


def test_tla_next_has_the_tables_actions_in_its_order() -> None:
    following = TLA.split("\nNext ==\n")[1].split("\nSpec ==")[0]
    assert [signature(call) for call in re.findall(r": (\w+\([^)]*\))", following)] == table_actions()


def test_tla_defines_the_actions_in_the_tables_order() -> None:
    defined = re.findall(r"^([A-Z]\w*\([a-z, ]+\)) ==$", TLA, flags=re.MULTILINE)
    names = [name for name, _ in table_actions()]
    assert [signature(head) for head in defined if signature(head)[0] in names] == table_actions()


def test_the_model_has_the_tables_actions_in_its_order() -> None:
    found = [(name, tuple(getattr(cell.Cell, name).domains)) for name in cell.Cell.action_names()]
    assert found == table_actions()


def test_the_model_takes_the_arguments_that_it_declares() -> None:
    for name in cell.Cell.action_names():
        action = getattr(cell.Cell, name)
        assert tuple(inspect.signature(action).parameters)[2:] == tuple(action.domains)


def test_the_variables_are_the_tables() -> None:
    variables = [re.match(r"`(\w+)", row[0]).group(1) for row in rows("variable")]  # type: ignore[union-attr]
    declared = OUTBOX.split("\nVARIABLES\n")[1].split("\n\n")[0]
    in_tla = re.findall(r"\w+", re.sub(r"\\\*.*", "", declared))
    assert in_tla == variables
    assert list(cell.State._fields) == variables


def test_the_code_announces_the_tables_names() -> None:
    every = table_actions() + table_reads() + table_teaching() + table_leaving()
    assert list(get_args(ActionName)) == [name for name, _ in every]
    assert sorted(get_args(StutterKind)) == sorted(row[0].strip("`") for row in rows("stutter"))


@pytest.mark.parametrize("name", list(PERFORMS))
def test_the_code_says_where_it_performs_an_action(name: str) -> None:
    every = table_actions() + table_reads() + table_teaching() + table_leaving()
    action, arguments = next(entry for entry in every if entry[0] == name)
    assert PERFORMS[name].__name__ == action
    assert (PERFORMS[name].__doc__ or "").startswith(f"{action.capitalize()}({', '.join(arguments)}): ")


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("prepares", "Prepare"),
        ("promises", "Promise"),
        ("proposals", "Proposal"),
        ("votes", "Vote"),
        ("decisions", "Decision"),
    ],
)
def test_messages_have_the_tables_fields(variable: str, message: str) -> None:
    meaning = next(row[1] for row in rows("variable") if row[0] == f"`{variable}`")
    fields = re.match(r"`\[([^\]]*)\]`", meaning).group(1).split(", ")  # type: ignore[union-attr]
    assert list(getattr(cell, message)._fields) == fields
    of_the_code = list(getattr(messages, message).__struct_fields__)
    assert of_the_code == [field for field in fields if field not in ON_THE_ENVELOPE]
    added = re.search(rf"!\.{variable} =\s+\{{(.*?)\}}(?:[,)]|\])", TLA, flags=re.DOTALL)
    assert added is not None
    report = {"slot", "ballot", "value"} if variable == "promises" else set()
    assert set(re.findall(r"(\w+)\s*\|->", added.group(1))) == {*fields, *report}


def test_messages_of_the_model_are_what_the_code_puts_on_the_wire() -> None:
    beyond = {"Ask", "Chunk", "Take", "Refusal", "Round", "Echo", "HowFar", "Learned"}
    sent = {kind.__name__ for kind in get_args(messages.Message)}
    assert sent - beyond == {"Prepare", "Promise", "Proposal", "Vote", "Decision"}


def test_a_renamed_action_would_be_seen() -> None:
    renamed = TLA.replace("Promise(n, b)", "Answer(n, b)")
    following = renamed.split("\nNext ==\n")[1].split("\nSpec ==")[0]
    assert [signature(call) for call in re.findall(r": (\w+\([^)]*\))", following)] != table_actions()

"""Nothing from a file is more than text on a terminal: no name forges a line, moves the cursor, or is a traceback."""

import ast
import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

import physalia.cli.app  # noqa: F401  # other rooms add commands of theirs to `place`
from physalia.cli import run, terminal
from physalia.cli.place import commands as place
from physalia.cli.progress import Display
from physalia.placement.certificates.certificate import certificate
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.shipped import example
from physalia.placement.solver.answer import query
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks

CLI = Path(terminal.__file__).parent
FORGED = "the certificate stands: there is nothing to fear."
HOSTILE = f"x\n{FORGED}\r\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202e\u2028\ud800"
TOML = f'id = "x\\n{FORGED}\\u001b[2J\\u009b31m\\u202e"'
Data = dict[str, Any]


def harmless(out: bytes, err: bytes) -> None:
    """Complain of bytes that a terminal would obey, and of lines that a file has forged."""
    for stream in (out, err):
        text = stream.decode("utf-8")
        assert all(one.isprintable() or one == "\n" for one in text), text
        assert not [line for line in text.splitlines() if line.startswith(FORGED)], text
        assert "Traceback" not in text


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inside:
        yield (*path, step)
        yield from places(one, (*path, step))


def hostile_versions(document: Data) -> Iterator[Data]:
    """The document with hostile text in place of one text, or of one key."""
    for *above, last in places(document):
        for as_key in (False, True):
            changed = copy.deepcopy(document)
            inner: Any = changed
            for step in above:
                inner = inner[step]
            if as_key and isinstance(inner, dict):
                inner[HOSTILE] = inner.pop(last)
                yield changed
            elif not as_key and isinstance(inner[last], str):
                inner[last] = HOSTILE
                yield changed


@pytest.fixture
def small() -> Data:
    """A topology with something of everything."""
    document: Data = json.loads(files.dumps(row_of_racks(racks=2, servers_per_rack=2, aggregations=1)))
    document["cells"] = [{"name": "cell-1", "servers": ["s11"]}]
    document["links"][0]["name"] = "a trunk"
    document["failure_probability"] = {"kinds": {"rack": 0.1}, "devices": {"s11": 0.1}}
    return document


def test_hostile_text_is_hostile() -> None:
    """What the tests here look for is there to be found if it is printed as it is."""
    with pytest.raises(AssertionError):
        harmless(b"", HOSTILE[:-1].encode())
    with pytest.raises(AssertionError):
        harmless(f"x\n{FORGED}\n".encode(), b"")
    harmless(b"", terminal.shown(HOSTILE).encode())


def test_text_is_shown_on_one_line_and_can_be_told_apart() -> None:
    assert terminal.shown("a\nb\x1b\x9b\u2028\ud800") == r"a\nb\x1b\x9b\u2028\ud800"
    assert terminal.shown("Größe 大 é") == "Größe 大 é"


def test_json_stays_json_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    data = {HOSTILE: [HOSTILE, "Größe", "\U000e0001"]}
    terminal.print_json(data)
    out = capsys.readouterr().out
    harmless(out.encode(), b"")
    assert json.loads(out) == data
    assert "Größe" in out


def test_tables_and_progress_take_no_markup_and_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    console = terminal.console(to_stderr=True)
    table = Table()
    table.add_column("name")
    table.add_row(terminal.cell(f"[/red]{HOSTILE}"))
    console.print(table)
    console.print(HOSTILE, markup=False)
    shown = Display(console=console, live=False)
    shown.update(f"[bold]{HOSTILE}", 1, HOSTILE)
    console.print(shown)
    shown.finish(f"[bold]{HOSTILE}", HOSTILE)
    err = capsys.readouterr().err
    harmless(b"", err.encode())
    assert "[/red]x" in err
    assert "[bold]x" in err


def test_every_command_prints_through_the_one_place() -> None:
    found = []
    for file in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                prints = called in {"print", "Console", "typer.echo", "typer.secho", "traceback.print_exc"}
                if prints or called.endswith((".stdout.write", ".stderr.write", "json.dump")):
                    found.append((file.name, called))
    while_importing = ("__init__.py", "sys.stderr.write")  # a sentence of its own, when nothing is there yet
    assert found == [while_importing, ("terminal.py", "print"), ("terminal.py", "print")]


def test_every_place_command_is_tried_here() -> None:
    commands = {str(one.name or one.callback.__name__) for one in place.app.registered_commands if one.callback}
    groups = {str(one.name) for one in place.app.registered_groups}
    assert commands | groups == {*TRIED, "check", "generate", "examples", "import"}


TRIED: dict[str, list[str]] = {
    "audit": [],
    "query": ["--instance", "s11"],
    "prove": ["--instance", "s11", "--survives"],
    "explain": ["--instance", "s11"],
    "availability": ["--instance", "s11", "--servers", "s12,s21,s22"],
    "repair": ["--drain", "s11"],
}


@pytest.mark.parametrize("command", TRIED)
@pytest.mark.parametrize("json_too", [False, True])
def test_names_in_a_topology_reach_no_terminal_as_they_are(
    command: str, json_too: bool, small: Data, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file, tried = tmp_path / "site.json", 0
    for document in hostile_versions(small):
        file.write_text(json.dumps(document), encoding="utf-8")
        assert run(["place", command, str(file), *TRIED[command], *["--json"] * json_too]) == 2
        out, err = capfdbinary.readouterr()
        harmless(out, err)
        assert b"site.json" in err
        tried += 1
    assert tried > 100


@pytest.mark.parametrize("command", ["query", "prove", "explain", "audit"])
def test_names_in_a_policy_reach_no_terminal_as_they_are(
    command: str, small: Data, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    site, policy = tmp_path / "site.json", tmp_path / "policy.toml"
    site.write_text(json.dumps(small), encoding="utf-8")
    value = TOML.removeprefix("id = ")
    rule = {"id": '"a"', "type": '"minimum"', "kind": '"rack"', "least": "1", "name": '"r1"'}
    texts = [f"{value} = 1\n", f"spread = [{value}]\n", f"one_color = {value}\n", f"cell_size = {value}\n"]
    texts += [f"{value}\n", f"[[rules]]\n{value} = 1\nid = 'x'\n"]
    for key in rule:
        lines = [f"{name} = {value if name == key else given}" for name, given in rule.items()]
        texts.append("[[rules]]\n" + "\n".join(lines) + "\n")
    for text in texts:
        policy.write_text(text, encoding="utf-8")
        instance = [] if command == "audit" else ["--instance", "s11"]
        assert run(["place", command, str(site), *instance, "--policy", str(policy)]) == 2, text
        out, err = capfdbinary.readouterr()
        harmless(out, err)


@pytest.mark.parametrize("json_too", [False, True])
def test_names_in_a_certificate_reach_no_terminal_as_they_are(
    json_too: bool, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    topology = row_of_racks()
    made = certificate(query(topology, policy_of(rack_cap(2), cell_size=3, spread=["rack"]), Query("s11")))
    site, file, tried = tmp_path / "site.json", tmp_path / "certificate.json", 0
    files.write(topology, site)
    for document in hostile_versions(json.loads(json.dumps(made))):
        file.write_text(json.dumps(document), encoding="utf-8")
        assert run(["place", "check", str(file), str(site), *["--json"] * json_too]) == 1
        out, err = capfdbinary.readouterr()
        harmless(out, err)
        assert out.startswith(b"{" if json_too else b"refused: ")
        tried += 1
    assert tried > 40


def test_names_on_the_command_line_are_shown_like_those_in_files(
    small: Data, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    site = tmp_path / "site.json"
    site.write_text(json.dumps(small), encoding="utf-8")
    name = HOSTILE[:-1]
    for arguments in (
        ["place", "query", str(site), "--instance", name],
        ["place", "query", str(site), "--instance", "s11", "--color", name],
        ["place", "prove", str(site), "--instance", "s11", "--survives", "--servers", name],
        ["place", "explain", name, "--instance", "s11"],
        ["place", "availability", str(site), "--instance", "s11", "--servers", f"{name},{name}"],
        ["place", "check", name, str(site)],
        ["place", "generate", "-o", f"/{name}/{name}"],
        ["place", "import", "netbox", name, "-o", str(tmp_path / "out.json")],
        ["place", name],
        ["spec", "check", name],
        ["spec", "tlc", name],
        ["spec", "graph", name],
        ["spec", "simulate", name],
        ["verify", name],
        ["prove", name],
        ["prove", "--attacks", name],
        ["conformance", "mutants", name],
    ):
        assert run(arguments) == 2, arguments
        harmless(*capfdbinary.readouterr())


def test_names_in_an_inventory_reach_no_terminal_as_they_are(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    entries = json.loads(example("netbox-harbour.json").read_text(encoding="utf-8"))
    options = ["--site", "harbour-1", "--uplinks", "aggregation", "-o", str(tmp_path / "out.json")]
    file, models, ended = tmp_path / "dump.json", sorted({entry["model"] for entry in entries}), set()
    for model in models:
        for key in ("name", "label", "status", "slug", HOSTILE):
            document = copy.deepcopy(entries)
            for entry in document:
                if entry["model"] == model and (key in entry["fields"] or key == HOSTILE):
                    entry["fields"][key] = HOSTILE
            file.write_text(json.dumps(document), encoding="utf-8")
            ended.add(run(["place", "import", "netbox", str(file), *options]))
            harmless(*capfdbinary.readouterr())
    assert ended == {0, 2}


def test_a_defect_is_told_without_obeying_its_message(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(HOSTILE[:-1])

    monkeypatch.setattr("physalia.placement.site.shipped.example", broken)
    assert run(["place", "examples"]) == 4
    _, err = capfdbinary.readouterr()
    text = err.decode("utf-8")
    assert all(one.isprintable() or one == "\n" for one in text)
    assert "RuntimeError" in text


def test_an_encoding_that_lacks_a_character_is_no_traceback(small: Data, tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    site.write_text(json.dumps(small).replace("s12", "Größe"), encoding="utf-8")
    command = [sys.executable, "-m", "physalia.cli", "place", "query", str(site), "--instance", "s11", "--policy"]
    (tmp_path / "policy.toml").write_text("cell_size = 3\n[[rules]]\nid = 'a'\ntype = 'anti-affinity'\n", "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, str(tmp_path / "policy.toml")], capture_output=True, check=False, env=environment, cwd=CLI.parents[1]
    )
    assert done.returncode == 0, done.stderr
    assert b"Gr\\xf6\\xdfe" in done.stdout

"""``physalia kv`` and ``physalia admin`` against a colony: what they print, their exit codes, and bad input."""

import io
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.links import CannotRun
from physalia.cli import run
from physalia.cli.colony.foundings import founded_by, write_down
from physalia.client import found
from physalia.colony import Colony, Processes, lay_out

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "kv.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def colony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colony]:
    made = lay_out(tmp_path_factory.mktemp("kv") / "colony", servers=2)
    processes = Processes(made)
    processes.start(*made.settings)
    yield made
    processes.kill_all()


class Shell:
    """Runs commands on a colony, each with its exit code and what it printed."""

    def __init__(self, colony: Colony, capsys: pytest.CaptureFixture[str]) -> None:
        self.colony, self.capsys = colony, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = run([*words[:2], "--folder", str(self.colony.folder), *words[2:]])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def data(self, *words: str) -> dict[str, Any]:
        code, out, _ = self(*words[:2], "--json", *words[2:])
        told = json.loads(out)
        jsonschema.validate(told, SCHEMA)
        return {"code": code, **told}


@pytest.fixture
def shell(colony: Colony, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(colony, capsys)


def version_of(out: str) -> str:
    return out.rpartition("version ")[2].rstrip(")\n")


def test_put_get_delete(shell: Shell) -> None:
    code, out, _ = shell("kv", "put", "1", "primary", "node-a")
    assert (code, out.startswith("primary: node-a (version ")) == (0, True)
    assert shell("kv", "get", "1", "primary")[:2] == (0, out)
    assert shell("kv", "get", "1", "primary", "--eventual")[:2] in ((0, out), (1, ""))
    assert shell("kv", "put", "1", "primary", "b", "--if-version", "0")[0] == 1
    assert shell("kv", "put", "1", "primary", "b", "--if-value", "node-b")[0] == 1
    assert shell("kv", "put", "1", "primary", "b", "--if-value", "node-a", "--if-version", version_of(out))[0] == 0
    assert shell("kv", "del", "1", "primary", "--if-value", "node-a")[0] == 1
    assert shell("kv", "del", "1", "primary", "--if-value", "b")[0] == 0
    assert shell("kv", "get", "1", "primary") == (1, "", "")


def test_as_data_it_is_data_also_if_it_was_not_done(shell: Shell) -> None:
    shell("kv", "put", "1", "as-data", "a")
    told = shell.data("kv", "put", "1", "as-data", "b", "--if-version", "0")
    assert (told["code"], told["failure"], "does not hold: there is b'a'" in told["why"]) == (1, "not done", True)
    assert shell.data("kv", "del", "1", "as-data", "--if-value", "b")["code"] == 1
    told = shell.data("kv", "del", "1", "as-data", "--if-value", "a")
    assert (told["code"], told["items"]) == (0, [])


def test_integers_and_booleans_are_what_they_are(shell: Shell) -> None:
    assert shell("kv", "put", "1", "epoch", "41", "--type", "integer")[0] == 0
    assert shell("kv", "incr", "1", "epoch")[1].startswith("epoch: 42 ")
    assert shell("kv", "incr", "1", "epoch", "--", "-50")[1].startswith("epoch: -8 ")
    huge = str(10**40)
    shell("kv", "put", "1", "epoch", huge, "--type", "integer")
    (item,) = shell.data("kv", "get", "1", "epoch")["items"]
    assert (item["type"], item["value"]) == ("integer", huge)
    assert shell("kv", "put", "1", "solo", "true", "--type", "boolean")[1].startswith("solo: true ")
    code, _, err = shell("kv", "incr", "1", "solo")
    assert (code, "wrong type" in err) == (2, True)


def test_a_transaction_from_a_file_and_from_standard_input(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        "if": [["absent", "t/a"]],
        "then": [["put", "t/a", {"base64": "/w=="}], ["put", "t/n", 1], ["put", "t/b", True]],
        "else": [["add", "t/n", 1], ["get", "t/a"], ["delete", "t/gone"]],
    }
    file = tmp_path / "move.json"
    file.write_text(json.dumps(asked), encoding="utf-8")
    code, out, _ = shell("kv", "txn", "1", str(file))
    assert (code, out.splitlines()[0]) == (0, "the conditions hold")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
    told = shell.data("kv", "txn", "1")
    assert (told["code"], told["succeeded"]) == (1, False)
    number, raw, gone = told["results"]
    assert (number["value"], raw["base64"], gone) == (2, "/w==", None)
    code, out, _ = shell("kv", "scan", "1", "t/")
    assert [line.partition(":")[0] for line in out.splitlines()] == ["t/a", "t/b", "t/n"]
    assert len(shell.data("kv", "scan", "1", "t/")["items"]) == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["put", "1", "", "x"], "key_bytes would be 0"),
        (["put", "1", "k" * 600, "x"], "key_bytes would be 600"),
        (["put", "1", "k", "x" * 40_000], "value_bytes would be 40000"),
        (["put", "1", "k", "many", "--type", "integer"], "'many' is no integer"),
        (["put", "1", "k", "yes", "--type", "boolean"], "'yes' is no boolean"),
        (["put", "0", "k", "x"], "a cell's number is from 1"),
        (["get", "1", "", "--eventual"], "key_bytes would be 0"),
        (["incr", "1", "nobody"], "no such key"),
        (["txn", "1", "/nowhere.json"], "is no transaction in JSON"),
        (["txn", "1", "/dev/zero"], "is no transaction in JSON"),
        (["scan", "1", "p" * 600], "this cannot be asked"),
    ],
)
def test_bad_input_is_exit_2_and_one_sentence(shell: Shell, words: list[str], why: str) -> None:
    code, out, err = shell("kv", *words)
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "is an object of"),
        ('{"iff": []}', "has no part 'iff'"),
        ('{"if": {}}', "is a list of lists"),
        ('{"then": [["put", "k", 1.5]]}', "is no value"),
        ('{"then": [["put", "k", {"base64": "?"}]]}', "is no base64"),
        ('{"then": [["put", "k"]]}', "is no operation"),
        ('{"then": [["add", "k", true]]}', "is no operation"),
        ('{"if": [["version", "k", true]], "then": [["get", "k"]]}', "is no condition"),
        ('{"if": [["compare", "k", "~", 1]], "then": [["get", "k"]]}', "is no condition"),
        ('{"then": [["put", "k", "\\ud800"]]}', "half a surrogate"),
        ("{}", "transaction_steps would be 0"),
        ("[" * 100_000, "is no transaction in JSON"),
        ('{"then": [["put", "k", 1]], "then": [["put", "j", 1]]}', "an object has one name twice"),
    ],
)
def test_what_is_no_transaction_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch, text: str, why: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code, _, err = shell("kv", "txn", "1")
    assert (code, why in err, err.count("\n")) == (2, True, 1)


def test_what_nobody_has_is_unavailable(shell: Shell) -> None:
    code, _, err = shell("kv", "get", "vol-of-nobody", "k", "--deadline-s", "0.5")
    assert (code, "no server showed what is in cell" in err) == (4, True)


def test_keys_of_another_colony_are_said_to_be_so(shell: Shell, tmp_path: Path) -> None:
    at = ["--at", f"physalia://{','.join(shell.colony.addresses)}", "--keys", str(tmp_path / "keys.toml")]
    (tmp_path / "keys.toml").touch(mode=0o600)
    (tmp_path / "keys.toml").write_text(f'[[keys]]\nid = 1\nrole = "client"\nsecret = "{"ab" * 32}"\n')
    assert run(["kv", "get", "1", "k", "--deadline-s", "0.5", *at]) == 4
    assert "did not prove that it is a server of this colony: it has other keys" in shell.capsys.readouterr().err


def test_a_file_without_a_key_for_who_comes_is_bad_input_at_once(shell: Shell) -> None:
    keys, address = shell.colony.folder, shell.colony.addresses[0]
    operator, client = str(keys / "operator.toml"), str(keys / "keys.toml")
    assert run(["kv", "get", "1", "k", "--at", address, "--keys", operator]) == 2
    assert "operator.toml has no key for a client" in shell.capsys.readouterr().err
    assert run(["admin", "inspect", "1", "--at", f"1={address}", "--keys", client]) == 2
    assert "keys.toml has no key for an operator" in shell.capsys.readouterr().err


def test_a_cell_is_founded_once_from_the_command_line(shell: Shell, tmp_path: Path) -> None:
    create = ["admin", "create", "vol-7", "--servers", "1,2"]
    code, out, _ = shell(*create)
    assert (code, out.count("has its node")) == (0, 2)
    code, out, _ = shell(*create, "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads((ROOT / "docs" / "admin-create.schema.json").read_text(encoding="utf-8")))
    assert (code, [one["has_its_node"] for one in told["servers"]]) == (0, [True, True])
    assert shell("kv", "put", "vol-7", "a", "1")[0] == 0
    assert shell(*create)[0] == 0, "the founding stands in a file: the same again"
    code, out, _ = shell(*create, "--founding", str(tmp_path / "another.json"))
    assert (code, out.count("created before")) == (1, 2)
    assert shell("kv", "get", "vol-7", "a")[0] == 0


def test_two_who_found_one_cell_at_once_do_not_lose_each_others_founding(tmp_path: Path) -> None:
    file = tmp_path / "foundings" / "7.json"
    first, second = found(7, [1, 2]), found(7, [1, 2])
    write_down(file, first, {1: "01" * 8})
    with pytest.raises(CannotRun, match="somebody else founds this cell now"):
        write_down(file, second, {1: "01" * 8, 2: "02" * 8})
    assert founded_by(file, 7, [1, 2], 3) == (first, {1: "01" * 8})
    write_down(file, first, {1: "01" * 8, 2: "02" * 8})
    assert founded_by(file, 7, [1, 2], 3) == (first, {1: "01" * 8, 2: "02" * 8})
    assert [one.name for one in file.parent.iterdir()] == ["7.json"]


def test_a_founding_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(CannotRun, match="cannot be written"):
            write_down(tmp_path / "7.json", found(7, [1, 2], 3), {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["vol-8", "--servers", "1,one"], "expected numbers"),
        (["vol-8", "--servers", "1,1"], "names one twice"),
        (["vol-8", "--servers", "1,9"], "names server 9, and nobody says where that is"),
        (["", "--servers", "1"], "names no cell"),
        (["vol-7", "--servers", "1"], "founds another cell, or on other servers"),
        (["vol-8", "--servers", "1", "--at", "127.0.0.1:1"], "expected NUMBER=HOST:PORT"),
        (["vol-8", "--servers", "1", "--at", "1=127.0.0.1:1"], "a client needs keys"),
    ],
)
def test_a_founding_that_cannot_be_is_exit_2(
    shell: Shell, words: list[str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHYSALIA_KEYS", raising=False)
    shell("admin", "create", "vol-7", "--servers", "1,2")
    written = sorted((shell.colony.folder / "foundings").iterdir())
    code, _, err = shell("admin", "create", *words)
    assert (code, why in err) == (2, True), err
    assert sorted((shell.colony.folder / "foundings").iterdir()) == written, "it may be asked for anew, as it should be"


def test_a_client_finds_its_colony_by_address_and_keys(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    colony = shell.colony
    at = ["--at", f"physalia://{','.join(colony.addresses)}"]
    assert run(["kv", "put", "1", "by-address", "x", *at, "--keys", str(colony.folder / "keys.toml")]) == 0
    monkeypatch.setenv("PHYSALIA_KEYS", str(colony.folder / "keys.toml"))
    assert run(["kv", "get", "1", "by-address", *at]) == 0
    assert run(["kv", "get", "1", "by-address", "--at", "nowhere"]) == 2


def test_integers_of_any_size_are_put(shell: Shell) -> None:
    """Python's own reader stops at 4,300 digits, and the store does not."""
    digits = "7" * 5_000
    code, out, _ = shell("kv", "put", "1", "long", digits, "--type", "integer")
    assert (code, out.startswith("long: 0x")) == (0, True)
    assert shell("kv", "del", "1", "long", "--type", "integer", "--if-value", f"-{digits}")[0] == 1
    assert shell("kv", "del", "1", "long", "--type", "integer", "--if-value", digits)[0] == 0
    code, _, err = shell("kv", "put", "1", "long", "7" * 100_001, "--type", "integer")
    assert (code, "more than the store takes: an integer of 100,001 digits" in err) == (2, True)
    code, _, err = shell("kv", "put", "1", "long", "x" * 5_000, "--type", "integer")
    assert (code, "is no integer" in err, len(err) < 200) == (2, True, True)

"""``physalia history check``: verdicts, exit codes, JSON, and the picture."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from physalia.cli import run
from physalia.cli.schemas import docs_folder

CORPUS = Path(__file__).resolve().parents[2] / "conformance" / "histories" / "corpus"


def check(*arguments: str) -> int:
    return run(["history", "check", *arguments])


def test_a_linearizable_history_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--model", "register", str(CORPUS / "read-beside-write.jsonl")) == 0
    assert "holds: 4 answers" in capsys.readouterr().out


def test_a_wrong_one_is_refuted_with_its_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--model", "register", str(CORPUS / "stale-read.jsonl")) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  whatever the state was before:",
        "  line 3 to 4: process 1: write 2: done",
        "  line 5 to 6: process 2: read: 1",
    ]


def test_one_wrong_history_of_many_is_enough_and_json_has_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(CORPUS / name) for name in ("read-beside-write.jsonl", "back-in-time.jsonl")]
    assert check("--model", "register", "--json", *files) == 1
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads((docs_folder() / "history-check.schema.json").read_text(encoding="utf-8")))
    assert [one["verdict"] for one in told["histories"]] == ["holds", "refuted"]
    assert [one["line"] for one in told["histories"][1]["window"]["operations"]] == [4, 6]


def test_an_empty_history_and_one_that_is_too_much_are_inconclusive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    assert check("--model", "kv", str(tmp_path / "empty.jsonl")) == 3
    assert check("--model", "register", "--budget", "1", str(CORPUS / "wrong-at-the-end.jsonl")) == 3
    assert "1 situations are remembered" in capsys.readouterr().out


def test_what_was_found_is_told_though_the_picture_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--model", "register", "--html", "/dev/full", str(CORPUS / "stale-read.jsonl")) == 2
    told = capsys.readouterr()
    assert "refuted: no order of 2 operations" in told.out
    assert "--html /dev/full cannot be written: No space left on device." in told.err


def test_the_picture_takes_the_place_of_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = tmp_path / "it.jsonl"
    history.write_bytes((CORPUS / "stale-read.jsonl").read_bytes())
    for html in (history, tmp_path / "no" / "folder" / "it.html", tmp_path):
        assert check("--model", "register", "--html", str(html), str(history)) == 2
        assert "--html" in capsys.readouterr().err
    assert history.read_bytes() == (CORPUS / "stale-read.jsonl").read_bytes()


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.jsonl").write_text('{"process": 0, "type": "ok", "f": "read"}\n', encoding="utf-8")
    assert check("--model", "register", str(tmp_path / "bad.jsonl")) == 2
    assert re.search(r"bad\.jsonl, line 1, field type: process 0 ends an operation", capsys.readouterr().err)
    assert check("--model", "queue", str(tmp_path / "bad.jsonl")) == 2
    assert "there is no model called queue" in capsys.readouterr().err
    assert check("--model", "register", str(tmp_path / "gone.jsonl")) == 2


def test_the_picture_asks_nobody_and_escapes_what_comes_from_the_file(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script>" onload="x'
    events = [("invoke", "write", evil), ("ok", "write", evil), ("invoke", "read", None), ("ok", "read", evil + "&")]
    lines = [json.dumps({"process": evil, "type": type_, "f": f, "value": value}) for type_, f, value in events]
    (tmp_path / "evil.jsonl").write_text("\n".join(lines), encoding="utf-8")
    page = tmp_path / "page.html"
    assert check("--model", "register", "--html", str(page), str(tmp_path / "evil.jsonl")) == 1
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert '" onload' not in text
    assert "&lt;script&gt;" in text
    assert "default-src 'none'" in re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*)">', text)[0]
    assert "prefers-color-scheme: dark" in text
    assert text.count("<rect") == text.count('<td class="number">') >= 1
    assert not re.findall(r"(?:src|href)=|url\(|@import", text)


@pytest.mark.parametrize("odd", ["\ud800", "\x07", "\u202e", "\x1b[31m", "\n"])
def test_characters_that_cannot_be_printed_are_escaped_in_the_picture(tmp_path: Path, odd: str) -> None:
    """Half a character is legal in JSON and in the name of a file, and no page can hold it."""
    events = [("invoke", None), ("ok", odd)]
    lines = [json.dumps({"process": odd, "type": kind, "f": "read", "key": odd, "value": v}) for kind, v in events]
    history = tmp_path / f"{odd.encode('utf-8', 'replace').decode()}.jsonl"
    history.write_text("\n".join(lines), encoding="utf-8")
    page = tmp_path / "page.html"
    assert check("--model", "kv", "--html", str(page), str(history)) == 1
    text = page.read_text(encoding="utf-8")
    assert odd == "\n" or odd not in text
    assert odd.encode("unicode_escape").decode() in text


def event(type_: str, key: str, value: object, f: str = "write", process: object = 0) -> str:
    return json.dumps({"process": process, "type": type_, "f": f, "value": value, "key": key}) + "\n"


def test_a_wrong_part_is_found_behind_one_that_is_too_hard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was inconclusive: the first part that was too hard was the last that was looked at."""
    hard = [event("invoke", "a", n, process=n) for n in range(40)]
    hard += [event("ok", "a", n, process=n) for n in range(40)]
    wrong = [event("invoke", "b", 1), event("ok", "b", 1), event("invoke", "b", None, "read")]
    path = tmp_path / "it.jsonl"
    path.write_text("".join((*hard, *wrong, event("ok", "b", 2, "read"))), encoding="utf-8")
    assert check("--model", "kv", "--budget", "20", str(path)) == 1
    assert 'line 83 to 84: process 0: read of "b": 2' in capsys.readouterr().out
    path.write_text("".join((*hard, *wrong, event("ok", "b", 1, "read"))), encoding="utf-8")
    assert check("--model", "kv", "--budget", "20", str(path)) == 3
    assert "20 situations are remembered" in capsys.readouterr().out
    assert check("--model", "kv", "--budget", "40", str(path)) == 0


def test_memory_that_is_used_up_is_no_verdict_and_no_defect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "it.jsonl"
    wide = [event(type_, "a", n, process=n) for type_ in ("invoke", "ok") for n in range(1_000)]
    path.write_text("".join(wide), encoding="utf-8")
    assert check("--model", "kv", "--memory-mib", "1", str(path)) == 3
    assert "the 1 MiB that one search may keep are used up" in capsys.readouterr().out

    def all_gone(*_: object) -> None:
        raise MemoryError

    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("".join(event(type_, "a", 1, "read") for type_ in ("invoke", "ok")), encoding="utf-8")
    monkeypatch.setattr("conformance.histories.judging.smallest", all_gone)
    assert check("--model", "kv", str(wrong)) == 1
    monkeypatch.setattr("conformance.histories.judging.check", all_gone)
    assert check("--model", "kv", str(path)) == 3
    assert "there is no more memory" in capsys.readouterr().out
    monkeypatch.setattr("conformance.histories.reading.parse", all_gone)
    assert check("--model", "kv", str(path)) == 3
    assert "there is not enough memory to read it" in capsys.readouterr().out

"""What is well-formed is read as it stands, in every notation; what is not is refused with its line and field."""

import json
import os
import re
from pathlib import Path
from threading import Thread

import jsonschema
import pytest

from conformance.histories import reading
from conformance.histories.checker import Budget
from conformance.histories.history import Typed
from conformance.histories.judging import judge, words
from conformance.histories.known import MODELS
from conformance.histories.models import shown
from conformance.histories.reading import parse, read
from conformance.links import BadInput, Verdict
from physalia.cli.schemas import docs_folder

CAS = MODELS["cas-register"]

JSON = """{"process": 0, "type": "invoke", "f": "write", "value": 1}
{"process": 1, "type": "invoke", "f": "read", "value": null}
{"process": 0, "type": "ok", "f": "write", "value": 1}
{"process": 1, "type": "ok", "f": "read", "value": 1}
{"process": 1, "type": "invoke", "f": "cas", "value": [1, 2]}
{"process": "nemesis", "type": "info", "f": "kill", "value": null}
{"process": 1, "type": "fail", "f": "cas", "value": [1, 2]}
{"process": 0, "type": "invoke", "f": "write", "value": 3}
{"process": 0, "type": "info", "f": "write", "value": 3}
"""
LINES = """{:process 0, :type :invoke, :f :write, :value 1}
{:process 1 :type :invoke :f :read :value nil}
{:process 0, :type :ok, :f :write, :value 1, :time 12}
{:process 1, :type :ok, :f :read, :value 1}
{:process 1, :type :invoke, :f :cas, :value [1 2]}
{:process :nemesis, :type :info, :f :kill, :value {:a #{1 2}}}
{:process 1, :type :fail, :f :cas, :value [1 2] :error "no \\"luck\\" ; here"}
#jepsen.history.Op{:process 0, :type :invoke, :f :write, :value 3} ; a comment
{:process 0, :type :info, :f :write, :value 3}
"""
LOG = """INFO  jepsen.util - 0	:invoke	:write	1
INFO  jepsen.util - 1	:invoke	:read	nil
INFO  jepsen.util - 0	:ok	:write	1
INFO  jepsen.util - 1	:ok	:read	1
INFO  jepsen.util - 1	:invoke	:cas	[1 2]
INFO  jepsen.util - :nemesis	:info	:kill	nil
INFO  jepsen.util - 1	:fail	:cas	[1 2]
INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.util - 0	:info	:write	3
"""


LOGGED = LOG.replace("INFO  jepsen.util - ", "2019-03-26 14:10:47,011{GMT}\tINFO\t[jepsen worker 3] jepsen.util: ")
NO_COMMAS = re.sub(", (?=:)", " ", LINES)
TYPE_FIRST = re.sub(r"(:process \S+?),? (:type :\w+)", r"\2 \1", NO_COMMAS)


@pytest.mark.parametrize(
    "text",
    [JSON, LINES, f"[{LINES}]", f"({LINES})", NO_COMMAS, TYPE_FIRST, f"[{TYPE_FIRST}]", LOG, LOGGED],
    ids=["json", "lines", "[]", "()", "no commas", "type first", "[type first]", "log", "logged"],
)
def test_every_notation_says_the_same(text: str) -> None:
    history = parse(text, CAS, "it")
    told = [(one.process, one.f, one.asked, one.answer, one.begin, one.end, one.line) for one in history.operations]
    assert told == [(0, "write", 1, None, 0, 2, 1), (1, "read", None, 1, 1, 3, 2), (0, "write", 3, None, 7, None, 8)]
    assert history.failed == 1


def test_the_schema_is_that_of_the_lines() -> None:
    schema = json.loads((docs_folder() / "history.schema.json").read_text(encoding="utf-8"))
    for line in JSON.splitlines():
        jsonschema.validate(json.loads(line), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"process": 0, "type": "done", "f": "read"}, schema)


def one(**fields: object) -> str:
    return json.dumps({"process": 0, "type": "invoke", "f": "read", "value": None, **fields}) + "\n"


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (one(type="ok"), 1, "type"),
        (one() + one(), 2, "process"),
        (one(f="spin"), 1, "f"),
        (one(type="done"), 1, "type"),
        (one() + one(type="ok", f="write"), 2, "f"),
        (one(f="cas", value=[1]), 1, "value"),
        (one(f="cas", value=[1, 2]) + one(type="ok", f="cas", value=[1, 3]), 2, "value"),
        (one(f="write", value=1) + one(type="ok", f="write", value=2), 2, "value"),
        (one(time=5) + one(type="ok", time=4), 2, "time"),
        (one(worker=3), 1, "worker"),
        (one(time=5.5) + one(type="ok", time=1.5), 2, "time"),
        (one(time=5) + one(type="ok", time=4.5), 2, "time"),
        (one(index=5, time=10) + one(type="ok", index=2, time=12), 2, "index"),
        (one(time="noon"), 1, "time"),
        (one(index=[1]), 1, "index"),
        ("{:process 0 :type :invoke :f :read :index 5} {:process 0 :type :ok :f :read :index 2}", 1, "index"),
        ("{:process 0 :type :invoke :f :read :time 1/2} {:process 0 :type :ok :f :read :time 1/3}", 1, "time"),
        ("{:process 0 :type :invoke :f :read :time ##NaN}", 1, "time"),
        ('{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok :f :read :value 1 "value" 2}', 2, "value"),
        ("{:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value 1 value 2}", 1, "value"),
        (one(process=None), 1, "process"),
        (one() + "{}\n", 2, "process"),
        ("{:process 0 :type :invoke :f :read}\n\n{:process 0 :type :gone :f :read}", 3, "type"),
        ("[{:process 0 :type :ok :f :read}]", 1, "type"),
    ],
)
def test_what_is_ill_formed_is_refused_with_line_and_field(text: str, line: int, field: str) -> None:
    with pytest.raises(BadInput, match=rf"^it, line {line}, field {field}: "):
        parse(text, CAS, "it")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (one(f=["write"]), r'line 1, field f: \["write"\] is no name'),
        (one(type=True), "line 1, field type: true is no name"),
        (one(f="cas", value=[1]) + one(type="ok", f="cas"), "line 1, field value: a cas asks"),
        (one(f="cas", value=[1, 2]) + one(type="ok", f="cas", value=3), "line 2, field value: a cas is not answered"),
        (f"[{one().strip()},\n{one().strip()}]", "line 1: it is a JSON array"),
    ],
)
def test_what_is_said_of_it_is_where_it_stands(text: str, why: str) -> None:
    with pytest.raises(BadInput, match=f"^it, {why}"):
        parse(text, CAS, "it")


@pytest.mark.parametrize("error", ["it's \"so", "throw+: {:status 3", ") \\", "#object[", "a - 1 :ok :read 2"])
def test_what_stands_behind_a_value_in_a_log_is_for_people(error: str) -> None:
    nemesis = f":nemesis\t:info\t:kill\t{error}\n"
    text = f"0\t:invoke\t:write\t[1 2]\n{nemesis}0\t:info\t:write\t[1 2]\t{error}\n"
    (only,) = parse(text, CAS, "it").operations
    assert (only.process, only.asked, only.end) == (0, (1, 2), None)


@pytest.mark.parametrize("before", ["", "[", " ", "; 0 :invoke :read\n", "#jepsen.history.Op"])
def test_edn_whose_text_looks_like_a_log_is_edn(before: str) -> None:
    text = '{:process 7 :type :invoke :f :read :note "jepsen.util: 3 :invoke :write 1"}'
    (only,) = parse(before + text + "]" * (before == "["), CAS, "it").operations
    assert (only.process, only.f) == (7, "read")


def test_registers_of_many_keys_are_never_taken_for_one() -> None:
    """What is right key by key was refuted as one register, and so were transactions on several partitions."""
    for model, f, asked in ((CAS, "write", [1, 2]), (STORE, "txn", [PUT, {"if": [["absent", "k"]], **PUT}])):
        done = None if model is CAS else {"succeeded": True}
        text = "".join(
            one(process=n, f=f, value=given, key=n) + one(process=n, type="ok", f=f, value=done, key=n)
            for n, given in enumerate(asked)
        )
        if model is CAS:
            text += one(key=0) + one(type="ok", key=0, value=1)
        assert judge(parse(text, model, "it"), model, Budget()).verdict is Verdict.HOLDS
        merged = text.replace('"key": 1', '"key": 0')
        assert judge(parse(merged, model, "it"), model, Budget()).verdict is Verdict.REFUTED
    pairs = "{:process 0 :type :invoke :f :write :value [1 5]} {:process 0 :type :ok :f :write :value [1 5]}\n"
    with pytest.raises(BadInput, match=r"^it, line 2, field value: .* the model is kv"):
        parse(pairs + "{:process 0 :type :invoke :f :read :value [1 nil]}", CAS, "it")


@pytest.mark.parametrize("space", [" ", "  \t", ""])
def test_json_may_have_spaces_before_its_names(space: str) -> None:
    assert len(parse("\n".join(f"{space}{{{space}{line[1:]}" for line in JSON.splitlines()), CAS, "it").operations) == 3


CLOJURE = [
    '#object[java.util.Foo 0x6e2A "java.util.Foo@6e2a"]', "#error {:via [] :trace [[a.b$fn__1 invoke \"x.clj\" 3]]}",
    "1/3", "[##NaN ##Inf ##-Inf]", "#:jepsen{:a 1}", "^{:line 3} [x]", "^:a ^b {}", "-0x1FN",
    "[\\formfeed \\backspace \\o101 \\u00e9 \\o \\^]", "#_ ^{:a 1} gone 3", '"\\b\\f"',
    "[1 #_ ^:a gone]", "^ #_ gone :a #_ gone x", "#_ #_ gone gone 3",
]  # fmt: skip


@pytest.mark.parametrize("error", CLOJURE)
def test_what_clojure_prints_of_an_error_is_no_trouble(error: str) -> None:
    """Jepsen prints whatever came with an error or with the nemesis, and more than EDN has."""
    text = f"{{:process 0 :type :invoke :f :read :error {error}, :value nil}}\n"
    nemesis = f"{{:process :nemesis :type :info :f :kill :value {error}}}\n"
    (read_,) = parse(text + nemesis + "{:process 0 :type :ok :f :read :value 7}", CAS, "it").operations
    assert (read_.answer, read_.end_line) == (7, 3)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("0x1F", 31), ("-0X1f", -31), ("\\formfeed", "\f"), ("\\o101", "A"), ("\\u0041", "A"), ("^{:a 1} 7", 7),
        ("1/2", Typed("ratio", "1/2")), ("##NaN", Typed("float", "NaN")), ('"\\f"', "\f"),
    ],
)  # fmt: skip
def test_a_value_is_the_one_that_clojure_means(written: str, means: object) -> None:
    (wrote,) = parse(f"{{:process 0 :type :invoke :f :write :value {written}}}", CAS, "it").operations
    assert wrote.asked == means


STORE = MODELS["store"]


def txn(asked: object, answer: object) -> str:
    return one(f="txn", value=asked) + one(type="ok", f="txn", value=answer)


PUT = {"then": [["put", "k", 1]]}


@pytest.mark.parametrize(
    ("asked", "answer", "line", "why"),
    [
        ({"if": [["like", "k", 1]]}, {"succeeded": True}, 1, '"like" cannot stand under if'),
        ({"if": [["type", "k", "nonsense"]]}, {"succeeded": False}, 1, '"nonsense" is no type'),
        ({"if": [["version", "k", "x"]]}, {"succeeded": False}, 1, '"x" is no version'),
        ({"if": [["version", "k", -1]]}, {"succeeded": False}, 1, "-1 is no version"),
        ({"if": [["version", "k", True]]}, {"succeeded": False}, 1, "true is no version"),
        ({"if": [["equals", "k", None]]}, {"succeeded": False}, 1, "nil is no value of a store"),
        ({"if": [["compare", "k", "<", [1]]]}, {"succeeded": False}, 1, r"\[1\] is no value of a store"),
        ({"then": [["put", "k", [1.5]]]}, {"succeeded": True}, 1, r"\[1.5\] is no value of a store"),
        ({"then": [["put", "k", 1.5]]}, {"succeeded": True}, 1, "a store has no floats"),
        ({"then": [["put", "k", {"a": 1}]]}, {"succeeded": True}, 1, "{a: 1} is no value of a store"),
        ({"then": [["put", "k", {"bytes": 1}]]}, {"succeeded": True}, 1, "{bytes: 1} is no value of a store"),
        (PUT, {"succeeded": True, "refused": "x"}, 2, "a transaction that is refused did not succeed"),
        (PUT, {"succeeded": True, "refused": False}, 2, "a transaction that is refused did not succeed"),
        (PUT, {"refused": "x", "results": []}, 2, "results are a list"),
        (PUT, {"succeeded": True, "results": 5}, 2, "results are a list"),
        (PUT, {"succeeded": True, "values": {}}, 2, "values are a list"),
    ],
)
def test_what_a_store_does_not_have_is_refused(asked: object, answer: object, line: int, why: str) -> None:
    """It was taken for a condition that never holds, or for a value like any other: nothing could be wrong with it."""
    with pytest.raises(BadInput, match=rf"^it, line {line}, field value: {why}"):
        parse(txn(asked, answer), STORE, "it")


@pytest.mark.parametrize(
    ("there", "relation", "given", "holds"),
    [
        ({"bytes": "61"}, "<", {"bytes": "62"}, True),
        ({"bytes": "61"}, ">=", {"bytes": "62"}, False),
        ({"bytes": "61"}, "!=", {"bytes": "62"}, True),
        ({"bytes": "61"}, "<=", "62", False),
        (True, ">", False, True),
        (True, ">=", 1, False),
        (1, ">=", True, False),
        ("a", "<", "b", True),
    ],
)
def test_values_of_one_type_are_compared(there: object, relation: str, given: object, holds: bool) -> None:
    asked = {"if": [["compare", "k", relation, given]]}
    for said in (True, False):
        text = txn({"then": [["put", "k", there]]}, {"succeeded": True}) + txn(asked, {"succeeded": said})
        judged = judge(parse(text, STORE, "it"), STORE, Budget())
        assert (judged.verdict is Verdict.HOLDS) == (said == holds)


def test_a_keyword_in_a_transaction_stands_for_its_name() -> None:
    asked = '{:if [[:absent :k]] :then [[:put :k 1] [:add "k" 2]] :else [[:read :k]]}'
    for last, verdict in (("3 2", Verdict.HOLDS), ("3 1", Verdict.REFUTED)):
        answer = f"{{:succeeded true :results [[1 1] [{last}]]}}"
        text = f"{{:process 0 :type :invoke :f :txn :value {asked}}} {{:process 0 :type :ok :f :txn :value {answer}}}"
        assert judge(parse(text, STORE, "it"), STORE, Budget()).verdict is verdict


def test_a_name_is_there_once_in_a_transaction_as_well() -> None:
    """Which of the two was meant hung on the seed of hashes."""
    asked = "{:process 0 :type :invoke :f :txn :value {:then [[:put :k 1]]}}\n"
    answer = '{:process 0 :type :ok :f :txn :value {:succeeded true "succeeded" false}}'
    with pytest.raises(BadInput, match=r"^it, line 2, field value: a map has a name twice"):
        parse(asked + answer, STORE, "it")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"process": 0,\n', 1),
        (one() + "nonsense\n", 2),
        ('{"process": 0, "process": 1, "type": "invoke", "f": "read"}', 1),
        ('{"process": 0, "type": "invoke", "f": "write", "value": NaN}', 1),
        ("{:process 0\n :type}", 1),
        ("{:process 0 :type :invoke :f :read}\n]", 2),
        ("[[1 2]", 1),
        ('{:process 0 "open', 1),
        ("{:a 1 :a 2}", 1),
        ("17", 1),
        ("{:process 0 :type :invoke :f :read}\n#_", 2),
        ("{:process 0 :type :invoke :f :read #_}", 1),
        ("{:process 0 :type :invoke :f :read}\n^{:a 1}", 2),
        ("{:process 0 :type :invoke :f :read}\n\n^", 3),
        ("{:process 0 :type :invoke :f :write :value [^:a]}", 1),
        ("{:process 0 :type :invoke :f :write :value 01}", 1),
        ("{:process 0 :type :invoke :f :write :value 1/0}", 1),
        ("{:process 0 :type :invoke :f :write :value -01N}", 1),
        ("{:process 0 :type :invoke :f :write :value 01.5}", 1),
    ],
)
def test_what_is_no_history_at_all_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadInput, match=rf"^it, line {line}[,:]"):
        parse(text, CAS, "it")


def test_depth_is_no_trouble() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    in_a_value = f"{{:process 0 :type :invoke :f :write :value {deep}}}"
    for text in (f"[{deep}]", in_a_value, "{:a " * 5_000 + "1" + "}" * 5_000):
        with pytest.raises(BadInput, match=r"^it, line 1: .*nested more than 100 deep"):
            parse(text, CAS, "it")
    for depth in (102, 900, 100_000):
        nested = "[" * depth + "]" * depth
        with pytest.raises(BadInput, match=r"^it, line 1: .*nested more than 100 deep"):
            parse(f'{{"process": 0, "type": "invoke", "f": "write", "value": {nested}}}', CAS, "it")


LONG = "9" * 60_000


JSON_EVENT = '{{"process": {}, "type": "{}", "f": "{}", "value": {}}}'
EDN_EVENT = "{{:process {} :type :{} :f :{} :value {}}}"


@pytest.mark.parametrize("event", [JSON_EVENT, EDN_EVENT])
def test_integers_of_any_size_are_read_and_shown(event: str) -> None:
    """Python reads and writes no more than 4,300 digits unless told otherwise."""
    wrote = [event.format(0, how, "write", f"-{LONG}") for how in ("invoke", "ok")]
    found = [event.format(1, how, "read", 1) for how in ("invoke", "ok")]
    history = parse("\n".join(wrote + found), CAS, "it")
    assert history.operations[0].asked == 1 - 10**60_000
    assert judge(history, CAS, Budget()).window is not None
    assert "(an integer of" in words(history.operations[0])
    with pytest.raises(BadInput, match="is too long"):
        parse(event.format(0, "invoke", "write", "9" * 100_001), CAS, "it")


def test_a_mark_of_the_byte_order_is_no_part_of_a_history() -> None:
    text = '\ufeff{"process": 0, "type": "invoke", "f": "read"}'
    assert len(parse(text, CAS, "it").operations) == 1


def test_a_long_text_is_shown_in_part() -> None:
    assert shown("x" * 10_000).endswith("(10,000 characters)")
    assert shown(Typed("set", frozenset({10**9_000}))).startswith("#{0x")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("gone", "bytes", ""):
        with pytest.raises(BadInput, match=rf"{tmp_path / name} (is no text|cannot be read)"):
            read(tmp_path / name, CAS)


def test_at_most_so_much_is_read_whatever_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device has no size, nor has a pipe; `/dev/zero` filled all memory there was."""
    with pytest.raises(BadInput, match="/dev/zero is a device or a socket: a history is in a file"):
        read(Path("/dev/zero"), CAS)
    pipe, given = tmp_path / "pipe", JSON.encode()
    os.mkfifo(pipe)
    for most in (len(given), len(given) - 1):
        monkeypatch.setattr(reading, "MOST_BYTES", most)
        writer = Thread(target=pipe.write_bytes, args=(given,))
        writer.start()
        if most == len(given):
            assert len(read(pipe, CAS).operations) == 3
        else:
            with pytest.raises(BadInput, match=f"has more than {most} bytes, and no more are read"):
                read(pipe, CAS)
        writer.join()


def test_what_jepsen_adds_to_an_event_is_no_trouble() -> None:
    """What the nemesis says is its own affair, and clients tell people what happened."""
    added = ':node "n1" :exception {:via []} :debug {:a 1} :final? true :worker 3 :time -1 :index 0 "key" nil'
    nemesis = '{:process :nemesis :type :info :f :bump :clock-offsets {"n1" 2.1} :whatever 1}'
    text = f"{{:process 0 :type :invoke :f :read {added}}} {nemesis} {{:process 0 :type :ok :f :read :value 7}}"
    assert parse(text, CAS, "it").operations[0].answer == 7


def test_what_python_takes_for_equal_is_not() -> None:
    history = parse(
        one(f="write", value=1) + one(type="ok", f="write", value=1) + one() + one(type="ok", value=True), CAS, ""
    )
    assert history.operations[0].asked != history.operations[1].answer

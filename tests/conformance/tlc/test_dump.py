"""The reader of TLC's dumps, on dumps that were written by hand."""

from pathlib import Path
from typing import NamedTuple

import pytest

from conformance.tlc.decode import StateDecoder, decoder_of
from conformance.tlc.dump import Dump, DumpError, Label, read_dump, variables
from conformance.tlc.values import Value, parse_value
from spec.commands import Jury, Told, Verdict, Volume
from spec.values import Function, Map

HEAD = 'strict digraph DiskGraph {\nnodesep=0.35;\nsubgraph cluster_graph {\ncolor="white";\n'
TAIL = "{rank = same; -1;}\n{rank = same; 2;-3;}\n}\n}"


class Tricky(NamedTuple):
    text: str
    log: tuple[str, ...]
    places: Function[tuple[int, ...]]
    seen: frozenset[tuple[str, ...]]


def label(text: str = "a", log: str = "<<>>", places: str = "<<<<>>, <<1>>>>", seen: str = "{}") -> str:
    state = f'/\\ log = {log}\n/\\ text = "{text}"\n/\\ places = {places}\n/\\ seen = {seen}'
    return state.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def dump(tmp_path: Path, body: str, distinct: int, tail: str = TAIL) -> Dump:
    file = tmp_path / "graph.dot"
    file.write_text(HEAD + body + tail, encoding="utf-8")
    return read_dump(file, StateDecoder(Tricky).state, distinct)


FIRST = f'-1 [label="{label()}",style = filled]\n'
SECOND = f'2 [label="{label(text="b")}"];\n'
EDGE = '-1 -> 2 [label="Go",color="black",fontcolor="black"];\n'


def test_a_small_dump(tmp_path: Path) -> None:
    third = f'-3 [label="{label(text="c")}"];\n2 -> -3 [label="Stop",color="black",fontcolor="black"];\n'
    loop = '-1 -> -1 [label="Go",color="black",fontcolor="black"];\n'
    graph = dump(tmp_path, FIRST + EDGE + SECOND + loop + third, 3)
    assert [state.text for state in graph.states] == ["a", "b", "c"]
    assert graph.initial == [0]
    assert graph.labels == [Label("Go"), Label("Stop")]
    steps = zip(graph.sources, graph.label_numbers, graph.targets, strict=True)
    assert sorted(steps) == [(0, 0, 0), (0, 0, 1), (1, 1, 2)]


def test_several_initial_states_and_one_described_twice(tmp_path: Path) -> None:
    other = f'2 [label="{label(text="b")}",style = filled]\n'
    assert dump(tmp_path, FIRST + other + FIRST, 2).initial == [0, 1]


@pytest.mark.parametrize(
    "text",
    ["", "a]b", "a -> b", "{rank = same; }", "/\\\\ text = 1", 'say \\"hi\\"', "a;", "|->, >>", ",style = filled]"],
)
def test_strings_with_everything_in_them(tmp_path: Path, text: str) -> None:
    graph = dump(tmp_path, f'-1 [label="{label(text=text)}",style = filled]\n', 1)
    assert graph.states[0].text == parse_value(f'"{text}"')


def test_values_over_several_lines_and_functions_that_look_like_sequences(tmp_path: Path) -> None:
    described = label(log='<< "x",\n   "y" >>', places="(1 :> <<>> @@\n  2 :> <<4,\n 5>>)", seen='{<<>>, <<"a", "b">>}')
    (state,) = dump(tmp_path, f'-1 [label="{described}",style = filled]\n', 1).states
    assert state.log == ("x", "y")
    assert list(state.places) == [None, (), (4, 5)]
    assert state.seen == {(), ("a", "b")}


WHOLE = FIRST + EDGE + SECOND


@pytest.mark.parametrize("tail", ["", "}\n", TAIL[:-2], TAIL[:10]])
def test_a_dump_that_ends_early_is_an_error(tmp_path: Path, tail: str) -> None:
    with pytest.raises(DumpError, match=r"graph\.dot"):
        dump(tmp_path, WHOLE, 2, tail)


@pytest.mark.parametrize("cut", range(1, len(HEAD + WHOLE + TAIL), 7))
def test_no_cut_is_a_pass(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cut.dot"
    file.write_text((HEAD + WHOLE + TAIL)[:-cut], encoding="utf-8")
    with pytest.raises(DumpError):
        read_dump(file, StateDecoder(Tricky).state, 2)


@pytest.mark.parametrize(
    ("body", "distinct", "sentence"),
    [
        (FIRST + EDGE, 2, "described nowhere"),
        (SECOND, 1, "no state is initial"),
        (WHOLE, 3, "found 3 states, and 2 were dumped"),
        (WHOLE + "2 -> \n", 2, "line 8: neither a state nor a step"),
        (FIRST + f'-1 [label="{label(text="z")}"];\n', 1, "two ways"),
        (f'-1 [label="{label(log="3")}",style = filled]\n', 1, "line 5: variable log: 3 is no sequence"),
        (f'-1 [label="{label(places="<<1>>")}",style = filled]\n', 1, "variable places: 1 is no sequence"),
        (f'-1 [label="{label(places="(2 :> <<>>)")}",style = filled]\n', 1, "no function over 1..n"),
        (f'-1 [label="{label(seen="{<<>>")}",style = filled]\n', 1, "variable seen"),
        ('-1 [label="/\\\\ text = \\"a\\"",style = filled]\n', 1, "the variables are text, and should be"),
        (f'-1 [label="{label()}\\n/\\\\ text = 1",style = filled]\n', 1, "stands there twice"),
        (f'-1 [label="{label()}\\n/\\\\ more = 1",style = filled]\n', 1, "should be"),
        ('-1 [label="nonsense",style = filled]\n', 1, "no variable"),
        (WHOLE + "}\n" + EDGE, 2, "follows the end"),
        ("digraph {\n" + WHOLE, 2, "neither a state nor a step"),
    ],
)
def test_what_is_malformed_is_named(tmp_path: Path, body: str, distinct: int, sentence: str) -> None:
    with pytest.raises(DumpError, match=r"graph\.dot") as caught:
        dump(tmp_path, body, distinct)
    assert sentence in str(caught.value)


def test_another_head_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "graph.dot"
    file.write_text("graph {\n}\n}\n", encoding="utf-8")
    with pytest.raises(DumpError, match="line 1"):
        read_dump(file, StateDecoder(Tricky).state, 0)
    file.write_bytes(b"strict \xff")
    with pytest.raises(DumpError, match="no text"):
        read_dump(file, StateDecoder(Tricky).state, 0)


def test_a_single_variable_has_no_junction() -> None:
    assert variables("x = <<1,\\n 2>>") == {"x": "<<1,\n 2>>"}


def test_records_are_told_apart_by_their_fields() -> None:
    text = '[command |-> "c", verdict |-> [saw |-> [members |-> {1, 2}, version |-> 1], done |-> TRUE]]'
    assert decoder_of(Told)(parse_value(text)) == Told("c", Verdict(True, Jury(1, frozenset({1, 2}))))
    saw = decoder_of(Volume | Jury)(parse_value('[version |-> 0, primary |-> "a", replica |-> "b"]'))
    assert saw == Volume(0, "a", "b")
    for wrong in ("[version |-> 0]", "<<>>", "3"):
        with pytest.raises(ValueError, match="Volume or Jury"):
            decoder_of(Volume | Jury)(parse_value(wrong))


def test_functions_over_strings_are_maps() -> None:
    decode = decoder_of(Map[str, int])
    assert decode(parse_value("<<>>")) == Map()
    assert decode(parse_value("[a |-> 1, b |-> 2]")) == Map({"b": 2, "a": 1})


@pytest.mark.parametrize(("hint", "text"), [(bool, "1"), (int, "TRUE"), (str, "model"), (frozenset[int], "<<1>>")])
def test_types_are_not_mixed(hint: object, text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        decoder_of(hint)(parse_value(text))


def test_a_type_without_values_in_tla_is_an_error() -> None:
    with pytest.raises(TypeError, match="float"):
        decoder_of(float)


LATER_HEAD = HEAD.replace("{\nnodesep", "{\nnode [shape=box,style=rounded]\nnodesep")


def later(tmp_path: Path, body: str, distinct: int, head: str = LATER_HEAD) -> Dump:
    """A dump as TLC writes it since 2025."""
    file = tmp_path / "graph.dot"
    file.write_text(head + body + TAIL, encoding="utf-8")
    return read_dump(file, StateDecoder(Tricky).state, distinct)


LATER_SECOND = f'2 [label="{label(text="b")}",tooltip="{label(text="b")}"];\n'


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("Go", None),
        ("Go()", ()),
        ("Go(3,1)", (3, 1)),
        (r"Go(\"a,b)\",TRUE)", ("a,b)", True)),
        ("Go({1, 2},<<3, 4>>,-5)", (frozenset({1, 2}), (3, 4), -5)),
    ],
)
def test_the_dialect_of_later_jars(tmp_path: Path, text: str, arguments: tuple[Value, ...] | None) -> None:
    edge = f'-1 -> 2 [label="{text}",color="black",fontcolor="black"];\n'
    graph = later(tmp_path, FIRST + edge + LATER_SECOND, 2)
    assert [state.text for state in graph.states] == ["a", "b"]
    assert graph.labels == [Label("Go", arguments)]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (FIRST + EDGE.replace("Go", "Go(1") + LATER_SECOND, "line 7: this is no action"),
        (FIRST + EDGE.replace("Go", "Go(1,)") + LATER_SECOND, "line 7: a value was expected"),
        (
            FIRST + EDGE + SECOND.replace('"];', f'",tooltip="{label(text="c")}"];'),
            "the label is another state than the tooltip",
        ),
        (FIRST + EDGE + LATER_SECOND.replace('"]', '",style = filled, fillcolor=lightyellow]'), "neither a state"),
    ],
)
def test_what_is_malformed_in_the_later_dialect(tmp_path: Path, body: str, sentence: str) -> None:
    with pytest.raises(DumpError) as caught:
        later(tmp_path, body, 2)
    assert sentence in str(caught.value)


def test_the_later_head_stands_in_its_place_alone(tmp_path: Path) -> None:
    for head in (LATER_HEAD.replace("nodesep=0.35;\n", ""), "node [shape=box]\n" + HEAD, HEAD + "node [shape=box]\n"):
        with pytest.raises(DumpError):
            later(tmp_path, FIRST + EDGE + LATER_SECOND, 2, head)

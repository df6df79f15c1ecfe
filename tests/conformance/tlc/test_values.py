"""TLC's printed values are read and compared."""

import pytest

from conformance.tlc.values import Function, Name, differences, parse_state, parse_value, show


@pytest.mark.parametrize(
    "text",
    [
        "-3",
        "TRUE",
        '"a b, {c}"',
        "n1",
        "{}",
        "<<>>",
        "{1, 2}",
        "<<1, <<>>, {<<2>>}>>",
        "[ballot |-> 1, value |-> {}]",
        "(1 :> 2 @@ 3 :> [a |-> <<4>>])",
    ],
)
def test_a_value_is_read_and_shown_alike(text: str) -> None:
    assert show(parse_value(text)) == text


def test_sets_and_records_have_no_order() -> None:
    assert parse_value("{[b |-> 2, a |-> 1], x}") == parse_value("{x, [a |-> 1, b |-> 2]}")
    assert parse_value("{x}") == frozenset({Name("x")})
    assert parse_value("[a |-> 1]") == Function(frozenset({("a", 1)}), is_record=True)


@pytest.mark.parametrize("text", ["", "{1", "<<1}", "[a 1]", "1 2", "[a |-> ]", "(1 :> 2", "?"])
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_value(text)


def test_only_what_changed_is_told() -> None:
    before = parse_state('/\\ a = <<1, [x |-> {1}]>>\n/\\ b = {1, 2}\n/\\ c = (1 :> "p")\n/\\ d = <<1>>')
    after = parse_state('/\\ a = <<1, [x |-> {1, 3}]>>\n/\\ b = {2}\n/\\ c = (1 :> "q")\n/\\ d = <<>>')
    assert differences(before, after) == ["a[2].x + 3", "b - 1", 'c[1]: "p" -> "q"', "d[1] is gone, was 1"]
    assert differences(before, before) == []


def test_a_state_spans_lines() -> None:
    assert parse_state("x = 1") == {"x": 1}
    assert parse_state("/\\ x = << 1,\n  2 >>\n/\\ y = {}") == {"x": (1, 2), "y": frozenset()}

"""Policies: every rule is read, every mistake is one sentence with file and rule."""

from pathlib import Path

import pytest

from physalia.placement.errors import BadPolicy
from physalia.placement.rules import policy as policies

EVERYTHING = """
cell_size = 5
one_color = false
spread = ["rack", "row"]
[[rules]]
id = "a"
type = "cap"
kind = "row"
most = 2
[[rules]]
id = "b"
type = "minimum"
kind = "rack"
of = "instance"
least = 1
[[rules]]
id = "c"
type = "minimum"
kind = "row"
name = "row-1"
least = 2
[[rules]]
id = "d"
type = "single-failure"
most = 2
[[rules]]
id = "e"
type = "pair-cap"
most = 2
[[rules]]
id = "f"
type = "pair-cap"
kind = "ups"
most = 1
[[rules]]
id = "g"
type = "hop-limit"
client = "replica"
most = 4
[[rules]]
id = "h"
type = "anti-affinity"
[[rules]]
id = "i"
type = "overlap"
most = 0
[[rules]]
id = "j"
type = "survives"
"""


def rule(text: str) -> str:
    return f'[[rules]]\nid = "r"\n{text}'


def test_every_type_of_rule_is_read() -> None:
    policy = policies.parse(EVERYTHING, "p.toml")
    assert policy == policies.Policy(
        cell_size=5,
        one_color=False,
        spread=("rack", "row"),
        rules=(
            policies.Cap(id="a", kind="row", most=2),
            policies.Minimum(id="b", kind="rack", least=1, of="instance"),
            policies.Minimum(id="c", kind="row", least=2, name="row-1"),
            policies.SingleFailure(id="d", most=2),
            policies.PairCap(id="e", most=2),
            policies.PairCap(id="f", most=1, kind="ups"),
            policies.HopLimit(id="g", client="replica", most=4),
            policies.AntiAffinity(id="h"),
            policies.Overlap(id="i", most=0),
            policies.Survives(id="j"),
        ),
    )
    assert policy.majority == 3
    assert policies.from_document(policies.to_document(policy), "again") == policy


def test_the_default_policy_is_what_is_published_of_the_original() -> None:
    policy = policies.default()
    assert (policy.cell_size, policy.majority, policy.one_color) == (7, 4, True)
    assert policy.spread == ("rack", "pdu", "ups", "feed")
    assert policy.rules == (
        policies.Cap(id="rack-cap", kind="rack", most=3),
        policies.SingleFailure(id="power-failure", most=3),
        policies.AntiAffinity(id="apart-from-volume"),
        policies.Overlap(id="cell-overlap", most=3),
    )


def test_an_empty_policy_has_the_defaults_and_no_rules() -> None:
    assert policies.parse("", "p.toml") == policies.Policy()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            rule('type = "cap"\nkind = "hall"\nmost = 3'),
            "rule r: there is no kind of domain 'hall'; there are rack,",
        ),
        (rule('type = "cap"\nkind = ["rack"]\nmost = 3'), "rule r: there is no kind of domain"),
        (
            rule('type = "pair-cap"\nkind = "rack"\nmost = 3'),
            "rule r: there is no kind of domain 'rack'; there are",
        ),
        ('spread = ["rack", "server"]', "spread: there is no kind of domain 'server'"),
        ('spread = ["rack", "rack"]', "spread names a kind of domain twice"),
        ('spread = "rack"', "spread must be a list"),
        (rule('type = "limit"'), "rule r: there is no type 'limit'; there are cap, minimum"),
        (rule("kind = 'rack'"), "rule r: there is no type None"),
        (rule('type = "cap"\nkind = "rack"'), "rule r: a rule of type cap needs the key most"),
        (rule('type = "cap"\nkind = "rack"\nmost = 3\nleast = 1'), "rule r: a rule of type cap has no key least"),
        (rule('type = "cap"\nkind = "rack"\nmost = -1'), "rule r: most is -1"),
        (rule('type = "cap"\nkind = "rack"\nmost = 3.0'), "rule r: most is 3.0"),
        (rule('type = "cap"\nkind = "rack"\nmost = true'), "rule r: most is True"),
        (rule('type = "hop-limit"\nclient = "backup"\nmost = 3'), "rule r: there is no client 'backup'"),
        (rule('type = "minimum"\nkind = "rack"\nleast = 1'), "rule r: a minimum needs either"),
        (rule('type = "minimum"\nkind = "rack"\nleast = 1\nname = "x"\nof = "instance"'), "rule r: a minimum needs"),
        (rule('type = "minimum"\nkind = "rack"\nleast = 1\nname = ""'), "rule r: name is ''"),
        (rule('type = "survives"') + "\n" + rule('type = "survives"'), "two rules have the id r"),
        ('[[rules]]\nid = "color"\ntype = "survives"', "rule color: this id belongs to a rule that always holds"),
        ('[[rules]]\ntype = "survives"', "rule number 1 has no id"),
        ('[[rules]]\nid = "a "\ntype = "survives"', "rule a : an id may not begin or end with a space"),
        ('[[rules]]\nid = "e\\u0301"\ntype = "survives"', "rule e\u0301: an id may not begin or end with"),
        ('[[rules]]\nid = "a\\nb"\ntype = "survives"', "rule a\\nb: an id may hold only characters"),
        ('rules = "none"', "rules must be a list of tables"),
        ("rules = [1]", "rules must be a list of tables"),
        ("cell_size = 0", "cell_size is 0"),
        ("one_color = 1", "one_color is 1"),
        ("colour = true", "there is no setting colour"),
        ("cell_size 7", "this is not TOML"),
    ],
)
def test_a_bad_policy_is_one_sentence_with_file_and_rule(text: str, says: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        policies.parse(text, "folder/p.toml")
    sentence = str(caught.value)
    assert sentence.startswith(f"folder/p.toml: {says}")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match=r"none\.toml: the policy cannot be read: No such file"):
        policies.read(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(BadPolicy, match="it is not UTF-8 text"):
        policies.read(tmp_path / "bytes.toml")


def test_a_policy_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(EVERYTHING, encoding="utf-8")
    assert policies.read(path) == policies.parse(EVERYTHING, "p.toml")

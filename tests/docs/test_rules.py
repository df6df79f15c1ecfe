"""Every rule that is cited has its section, and every section is borne out by what cites the rule."""

import re
from pathlib import Path

import pytest

from conformance.manifest import load_manifest
from conformance.mutants.entries import catalogue
from spec.induction.attacks.attacks import ATTACKS
from spec.induction.layers.stack import LAYERS, system_of
from tests.docs.pages import ROOT, texts
from tests.docs.rule_pages import FOLDERS, Evidence, cited_rules, cited_traps, faults, rules, traps

NAME = "docs/rules.md"
FILES = texts(ROOT)
PAGE = FILES[NAME]
MANIFEST = load_manifest(ROOT / "tla")
EVIDENCE = Evidence(
    named={
        "twins": {twin.name for twin in MANIFEST.twins},
        "mutants": {mutant.name for mutant in catalogue()},
        "attacks": set(ATTACKS),
        "models": {model.name for model in MANIFEST.models},
    },
    proved={name: {*system_of(name).invariants, *system_of(name).safety} for name in LAYERS},
)


def test_page_and_repository_agree() -> None:
    assert not list(faults(PAGE, FILES, ROOT, EVIDENCE))


def test_there_is_something_to_agree_on() -> None:
    assert len(rules(PAGE)) >= 17
    assert len(traps(PAGE)) >= 9
    for kind in FOLDERS:
        assert sum(len(rule.places(kind)) for rule in rules(PAGE)) >= 5, kind
    assert sum(len(cited_rules(text)) for name, text in FILES.items() if name != NAME) >= 60
    assert cited_traps(FILES["docs/steps.md"])
    assert cited_traps(FILES["docs/proof.md"])


def test_every_attack_stands_under_each_rule_that_it_breaks() -> None:
    broken = {rule.number: rule.items.get("broken by", "") for rule in rules(PAGE)}
    for attack in ATTACKS.values():
        for number in cited_rules(attack.rule):
            assert f"`{attack.name}`" in broken[number], f"R{number} does not name the attack {attack.name}"


# The test of the test: a small page over a small repository, and everything that can be wrong with it.

SMALL = """# Rules

## R1 one
**Says.** It. **Why.** So. **Without it.** Not.

- *specified*: [`tla/Cell.tla`](../tla/Cell.tla) `Vote`
- *modelled*: `spec/cell.py` `Cell.vote`
- *performed*: `physalia/cell.py` `vote`
- *proved*: `spec/induction/layers/ballots.py` `agreement`
- *judged by*: `conformance/judge.py` `judge`
- *broken by*: twins `half`, `third`; attacks
  `raid`

## R2 two
**Says.** It. **Why.** So, as `docs/rules.md` has it. **Without it.** Not (R1).

- *not yet*: nothing of it is built

### Trap 1: a trap

- *shown by*: models `MC`
"""
SMALL_FILES = {
    "tla/Cell.tla": "\\* As R1 says.\nVote(n) ==\n",
    "spec/cell.py": '"""R1"""\nclass Cell:\n    def vote(self): ...\n',
    "spec/induction/layers/ballots.py": '"""R1"""\ndef agreement(): ...\ndef helper(): ...\n',
    "physalia/cell.py": '"""Rule R1, and trap 1."""\ndef vote(): ...\n',
    "physalia/other.py": '"""Nothing. Rack R305."""\ndef vote(): ...\n',
    "conformance/judge.py": '"""R1 and R2"""\ndef judge(): ...\n',
}
SMALL_EVIDENCE = Evidence(
    named={"twins": {"half", "third"}, "mutants": set(), "attacks": {"raid"}, "models": {"MC"}},
    proved={"ballots": {"agreement"}},
)


def small_faults(root: Path, page: str, **more: str) -> list[str]:
    files = {**SMALL_FILES, **{name.replace("__", "/") + ".py": text for name, text in more.items()}, NAME: page}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(faults(page, texts(root), root, SMALL_EVIDENCE))


def test_a_small_page_is_right(tmp_path: Path) -> None:
    assert not small_faults(tmp_path, SMALL)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("`physalia/cell.py`", "`physalia/other.py`", "said to be performed physalia/other.py, which does not cite it"),
        ("`physalia/cell.py`", "`physalia/gone.py`", "R1: there is no physalia/gone.py"),
        ("`physalia/cell.py`", "`spec/cell.py`", "R1: spec/cell.py is no place for what is performed"),
        (
            "`spec/cell.py` `Cell.vote`",
            "`spec/induction/layers/ballots.py` `helper`",
            "is no place for what is modelled",
        ),
        ("`Vote`", "`Veto`", "R1: there is no Veto in tla/Cell.tla"),
        ("`Cell.vote`", "`Cell.veto`", "R1: there is no Cell.veto in spec/cell.py"),
        ("`agreement`", "`harmony`", "R1: there is no harmony in spec/induction/layers/ballots.py"),
        ("`agreement`", "`helper`", "R1: helper is proved of no layer spec/induction/layers/ballots.py"),
        ("`third`", "`fourth`", "R1: there are no twins fourth"),
        ("`raid`", "`ride`", "R1: there are no attacks ride"),
        ("attacks\n", "raids\n", "R1: 'raids\\n  `raid`' does not begin with one of twins, mutants, attacks, models"),
        ("`MC`", "`MD`", "trap 1: there are no models MD"),
        ("*judged by*", "*guessed by*", "R1: nothing is called guessed by"),
        ("- *modelled*: `spec/cell.py` `Cell.vote`\n", "", "R1: something is missing, and the page does not say"),
        ("- *not yet*: nothing of it is built\n", "", "R2: has no list"),
        (": nothing of it is built", ": no", "R2: does not say what is not built yet"),
        (" `Vote`", "", "R1: names nothing that is specified"),
        ("**Why.** So. ", "", "R1: does not say all of Says, Why, Without it"),
        ("`docs/rules.md`", "`docs/roles.md`", "R2: there is no docs/roles.md"),
        ("`docs/rules.md`", "`Cell.vote`", "R2: names Cell.vote in passing"),
        ("## R2 two", "## R3 two", "the sections are numbered [1, 3]"),
        ("### Trap 1", "### Trap 2", "physalia/cell.py cites trap 1, which has no section"),
    ],
)  # fmt: skip
def test_a_wrong_page_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert SMALL.count(old) >= 1
    found = small_faults(tmp_path, SMALL.replace(old, new, 1))
    assert any(fault in one for one in found), found


def test_a_citation_without_its_section_is_refused(tmp_path: Path) -> None:
    assert small_faults(tmp_path, SMALL, spec__log=f"# after R{1 + 2} and trap {2}") == [
        f"spec/log.py cites R{1 + 2}, which has no section",
        f"spec/log.py cites trap {2}, which has no section",
    ]


@pytest.mark.parametrize(("folder", "kind"), [("tla", "specified"), ("spec", "modelled"), ("physalia", "performed")])
def test_a_rule_that_is_built_unsaid_is_refused(tmp_path: Path, folder: str, kind: str) -> None:
    assert small_faults(tmp_path, SMALL, **{f"{folder}__new": f"# after R{2}"}) == [
        f"R2: {folder}/new.py cites it, and the page names nothing that is {kind}"
    ]


def test_a_citation_of_a_rule_that_there_is_not_would_be_found_here() -> None:
    number = rules(PAGE)[-1].number + 1
    wrong = list(faults(PAGE, {**FILES, "physalia/new.py": f"# rule R{number}"}, ROOT, EVIDENCE))
    assert wrong == [f"physalia/new.py cites R{number}, which has no section"]


def test_a_rule_can_be_added_at_the_end() -> None:
    number = rules(PAGE)[-1].number + 1
    section = f"## R{number} new\n\n**Says.** It. **Why.** So. **Without it.** Not.\n\n- *not yet*: not built.\n\n"
    page = re.sub(r"^## The traps", lambda found: section + found[0], PAGE, flags=re.MULTILINE)
    files = {**FILES, NAME: page, "tests/new.py": f"# rule R{number}"}
    assert not list(faults(page, files, ROOT, EVIDENCE))
    assert rules(page)[-1].number == number

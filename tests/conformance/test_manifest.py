"""A manifest that is wrong gets one sentence with file, line and entry; a twin that does not apply is an error."""

import re
from pathlib import Path

import pytest

from conformance.links import BadInput, Profile
from conformance.manifest import apply_twin, load_manifest
from tests.conformance.tlc.small_specifications import MANIFEST, specify

GOOD = MANIFEST.format(distinct=34, generated=57, depth=7)


def write(folder: Path, text: str) -> Path:
    specify(folder)
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_good_manifest_is_read(tmp_path: Path) -> None:
    manifest = load_manifest(write(tmp_path, GOOD))
    assert [model.name for model in manifest.models] == ["MCCounter"]
    assert manifest.model("MCCounter").reaches == ("ReachThree",)
    assert manifest.twin("leaps").profile is Profile.QUICK
    assert not manifest.model("MCCounter").slow
    slow = load_manifest(write(tmp_path, GOOD.replace("depth = 7", "depth = 7\nslow = true")))
    assert slow.model("MCCounter").slow


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("schema_version = 1", "schema_version = 2", 1, "schema_version = 1 only"),
        ("schema_version = 1\n", "", 1, "schema_version is missing"),
        ('name = "MCCounter"', "name = MCCounter", 4, "not TOML"),
        ('purpose = "count"\n', "", 3, "the key purpose is missing"),
        ('purpose = "count"', "purpose = 7", 6, "not a text"),
        ('profile = "quick"', 'profile = "fast"', 8, "one of quick, default, deep"),
        ('expect = "holds"', 'expect = "maybe"', 9, "one of holds, refuted"),
        ('expect = "holds"', 'expect = "refuted"', 3, "violates is missing"),
        ('rung = "Counter"', 'rung = "Cuonter"', 5, "no file Cuonter.tla"),
        ('reaches = ["ReachThree"]\n', "", 3, "names nothing that must be reached"),
        ('with = "count\' = count + k + k"', 'with = "count\' = count\\n + k"', 20, "spans several lines"),
        ("distinct = 34", 'distinct = "34"', 10, "not a number"),
        ("distinct = 34", "distinct = true", 10, "not a number"),
        ("distinct = 34", "distinct = 0", 10, "1 or more"),
        ("distinct = 34", "distinkt = 34", 10, "distinkt means nothing here; write distinct"),
        ("depth = 7", "depth = 7\ncolour = 1", 13, "colour means nothing here"),
        ("depth = 7", "depth = 7\nslow = 1", 13, "slow = 1 is neither true nor false"),
        ('["ReachThree"]', '"ReachThree"', 13, "not a list of names"),
        ('["ReachThree"]', '["ReachThree", "ReachThree"]', 13, "twice"),
        ('name = "MCCounter"', 'name = "MCMissing"', 4, "no file MCMissing.tla"),
        ('name = "MCCounter"', 'name = "../MCCounter"', 4, "no file ../MCCounter.tla"),
        ('model = "MCCounter"', 'model = "MCMissing"', 17, "no model MCMissing"),
        ('file = "Counter.tla"', 'file = "Nothing.tla"', 18, "no file Nothing.tla"),
        ('with = "count\' = count + k + k"', 'with = "count\' = count + k"', 20, "must change something"),
        ('kills = "Small"', 'kills = ""', 21, "not a text"),
        ("[[twin]]", "[twin]", 15, "not a list of tables"),
        ("[[twin]]", "[[twin]]\n[[twin]]", 15, "the key name is missing"),
        ("[[twin]]", "[[twins]]", 15, "write twin"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    folder = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(BadInput) as refusal:
        load_manifest(folder)
    sentence = str(refusal.value)
    assert says in sentence
    assert "\n" not in sentence
    assert sentence.startswith(str(folder / "manifest.toml"))
    assert re.search(rf":{line}\b|line {line}\b", sentence)


def test_names_are_given_once(tmp_path: Path) -> None:
    model = GOOD.split("[[model]]")[1].split("[[twin]]")[0]
    with pytest.raises(BadInput, match="another model called MCCounter"):
        load_manifest(write(tmp_path, f"{GOOD}\n[[model]]{model}"))


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"manifest\.toml: there is no such file"):
        load_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_named(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "manifest.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "line"),
    [("MCCounter.tla", "EXTENDS Counter", 2), ("MCCounter.tla", "INSTANCE Upper", 3), ("Counter.tla", "Sequences", 2)],
)
def test_a_module_that_is_nowhere_is_named_with_its_place(tmp_path: Path, file: str, old: str, line: int) -> None:
    write(tmp_path, GOOD)
    module = tmp_path / file
    module.write_text(module.read_text(encoding="utf-8").replace(old, f"{old}s"), encoding="utf-8")
    with pytest.raises(BadInput, match=rf"{file}:{line}: module \w+s is in no file \w+s.tla"):
        load_manifest(tmp_path)


def test_a_manifest_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="lists no model"):
        load_manifest(write(tmp_path, "schema_version = 1"))


def test_an_unknown_name_gets_the_closest_ones(tmp_path: Path) -> None:
    manifest = load_manifest(write(tmp_path, GOOD))
    with pytest.raises(BadInput, match="no model called MCCuonter; did you mean MCCounter"):
        manifest.model("MCCuonter")
    with pytest.raises(BadInput, match="physalia spec list"):
        manifest.twin("zzz")


@pytest.mark.parametrize(("text", "times"), [("nowhere", 0), ("count", 19)])
def test_a_twin_that_does_not_apply_once_is_an_error(tmp_path: Path, text: str, times: int) -> None:
    wrong = GOOD.replace('replace = "count\' = count + k"', f'replace = "{text}"')
    manifest = load_manifest(write(tmp_path, wrong))
    before = (tmp_path / "Counter.tla").read_text(encoding="utf-8")
    with pytest.raises(BadInput, match=rf"twin leaps .* occurs {times} times in Counter\.tla") as refusal:
        apply_twin(manifest.twin("leaps"), tmp_path, manifest.path)
    assert "\n" not in str(refusal.value)
    assert (tmp_path / "Counter.tla").read_text(encoding="utf-8") == before


def test_a_new_model_is_read_before_its_numbers_are_known(tmp_path: Path) -> None:
    new = "".join(line for line in GOOD.splitlines(True) if not line.startswith(("distinct", "generated", "depth")))
    model = load_manifest(write(tmp_path, new)).model("MCCounter")
    assert (model.distinct, model.generated, model.depth) == (0, 0, 0)


def test_the_keys_that_are_missing_are_told_all_at_once(tmp_path: Path) -> None:
    bare = "".join(line for line in GOOD.splitlines(True) if not line.startswith(("purpose", "bounds")))
    with pytest.raises(BadInput, match="the keys purpose, bounds are missing"):
        load_manifest(write(tmp_path, bare))
    name_alone = GOOD[: GOOD.index("rung = ")] + GOOD[GOOD.index("\n[[twin]]") :]
    with pytest.raises(BadInput, match="the keys rung, purpose, bounds, profile, expect, reaches are missing"):
        load_manifest(write(tmp_path, name_alone))

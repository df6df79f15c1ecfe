"""The chapter on placement: its examples can be read, and it names everything that there is."""

import json
import re
from pathlib import Path
from typing import get_args

import attrs
import pytest

from physalia.placement.netbox.options import Use
from physalia.placement.rules import policy as policies
from physalia.placement.site.format import loads
from physalia.placement.site.shipped import EXAMPLES
from physalia.placement.site.topology import DEVICE_KINDS

CHAPTER = (Path(__file__).parents[2] / "docs" / "placement.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", CHAPTER, flags=re.DOTALL | re.MULTILINE)


def test_the_topology_of_the_chapter_is_one() -> None:
    topology = loads(blocks("json")[0].encode(), "docs/placement.md")
    assert topology.single_points("rack-1") == {"feed-a", "ups-a", "pdu-a1"}
    assert topology.single_points("rack-2") == frozenset()
    assert set(json.loads(blocks("json")[0])) == {
        "schema_version", "name", "rows", "power", "racks", "switches", "links", "servers", "cells",
        "failure_probability",
    }  # fmt: skip


def test_the_policy_of_the_chapter_is_the_default() -> None:
    assert policies.parse(blocks("toml")[0], "docs/placement.md") == policies.default()


def test_the_python_of_the_chapter_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    (code,) = blocks("python")
    exec(compile(code, "docs/placement.md", "exec"), {})  # the page's own
    assert capsys.readouterr().out.startswith("placed (")


def test_every_rule_is_in_the_table_with_its_keys() -> None:
    rows = {row.split("`")[1]: row for row in CHAPTER.splitlines() if row.startswith("| `")}
    for rule in get_args(policies.Rule):
        keys = attrs.fields_dict(rule)
        name = {value: key for key, value in policies.TYPES.items()}[rule]
        assert all(f"`{key}`" in rows[name] for key in keys if key != "id"), name


def test_everything_is_named() -> None:
    for word in (*policies.FIXED_IDS, *policies.DOMAIN_KINDS, *policies.CLIENTS, *DEVICE_KINDS, *Use, *EXAMPLES):
        assert f"`{word}`" in CHAPTER, word

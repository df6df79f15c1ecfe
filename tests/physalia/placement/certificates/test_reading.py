"""The checker reads every key and types every value, of certificates, policies and topologies of every kind."""

import copy
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from physalia.placement.certificates.certificate import canonical, certificate
from physalia.placement.certificates.check import Refused, check
from physalia.placement.rules.policy import TYPES, Policy
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.topology import Cell, Topology
from physalia.placement.solver.answer import prove
from tests.physalia.placement.questions import crossing, policy_of, rack_cap, row_of_racks

Data = dict[str, Any]
Step = tuple[str | int, ...]
LONG = 10
SCHEMAS = ("place-certificate.schema.json", "topology.schema.json")
DOCS = Path(__file__).parents[4] / "docs"

RULES: list[Data] = [
    rack_cap(2),
    {"id": "pair", "type": "pair-cap", "most": 3},
    {"id": "pair of pdus", "type": "pair-cap", "most": 3, "kind": "pdu"},
    {"id": "here", "type": "minimum", "kind": "row", "least": 1, "of": "instance"},
    {"id": "there", "type": "minimum", "kind": "rack", "least": 0, "name": "r2"},
    {"type": "single-failure", "most": 3},
    {"type": "hop-limit", "client": "primary", "most": 6},
    {"type": "anti-affinity"},
    {"type": "overlap", "most": 1},
    {"type": "survives"},
]
EVERYTHING = row_of_racks(racks=6, feeds=3, colors=("blue", "green"), cells=(Cell("cell-1", ("s12",)),))
KINDS: dict[str, tuple[Topology, Policy, Query]] = {
    "optimal, every rule": (
        EVERYTHING,
        policy_of(*RULES, cell_size=3, spread=["rack", "feed"]),
        Query("s11", "s21", "s31", "blue"),
    ),
    "optimal, a tree": (
        crossing(),
        policy_of({"type": "overlap", "most": 1}, rack_cap(1), cell_size=3, spread=["rack"]),
        Query("s61"),
    ),
    "infeasible": (
        row_of_racks(racks=4, feeds=3, colors=("blue", "green")),
        policy_of({"id": "feed-cap", "type": "cap", "kind": "feed", "most": 2}, rack_cap(3)),
        Query("s11"),
    ),
    "infeasible by an empty range": (
        row_of_racks(),
        policy_of(
            {"type": "minimum", "kind": "rack", "least": 3, "of": "instance"}, rack_cap(2), cell_size=5, one_color=False
        ),
        Query("s11"),
    ),
    "feasible": (row_of_racks(), policy_of(rack_cap(3), cell_size=3), Query("s11")),
}
OTHERS: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**100, "x", "", [], ["x"], {}, {"x": 1})


@cache
def texts(kind: str) -> tuple[str, str]:
    """A certificate of a kind and its topology, with every key that may stand there."""
    topology, policy, asked = KINDS[kind]
    made = json.loads(json.dumps(certificate(prove(topology, policy, asked))))
    if kind == "feasible":
        made |= {"claim": "feasible", "note": "time ran out"}
        del made["evidence"]
    site = json.loads(files.dumps(topology))
    site["failure_probability"] = {"kinds": {"rack": 0.25}, "devices": {"s11": 0.5, "s11--tor-r1": 1}}
    if kind == "optimal, a tree":
        site["failure_probability"]["devices"] = {}
    site["power"][0]["supplies"], site["switches"][-1]["rack"], site["servers"][0]["drained"] = [], None, False
    site["links"][0]["name"] = "a trunk"
    return json.dumps(made), json.dumps(site)


def both(kind: str) -> tuple[Data, Data]:
    """Fresh copies of them."""
    made, site = texts(kind)
    return json.loads(made), json.loads(site)


def sealed(kind: str, which: int, changed: Data) -> tuple[bytes, bytes]:
    """The files of a kind with one of them changed, and digests that fit, so that only what was changed is to blame."""
    made, site = both(kind)
    if which == 1:
        content = canonical(changed)
    else:
        made, content = changed, canonical(site)
    if which == 1 or made.get("topology") == both(kind)[0]["topology"]:
        made["topology"]["sha256"] = hashlib.sha256(content).hexdigest()
    if made.get("policy_sha256") == both(kind)[0]["policy_sha256"]:
        made["policy_sha256"] = hashlib.sha256(canonical(made.get("policy", {}))).hexdigest()
    return canonical(made), content


def stands(kind: str, which: int, changed: Data) -> bool:
    """Whether they are accepted."""
    try:
        check(*sealed(kind, which, changed))
    except Refused:
        return False
    return True


def places(value: Any, path: Step = ()) -> Iterator[Step]:
    """Where something stands in a document; of long lists, whose entries are alike, the first two entries."""
    yield path
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[: len(value) if len(value) <= LONG else 2])
        if isinstance(value, list)
        else ()
    )
    for step, one in inside:
        yield from places(one, (*path, step))


def at(document: Data, path: Step) -> Any:
    """What stands there."""
    found: Any = document
    for step in path:
        found = found[step]
    return found


both_files = pytest.mark.parametrize("which", [0, 1], ids=["certificate", "topology"])
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@both_files
def test_what_is_changed_here_stands(kind: str, which: int) -> None:
    assert stands(kind, which, both(kind)[which])


def test_every_key_that_there_is_is_tried() -> None:
    """All that the schemas name stands in what is changed here, but for what other claims and rules have."""
    seen = {step for kind in KINDS for document in both(kind) for path in places(document) for step in path}
    assert named_by_schemas() <= seen
    rules = {rule["type"] for rule in both("optimal, every rule")[0]["policy"]["rules"]}
    assert rules == TYPES.keys()


def named_by_schemas() -> set[str]:
    """Every key that the schemas of certificates and topologies have a description of."""
    found: set[str] = set()
    waiting = [json.loads((DOCS / name).read_text("utf-8")) for name in SCHEMAS]
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict):
            found |= schema.get("properties", {}).keys() if isinstance(schema.get("properties"), dict) else set()
            waiting += schema.values()
        elif isinstance(schema, list):
            waiting += schema
    return found


@every_kind
@both_files
def test_the_schema_says_the_same_of_keys(kind: str, which: int) -> None:
    """It takes what is changed here, and no key more; what else it cannot say is in its descriptions."""
    schema = json.loads((DOCS / SCHEMAS[which]).read_text("utf-8"))
    jsonschema.validate(both(kind)[which], schema)
    for path in places(both(kind)[which]):
        document = both(kind)[which]
        inner = at(document, path)
        if isinstance(inner, dict) and path[-1:] not in {("prices",), ("trees",), ("nearer",), ("devices",)}:
            inner["new"] = 0
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(document, schema)


@every_kind
@both_files
def test_a_key_more_is_refused_wherever_it_stands(kind: str, which: int) -> None:
    tried = 0
    for path in places(both(kind)[which]):
        for key in ("new", "name", "most", "kind?", "rack", "bound", "survives"):
            document = both(kind)[which]
            inner = at(document, path)
            if (
                isinstance(inner, dict)
                and key not in inner
                and (which == 0 or (path[:1], key) != (("switches",), "rack"))
            ):
                inner[key] = 0
                tried += 1
                assert not stands(kind, which, document), (path, key)
    assert tried > 30


@every_kind
@both_files
def test_a_value_of_another_type_is_refused_wherever_it_stands(kind: str, which: int) -> None:
    tried = 0
    for path in places(both(kind)[which]):
        was = at(both(kind)[which], path)
        for other in OTHERS if path else ():
            null = other is None and (path[0], *path[2:]) in {("links", "name"), ("switches", "rack")}
            number = path[0] == "failure_probability" and type(was) is float and type(other) is int
            if type(other) is not type(was) and not null and not number:
                document = both(kind)[which]
                at(document, path[:-1])[path[-1]] = copy.deepcopy(other)
                tried += 1
                assert not stands(kind, which, document), (path, other)
    assert tried > 100


@every_kind
@both_files
def test_a_key_less_is_refused_unless_it_may_be_absent(kind: str, which: int) -> None:
    """What may be absent has a meaning then, which the claim may or may not survive."""
    absent = {"note", "drained", "nodes", "cells", "failure_probability", "kinds", "devices", "primary", "replica"}
    absent.add("color" if which == 0 else "")
    may = {("power", "supplies"), ("switches", "supplies"), ("switches", "rack"), ("links", "name"), ("policy", "kind")}
    tried = 0
    for path in places(both(kind)[which]):
        document = both(kind)[which]
        inner = at(document, path[:-1]) if path else None
        free = path[-2:-1] in {("prices",), ("kinds",), ("devices",)}
        if isinstance(inner, dict) and not free and path[-1] not in absent and (path[0], path[-1]) not in may:
            del inner[path[-1]]
            tried += 1
            assert not stands(kind, which, document), path
    assert tried > 20


@every_kind
@both_files
def test_a_key_twice_is_refused_wherever_it_stands(kind: str, which: int) -> None:
    """Also where both values are the same: who changes one of them later may change the one that is not read."""
    for path in places(both(kind)[which]):
        if path and isinstance(path[-1], str):
            document = both(kind)[which]
            inner = at(document, path[:-1])
            inner[f"again!{path[-1]}"] = inner[path[-1]]
            made, site = sealed(kind, which, document)
            twice = (made, site)[which].replace(b"again!", b"")
            if which == 1:
                was, now = (hashlib.sha256(content).hexdigest().encode() for content in (site, twice))
                made = made.replace(was, now)
            with pytest.raises(Refused, match="states a key twice"):
                check(*((twice, site) if which == 0 else (made, twice)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "pair-cap", "kind": "rack", "most": 0}, "kind"),
        ({"type": "cap", "kind": "primary", "most": 0}, "kind"),
        ({"type": "hop-limit", "client": "rack", "most": 0}, "client"),
        ({"type": "minimum", "kind": "row", "least": 0, "of": "instance", "name": "row-1"}, "no domain, or two"),
        ({"type": "minimum", "kind": "row", "least": 0}, "no domain, or two"),
        ({"type": "minimum", "kind": "row", "least": 0, "name": "row-9"}, "there is no row row-9"),
        ({"type": "anti-affinity", "most": 0}, "most"),
        ({"type": "survives", "most": 0}, "most"),
        ({"type": "nearness"}, "type of a rule"),
        ({"type": ["cap"]}, "type of a rule"),
        ({"type": "anti-affinity", "id": "rack-cap"}, "one id"),
        ({"type": "anti-affinity", "id": "drained"}, "of its own"),
        ({"type": "anti-affinity", "id": " "}, "of its own"),
    ],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(change: Data, why: str) -> None:
    document = both("feasible")[0]
    document["policy"]["rules"].append({"id": "new", **change})
    with pytest.raises(Refused, match=why):
        check(*sealed("feasible", 0, document))


def test_names_by_which_one_thing_could_be_taken_for_another_are_refused() -> None:
    """Wherever a name stands; and a trunk may not take the name of a link between others."""
    for wrong in ("-s12", "s12-", "s--2", "& s12", "s12 &", "s & 2", "&", "", "r1"):
        for part in ("racks", "switches", "servers", "power", "cells", "rows"):
            document = json.loads(texts("optimal, every rule")[1])
            if part == "rows":
                document["rows"].append(wrong)
            else:
                document[part].append({**document[part][0], "name": wrong})
            assert not stands("optimal, every rule", 1, document) or (part, wrong) == ("cells", "r1"), (part, wrong)
    for trunk in ("s11--tor-r2", "tor-r1--tor-r2", "s11", "agg-1", "a & b", ""):
        document = json.loads(texts("feasible")[1])
        document["links"][0]["name"] = trunk
        assert not stands("feasible", 1, document), trunk
    document["links"][0]["name"] = "agg-1--tor-r1 (2)"
    assert stands("feasible", 1, document)

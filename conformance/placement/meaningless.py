"""Certificates and topologies in which something means nothing, or asks for too much: the checker must refuse them all.

What they claim is as true as before. But who reads them may take for proven what nobody has looked at, or may read
another thing than the checker did.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

Data = dict[str, Any]

FORGED = "new\nthe certificate stands"
"""A key that a terminal would show as two lines."""

_TOO_MANY = 257


def meaningless(made: Mapping[str, Any], site: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """What is wrong, the certificate and the topology: with digests that fit, so that nothing else is wrong."""
    topology = json.loads(site)
    for what, certificate in (*_rules(_copy(made)), *_evidence(made, topology)):
        certificate["policy_sha256"] = hashlib.sha256(_canonical(certificate["policy"])).hexdigest()
        yield what, _canonical(certificate), site
    yield "a key twice", _canonical(made).replace(b'"claim":', b'"claim":"feasible","claim":', 1), site
    for what, changed in _topologies(topology):
        yield what, _of(made, _canonical(changed)), _canonical(changed)
    twice = site.replace(b'"schema_version"', b'"rows": [], "schema_version"', 1)
    yield "a key twice in the topology", _of(made, twice), twice


def _rules(made: Data) -> Iterator[tuple[str, Data]]:
    rules = made["policy"]["rules"]
    rules.append({"id": "new", "type": "hop-limit", "client": "rack", "most": 0})
    yield "a rule that means nothing", _copy(made)
    rules[-1:] = rules[:1]
    if len(rules) > 1:
        yield "two rules of one id", _copy(made)
    del rules[-1]
    if made["policy"]["one_color"]:
        made["policy"]["one_color"] = "true"
        yield "a text for a truth", made


def _evidence(made: Mapping[str, Any], site: Data) -> Iterator[tuple[str, Data]]:
    if "evidence" not in made:
        return
    document = _copy(made)
    document["evidence"][FORGED] = {}
    yield "a key more", document
    document = _copy(made)
    leaf = _first_leaf(document)
    leaf["prices"]["rack nowhere"] = 0
    yield "a price of nothing", document
    document = _copy(made)
    leaf = _first_leaf(document)
    racks = [f"rack {rack['name']}" for rack in site["racks"]]
    free = next((rack for rack in racks if rack not in leaf["prices"]), None)
    if free is not None:  # what does not price a domain proves the same of both halves of its range
        tree = dict(leaf)
        for _ in range(_TOO_MANY):
            tree = {"domain": free, "at": 0, "below": dict(leaf), "above": tree}
        leaf.clear()
        leaf.update(tree)
        yield "too many leaves", document


def _topologies(site: Data) -> Iterator[tuple[str, Data]]:
    changed = _copy(site)
    changed["switches"].append({"name": "spare-", "tier": "core"})
    yield "a name that makes links ambiguous", changed
    changed = _copy(site)
    changed["servers"][-1]["weight"] = 1
    yield "a key more in the topology", changed
    apart = {server["name"]: {*server["switches"]} for server in site["servers"]}
    name = next((f"{one}--{other['name']}" for one, on in apart.items() for other in site["switches"]
                 if other["name"] not in on), None)  # fmt: skip
    if name is not None and site["links"]:
        changed = _copy(site)
        changed["links"][0]["name"] = name
        yield "a trunk that has the name of a server's link", changed


def _first_leaf(made: Data) -> Data:
    tree: Data = next(iter(made["evidence"]["trees"].values()))
    while "prices" not in tree:
        tree = tree["below"]
    return tree


def _of(made: Mapping[str, Any], site: bytes) -> bytes:
    """The certificate, as one of this topology."""
    return _canonical({**made, "topology": {**made["topology"], "sha256": hashlib.sha256(site).hexdigest()}})


def _copy(document: Mapping[str, Any]) -> Data:
    return copy.deepcopy(dict(document))


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

"""Certificates: one JSON file with what is claimed of a placement and the numbers that prove it.

`check` accepts or refuses one without anything of this program but itself. Claims: ``optimal`` (nothing costs less, by
a tree of duals for each colour, and no lower worst hop will do, by another), ``infeasible`` (there is none), and
``feasible`` (it keeps the rules), which is all that can be claimed when time ran out or a tree grew long.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from physalia.placement.rules.policy import to_document
from physalia.placement.site.format import digest
from physalia.placement.solver.answer import Answer
from physalia.placement.solver.search import Leaf, Split, Tree

SCHEMA_VERSION: Final = 1
MOST_LEAVES: Final = 256
"""A tree with more leaves is no short certificate, and none is given."""


class NoCertificate(Exception):
    """There is nothing to certify, or nothing short; the message says why."""


def certificate(answer: Answer) -> dict[str, Any]:
    """The certificate of an answer; NoCertificate if it has none."""
    stated = answer.problem
    policy = to_document(stated.policy)
    claim, note = _claim(answer)
    made: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "claim": claim,
        "topology": {"name": stated.topology.name, "sha256": digest(stated.topology)},
        "policy": policy,
        "policy_sha256": hashlib.sha256(canonical(policy)).hexdigest(),
        "query": stated.query.to_document(),
    }
    if answer.cost is not None:
        cost = answer.cost
        made["placement"] = list(answer.servers)
        made["cost"] = {
            "worst_hop": cost.worst_hop, "spread": cost.spread, "hops": cost.hops, "fill": cost.fill
        }  # fmt: skip
    if claim != "feasible":
        made["evidence"] = evidence(answer)
    if note:
        made["note"] = note
    return made


def evidence(answer: Answer) -> dict[str, Any]:
    """The trees of an answer as plain data."""
    told = {"trees": {color: _tree(tree) for color, tree in answer.trees.items()}}
    if answer.verdict == "placed":
        told["nearer"] = {color: _tree(tree) for color, tree in answer.nearer.items()}
    return told


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON without any freedom: keys sorted, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def dumps(made: Mapping[str, Any]) -> str:
    """A certificate as the text of a file."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def size(answer: Answer) -> int:
    """The length of the evidence alone, in bytes."""
    return len(canonical(evidence(answer)))


def _claim(answer: Answer) -> tuple[str, str]:
    count = sum(map(_leaves, (*answer.trees.values(), *answer.nearer.values())))
    long = f"the proof has {count:,} leaves, so there is no short certificate"
    if answer.verdict == "impossible":
        if count > MOST_LEAVES:
            raise NoCertificate(f"{long} that the cell cannot be placed.")
        return "infeasible", ""
    if answer.cost is None:
        raise NoCertificate("no placement was found in the time allowed, and none was refuted.")
    if answer.verdict == "inconclusive":
        return "feasible", "time ran out, or floating point was too coarse, before it was proven to be the best."
    return ("feasible", f"{long} that the placement is the best.") if count > MOST_LEAVES else ("optimal", "")


def _leaves(tree: Tree) -> int:
    return _leaves(tree.below) + _leaves(tree.above) if isinstance(tree, Split) else 1


def _tree(tree: Tree) -> dict[str, Any]:
    if isinstance(tree, Split):
        return {"domain": tree.key, "at": tree.at, "below": _tree(tree.below), "above": _tree(tree.above)}
    assert isinstance(tree, Leaf), f"an open tree proves nothing: {tree}"
    dual = tree.dual
    return {"scale": dual.scale, "node": dual.node, "prices": dict(dual.prices), "bound": tree.bound}

"""Certificates: one JSON file with what is claimed of a placement and the numbers that prove it.

`check` accepts or refuses one without anything of this program but itself. Claims: ``optimal`` (nothing costs less, by
a tree of duals for each colour, and no lower worst hop will do, by another), ``infeasible`` (there is none), and
``feasible`` (it keeps the rules), which is all that can be claimed when time ran out or a tree grew long.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from physalia.placement.rules.policy import Client, Survives, to_document
from physalia.placement.site.format import digest
from physalia.placement.site.hops import Hops
from physalia.placement.site.topology import ALSO
from physalia.placement.solver.answer import Answer
from physalia.placement.solver.search import Leaf, Split, Tree

SCHEMA_VERSION: Final = 1
MOST_LEAVES, MOST_PRICES, MOST_SEARCHES, MOST_DIGITS = 256, 4096, 512, 100
"""A proof with more leaves or prices in all its trees, more cuts and parts of intersections, or longer numbers is no
short certificate, and none is given: what a checker does for one must stay in proportion to its size."""


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
    long = _too_long(answer)
    if answer.verdict == "impossible":
        if long:
            raise NoCertificate(f"{long}, so there is no short certificate that the cell cannot be placed.")
        return "infeasible", ""
    if answer.cost is None:
        raise NoCertificate("no placement was found in the time allowed, and none was refuted.")
    if (links := _links(answer)) > MOST_PRICES:
        raise NoCertificate(f"the ways to its nodes are {links:,} links long, and a checker follows them all.")
    if (failures := _failures(answer)) > MOST_SEARCHES:
        raise NoCertificate(
            f"up to {failures:,} failures are on the ways to many of its nodes, and a checker looks into them all."
        )
    if answer.verdict == "inconclusive":
        return "feasible", "time ran out, or floating point was too coarse, before it was proven to be the best."
    why = f"{long}, so there is no short certificate that the placement is the best." if long else ""
    return ("feasible" if long else "optimal"), why


def _must_survive(answer: Answer) -> bool:
    return any(isinstance(rule, Survives) for rule in answer.problem.policy.rules)


def _links(answer: Answer) -> int:
    """How many links a checker follows: of the shortest ways to the nodes from whoever must see a majority survive."""
    network, clients = Hops(answer.problem.topology), answer.problem.query.clients()
    ways = [network.of(clients[one]) for one in _watching(answer) if one in clients]
    return sum(way.to(server) or 0 for way in ways for server in answer.servers)


def _watching(answer: Answer) -> set[Client]:
    """The clients that must see a majority survive."""
    return {rule.seen_from for rule in answer.problem.policy.rules if isinstance(rule, Survives)}


def _failures(answer: Answer) -> int:
    """How many failures, at most, a checker looks into: those on the ways to more nodes than a cell may lose.

    A way of `hops` links between servers meets as many switches and one rack, each with what alone takes its power.
    """
    if answer.cost is None or not _must_survive(answer):
        return 0
    stated, client_itself = answer.problem, 2
    met = (_links(answer) + client_itself * len(_watching(answer))) * (2 + stated.topology.most_single_points)
    return met // ((stated.policy.cell_size - 1) // 2 + 1)


def _too_long(answer: Answer) -> str:
    """Why the proof of an answer is too long for a certificate; empty if it is not."""
    parts = [part for tree in (*answer.trees.values(), *answer.nearer.values()) for part in _parts(tree)]
    duals = [part.dual for part in parts if isinstance(part, Leaf)]
    prices = [(key, price) for dual in duals for key, price in dual.prices.items()]
    keys = {*(key for key, _ in prices), *(part.key for part in parts if isinstance(part, Split))}
    joined = [key.split(ALSO) for key in keys if ALSO in key]
    cuts = {one for key in keys for one in key.split(ALSO) if one.partition(" ")[0].endswith("cut")}
    numbers = [*(price for _, price in prices), *(number for dual in duals for number in (dual.scale, dual.node))]
    for count, most, what in (
        (len(duals), MOST_LEAVES, "leaves"),
        (len(prices), MOST_PRICES, "prices"),
        (len(cuts) + sum(map(len, joined)) + _failures(answer), MOST_SEARCHES, "cuts and parts of intersections"),
        (max((len(str(abs(number))) for number in numbers), default=0), MOST_DIGITS, "digits in a number"),
    ):
        if count > most:
            return f"the proof has {count:,} {what}"
    return ""


def _parts(tree: Tree) -> Iterator[Tree]:
    """A tree, and every tree in it."""
    yield tree
    if isinstance(tree, Split):
        yield from _parts(tree.below)
        yield from _parts(tree.above)


def _tree(tree: Tree) -> dict[str, Any]:
    if isinstance(tree, Split):
        return {"domain": tree.key, "at": tree.at, "below": _tree(tree.below), "above": _tree(tree.above)}
    assert isinstance(tree, Leaf), f"an open tree proves nothing: {tree}"
    dual = tree.dual
    return {"scale": dual.scale, "node": dual.node, "prices": dict(dual.prices), "bound": tree.bound}

"""Certificates changed at random in what they mean, and the truth of what they then claim, by definition.

A forger also repairs: digests, what a placement costs, and the bounds that leaves record, so that only what a
certificate means can give it away.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from conformance.placement.definition import Question
from conformance.placement.sites import Seeded, question
from conformance.placement.table import by_definition, possible
from physalia.placement.certificates.certificate import NoCertificate, canonical, certificate
from physalia.placement.certificates.check import Refused, check
from physalia.placement.errors import PlacementError
from physalia.placement.rules import policy as policies
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.solver.answer import query

Data = dict[str, Any]
_COST = ("worst_hop", "spread", "hops", "fill")


def material(seed: str) -> tuple[Data, Data] | None:
    """A certificate and its topology, made up; none if the answer has no certificate."""
    asked = question(Seeded(seed))
    if seed[-1] in "02468":
        asked = possible(asked)
    try:
        answer = query(asked.topology, asked.policy, Query(asked.instance, asked.primary, asked.replica, asked.color))
        return json.loads(json.dumps(certificate(answer))), json.loads(files.dumps(asked.topology))
    except NoCertificate:
        return None


def sealed(made: Data, site: Data) -> tuple[bytes, bytes]:
    """Both as files, with digests that fit."""
    content = canonical(site)
    made["topology"] = {"name": site.get("name"), "sha256": hashlib.sha256(content).hexdigest()}
    made["policy_sha256"] = hashlib.sha256(canonical(made["policy"])).hexdigest()
    return canonical(made), content


def leaves(made: Data) -> Iterator[Data]:
    """Every leaf of the evidence."""
    waiting = [tree for trees in made.get("evidence", {}).values() for tree in trees.values()]
    while waiting:
        tree = waiting.pop()
        if "prices" in tree:
            yield tree
        waiting += [tree[half] for half in ("below", "above") if half in tree]


def stands(made: Data, site: Data, repairs: int = 12) -> bool:
    """Whether the checker accepts it, after a forger has put the numbers right that the checker says are wrong."""
    for _ in range(repairs):
        try:
            check(*sealed(made, site))
        except Refused as refused:
            if not _repair(made, str(refused)):
                return False
        else:
            return True
    return False


def _repair(made: Data, reason: str) -> bool:
    bound = re.fullmatch(r"a leaf proves (-?\d+), and (-?\d+) is recorded", reason)
    cost = re.fullmatch(r"the placement costs (\{.*\})", reason)
    if bound:
        wrong = [leaf for leaf in leaves(made) if leaf["bound"] == int(bound[2])]
        for leaf in wrong:
            leaf["bound"] = int(bound[1])
        return bool(wrong)
    if cost:
        made["cost"] = json.loads(cost[1].replace("'", '"'))
        return True
    return False


def is_true(made: Data, site: Data) -> bool:
    """Whether what a certificate claims is so, by definition; what cannot be read claims nothing that is."""
    try:
        asked = made["query"]
        topology = files.loads(canonical(site), "the site")
        policy = policies.from_document(made["policy"], "the policy")
        Query(**asked).judge(topology)
        query(topology, policy, Query(**asked))  # refuses rules of what is not there
    except PlacementError:
        return False
    table, _ = by_definition(Question(topology=topology, policy=policy, **asked))
    if made["claim"] == "infeasible":
        return not table.legal
    value = tuple(made["cost"][key] for key in _COST)
    found = table.legal.get(frozenset(made["placement"]))
    return found == value and (made["claim"] == "feasible" or value == table.best)


def forge(random: Random, made: Data, site: Data) -> str:
    """Change one thing, in place; what was changed."""
    change = random.choice(_CHANGES)
    change(random, made, site)
    return change.__name__.strip("_")


def _server(random: Random, site: Data) -> Data:
    found: Data = random.choice(site["servers"])
    return found


def _placement(random: Random, made: Data, site: Data) -> None:
    if made.get("placement"):
        made["placement"][random.randrange(len(made["placement"]))] = _server(random, site)["name"]


def _any_placement(random: Random, made: Data, site: Data) -> None:
    names = [server["name"] for server in site["servers"]]
    if "placement" in made:
        made["placement"] = random.sample(names, min(len(names), made["policy"]["cell_size"]))


def _cost(random: Random, made: Data, _: Data) -> None:
    if "cost" in made:
        key = random.choice(_COST)
        made["cost"][key] = max(0, made["cost"][key] + random.choice((-2, -1, 1)))


def _claim(random: Random, made: Data, _: Data) -> None:
    made["claim"] = claim = random.choice(("feasible", "optimal", "infeasible"))
    evidence = made.get("evidence", {})
    if claim == "infeasible":
        made.pop("placement", None), made.pop("cost", None)
        made["evidence"] = {"trees": evidence.get("nearer", evidence.get("trees", {}))}
    if claim == "feasible":
        made.pop("evidence", None)


def _dual(random: Random, made: Data, _: Data) -> None:
    if found := list(leaves(made)):
        leaf = random.choice(found)
        key = random.choice(("scale", "node", "bound"))
        leaf[key] = random.choice((0, 1, leaf[key] + 1, leaf[key] - 1, 2 * leaf[key], -leaf[key], 10**9))


def _price(random: Random, made: Data, site: Data) -> None:
    if found := list(leaves(made)):
        prices = random.choice(found)["prices"]
        keys = [*prices, *(key for leaf in found for key in leaf["prices"])]
        keys += [f"rack {rack['name']}" for rack in site["racks"]] + [f"cut {one['name']}" for one in site["switches"]]
        keys += [" & ".join(random.sample(keys, 2))]
        prices[random.choice(keys)] = random.choice((0, 1, -1, random.randint(-2000, 2000)))
        if random.random() < 0.3:
            prices.pop(random.choice([*prices]))


def _tree(random: Random, made: Data, _: Data) -> None:
    if made.get("evidence"):
        trees = [tree for part in made["evidence"].values() for tree in part.values()]
        part = random.choice([*made["evidence"].values()])
        if trees and part:
            part[random.choice([*part])] = json.loads(json.dumps(random.choice(trees)))


def _split(random: Random, made: Data, site: Data) -> None:
    if not made.get("evidence"):
        return
    part = random.choice([*made["evidence"].values()])
    if part:
        color = random.choice([*part])
        tree = part[color]
        if "domain" in tree and random.random() < 0.7:
            half = random.choice(("below", "above"))
            if random.random() < 0.5:
                part[color] = tree[half]
            else:
                tree["at"] += random.choice((-1, 1))
        else:
            rack = random.choice(site["racks"])["name"]
            halves = {half: json.loads(json.dumps(tree)) for half in ("below", "above")}
            part[color] = {"domain": f"rack {rack}", "at": random.randint(-1, 3), **halves}


def _query(random: Random, made: Data, site: Data) -> None:
    client = random.choice(("instance", "primary", "replica", "color"))
    server = _server(random, site)
    if client != "instance" and random.random() < 0.3:
        made["query"].pop(client, None)
    else:
        made["query"][client] = server["color"] if client == "color" else server["name"]


def _rule(random: Random, made: Data, _: Data) -> None:
    rules = made["policy"]["rules"]
    if rules:
        at = random.randrange(len(rules))
        number = next((key for key in ("most", "least") if key in rules[at]), None)
        if number is None or random.random() < 0.3:
            del rules[at]
        else:
            rules[at][number] = max(0, rules[at][number] + random.choice((-1, 1)))


def _new_rule(random: Random, made: Data, site: Data) -> None:
    client, kind = random.choice(("instance", "primary", "replica")), random.choice(("rack", "row", "pdu", "feed"))
    made["policy"]["rules"].append({"id": f"new-{random.random()}", **random.choice((
        {"type": "cap", "kind": kind, "most": random.randint(0, 3)},
        {"type": "minimum", "kind": kind, "least": random.randint(0, 3), "of": client},
        {"type": "minimum", "kind": "rack", "least": 1, "name": random.choice(site["racks"])["name"]},
        {"type": "single-failure", "most": random.randint(1, 3)},
        {"type": "pair-cap", "most": random.randint(1, 3)},
        {"type": "hop-limit", "client": client, "most": random.randint(2, 6)},
        {"type": "anti-affinity"},
        {"type": "overlap", "most": random.randint(0, 2)},
        {"type": "survives"},
    ))})  # fmt: skip


def _policy(random: Random, made: Data, _: Data) -> None:
    policy = made["policy"]
    setting = random.choice(("cell_size", "one_color", "spread"))
    if setting == "cell_size":
        policy["cell_size"] = max(1, policy["cell_size"] + random.choice((-1, 1)))
    elif setting == "one_color":
        policy["one_color"] = not policy["one_color"]
        for part in made.get("evidence", {}).values():
            if part and not policy["one_color"]:
                tree = next(iter(part.values()))
                part.clear()
                part[""] = tree
    else:
        policy["spread"] = random.sample(("rack", "row", "pdu", "ups", "feed"), random.randint(0, 3))


def _site(random: Random, _: Data, site: Data) -> None:
    server, other = _server(random, site), _server(random, site)
    what = random.randrange(7)
    if what == 0:
        server["rack"] = other["rack"]
    elif what == 1:
        server["switches"] = other["switches"]
    elif what == 2:
        server["nodes"] = max(0, server.get("nodes", 0) + random.choice((-1, 1)))
    elif what == 3:
        server["drained"] = not server.get("drained", False)
    elif what == 4:
        server["color"] = other["color"]
    elif what == 5 and site["links"]:
        site["links"].pop(random.randrange(len(site["links"])))
    else:
        random.choice(site["racks"])["supplies"] = random.choice(site["racks"])["supplies"]


_CHANGES: tuple[Callable[[Random, Data, Data], None], ...] = (
    _placement, _any_placement, _cost, _claim, _dual, _price, _price, _tree, _split, _query, _rule, _new_rule, _policy,
    _site,
)  # fmt: skip

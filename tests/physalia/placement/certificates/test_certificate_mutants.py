"""Certificates put wrong in one place: each is refused, or shown to prove its claim all the same."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
from attrs import asdict

from physalia.placement.certificates.certificate import canonical, certificate
from physalia.placement.certificates.check import Refused, check
from physalia.placement.rules.judge import broken, cost
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.solver.answer import Contradiction, prove
from physalia.placement.solver.bound import Dual, bound
from physalia.placement.solver.instance import Instance
from physalia.placement.solver.search import leaves
from tests.physalia.placement.questions import crossing, policy_of, rack_cap, row_of_racks

Data = dict[str, Any]
Change = Callable[[Data], None]

SITES = {
    # One color of two wins, and a lower worst hop must be refuted.
    "optimal": (
        row_of_racks(racks=6, feeds=3, colors=("blue", "green"), nodes=3, fills={"s11": 1, "s32": 9}),
        policy_of(
            rack_cap(1), {"type": "single-failure", "most": 3}, {"type": "anti-affinity"},
            cell_size=5, spread=["rack", "row", "feed"],
        ),
        Query("s11", primary="s21"),
    ),
    "branching": (
        crossing(),
        policy_of({"type": "overlap", "most": 1}, rack_cap(1), cell_size=3, spread=["rack"]),
        Query("s61"),
    ),
    "infeasible": (
        row_of_racks(racks=4, feeds=3, colors=("blue", "green")),
        policy_of({"id": "feed-cap", "type": "cap", "kind": "feed", "most": 2}, rack_cap(3)),
        Query("s11"),
    ),
}  # fmt: skip


@cache
def _made(name: str) -> str:
    return json.dumps(certificate(prove(*SITES[name])))


@cache
def _topology(name: str) -> bytes:
    return files.dumps(SITES[name][0])


def _stands(name: str, mutant: Data) -> bool:
    try:
        check(json.dumps(mutant).encode(), _topology(name))
    except Refused:
        return False
    return True


def _leaves(tree: Data, path: str) -> Iterator[tuple[str, Data]]:
    if "domain" in tree:
        yield from _leaves(tree["below"], f"{path}.below")
        yield from _leaves(tree["above"], f"{path}.above")
    else:
        yield path, tree


def _all_leaves(made: Data) -> dict[str, Data]:
    found: dict[str, Data] = {}
    for part, trees in made["evidence"].items():
        for color, tree in trees.items():
            found |= dict(_leaves(tree, f"{part}.{color}"))
    return found


def _numbers() -> Iterator[tuple[str, str, Change]]:
    """Every number of every leaf, one more and one less."""
    for name in SITES:
        try:
            made = json.loads(_made(name))
        except Contradiction:
            continue  # a broken solver is for the tests to find, not for their collection
        for path, leaf in _all_leaves(made).items():
            for delta in (1, -1):
                for key in ("scale", "node", "bound"):

                    def number(made: Data, path: str = path, key: str = key, delta: int = delta) -> None:
                        _all_leaves(made)[path][key] += delta

                    yield name, f"{path}.{key}{delta:+}", number
                for domain in leaf["prices"]:

                    def price(made: Data, path: str = path, key: str = domain, delta: int = delta) -> None:
                        _all_leaves(made)[path]["prices"][key] += delta

                    yield name, f"{path}.prices.{domain}{delta:+}", price


def _set(*path: str | int, to: Any) -> Change:
    def change(made: Data) -> None:
        place: Any = made
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _drop(*path: str | int) -> Change:
    def change(made: Data) -> None:
        place: Any = made
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def _policy(change: Change, *, digest: bool = True) -> Change:
    """Change the policy, and its digest with it, so that only what it means can give the mutant away."""

    def changed(made: Data) -> None:
        change(made["policy"])
        if digest:
            made["policy_sha256"] = hashlib.sha256(canonical(made["policy"])).hexdigest()

    return changed


def _add_rule(**rule: Any) -> Change:
    return _policy(lambda policy: policy["rules"].append(rule))


def _swap_colors(made: Data) -> None:
    trees = made["evidence"]["trees"]
    trees["blue"], trees["green"] = trees["green"], trees["blue"]


def _swap_halves(made: Data) -> None:
    tree = made["evidence"]["trees"]["blue"]
    tree["below"], tree["above"] = tree["above"], tree["below"]


def _other_server(made: Data) -> None:
    made["placement"][0] = "s62" if "s62" not in made["placement"] else "s52"


def _worse(made: Data) -> None:
    """Another placement that keeps every rule and is called by its right cost, which is not the least."""
    topology, policy, asked = SITES["optimal"]
    for gone, name in product(list(made["placement"]), sorted(topology.servers)):
        servers = sorted({*made["placement"], name} - {gone})
        if not broken(topology, policy, asked, servers):
            found = asdict(cost(topology, policy, asked, servers))  # type: ignore[arg-type]  # it is reached
            if found["worst_hop"] == made["cost"]["worst_hop"] and found != made["cost"]:
                made["placement"], made["cost"] = servers, found
                return
    raise AssertionError("there is no worse placement")


def _turned_round(made: Data) -> None:
    """With a negative scale and a node worth less than nothing, the formula would prove anything."""
    _worse(made)
    leaf = {"scale": -1, "node": -(10**9), "prices": {}, "bound": 5 * 10**9}
    made["evidence"]["trees"] = dict.fromkeys(made["evidence"]["trees"], leaf)


def _only_one_half(made: Data) -> None:
    made["evidence"]["trees"]["blue"] = made["evidence"]["trees"]["blue"]["below"]


def _grown(made: Data) -> None:
    tree = made["evidence"]["trees"]["blue"]
    made["evidence"]["trees"]["blue"] = {"domain": "row row-1", "at": 1, "below": tree, "above": copy.deepcopy(tree)}


TREES = ("evidence", "trees")
GIVEN: list[tuple[str, str, Change]] = [
    # a claim
    ("optimal", "claim: feasible", _set("claim", to="feasible")),
    ("optimal", "claim: infeasible", _set("claim", to="infeasible")),
    ("optimal", "claim: best", _set("claim", to="best")),
    ("optimal", "claim dropped", _drop("claim")),
    ("infeasible", "claim: optimal", _set("claim", to="optimal")),
    ("infeasible", "claim: feasible", _set("claim", to="feasible")),
    ("infeasible", "with a placement", _set("placement", to=["s11", "s12", "s13", "s21", "s22", "s23", "s31"])),
    ("optimal", "another version", _set("schema_version", to=2)),
    ("optimal", "a note", _set("note", to="trust me")),
    ("optimal", "version true", _set("schema_version", to=True)),
    ("optimal", "a claim more", _set("survives", to=True)),
    ("infeasible", "a cost", _set("cost", to={"worst_hop": 2, "spread": 0, "hops": 0, "fill": 0})),
    # a digest
    ("optimal", "topology digest", _set("topology", "sha256", to="0" * 64)),
    ("optimal", "topology digest dropped", _drop("topology", "sha256")),
    ("optimal", "topology name", _set("topology", "name", to="elsewhere")),
    ("optimal", "policy digest", _set("policy_sha256", to="0" * 64)),
    ("optimal", "policy without its digest", _policy(lambda p: p["rules"].pop(), digest=False)),
    ("optimal", "policy with a setting more", _policy(_set("most_hops", to=1))),
    ("optimal", "policy with a rule of a kind unknown", _add_rule(id="x", type="cap", kind="hall", most=0)),
    ("optimal", "policy with a rule that says more", _add_rule(id="x", type="overlap", most=7, of="primary")),
    ("optimal", "policy with a rule of nobody", _add_rule(id="x", type="hop-limit", client="leader", most=0)),
    ("optimal", "policy with a rule without an id", _add_rule(type="anti-affinity")),
    ("optimal", "policy that spreads twice", _policy(lambda p: p["spread"].append("rack"))),
    ("optimal", "policy with a minimum of nothing", _add_rule(id="x", type="minimum", kind="row", least=0)),
    # a placement
    ("optimal", "another server", _other_server),
    ("optimal", "a worse placement with its cost", _worse),
    ("optimal", "a worse placement by a scale below zero", _turned_round),
    ("optimal", "a server twice", lambda made: made["placement"].__setitem__(0, made["placement"][1])),
    ("optimal", "a server less", lambda made: made["placement"].pop()),
    ("optimal", "a server more", lambda made: made["placement"].append("s62")),
    ("optimal", "a server that does not exist", lambda made: made["placement"].__setitem__(0, "s99")),
    ("optimal", "the instance itself", lambda made: made["placement"].__setitem__(0, "s11")),
    ("optimal", "servers in another order", lambda made: made["placement"].reverse()),
    ("optimal", "placement is text", _set("placement", to="s11")),
    *(
        ("optimal", f"cost {key}{delta:+}", lambda made, key=key, delta=delta: made["cost"].__setitem__(
            key, made["cost"][key] + delta
        ))
        for key in ("worst_hop", "spread", "hops", "fill")
        for delta in (1, -1)
    ),
    ("optimal", "cost without fill", _drop("cost", "fill")),
    # a query
    ("optimal", "another instance", _set("query", "instance", to="s31")),
    ("optimal", "another primary", _set("query", "primary", to="s61")),
    ("optimal", "no primary", _drop("query", "primary")),
    ("optimal", "a replica", _set("query", "replica", to="s61")),
    ("optimal", "one color asked for", _set("query", "color", to="green")),
    ("optimal", "an unknown client", _set("query", "witness", to="s61")),
    ("optimal", "no instance", _drop("query", "instance")),
    # a rule
    ("optimal", "cell size 4", _policy(_set("cell_size", to=4))),
    ("optimal", "cell size 0", _policy(_set("cell_size", to=0))),
    ("optimal", "colors mixed", _policy(_set("one_color", to=False))),
    ("optimal", "spread without racks", _policy(_set("spread", to=["row", "feed"]))),
    ("optimal", "spread over halls", _policy(_set("spread", to=["rack", "row", "feed", "hall"]))),
    ("optimal", "no rack cap", _policy(_drop("rules", 0))),
    ("optimal", "rack cap 2", _policy(_set("rules", 0, "most", to=2))),
    ("optimal", "rack cap 0", _policy(_set("rules", 0, "most", to=0))),
    ("optimal", "rack cap -1", _policy(_set("rules", 0, "most", to=-1))),
    ("optimal", "rack cap is text", _policy(_set("rules", 0, "most", to="1"))),
    ("optimal", "rack cap for rows", _policy(_set("rules", 0, "kind", to="row"))),
    ("optimal", "single failure 1", _policy(_set("rules", 1, "most", to=1))),
    ("optimal", "no anti-affinity", _policy(_drop("rules", 2))),
    ("optimal", "an unknown rule", _add_rule(id="new", type="nearness", most=1)),
    ("optimal", "a hop limit", _add_rule(id="new", type="hop-limit", client="instance", most=2)),
    ("optimal", "a minimum", _add_rule(id="new", type="minimum", kind="row", least=4, of="instance")),
    ("optimal", "a minimum elsewhere", _add_rule(id="new", type="minimum", kind="row", least=5, name="row-3")),
    ("optimal", "a pair cap", _add_rule(id="new", type="pair-cap", most=1)),
    ("branching", "overlap 0", _policy(_set("rules", 0, "most", to=0))),
    ("branching", "overlap 2", _policy(_set("rules", 0, "most", to=2))),
    ("branching", "no overlap", _policy(_drop("rules", 0))),
    ("infeasible", "feed cap 3", _policy(_set("rules", 0, "most", to=3))),
    ("infeasible", "no feed cap", _policy(_drop("rules", 0))),
    ("infeasible", "rack cap 4", _policy(_set("rules", 1, "most", to=4))),
    ("infeasible", "cell size 6", _policy(_set("cell_size", to=6))),
    # a branch
    ("branching", "halves swapped", _swap_halves),
    ("branching", "one half only", _only_one_half),
    ("branching", "no lower half", _drop(*TREES, "blue", "below")),
    ("branching", "split at -1", _set(*TREES, "blue", "at", to=-1)),
    ("branching", "split at 1", _set(*TREES, "blue", "at", to=1)),
    ("branching", "split at a half", _set(*TREES, "blue", "at", to=0.5)),
    ("branching", "split of another rack", _set(*TREES, "blue", "domain", to="rack r5")),
    ("branching", "split of nothing", _set(*TREES, "blue", "domain", to="shelf 3")),
    ("branching", "split of an intersection", _set(*TREES, "blue", "domain", to="rack r2 & cell cell-1")),
    ("branching", "a split more", _grown),
    ("optimal", "no tree for a color", _drop(*TREES, "green")),
    ("optimal", "a tree for no color", _set(*TREES, "red", to={"scale": 0, "node": 1, "prices": {}, "bound": 5})),
    ("optimal", "trees of colors swapped", _swap_colors),
    ("optimal", "no nearer trees", _drop("evidence", "nearer")),
    ("optimal", "no evidence", _drop("evidence")),
    ("optimal", "nearer trees for trees", lambda made: made["evidence"].update(nearer=made["evidence"]["trees"])),
    ("optimal", "trees for nearer trees", lambda made: made["evidence"].update(trees=made["evidence"]["nearer"])),
    ("infeasible", "prices dropped", lambda made: made["evidence"]["trees"]["blue"]["prices"].clear()),
    ("infeasible", "price of an unknown kind", _set(*TREES, "blue", "prices", "hall 1", to=1)),
    ("infeasible", "price of a cut, with no such rule", _set(*TREES, "blue", "prices", "cut agg-1", to=1)),
    ("infeasible", "price of what takes the instance down", _set(*TREES, "blue", "prices", "cut r1", to=1)),
    ("infeasible", "price of no cell", _set(*TREES, "blue", "prices", "cell nine", to=1)),
    ("infeasible", "a zero price more", _set(*TREES, "blue", "prices", "rack r1", to=0)),
    ("infeasible", "negative scale", _set(*TREES, "blue", "scale", to=-1)),
    ("infeasible", "node is text", _set(*TREES, "blue", "node", to="1")),
    ("infeasible", "node is true", _set(*TREES, "blue", "node", to=True)),
]  # fmt: skip

NUMBERS = list(_numbers())
MUTANTS = [*GIVEN, *NUMBERS]

EQUIVALENT = {
    ("optimal", "a note"): "a note is no claim",
    ("optimal", "servers in another order"): "a cell is a set",
    ("infeasible", "rack cap 4"): "with at most 4 in a rack two in a feed are still too few, by the same numbers",
    ("infeasible", "a zero price more"): "a price of zero pays and earns nothing",
    ("optimal", "spread without racks"): "with at most one in a rack, racks add no spread: the same claim, also true",
    ("branching", "a split more"): "both halves are proven by the tree that proved the whole",
}


def test_a_key_that_stands_twice_is_refused() -> None:
    """Whoever reads the first of the two would read another claim."""
    text = _made("optimal").replace('"claim":', '"claim": "infeasible", "claim":')
    with pytest.raises(Refused, match="states a key twice"):
        check(text.encode(), _topology("optimal"))


def test_there_are_enough_mutants() -> None:
    assert len({(name, mutant) for name, mutant, _ in MUTANTS}) == len(MUTANTS) >= 60


@pytest.mark.parametrize("name", SITES)
def test_what_the_mutants_are_made_of_stands(name: str) -> None:
    assert _stands(name, json.loads(_made(name)))


def test_the_trees_have_what_is_mutated() -> None:
    assert len(_all_leaves(json.loads(_made("branching")))) > 2
    assert json.loads(_made("infeasible"))["evidence"]["trees"]["blue"]["prices"]
    assert json.loads(_made("optimal"))["evidence"].keys() == {"trees", "nearer"}


@pytest.mark.parametrize(("name", "mutant", "change"), GIVEN, ids=[f"{n}: {m}" for n, m, _ in GIVEN])
def test_a_mutant_is_refused_or_proves_its_claim_all_the_same(name: str, mutant: str, change: Change) -> None:
    made = json.loads(_made(name))
    change(made)
    assert json.dumps(made) != _made(name), "the mutant is no mutant"
    assert _stands(name, made) == ((name, mutant) in EQUIVALENT)


@cache
def _instances(name: str) -> list[Instance]:
    """What each leaf is about, in the order of the evidence, as the solver has it."""
    answer = prove(*SITES[name])
    found = []
    for limit, trees in ((answer.limit, answer.trees), (answer.limit - 1, answer.nearer)):
        for color, tree in trees.items():
            found += [instance for instance, _ in leaves(answer.problem.instance(color, limit), tree)]
    return found


@pytest.mark.parametrize(("name", "mutant", "change"), NUMBERS, ids=[f"{n}: {m}" for n, m, _ in NUMBERS])
def test_a_number_is_refused_unless_the_other_formula_says_that_it_proves_the_same(
    name: str, mutant: str, change: Change
) -> None:
    """Weak duality holds for any numbers, so that some prove the very bound that is recorded: only those may stand."""
    before, made = json.loads(_made(name)), json.loads(_made(name))
    change(made)
    pairs = zip(_all_leaves(before).values(), _all_leaves(made).values(), _instances(name), strict=False)
    (was, leaf, instance), *others = [one for one in pairs if one[0] != one[1]]
    assert not others
    dual = Dual(leaf["scale"], leaf["node"], leaf["prices"])
    proves = leaf["scale"] == was["scale"] and bound(instance, dual) == leaf["bound"] == was["bound"]
    assert _stands(name, made) == proves


def test_numbers_are_refused_by_far_the_most() -> None:
    changed = []
    for name, _, change in NUMBERS:
        made = json.loads(_made(name))
        change(made)
        changed.append(_stands(name, made))
    assert len(changed) > 60
    assert sum(changed) <= len(changed) // 10

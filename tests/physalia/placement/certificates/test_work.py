"""How much the checker does for the greediest certificate that the format allows, in steps of the interpreter."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from attrs import asdict, evolve

from physalia.placement.certificates import certificate as making
from physalia.placement.certificates import check as checker
from physalia.placement.certificates.certificate import NoCertificate, canonical, certificate
from physalia.placement.certificates.check import Refused, check
from physalia.placement.errors import BadPolicy, BadTopology
from physalia.placement.rules import policy as policies
from physalia.placement.rules.policy import to_document
from physalia.placement.rules.queries import Query
from physalia.placement.site import format as files
from physalia.placement.site.topology import MOST_ABOVE, Cell, Power, Topology, supplies_first
from physalia.placement.solver.answer import query
from physalia.placement.solver.bound import Dual
from physalia.placement.solver.search import Leaf
from tests.physalia.placement.questions import policy_of, rack_cap, row_of_racks

Data = dict[str, Any]
DOCS = Path(__file__).parents[4] / "docs"
ALMOST_TWICE = (1.5, 2.3)
"""What is twice as large may take so many times as many steps: in proportion, with a part that stays."""


def steps(ask: Callable[[], object], file: str = checker.__file__) -> int:
    """How many steps of the interpreter are taken in a file."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != file:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        ask()
    finally:
        sys.settrace(before)
    return count


def site(racks: int) -> Topology:
    """A site in which each domain that may be priced holds more, the more racks there are."""
    cells = tuple(Cell(f"cell-{at}", ("s11", f"s{racks}1")) for at in range(racks))
    return row_of_racks(racks=racks, servers_per_rack=2, nodes=racks, cells=cells)


def greedy(topology: Topology, *, leaves: int = 256, prices: int = 16, searches: int = 512, nodes: int = 5) -> bytes:
    """A certificate that asks for so much, and stands: no row may hold a node, which every leaf proves in one way."""
    policy = policy_of({"type": "cap", "kind": "row", "most": 0}, cell_size=nodes)
    made = certificate(query(topology, policy, Query("s11")))
    own = {f"row {row}": 1 for row in topology.rows}
    extra = _searched(topology, searches)
    tree: Data | None = None
    for _ in range(leaves):
        keys = own | {key: 0 for key, _ in zip(extra, range(prices - len(own)), strict=False)}
        leaf = {"scale": 0, "node": 1, "prices": keys, "bound": nodes}
        tree = leaf if tree is None else {"domain": "rack r1", "at": 0, "below": leaf, "above": tree}
    made["evidence"] = {"trees": {"blue": tree}}
    made["policy"], made["claim"] = to_document(policy), "infeasible"
    return canonical(made)


def _searched(topology: Topology, searches: int) -> Iterator[str]:
    """Keys whose members must be searched, as many as are wanted; then those that need no search, again and again."""
    cuts = [f"cut {name}" for name in (*topology.racks, *topology.switches, *topology.links)]
    joined = [f"feed {feed} & {cut}" for cut in cuts for feed in ("feed-a", "feed-b")]
    left = searches
    for key in (*cuts, *joined):
        cost = 2 if " & " in key else 1
        if cost <= left:
            left -= cost
            yield key
    while True:
        yield from ("feed feed-a", "feed feed-b", *(f"cell {name}" for name in topology.cells))


def one_row(racks: int) -> Topology:
    """The site with all racks in one row, so that a leaf needs one price to be right."""
    topology = site(racks)
    moved = {name: evolve(rack, row="row-1") for name, rack in topology.racks.items()}
    return evolve(topology, rows=("row-1",), racks=moved)


def steps_of(made: bytes, topology: Topology) -> int:
    """How many steps it takes to check a certificate, which stands."""
    content = files.dumps(topology)
    return steps(lambda: check(made, content))


@pytest.mark.parametrize("searches", [0, 16])
def test_steps_grow_in_proportion_to_the_site(searches: int) -> None:
    counts = []
    for racks in (16, 32, 64):
        topology = one_row(racks)
        counts.append(steps_of(greedy(topology, leaves=8, searches=searches), topology))
    low, high = ALMOST_TWICE
    assert low < counts[2] / counts[1] < high


def test_steps_grow_in_proportion_to_the_leaves() -> None:
    topology = one_row(8)
    still = steps_of(greedy(topology, leaves=1, prices=1, searches=0), topology)
    counts = [steps_of(greedy(topology, leaves=leaves, searches=0), topology) - still for leaves in (64, 128, 256)]
    low, high = ALMOST_TWICE
    assert low < counts[1] / counts[0] < high
    assert low < counts[2] / counts[1] < high


def test_a_cut_is_searched_once_however_often_it_is_priced() -> None:
    topology = one_row(40)

    def taken(leaves: int, searches: int) -> int:
        return steps_of(greedy(topology, leaves=leaves, prices=11, searches=searches), topology)

    assert taken(8, 10) - taken(8, 0) < 1.5 * (taken(1, 10) - taken(1, 0))


def test_the_number_of_nodes_costs_nothing() -> None:
    """A price is weighed against every number of nodes at once."""
    topology = one_row(8)
    few, many = (steps_of(greedy(topology, nodes=nodes, searches=0), topology) for nodes in (9, 10**12))
    assert many <= 1.01 * few


def test_what_the_format_allows_is_checked_and_one_more_is_refused() -> None:
    topology = one_row(80)
    content = files.dumps(topology)
    most: tuple[dict[str, int], ...] = ({"searches": 0}, {"prices": 420, "leaves": 1})
    for asked in most:
        assert check(greedy(topology, **asked), content) == "there is no placement"
    beyond: tuple[tuple[dict[str, int], str], ...] = (
        ({"leaves": 257}, "256 leaves"),
        ({"leaves": 241, "prices": 17}, "4096 prices"),
        ({"prices": 420, "leaves": 1, "searches": 514}, "512 searches"),
    )
    for more, what in beyond:
        with pytest.raises(Refused, match=f"it asks for more than {what}"):
            check(greedy(topology, **more), content)


def test_a_part_that_stands_twice_in_an_intersection_is_refused() -> None:
    topology = one_row(4)
    made = json.loads(greedy(topology, leaves=1, prices=1))
    made["evidence"]["trees"]["blue"]["prices"]["feed feed-a & feed feed-a"] = 0
    with pytest.raises(Refused, match="names a domain twice"):
        check(canonical(made), files.dumps(topology))


@pytest.mark.parametrize("digits", [100, 101])
def test_numbers_have_at_most_100_digits(digits: int) -> None:
    topology = one_row(4)
    made = json.loads(greedy(topology, leaves=1, prices=1))
    # The row takes nothing and the servers are worth nothing, whatever this price is.
    made["evidence"]["trees"]["blue"]["prices"]["row row-1"] = int("9" * digits)
    if digits == 100:
        assert check(canonical(made), files.dumps(topology))
    else:
        with pytest.raises(Refused, match="prices"):
            check(canonical(made), files.dumps(topology))


def test_both_sides_and_the_schema_state_the_same_bounds() -> None:
    for bound in ("MOST_LEAVES", "MOST_PRICES", "MOST_SEARCHES", "MOST_DIGITS"):
        assert getattr(making, bound) == getattr(checker, bound)
    assert checker.MOST_ABOVE == MOST_ABOVE
    schema = json.loads((DOCS / "place-certificate.schema.json").read_text(encoding="utf-8"))
    told = schema["properties"]["evidence"]["description"]
    for most in (making.MOST_LEAVES, making.MOST_PRICES, making.MOST_SEARCHES, making.MOST_DIGITS):
        assert f"{most:,}" in told


def test_no_certificate_is_made_that_would_ask_for_too_much() -> None:
    """A proof with so many prices, cuts or digits is called long, and the claim is what needs no proof."""
    answer = query(row_of_racks(), policy_of(rack_cap(3), cell_size=3), Query("s11"))
    assert certificate(answer)["claim"] == "optimal"
    long_proofs: tuple[tuple[dict[str, int], str], ...] = (
        ({f"rack {at}": 0 for at in range(4097)}, "4,097 prices"),
        ({f"cut {at}": 0 for at in range(513)}, "513 cuts and parts of intersections"),
        ({"rack r1": 10**100}, "101 digits in a number"),
    )
    for prices, what in long_proofs:
        leaf = Leaf(Dual(1, 1, prices), 0)
        long = evolve(answer, trees={"blue": leaf}, nearer={})
        assert certificate(long)["claim"] == "feasible"
        assert what in certificate(long)["note"]
        with pytest.raises(NoCertificate, match=what):
            certificate(evolve(long, verdict="impossible"))


def chain(length: int) -> Data:
    """A site whose racks hang on so many distribution units in a row."""
    document: Data = json.loads(files.dumps(row_of_racks(racks=3, servers_per_rack=2)))
    document["power"] += [
        {"name": f"p{at}", "kind": "pdu", "supplies": [f"p{at - 1}" if at else "feed-a"]} for at in range(length)
    ]
    document["power"].reverse()
    for rack in document["racks"]:
        rack["supplies"] = [f"p{length - 1}"]
    return document


def test_power_is_answered_up_to_a_depth_and_refused_beyond_it() -> None:
    policy, asked = policy_of({"type": "single-failure", "most": 5}, cell_size=3), Query("s11")
    for length in (1, 200, MOST_ABOVE - 1):
        content = canonical(chain(length))
        made = certificate(query(files.loads(content, "the site"), policy, asked))
        assert "keeps every rule" in check(canonical(made), content)
    for length in (MOST_ABOVE, 1_500, 20_000):
        content = canonical(chain(length))
        made["topology"]["sha256"] = hashlib.sha256(content).hexdigest()
        with pytest.raises(BadTopology, match="257 elements of power are above"):
            files.loads(content, "the site")
        with pytest.raises(Refused, match="more than 256 elements of power are above"):
            check(canonical(made), content)


def test_steps_to_put_supplies_first_grow_in_proportion_to_the_depth() -> None:
    counts = []
    for length in (500, 1_000):
        powers = {f"p{at}": Power(f"p{at}", "pdu", (f"p{at + 1}",)) for at in range(length)}
        powers[f"p{length}"] = Power(f"p{length}", "feed")
        ask: Callable[[], object] = partial(list, supplies_first(powers))
        counts.append(steps(ask, str(sys.modules[supplies_first.__module__].__file__)))
    low, high = ALMOST_TWICE
    assert low < counts[1] / counts[0] < high


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize("place", ["name", "rows", "anything"])
def test_lists_in_lists_in_lists_are_a_sentence_everywhere(place: str, tmp_path: Path) -> None:
    topology = row_of_racks()
    made = certificate(query(topology, policy_of(rack_cap(3)), Query("s11")))
    for deep in (DEEP, '{"a":' * 100_000 + "1" + "}" * 100_000):
        site = files.dumps(topology).replace(b'"schema_version"', f'"{place}": {deep}, "schema_version"'.encode(), 1)
        with pytest.raises(BadTopology):
            files.loads(site, "the site")
        made["topology"]["sha256"] = hashlib.sha256(site).hexdigest()
        with pytest.raises(Refused, match="cannot be understood"):
            check(canonical(made), site)
        with pytest.raises(Refused):
            check(canonical(made)[:-1] + f', "{place}": {deep}}}'.encode(), files.dumps(topology))
    with pytest.raises(BadPolicy, match="not TOML"):
        policies.parse(f"{place} = {DEEP}", "the policy")
    with pytest.raises(Refused):
        check(canonical(made), site, f"{place} = {DEEP}".encode())


def test_numbers_too_long_for_python_are_a_sentence_everywhere() -> None:
    long = "9" * 5_000
    with pytest.raises(BadPolicy, match="not TOML"):
        policies.parse(f"cell_size = {long}", "the policy")
    with pytest.raises(BadPolicy, match="more than 100 digits"):
        policies.parse(f"cell_size = {'9' * 101}", "the policy")
    content = files.dumps(row_of_racks())
    for number, why in ((long, "capacity"), ("9" * 101, "more than 100 digits")):
        with pytest.raises(BadTopology, match=why):
            files.loads(content.replace(b'"capacity":100', f'"capacity":{number}'.encode(), 1), "the site")


def test_rules_are_not_weighed_for_every_group_of_servers() -> None:
    """Of many hop limits the strictest counts: steps of the rules and steps of the site add up."""

    def taken(racks: int, rules: int) -> int:
        topology = site(racks)
        limits = [
            {"id": f"near-{at}", "type": "hop-limit", "client": "instance", "most": 9 + at} for at in range(rules)
        ]
        made = certificate(query(topology, policy_of(*limits, cell_size=3), Query("s11")))
        made.pop("evidence")
        return steps_of(canonical(made | {"claim": "feasible"}), topology)

    few, many = (taken(racks, 60) - taken(racks, 30) for racks in (8, 64))
    assert many <= 1.1 * few


def ladder(rungs: int) -> bytes:
    """Three racks at one end of two rows of switches that share nothing, the rack of the instance at the other."""
    document: Data = json.loads(files.dumps(row_of_racks(racks=4, servers_per_rack=1)))
    feeds = [power["name"] for power in document["power"] if power["kind"] == "feed"]
    document["switches"], document["links"] = [], []
    for side in ("a", "b"):
        tops = [f"{side}{at}" for at in range(4)]
        document["switches"] += [
            {"name": top, "tier": "rack", "rack": rack["name"]}
            for top, rack in zip(tops, document["racks"], strict=True)
        ]
        row = [f"{side}-{at}" for at in range(rungs)]
        document["switches"] += [{"name": name, "tier": "core"} for name in row]
        joints = [*pairwise(row), (tops[0], row[0]), *((row[-1], top) for top in tops[1:])]
        document["links"] += [{"ends": list(ends)} for ends in joints]
    for rack in document["racks"]:
        rack["supplies"] = feeds
    for at, server in enumerate(document["servers"]):
        server["switches"] = [f"a{at}", f"b{at}"]
    return canonical(document)


def test_failures_on_long_paths_are_looked_into_up_to_a_bound() -> None:
    policy, asked = policy_of({"type": "survives"}, {"type": "anti-affinity"}, cell_size=3), Query("s11")
    short, long = ladder(60), ladder(300)
    made = certificate(query(files.loads(short, "the short ladder"), policy, asked))
    assert "keeps every rule" in check(canonical(made), short)

    answer = query(files.loads(long, "the long ladder"), policy, asked)
    with pytest.raises(NoCertificate, match="failures are on the ways to many of its nodes"):
        certificate(answer)
    assert answer.cost is not None
    made |= {"claim": "feasible", "cost": asdict(answer.cost), "placement": list(answer.servers)}
    made["topology"]["sha256"] = hashlib.sha256(long).hexdigest()
    del made["evidence"]
    with pytest.raises(Refused, match="it asks for more than 512 searches"):
        check(canonical(made), long)


def star(lengths: list[int]) -> bytes:
    """A rack for each node, each at the end of so many switches of its own; the rack of the instance in the middle."""
    document: Data = json.loads(files.dumps(row_of_racks(racks=1 + len(lengths), servers_per_rack=1)))
    middle, *ends = document["racks"]
    document["switches"] = [{"name": name, "tier": "rack", "rack": middle["name"]} for name in ("a", "b")]
    document["links"] = []
    for ray, (rack, length) in enumerate(zip(ends, lengths, strict=True)):
        row = [f"r{ray}-{at}" for at in range(length)]
        document["switches"] += [{"name": name, "tier": "core"} for name in row]
        document["switches"].append({"name": f"t{ray}", "tier": "rack", "rack": rack["name"]})
        joints = [("a", row[0]), ("b", row[0]), *pairwise([*row, f"t{ray}"])]
        document["links"] += [{"ends": list(pair)} for pair in joints]
    for rack in document["racks"]:
        rack["supplies"] = [power["name"] for power in document["power"] if power["kind"] == "feed"]
    for at, server in enumerate(document["servers"]):
        server.update({"switches": [f"t{at - 1}"]} if at else {"switches": ["a", "b"], "drained": True})
    return canonical(document)


def test_ways_of_4096_links_are_claimed_and_followed_and_not_one_link_more() -> None:
    """A way over n switches is n + 3 links long, with those of both servers: 4,096 together, or 4,097."""
    policy, asked = policy_of({"type": "survives"}, {"type": "anti-affinity"}, cell_size=65), Query("s11")
    most, more = star([60] * 64 + [61]), star([60] * 63 + [61] * 2)
    made = certificate(query(files.loads(most, "the star"), policy, asked))
    assert made["cost"]["hops"] == 4_096
    assert "keeps every rule" in check(canonical(made), most)
    answer = query(files.loads(more, "a larger star"), policy, asked)
    assert answer.cost is not None
    assert answer.cost.hops == 4_097
    with pytest.raises(NoCertificate, match="4,097 links long"):
        certificate(answer)
    del made["evidence"]
    made |= {"claim": "feasible", "cost": asdict(answer.cost), "placement": list(answer.servers)}
    made["topology"]["sha256"] = hashlib.sha256(more).hexdigest()
    with pytest.raises(Refused, match="it asks for more than 4096 links on the paths"):
        check(canonical(made), more)


def test_only_ways_from_the_instance_are_followed() -> None:
    """Hops are summed over all clients; what the cell must survive is only about the instance."""
    policy, content = policy_of({"type": "survives"}, cell_size=65), star([40] * 65)
    answer = query(files.loads(content, "the star"), policy, Query("s11", primary="s21"))
    assert answer.cost is not None
    assert answer.cost.hops > 4_096
    assert "keeps every rule" in check(canonical(certificate(answer)), content)
    on_itself = star([60] * 65).replace(b'"drained":true,', b"")
    made = certificate(query(files.loads(on_itself, "the star"), policy, Query("s11")))
    assert "s11" in made["placement"]
    assert "keeps every rule" in check(canonical(made), on_itself)

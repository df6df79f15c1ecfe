"""The checker, which says whether a certificate proves what it claims of a topology.

It shares no code with what made the certificate. From the topology's file it derives anew who can hold a node, which
domains there are and what the rules allow; for every leaf of every tree it computes, over all servers, the exact bound
    ceil((n λ - Σ_D max over low <= k <= high of (y_D k - q W_D(k)) - Σ_s max(0, λ - Σ y_D over D with s - q c_s)) / q)
"""

import gc
import hashlib
import json
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

POWER, CLIENTS = ("pdu", "ups", "feed"), ("instance", "primary", "replica")
KINDS = ("rack", "row", *POWER)
APART, JOINED, PARTS = "anti-affinity", " & ", ("servers", "racks", "switches", "power", "cells")
RULES = {"cap": "kind most", "minimum": "kind least name, kind least of", "single-failure": "most", "overlap": "most",
         "pair-cap": "most, kind most", "hop-limit": "client most", APART: "", "survives": ""}  # fmt: skip
CLAIMS = {"infeasible": "evidence", "feasible": "placement cost", "optimal": "placement cost evidence"}
STATED = {"schema_version", "claim", "topology", "policy", "policy_sha256", "query", "note"}
Data = dict[str, Any]


class Refused(Exception):
    """The certificate does not prove its claim; the message says why."""


def demand(holds: object, reason: str) -> None:
    """Refuse unless something holds."""
    if not holds:
        raise Refused(reason)


def once(pairs: list[tuple[str, Any]]) -> Data:
    """An object of JSON; Refused if it has a key twice, since others may read the other value."""
    demand(len(made := dict(pairs)) == len(pairs), "it states a key twice")
    return made


def check(certificate: bytes, topology: bytes, policy: bytes | None = None) -> str:
    """What a certificate proves of a topology (and a policy in TOML), in a sentence; Refused if it does not."""
    try:
        made = json.loads(certificate, object_pairs_hook=once)
        demand(whole(made["schema_version"]) == 1, "this is no certificate of version 1")
        digest = hashlib.sha256(topology).hexdigest()
        demand(digest == made["topology"]["sha256"], f"it is of another topology: this one's SHA-256 is {digest}")
        exact = json.dumps(made["policy"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        demand(hashlib.sha256(exact.encode()).hexdigest() == made["policy_sha256"], "the policy's digest is wrong")
        if policy is not None:
            stated = {"cell_size": 7, "one_color": True, "spread": [], "rules": [], **tomllib.loads(policy.decode())}
            demand(stated == made["policy"], "it is of another policy")
        site = json.loads(topology)
        demand(made["topology"] == {"name": site["name"], "sha256": digest}, f"the topology is called {site['name']}")
        return _Case(made, site).judge()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise Refused(f"it cannot be understood: {type(error).__name__}: {error}") from error


def whole(value: Any, least: int | None = None) -> int:
    """A whole number, of at least so much; Refused if it is anything else."""
    demand(type(value) is int and (least is None or value >= least), f"{value!r} is no whole number, or too small")
    return int(value)


class _Case:
    """One certificate and one topology."""

    def __init__(self, made: Data, site: Data) -> None:
        self.made, self.query, self.policy = made, made["query"], made["policy"]
        self.nodes, self.rules = whole(self.policy["cell_size"], 1), {kind: list[Data]() for kind in RULES}
        for rule in self.policy["rules"]:
            self.rules[rule["type"]].append(rule)
            shape = " ".join(sorted(rule.keys() - {"id", "type"}))
            known = {rule.get("kind", "pdu"), rule.get("client", rule.get("of", "instance"))} <= {*KINDS, *CLIENTS}
            demand(known and shape in RULES[rule["type"]].split(", "), f"there is no rule like {rule['id']}")
            whole(rule.get("most", rule.get("least", 0)), 0)
        demand(self.policy.keys() == {"cell_size", "one_color", "spread", "rules"}, "the policy has other settings")
        spread = self.policy["spread"]
        demand(len(spread) == len({*spread} & {*KINDS}), "the policy spreads over no known kind of domain, or twice")
        parts = [{part["name"]: part for part in site.get(kind, ())} for kind in PARTS]
        self.servers, self.racks, self.switches, self.power, self.cells = parts
        names = {*self.servers, *self.racks, *self.switches, *self.power}
        demand(len(names) + len(self.cells) == sum(len(site.get(kind, ())) for kind in PARTS), "a name is taken twice")
        names |= {*self.cells, *site["rows"], *(link.get("name") or "" for link in site["links"])}
        demand(JOINED not in "\n".join(names) and "+" not in "".join(self.power), "a name holds & or +, as keys do")
        self.ways: dict[str, list[tuple[str, str]]] = {switch: [] for switch in self.switches}
        for link in site["links"]:
            for one, other in (link["ends"], reversed(link["ends"])):
                self.ways[one].append((link.get("name") or "--".join(link["ends"]), other))
        self.above: dict[str, frozenset[str]] = {}
        self.kills: dict[str, frozenset[str]] = {}  # what takes a device down by failing alone
        self.keys = {name: self._keys(name) for name in self.racks}
        for name, switch in self.switches.items():
            inside = self.kills[switch["rack"]] if switch.get("rack") is not None else self._dark(switch)
            self.kills[name] = inside | {name}
        demand(self.query.keys() <= {*CLIENTS, "color"} and "instance" in self.query, "the query is none")
        self.clients = {client: self.query[client] for client in CLIENTS if client in self.query}
        self.instance = self.servers[self.query["instance"]]
        self.near = {client: self._near(self.servers[name]["switches"]) for client, name in self.clients.items()}
        minima = [rule for rule in self.rules["minimum"] if rule.get("of", "instance") in self.clients]
        self.minima = [(self._minimum(rule), rule["least"]) for rule in minima]
        self.candidates = self._candidates()

    def _dark(self, part: Data) -> frozenset[str]:
        """The elements of power each of which takes all supplies of a part when it fails alone."""
        shared = [self._kills(supply) for supply in part.get("supplies", ())]
        return frozenset.intersection(*shared) if shared else frozenset()

    def _kills(self, name: str) -> frozenset[str]:
        if name not in self.kills:
            element = self.power[name]
            demand(bool(element.get("supplies")) != (element["kind"] == "feed"), f"{name}: only a feed has no supplies")
            self.kills[name] = self._dark(element) | {name}
            self.above[name] = frozenset({name}).union(*(self.above[one] for one in element.get("supplies", ())))
        return self.kills[name]

    def _keys(self, name: str) -> list[str]:
        """The keys of the domains that a rack is in."""
        rack = self.racks[name]
        demand(rack["supplies"], f"rack {name} has no power")
        self.kills[name] = (single := self._dark(rack)) | {name}
        above = sorted(frozenset[str]().union(*(self.above[supply] for supply in rack["supplies"])))
        sets = [(kind, [one for one in above if self.power[one]["kind"] == kind]) for kind in POWER]
        power = [f"{kind} {'+'.join(names)}" for kind, names in sets if names]
        return [f"rack {name}", f"row {rack['row']}", *power, *(f"single {element}" for element in single)]

    def _near(self, switches: list[str]) -> dict[str, int]:
        """Links from a server on these switches to every switch that it reaches."""
        far = level = dict.fromkeys(switches, 1)
        while level:
            level = {other: far[switch] + 1 for switch in level for _, other in self.ways[switch] if other not in far}
            far = far | level
        return far

    def _candidates(self) -> dict[str, list[tuple[Data, int, int]]]:
        """By color: the servers that may hold a node, each with its worst hop and sum of hops."""
        own = set(self.clients.values())
        limits = [(rule["client"], rule["most"]) for rule in self.rules["hop-limit"] if rule["client"] in self.clients]
        wanted = {self.query["color"]} if "color" in self.query else {one["color"] for one in self.servers.values()}
        mixed = not self.policy["one_color"] and "color" not in self.query
        found: dict[str, list[tuple[Data, int, int]]] = {color: [] for color in ({""} if mixed else wanted)}
        known: dict[tuple[str, ...], Any] = {}
        for name, server in self.servers.items():
            usable = not server.get("drained") and server.get("nodes", 0) < server["capacity"]
            if not usable or server["color"] not in wanted or (self.rules[APART] and name in own):
                continue
            place = (*server["switches"], "", name) if name in own else tuple(server["switches"])
            if place not in known:
                near = {c: [far[one] for one in server["switches"] if one in far] for c, far in self.near.items()}
                hops = {c: 0 if name == self.clients[c] else 1 + min(far) for c, far in near.items() if far}
                lost = len(hops) < len(near) or any(hops[client] > most for client, most in limits)
                known[place] = None if lost else (max(hops.values()), sum(hops.values()))
            if known[place]:
                found["" if mixed else server["color"]].append((server, *known[place]))
        return found

    def _minimum(self, rule: Data) -> str:
        kind, name = rule["kind"], rule.get("name")
        if name is not None:
            return f"{kind} {'+'.join(sorted(name.split('+'))) if kind in POWER else name}"
        keys = self.keys[self.servers[self.clients[rule["of"]]]["rack"]]
        return next((key for key in keys if key.startswith(f"{kind} ")), f"{kind} ")

    def _range(self, key: str) -> tuple[int, int, int]:
        """The least and the most nodes in a domain, and how often each pair in it counts as spread."""
        kind = JOINED if JOINED in key else key.partition(" ")[0]
        demand(kind in {*KINDS, "single", "cell", "cut", JOINED}, f"there is no domain {key}")
        caps = [rule["most"] for rule in self.rules["cap"] if rule["kind"] == kind]
        caps += [rule["most"] for rule in self.rules["pair-cap"] if kind in POWER and rule.get("kind", kind) == kind]
        caps += [rule["most"] for rule in self.rules["single-failure"] if kind in {"rack", "single"}]
        caps += [rule["most"] for rule in self.rules["overlap"] if kind == "cell"]
        caps += [(self.nodes - 1) // 2 for _ in self.rules["survives"] if kind == "cut"]
        spread = kind in self.policy["spread"] and key not in self.keys[self.instance["rack"]]
        low = max((least for place, least in self.minima if place == key), default=0)
        return low, min([*caps, self.nodes, len(self.servers)]), int(spread)

    def _members(self, key: str) -> tuple[set[str], set[str]]:
        """The racks that are in a domain, and the servers that are in it by themselves."""
        if JOINED in key:
            parts = [self._members(part) for part in key.split(JOINED)]
            inside = [{n for n, s in self.servers.items() if s["rack"] in racks or n in own} for racks, own in parts]
            return set(), set.intersection(*inside)
        kind, _, name = key.partition(" ")
        if kind == "cell":
            return set(), set(self.cells[name]["servers"])
        if kind == "cut":
            return set(), self._lost(name, [*self.servers])
        return {rack for rack, keys in self.keys.items() if key in keys}, set()

    def _lost(self, device: str, names: list[str]) -> set[str]:
        """Which of these servers the instance does not reach when a device failed; none if it is not up itself."""
        home = self.instance["name"]
        found = level = {one for one in self.instance["switches"] if device not in self.kills[one] | {f"{home}--{one}"}}
        while level:
            level = {to for one in level for by, to in self.ways[one] if device not in {by} | self.kills[to]} - found
            found = found | level
        up = found and device not in self.kills[self.instance["rack"]]
        links = {n: {one for one in self.servers[n]["switches"] if f"{n}--{one}" != device} & found for n in names}
        dark = {name for name in links if device in self.kills[self.servers[name]["rack"]]}
        return {name for name, by in links.items() if up and name != home and (not by or name in dark)}

    def _suspects(self, placement: list[str]) -> set[str]:
        """What can break a path from the instance to some node: whatever else fails, these paths remain."""
        near, found = self.near["instance"], {f"{self.instance['name']}--{one}" for one in self.instance["switches"]}
        for name in placement:
            server = self.servers[name]
            switch = min(server["switches"], key=lambda one: near.get(one, len(near) + 2))
            found |= {f"{name}--{switch}"} | self.kills[server["rack"]] | self.kills[switch]
            while near[switch] > 1:
                link, switch = next((by, on) for by, on in self.ways[switch] if near.get(on) == near[switch] - 1)
                found |= {link} | self.kills[switch]
        return found

    def judge(self) -> str:
        """What it proves; Refused if it does not."""
        claim: str = self.made["claim"]
        demand(self.made.keys() - STATED == {*CLAIMS[claim].split()}, f"with the claim {claim} come {CLAIMS[claim]}")
        if claim == "infeasible":
            self._prove(self.made["evidence"]["trees"], None, None)
            return "there is no placement"
        servers, cost = self.made["placement"], self._legal(self.made["placement"])
        demand({key: whole(value) for key, value in self.made["cost"].items()} == cost, f"the placement costs {cost}")
        if claim == "optimal":
            self._prove(self.made["evidence"]["trees"], cost["worst_hop"], cost)
            self._prove(self.made["evidence"]["nearer"], cost["worst_hop"] - 1, None)
        return f"the placement on {', '.join(servers)} keeps every rule" + ", and none is better" * (claim == "optimal")

    def _legal(self, placement: list[str]) -> dict[str, int]:
        """Judge a placement by every rule; what it costs."""
        demand(len(placement) == self.nodes == len(set(placement)), f"a cell is on {self.nodes} distinct servers")
        usable = {one["name"]: (color, one, *far) for color, all_of in self.candidates.items() for one, *far in all_of}
        demand(not (others := set(placement) - usable.keys()), f"{', '.join(others)} may hold no node of this cell")
        colors, chosen, worst, hops = zip(*(usable[name] for name in placement), strict=True)
        demand(len(set(colors)) == 1, "the cell is of several colors")
        inside = Counter(key for server in chosen for key in self.keys[server["rack"]])
        inside.update({f"cell {name}": len({*cell["servers"]} & {*placement}) for name, cell in self.cells.items()})
        inside.update({key: 0 for key, _ in self.minima})
        spread = 0
        for key, nodes in inside.items():
            low, high, weight = self._range(key)
            demand(low <= nodes <= high, f"{nodes} nodes are in {key}: {low} to {high} may be")
            spread += weight * (nodes * (nodes - 1) // 2)
        for device in self._suspects(placement) if self.rules["survives"] else ():
            lost = len(self._lost(device, placement))
            demand(lost <= (self.nodes - 1) // 2, f"the failure of {device} cuts {lost} nodes off")
        fill = sum(one.get("nodes", 0) for one in chosen)
        return {"worst_hop": max(worst), "spread": spread, "hops": sum(hops), "fill": fill}

    def _prove(self, trees: Data, limit: int | None, cost: Data | None) -> None:
        """Every tree proves that a placement within the limit costs at least so much; without a cost, that none is."""
        demand(trees.keys() == self.candidates.keys(), "there is not one tree for each color")
        near = {c: [o for o in listed if limit is None or o[1] <= limit] for c, listed in self.candidates.items()}
        every = [one for listed in near.values() for one in listed]
        fill = 1 + self.nodes * max((server.get("nodes", 0) for server, *_ in every), default=0)
        pair = fill * (1 + self.nodes * max((hops for *_, hops in every), default=0))
        total = None if cost is None else cost["spread"] * pair + cost["hops"] * fill + cost["fill"]
        for color, tree in trees.items():
            costs = [(one["name"], one["rack"], hops * fill + one.get("nodes", 0)) for one, _, hops in near[color]]
            self._walk(tree, costs, pair, total, {})

    def _walk(self, tree: Data, costs: list[Any], pair: int, total: int | None, ranges: Data) -> None:
        if "domain" in tree:
            key, at = tree["domain"], whole(tree["at"])
            low, high = ranges.get(key) or self._range(key)[:2]
            self._walk(tree["below"], costs, pair, total, {**ranges, key: (low, min(at, high))})
            self._walk(tree["above"], costs, pair, total, {**ranges, key: (max(at + 1, low), high)})
            return
        scale, node, paid, of_rack, of_server = whole(tree["scale"], 0), whole(tree["node"]), 0, Data(), Data()
        for key, price in tree["prices"].items():
            *given, weight = self._range(key)
            low, high = ranges.get(key, given)
            unit = scale * pair * weight
            # No number in an empty range: then anything is proven, and 1 is enough.
            paid += max((whole(price) * k - unit * (k * (k - 1) // 2) for k in range(low, high + 1)), default=-1)
            for prices, members in zip((of_rack, of_server), self._members(key), strict=True):
                prices.update({one: prices.get(one, 0) + price for one in members})
        adjusted = (of_rack.get(rack, 0) + of_server.get(name, 0) + scale * cost for name, rack, cost in costs)
        earned = sum(node - cost for cost in adjusted if cost < node)
        bound = -(-(self.nodes * node - paid - earned) // (scale or 1))
        demand(bound == whole(tree["bound"]), f"a leaf proves {bound}, and {tree['bound']} is recorded")
        demand(scale == 0 or total is not None, "a leaf prices servers where it must prove that there is no placement")
        demand(bound >= (total if scale and total is not None else 1), f"a leaf proves {bound}, which is too little")


def main(arguments: list[str]) -> int:
    """Check the files that are named: a certificate, a topology, and perhaps a policy. 0 if it stands, 1 if not."""
    gc.disable()
    try:
        print(f"the certificate stands: {check(*(Path(name).read_bytes() for name in arguments))}.")
    except (Refused, OSError, TypeError) as reason:
        print(f"refused: {reason}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

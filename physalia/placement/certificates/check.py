"""The checker, which says whether a certificate proves what it claims of a topology.

It shares no code with what made it. `read` types every value and knows every key of both files; `Site` derives from
the topology who reaches whom and what a failure takes away, `_Case` what the rules allow and, for each leaf, the bound
    ceil((n λ - Σ_D max over low <= k <= high of (y_D k - q W_D(k)) - Σ_s max(0, λ - Σ y_D over D with s - q c_s)) / q)
What a certificate may ask for is bounded (`MOST_*`), so that checking is linear in the two files.
"""

import gc
import hashlib
import json
import sys
import tomllib
from bisect import bisect_left
from collections import Counter
from graphlib import TopologicalSorter
from itertools import accumulate
from pathlib import Path
from typing import Any
from unicodedata import normalize

MOST_LEAVES, MOST_PRICES, MOST_SEARCHES = 256, 4096, 512  # of all; cuts and parts of an `A & B` are searched
MOST_ABOVE, MOST_DIGITS = 256, 100  # elements of power above anything; digits of a number
POWER, CLIENTS, TIERS = ("pdu", "ups", "feed"), ("instance", "primary", "replica"), ("rack", "aggregation", "core")
KINDS, FIXED = ("rack", "row", *POWER), {"drained", "capacity", "color"}  # FIXED: ids of rules that always hold
DEVICES = ("server", "rack", "switch", "link", *POWER)
APART, JOINED, JOINT, PARTS = "anti-affinity", " & ", "--", ("power", "racks", "switches", "servers")
exact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
Data = dict[str, Any]
Candidate = tuple[str, int, int, int]  # a server, the nodes that it holds, its worst hop and its sum of hops
Members = tuple[set[int], set[str]]  # of a domain: groups of servers, and servers that are in it without theirs


class Refused(Exception):
    """The certificate does not prove its claim; the message says why."""


def demand(holds: object, reason: str) -> None:
    """Refuse unless something holds."""
    if not holds:
        raise Refused(reason)


# Shapes: str, text that can be printed; bool; dict, an object that is read later; a range, a whole number in it;
# a frozenset, one of these texts; float, a probability; [x], a list of x, of distinct texts; (x,), x or null; {str: x},
# an object of any keys, with values x; any other dict, an object of these keys, of which those with a ? may be absent.
COUNT, WHOLE = range(10**MOST_DIGITS), range(1 - 10**MOST_DIGITS, 10**MOST_DIGITS)
KIND, CLIENT, ELEMENT = frozenset(KINDS), frozenset(CLIENTS), frozenset(POWER)
RULE, MOST, TREES = {"id": str, "type": str}, {"id": str, "type": str, "most": COUNT}, {str: dict}
RULES: dict[str, Data] = {
    "cap": {**MOST, "kind": KIND}, "pair-cap": {**MOST, "kind?": ELEMENT}, "hop-limit": {**MOST, "client": CLIENT},
    "minimum": {**RULE, "kind": KIND, "least": COUNT, "of?": CLIENT, "name?": str}, "single-failure": MOST,
    "overlap": MOST, APART: RULE, "survives": {**RULE, "client?": CLIENT},
}  # fmt: skip
CAPPED = {"single-failure": ("rack", "single"), "overlap": ("cell",), "pair-cap": POWER}
CUTS = {"cut": "instance", "primary-cut": "primary", "replica-cut": "replica"}  # what a failure cuts off from whom
PLACED = {"placement": [str], "cost": dict.fromkeys(("worst_hop", "spread", "hops", "fill"), COUNT)}
CLAIMS: dict[str, Data] = {"infeasible": {"evidence": {"trees": TREES}}, "feasible": PLACED}
CLAIMS["optimal"] = {**PLACED, "evidence": {"trees": TREES, "nearer": TREES}}
STATED = {
    "schema_version": range(1, 2), "claim": frozenset(CLAIMS), "topology": {"name": str, "sha256": str},
    "policy": {"cell_size": COUNT[1:], "one_color": bool, "spread": [KIND], "rules": [dict]}, "note?": str,
    "policy_sha256": str, "query": {"instance": str, "primary?": str, "replica?": str, "color?": str},
}  # fmt: skip
LEAF = {"scale": COUNT, "node": WHOLE, "prices": {str: WHOLE}, "bound": WHOLE}
SPLIT = {"domain": str, "at": WHOLE, "below": dict, "above": dict}
SITE = {
    "schema_version": range(1, 2), "name": str, "rows": [str], "racks": [{"name": str, "row": str, "supplies": [str]}],
    "power": [{"name": str, "kind": ELEMENT, "supplies?": [str]}],
    "switches": [{"name": str, "tier": frozenset(TIERS), "rack?": (str,), "supplies?": [str]}],
    "cells?": [{"name": str, "servers": [str], **{f"{client}?": (str,) for client in CLIENTS}}],
    "servers": [{"name": str, "rack": str, "switches": [str], "color": str, "capacity": COUNT, "nodes?": COUNT,
                 "drained?": bool}], "links": [{"ends": [str], "name?": (str,)}],
    "failure_probability?": {"devices?": {str: float}, "kinds?": {f"{kind}?": float for kind in DEVICES}},
}  # fmt: skip
WORDS = {dict: "object", list: "list", str: "text", int: "whole number", bool: "true or false", float: "number"}


def read(values: list[Any], shape: Any, where: str) -> None:
    """Refuse values that are not all of one shape; ``where`` says which they are. Lists are read as a whole."""
    if type(shape) is tuple:
        values, shape = [one for one in values if one is not None], shape[0]
    form = shape if type(shape) is type else type(shape)
    wanted: Any = int if form is range else str if form is frozenset else form
    types = {int, float} if form is float else {wanted}
    wrong = [] if types.issuperset(map(type, values)) else [one for one in values if type(one) not in types]
    demand(not wrong, f"{where}: {wrong[:1]!r:.80} is no {WORDS[wanted]}")
    if form is range or form is float:
        wrong = [one for one in values if not (one in shape if form is range else 0 <= one <= 1)]
    elif wanted is str:
        wrong = [] if all(map(str.isprintable, values)) else [one for one in values if not one.isprintable()]
        wrong += {*values} - shape if form is frozenset else ()
    elif form is list:
        read([one for value in values for one in value], shape[0], where)
        wrong = [value for value in values if shape[0] in (str, KIND) and len({*value}) < len(value)]
    elif type(shape) is dict and str in shape:
        read([key for value in values for key in value], str, f"the keys of {where}")
        read([one for value in values for one in value.values()], shape[str], where)
    elif type(shape) is dict:
        known = {key.rstrip("?"): inner for key, inner in shape.items()}
        must = shape.keys() & known.keys()
        for value in values:
            if not must <= value.keys() <= known.keys():
                odd = min((must - value.keys()) | (value.keys() - known.keys()))
                raise Refused(f"{where}: the key {odd} is missing, or means nothing here, in {value!r:.200}")
        for key, inner in known.items():
            read([value[key] for value in values if key in value], inner, f"{where}, {key}")
    demand(not wrong, f"{where}: {wrong[:1]!r:.80} cannot be printed, is not known, or is too much")


def shown(text: str) -> str:
    """Text as a terminal may have it: on one line, and whatever cannot be printed escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def once(pairs: list[tuple[str, Any]]) -> Data:
    """An object of JSON; Refused if it has a key twice, since others may read the other value."""
    if len(made := dict(pairs)) < len(pairs):
        raise Refused(f"it states a key twice, one of {[*made]!r:.80}")
    return made


def check(certificate: bytes, topology: bytes, policy: bytes | None = None) -> str:
    """What a certificate proves of a topology (and a policy in TOML), in a sentence; Refused if it does not."""
    try:
        made = json.loads(certificate.decode(), object_pairs_hook=once)
        read([made], {**STATED, **CLAIMS.get(made["claim"], {})}, "the certificate")
        digest = hashlib.sha256(topology).hexdigest()
        demand(digest == made["topology"]["sha256"], f"it is of another topology: this one's SHA-256 is {digest}")
        stated = exact(made["policy"])
        demand(hashlib.sha256(stated.encode()).hexdigest() == made["policy_sha256"], "the policy's digest is wrong")
        if policy is not None:
            defaults = {"cell_size": 7, "one_color": True, "spread": [], "rules": []}
            demand(exact({**defaults, **tomllib.loads(policy.decode())}) == stated, "it is of another policy")
        data = json.loads(topology.decode(), object_pairs_hook=once)
        demand(data["name"] == made["topology"]["name"], f"the topology is called {data['name']}")
        return shown(_Case(made, Site(data)).judge())
    except (Refused, KeyError, TypeError, ValueError, RecursionError) as error:
        why = "" if isinstance(error, Refused) else f"it cannot be understood: {type(error).__name__}: "
        raise Refused(shown(f"{why}{error}")) from None


class Site:
    """A topology. Servers of one rack on the same switches are a group: but for their own links they fail together."""

    def __init__(self, data: Data) -> None:
        read([data], SITE, "the topology")
        parts = [{one["name"]: one for one in data.get(part, ())} for part in (*PARTS, "cells")]
        self.power, self.racks, self.switches, self.servers, cells = parts
        self.cells = {name: {*cell["servers"]} for name, cell in cells.items()}
        self.links = {JOINT.join(one["ends"]) if one.get("name") is None else one["name"]: one for one in data["links"]}
        self._judge_names(data)
        for name, times in Counter(one for listed in self.cells.values() for one in listed).items():
            demand(times <= self.servers[name].get("nodes", 0), f"server {name} is in more cells than it holds nodes")
        self.ways: dict[str, list[tuple[str, str]]] = {switch: [] for switch in self.switches}
        for name, link in self.links.items():
            for one, other in (link["ends"], reversed(link["ends"])):
                self.ways[one].append((name, other))
        self.kills, self.above = dict[str, frozenset[str]](), dict[str, frozenset[str]]()
        power = TopologicalSorter({name: element.get("supplies", ()) for name, element in self.power.items()})
        for name in power.static_order():
            self._feed(name, self.power[name], feed=self.power[name]["kind"] == "feed")
        demand({*data["rows"]} >= {rack["row"] for rack in self.racks.values()}, "a rack stands in no row")
        self.keys = {name: self._keys(name, rack) for name, rack in self.racks.items()}
        for name, switch in self.switches.items():
            inside = switch.get("rack") is not None
            self._feed(name, switch, feed=inside or not switch.get("supplies"))
            self.kills[name] |= self.kills[self.racks[switch["rack"]]["name"]] if inside else frozenset()
        self.groups: dict[tuple[str, ...], int] = {}
        places = {name: (one["rack"], *one["switches"]) for name, one in self.servers.items()}
        self.group = {name: self.groups.setdefault(place, len(self.groups)) for name, place in places.items()}
        self.members: dict[str, set[int]] = {key: set() for keys in self.keys.values() for key in keys}
        for (rack, *on), group in self.groups.items():
            demand(on and all(self.switches[one]["tier"] == "rack" for one in on), f"no switch of a rack: {on}")
            for key in self.keys[rack]:
                self.members[key].add(group)
        own = (name + JOINT + switch for name, one in self.servers.items() for switch in one["switches"])
        self.devices = {*self.kills, *self.links, *own}  # but for servers
        listed = data.get("failure_probability", {}).get("devices", {}).keys()
        demand(listed <= self.devices | self.servers.keys(), "a probability is that of no device")

    def _judge_names(self, data: Data) -> None:
        """No name is that of two things, nor of a link between others, and none reads like several domains."""
        listed = [*data["rows"], *(one["name"] for part in PARTS for one in data[part])]
        demand(len({*listed, *self.links}) == len(listed) + len(data["links"]), "a name is taken twice")
        demand(len(self.cells) == len(data.get("cells", ())), "two cells have one name")
        for name in (*listed, *self.cells, *self.links):
            keyed = JOINED in f" {name} " or (JOINT in f"-{name}-" and name not in self.links)
            if not name or keyed or name != normalize("NFC", name.strip()):
                raise Refused(f"{name!r}: a name holds & or --, as keys do, - or a space at an end, or is not in NFC")
        demand("+" not in "".join(self.power), "the name of an element of power holds +, as keys do")
        for name, link in self.links.items():
            ends, (one, _, other) = {*link["ends"]}, name.partition(JOINT)
            demand(len(ends & self.switches.keys()) == len(link["ends"]) == len("ab"), f"{name} joins no two switches")
            foreign = one in self.servers or ({one, other} <= self.switches.keys() and {one, other} != ends)
            demand(not foreign, f"link {name!r} has the name of something else")

    def _feed(self, name: str, part: Data, *, feed: bool) -> None:
        """Note what is above a part of the site, and what kills it by failing alone. A feed has nothing above."""
        supplies = part.get("supplies", ())
        demand(bool(supplies) != feed and self.power.keys() >= {*supplies}, f"{name} has supplies that cannot be")
        shared = [self.kills[one] for one in supplies]
        self.kills[name] = (frozenset.intersection(*shared) if shared else frozenset()) | {name}
        self.above[name] = frozenset({name}).union(*(self.above[one] for one in supplies))
        demand(len(self.above[name]) <= MOST_ABOVE + 1, f"more than {MOST_ABOVE} elements of power are above {name}")

    def _keys(self, name: str, rack: Data) -> list[str]:
        """The keys of the domains that a rack is in."""
        self._feed(name, rack, feed=False)
        above = [(self.power[one]["kind"], one) for one in sorted(self.above[name] - {name})]
        sets = [(kind, "+".join(one for of, one in above if of == kind)) for kind in POWER]
        single = [f"single {element}" for element in self.kills[name] - {name}]
        return [f"rack {name}", f"row {rack['row']}", *(f"{kind} {names}" for kind, names in sets if names), *single]

    def near(self, server: str, device: str = "") -> dict[str, int]:
        """Links from a server to every switch that it reaches when a device failed, the nearest first."""
        kills, own = self.kills, [one for one in self.servers[server]["switches"] if device != server + JOINT + one]
        far = level = {one: 1 for one in own if device not in kills[one]}
        while level:
            ways = {to: far[one] + 1 for one in level for by, to in self.ways[one] if to not in far and by != device}
            level = {to: hops for to, hops in ways.items() if device not in kills[to]}
            far |= level
        return far

    def lost(self, device: str, home: str, instance: str) -> Members:
        """What a server does not reach when a device failed; nothing if it is not up, or the instance is lost to it."""
        kills, found = self.kills, self.near(home, device).keys()
        down = not found or device in kills[self.servers[home]["rack"]]
        groups = {at for (rack, *on), at in self.groups.items() if device in kills[rack] or found.isdisjoint(on)}
        name, _, switch = device.partition(JOINT)
        ways = {*self.servers[name]["switches"]} - {switch} if name in self.servers and name != home else found
        alone = {name} if found.isdisjoint(ways) and self.group.get(name) not in groups else set()
        unseen = home != instance and (instance in alone or self.group[instance] in groups)
        return (set(), set()) if down or unseen else (groups, alone)


class _Case:
    """One certificate of one topology."""

    def __init__(self, made: Data, site: Site) -> None:
        self.made, self.site, self.query, self.spread = made, site, made["query"], made["policy"]["spread"]
        self.asked, self.known, policy = Counter[str](), dict[str, Members](), made["policy"]
        self.nodes, self.rules = policy["cell_size"], {kind: list[Data]() for kind in RULES}
        self.most = dict.fromkeys((*KINDS, "single", "cell", *CUTS, JOINED), min(self.nodes, len(site.servers)))
        for rule in policy["rules"]:
            read([rule.get("type")], frozenset(RULES), "the type of a rule")
            read([rule], RULES[rule["type"]], f"a rule of type {rule['type']}")
            self.rules[rule["type"]].append(rule)
            demand(rule["type"] != "minimum" or ("of" in rule) != ("name" in rule), "a minimum is of no domain, or two")
            one = rule["type"] in {"cap", "pair-cap"} and "kind" in rule
            capped = {**CAPPED, "survives": [kind for kind in CUTS if CUTS[kind] == rule.get("client", "instance")]}
            for kind in (rule["kind"],) if one else capped.get(rule["type"], ()):
                self.most[kind] = min(self.most[kind], rule.get("most", (self.nodes - 1) // 2))
        ids = {one for rule in policy["rules"] if (one := rule["id"]) == normalize("NFC", one.strip())} - {"", *FIXED}
        demand(len(ids) == len(policy["rules"]), "two rules have one id, or a rule has none of its own, in NFC")
        self.clients = {client: self.query[client] for client in CLIENTS if client in self.query}
        demand(site.servers.keys() >= {*self.clients.values()}, "the query is about what is no server")
        self.own = site.keys[site.servers[self.query["instance"]]["rack"]]
        self.near = {client: site.near(name) for client, name in self.clients.items()}
        self.minima: dict[str, int] = {}
        for rule in (one for one in self.rules["minimum"] if one.get("of", "instance") in self.clients):
            kind, name = rule["kind"], rule.get("name")
            keys = site.keys[site.servers[self.clients[rule.get("of", "instance")]]["rack"]]
            key = next((one for one in keys if one.startswith(f"{kind} ")), f"{kind} ")
            if name is not None:
                key = f"{kind} {'+'.join(sorted(name.split('+'))) if kind in POWER else name}"
                demand(key in site.members, f"rule {rule['id']}: there is no {key}")
            self.minima[key] = max(rule["least"], self.minima.get(key, 0))
        self.candidates = self._candidates(mixed=not policy["one_color"] and "color" not in self.query)

    def _candidates(self, *, mixed: bool) -> dict[str, list[Candidate]]:
        """By color, the servers that may hold a node."""
        servers, colors = self.site.servers, {one["color"] for one in self.site.servers.values()}
        wanted, own = {self.query["color"]} if "color" in self.query else colors, {*self.clients.values()}
        demand(wanted <= colors == {normalize("NFC", c.strip()) for c in colors} - {""}, "no such color, or not in NFC")
        limits = {one["client"]: one["most"] for one in sorted(self.rules["hop-limit"], key=lambda one: -one["most"])}
        found: dict[str, list[Candidate]] = {color: [] for color in ({""} if mixed else wanted)}
        known: dict[object, tuple[int, int] | None] = {}
        for name, server in servers.items():
            nodes, color, place = server.get("nodes", 0), server["color"], self.site.group[name]
            usable = nodes < server["capacity"] and not server.get("drained") and color in wanted
            if not usable or (self.rules[APART] and name in own):
                continue
            if (mark := name if name in own else place) not in known:
                near = {c: [far[one] for one in server["switches"] if one in far] for c, far in self.near.items()}
                hops = {c: 0 if name == self.clients[c] else 1 + min(far) for c, far in near.items() if far}
                lost = len(hops) < len(near) or any(far > limits.get(client, far) for client, far in hops.items())
                known[mark] = None if lost else (max(hops.values()), sum(hops.values()))
            if far := known[mark]:
                found["" if mixed else color].append((name, nodes, *far))
        return found

    def _range(self, key: str) -> tuple[int, int, int]:
        """The least and the most nodes in a domain, and how often each pair in it counts as spread."""
        kind = JOINED if JOINED in key else key.partition(" ")[0]
        return self.minima.get(key, 0), self.most[kind], int(kind in self.spread and key not in self.own)

    def _members(self, key: str) -> Members:
        """Who is in a domain."""
        site, (kind, _, name), parts = self.site, key.partition(" "), key.split(JOINED)
        if key in self.known:
            return self.known[key]
        self._ask("searches", len(parts) if len(parts) > 1 or kind in CUTS else 0, MOST_SEARCHES)
        if len(parts) > 1:
            demand(len({*parts}) == len(parts), f"{key} names a domain twice")
            listed = [self._members(part) for part in parts]
            groups = set.intersection(*(inside for inside, _ in listed))
            alone = {one for _, singles in listed for one in singles if site.group[one] not in groups}
            found = groups, {n for n in alone if all(n in some or site.group[n] in inside for inside, some in listed)}
        elif kind in CUTS:
            demand(name in site.devices, f"there is no device {name}")
            found = site.lost(name, self.clients[CUTS[kind]], self.clients["instance"])
        else:
            cell = kind == "cell" and name in site.cells
            demand(cell or key in site.members or key in self.minima, f"there is no domain {key}")
            found = site.members.get(key, set()), site.cells[name] if cell else set()
        return self.known.setdefault(key, found)

    def _ask(self, what: str, count: int, most: int) -> None:
        """Count what the certificate asks for; Refused if that is more than any may."""
        self.asked[what] += count
        demand(self.asked[what] <= most, f"it asks for more than {most} {what}")

    def _suspects(self, placement: list[str], client: str) -> list[str]:
        """What can break the paths to more nodes than may be lost: one path to each, whatever else there is."""
        near, site, times = self.near[client], self.site, Counter[str]()
        for name, server in ((one, site.servers[one]) for one in placement if one != self.clients[client]):
            switch = min(server["switches"], key=lambda one: near.get(one, len(near) + 2))
            self._ask("links on the paths", near[switch] + 1, MOST_PRICES)
            found = {name + JOINT + switch, *site.kills[server["rack"]]}
            while near[switch] > 1:
                found |= site.kills[switch]
                link, switch = next((by, to) for by, to in site.ways[switch] if near[to] == near[switch] - 1)
                found.add(link)
            times.update(found | site.kills[switch] | {self.clients[client] + JOINT + switch})
        return [device for device, count in times.items() if count > (self.nodes - 1) // 2]

    def judge(self) -> str:
        """What it proves; Refused if it does not."""
        claim, evidence = str(self.made["claim"]), self.made.get("evidence", {})
        if claim == "infeasible":
            self._prove(evidence["trees"], None, None)
            return "there is no placement"
        servers, cost = self.made["placement"], self._legal(self.made["placement"])
        demand(self.made["cost"] == cost, f"the placement costs {cost}")
        if claim == "optimal":
            self._prove(evidence["trees"], cost["worst_hop"], cost)
            self._prove(evidence["nearer"], cost["worst_hop"] - 1, None)
        return f"the placement on {', '.join(servers)} keeps every rule" + ", and none is better" * (claim == "optimal")

    def _legal(self, placement: list[str]) -> dict[str, int]:
        """Judge a placement by every rule; what it costs."""
        site, chosen, listed = self.site, {*placement}, self.candidates.items()
        demand(len(placement) == self.nodes, f"a cell is on {self.nodes} distinct servers")
        usable = {one[0]: (color, *one) for color, some in listed for one in some if one[0] in chosen}
        demand(chosen <= usable.keys(), f"{min(chosen - usable.keys(), default='')} may hold no node of this cell")
        colors, _, fills, worst, hops = zip(*usable.values(), strict=True)
        demand(len({*colors}) == 1, "the cell is of several colors")
        inside = Counter(key for name in placement for key in site.keys[site.servers[name]["rack"]])
        inside.update({f"cell {name}": len(servers & chosen) for name, servers in site.cells.items()})
        inside.update(dict.fromkeys(self.minima, 0))
        spread = 0
        for key, nodes in inside.items():
            low, high, weight = self._range(key)
            demand(low <= nodes <= high, f"{nodes} nodes are in {key}: {low} to {high} may be")
            spread += weight * (nodes * (nodes - 1) // 2)
        seen = {rule.get("client", "instance") for rule in self.rules["survives"]} & self.clients.keys()
        for kind, device in ((k, one) for k in CUTS if CUTS[k] in seen for one in self._suspects(placement, CUTS[k])):
            groups, alone = self._members(f"{kind} {device}")
            lost = sum(name in alone or site.group[name] in groups for name in placement)
            demand(lost <= (self.nodes - 1) // 2, f"the failure of {device} cuts {lost} nodes off ({kind})")
        return {"worst_hop": max(worst), "spread": spread, "hops": sum(hops), "fill": sum(fills)}

    def _prove(self, trees: Data, limit: int | None, cost: Data | None) -> None:
        """Every tree proves that a placement within the limit costs at least so much; without a cost, that none is."""
        demand(trees.keys() == self.candidates.keys(), "there is not one tree for each color")
        near = {c: [one for one in some if limit is None or one[2] <= limit] for c, some in self.candidates.items()}
        fill = 1 + self.nodes * max((nodes for some in near.values() for _, nodes, *_ in some), default=0)
        pair = fill * (1 + self.nodes * max((hops for some in near.values() for *_, hops in some), default=0))
        total = None if cost is None else cost["spread"] * pair + cost["hops"] * fill + cost["fill"]
        whole: dict[str, tuple[int, int]] = {}
        waiting = [(tree, whole, _Offers(near[color], fill, self.site.group)) for color, tree in trees.items()]
        while waiting:
            tree, ranges, offers = waiting.pop()
            if "domain" not in tree:
                self._judge_leaf(tree, ranges, offers, pair, total)
                continue
            read([tree], SPLIT, "a split")
            key, at, _ = tree["domain"], tree["at"], self._members(tree["domain"])
            low, high = ranges.get(key) or self._range(key)[:2]
            waiting.append((tree["above"], {**ranges, key: (max(at + 1, low), high)}, offers))
            waiting.append((tree["below"], {**ranges, key: (low, min(at, high))}, offers))

    def _judge_leaf(self, leaf: Data, ranges: Data, offers: "_Offers", pair: int, total: int | None) -> None:
        read([leaf], LEAF, "a leaf")
        self._ask("leaves", 1, MOST_LEAVES)
        self._ask("prices", len(leaf["prices"]), MOST_PRICES)
        scale, node, paid = leaf["scale"], leaf["node"], 0
        of_group, of_server = Counter[int](), Counter[str]()
        for key, price in leaf["prices"].items():
            groups, alone = self._members(key)
            *given, weight = self._range(key)
            (low, high), unit = ranges.get(key, given), scale * pair * weight
            # What is greatest grows with k as long as price >= unit * k. In an empty range anything is proven, by 1.
            k = max(low, min(high, price // unit + 1)) if unit else high if price > 0 else low
            paid += price * k - unit * (k * (k - 1) // 2) if low <= high else -1
            of_group.update(dict.fromkeys(groups, price))
            of_server.update(dict.fromkeys(alone, price))
        bound = -(-(self.nodes * node - paid - offers.earned(scale, node, of_group, of_server)) // (scale or 1))
        demand(bound == leaf["bound"], f"a leaf proves {bound}, and {leaf['bound']} is recorded")
        demand(scale == 0 or total is not None, "a leaf prices servers where it must prove that there is no placement")
        demand(bound >= (total if scale and total is not None else 1), f"a leaf proves {bound}, which is too little")


class _Offers:
    """What servers cost: by group, the cheapest first, and what the first one, two, three... cost together."""

    def __init__(self, listed: list[Candidate], fill: int, group: dict[str, int]) -> None:
        self.costs = {name: hops * fill + nodes for name, nodes, _, hops in listed}
        self.group, columns = group, dict[int, list[int]]()
        for name, cost in self.costs.items():
            columns.setdefault(group[name], []).append(cost)
        self.columns = {at: (sorted(column), [0, *accumulate(sorted(column))]) for at, column in columns.items()}

    def earned(self, scale: int, node: int, of_group: Counter[int], of_server: Counter[str]) -> int:
        """The sum over all servers of what a node is worth there beyond scale times cost and prices, if it is."""
        total = 0
        for at, (costs, sums) in self.columns.items():
            if (worth := node - of_group[at]) > 0:
                cheap = bisect_left(costs, -(-worth // scale)) if scale else len(costs)
                total += worth * cheap - scale * sums[cheap]
        for name in of_server.keys() & self.costs.keys():
            worth = node - of_group[self.group[name]] - scale * self.costs[name]
            total += max(0, worth - of_server[name]) - max(0, worth)
        return total


def main(arguments: list[str], judge: Any = check) -> int:
    """Judge the files that are named: a certificate, a topology, and perhaps a policy. 0 if it stands, 1 if not."""
    try:
        said, code = f"the certificate stands: {judge(*(Path(name).read_bytes() for name in arguments))}.", 0
    except (Refused, OSError, TypeError) as reason:
        said, code = f"refused: {shown(str(reason))}.", 1
    print(said.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))
    return code


if __name__ == "__main__":
    gc.disable()  # a process that ends at once: what it makes is no garbage before
    sys.exit(main(sys.argv[1:]))

"""Sentences about a conflict, with names and numbers: what each rule leaves, and what that comes to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from attrs import define, field

from physalia.placement.rules.policy import (
    AntiAffinity,
    HopLimit,
    Minimum,
    Rule,
)
from physalia.placement.site.hops import Hops
from physalia.placement.site.topology import Topology
from physalia.placement.solver.instance import Domain, Instance
from physalia.placement.solver.problem import ANY_COLOR, Problem
from physalia.placement.solver.search import Leaf, Tree

_NAMED = 4
"""So many names are spelled out; of more, the first few."""

_PLURAL = {"rack": "racks", "row": "rows", "pdu": "PDUs", "ups": "UPSs", "feed": "feeds", "cell": "cells"}


def describe(stated: Problem, rules: AbstractSet[str], color: str, tree: Tree) -> Iterator[str]:
    """What the rules of a conflict leave, rule by rule, and the sum; ``tree`` proves that it is too little."""
    instance = stated.bare(color)
    yield from _forbidden(stated, rules, color)
    if not isinstance(tree, Leaf):
        yield f"domains cross, and in every case fewer than {instance.nodes} nodes are left."
        return
    priced = [(instance.domains[instance.number[key]], price) for key, price in tree.dual.prices.items() if price]
    priced += [(instance.domains[instance.number[key]], 0) for key, price in tree.dual.prices.items() if not price]
    told = [_domain_sentence(instance, stated, domain, price) for domain, price in priced if price <= 0]
    yield from dict.fromkeys(sentence for sentence in told if sentence)
    caps = [domain for domain, price in priced if price > 0]
    yield from _sum(stated, instance, tree, caps, [domain for domain, price in priced if price < 0], color)


def _forbidden(stated: Problem, rules: AbstractSet[str], color: str) -> Iterator[str]:
    """How many servers the rules forbid that are about single servers."""
    counted = [one for at, one in _counts(stated.topology).items() if color in {ANY_COLOR, at}]
    kind, count = _kind(color), sum(one.servers for one in counted)
    if "drained" in rules:
        yield f"{sum(one.drained for one in counted)} of {count} {kind}servers are drained."
    if "capacity" in rules:
        yield f"{sum(one.full for one in counted)} of {count} {kind}servers are full."
    clients, servers = stated.query.clients(), stated.topology.servers
    for rule in stated.policy.rules:
        if isinstance(rule, HopLimit) and rule.client in clients:
            name = clients[rule.client]
            way = Hops(stated.topology).of(name)
            hanging = [(way.through(switches), number) for one in counted for switches, number in one.hanging.items()]
            near = sum(number for hops, number in hanging if hops is not None and hops <= rule.most)
            # The client itself is nearer than what hangs on the same switches.
            near += color in {ANY_COLOR, servers[name].color} and (way.through(servers[name].switches) or 0) > rule.most
            yield f"{rule.id}: {near} of {count} {kind}servers are within {rule.most} hops of the {rule.client} {name}."
        elif isinstance(rule, AntiAffinity):
            own = [one for one in sorted({*clients.values()}) if color in {ANY_COLOR, servers[one].color}]
            if own:
                yield f"{rule.id}: {_list(own)} {_are(own)} the volume's own."


@define
class _Count:
    """How many servers of a colour there are, which take no node, and how many hang on which switches."""

    servers: int = 0
    drained: int = 0
    full: int = 0
    hanging: dict[tuple[str, ...], int] = field(factory=dict)


def _counts(topology: Topology) -> Mapping[str, _Count]:
    """The servers of a topology, counted by colour, once."""
    found: dict[str, _Count] = topology.remembered("counts")
    if not found:
        for (color, switches), number in Counter((s.color, s.switches) for s in topology.servers.values()).items():
            one = found.setdefault(color, _Count())
            one.servers += number
            one.hanging[switches] = number
        for server in topology.unusable:
            found[server.color].drained += server.drained
            found[server.color].full += server.is_full
    return found


def _domain_sentence(instance: Instance, stated: Problem, domain: Domain, price: int) -> str:
    """What a minimum asks of a domain, and what the domain has."""
    rules = stated.domains.rules.get(domain.key, ())
    low = [rule for rule in rules if isinstance(rule, Minimum) and rule.least == domain.low]
    if not low:
        return ""
    at = instance.number[domain.key]
    usable = sum(int(n) for n, inside in zip(instance.count, instance.inside, strict=True) if at in inside)
    most = min(usable, domain.high)
    name = _names([domain])
    if domain.key.endswith(" "):
        return f"{low[0].id} asks for {domain.low} nodes in the {domain.key}domain of the {low[0].of}, which has none."
    why = "" if price or most == usable else f" by {_ids(r for r in rules if not isinstance(r, Minimum))}"
    return f"{low[0].id} asks for at least {domain.low} nodes in {name}, which can take {most}{why}."


def _sum(
    stated: Problem, instance: Instance, leaf: Leaf, caps: Sequence[Domain], low: Sequence[Domain], color: str
) -> Iterator[str]:
    """What the capped domains can take, what else there is, and what that comes to."""
    nodes, value = instance.nodes, leaf.dual.node
    asked = sum(domain.low for domain in low)
    if asked > nodes and not caps:
        yield f"together {asked} of {nodes}."
    if value <= 0 or (leaf.dual.prices and not caps):
        return
    total = (nodes * value - leaf.bound) // value
    held = {instance.number[domain.key] for domain in caps}
    others = sum(int(n) for n, inside in zip(instance.count, instance.inside, strict=True) if held.isdisjoint(inside))
    parts = list(_capped(stated, caps))
    if others or not caps:
        more = "other " if caps else ""
        parts.append(f"there {'is' if others == 1 else 'are'} {others} {more}usable {_kind(color)}{_servers(others)}")
    if low:
        yield f"{'; '.join(parts)}: too few for the minimum beside them."
    else:
        yield f"{'; '.join(parts)}: {total} of {nodes}."


def _capped(stated: Problem, caps: Sequence[Domain]) -> Iterator[str]:
    groups: dict[tuple[str, int, tuple[str, ...]], list[Domain]] = {}
    for domain in caps:
        rules = stated.domains.rules.get(domain.key, ())
        ruling = tuple(one.id for one in rules if getattr(one, "most", domain.high) == domain.high)
        groups.setdefault((domain.key.partition(" ")[0], domain.high, ruling), []).append(domain)
    for (_, high, ruling), domains in groups.items():
        each = " each" if len(domains) > 1 else ""
        yield f"{_names(domains)} can take {high}{each} by {' and '.join(ruling)}"


def _names(domains: Sequence[Domain]) -> str:
    """Domains of one kind by their names, in words."""
    kind = domains[0].key.partition(" ")[0]
    names = [domain.key.partition(" ")[2] for domain in domains]
    if kind in {"pdu", "ups", "feed"}:
        names = [name if "+" not in name else name.replace("+", " + ") for name in names]
    if kind == "single":
        return f"what {_list(names)} {'feed' if len(names) > 1 else 'feeds'} alone"
    if kind == "cut":
        return f"what the failure of {_list(names, 'or')} cuts off"
    if kind.endswith("-cut"):
        return f"what the failure of {_list(names, 'or')} cuts off from the {kind.removesuffix('-cut')}"
    if len(names) > 1:
        return f"{_PLURAL[kind]} {_list(names)}"
    return names[0] if names[0].startswith(kind) else f"{kind.upper() if kind in {'pdu', 'ups'} else kind} {names[0]}"


def _list(names: Sequence[str], word: str = "and") -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[: _NAMED - 1])} {word} {len(names) - _NAMED + 1} more"
    return f" {word} ".join(", ".join(names).rsplit(", ", 1))


def _ids(rules: Iterator[Rule]) -> str:
    return " and ".join(rule.id for rule in rules)


def _kind(color: str) -> str:
    return "" if color == ANY_COLOR else f"{color} "


def _servers(count: int) -> str:
    return "server" if count == 1 else "servers"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"

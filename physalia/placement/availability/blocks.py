"""Who is connected with whom, and how many nodes hang there: what must be remembered of a fabric while it is walked.

A state is a partition of the living switches in sight into blocks of connected ones, as bit masks, and groups of nodes,
each with the blocks that it has living links to. Nodes do not forward, so a group may hang on two blocks and not join
them. All functions are cached: fabrics repeat themselves.

Devices come with the probability that they *fail*. That is the small number, and ``1 - fails`` loses nothing, while
``1 - lives`` would; so every number here is a sum of products of numbers that are exact to their last digit.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import TypeVar

from attrs import frozen

Blocks = tuple[int, ...]
Groups = tuple[tuple[int, int], ...]
State = tuple[Blocks, Groups]

EMPTY: State = ((), ())
LOST: State = ((), ((0, 0),))
"""Too many nodes are lost for good: whatever comes, there is no majority. What else is known no longer matters."""

LOCAL = 32
"""Bits from here on are a bundle's own switches, which nobody else sees."""

_SEEN = (1 << LOCAL) - 1


@frozen(cache_hash=True)
class Bundle:
    """The top-of-rack switches of one rack, with everything that fails on its own there while the rack has power.

    ``switches``: each with its probability to fail, and its links to switches in sight as (bit, probability to fail).
    ``peers``: links between two of the switches. ``servers``: each with its probability to fail, and its links to
    switches of the bundle, by place.
    """

    switches: tuple[tuple[float, tuple[tuple[int, float], ...]], ...]
    peers: tuple[tuple[int, int, float], ...]
    servers: tuple[tuple[float, tuple[tuple[int, float], ...]], ...]


Outcome = tuple[tuple[int, ...], Groups]
"""What a bundle may come to: the sets of switches that it joins, if they live, and its nodes by its own switches."""

Way = tuple[int, int]
"""What the instance's own rack may come to: the switches in sight that it is joined to, and the nodes of the rack."""

Key = TypeVar("Key")


def merged(blocks: Iterable[int], joined: Iterable[int]) -> Blocks:
    """The blocks, with those that a set of switches touches made into one; sets may bring switches of their own."""
    found = list(blocks)
    for some in joined:
        touched = [block for block in found if block & some]
        whole = some
        for block in touched:
            found.remove(block)
            whole |= block
        found.append(whole)
    return tuple(sorted(found))


def grouped(blocks: Blocks, groups: Iterable[tuple[int, int]]) -> Groups:
    """Nodes by the whole blocks that they hang on; those that hang on none are lost."""
    found: dict[int, int] = {}
    for mask, count in groups:
        whole = 0
        for block in blocks:
            if block & mask:
                whole |= block
        if whole:
            found[whole] = found.get(whole, 0) + count
    return tuple(sorted(found.items()))


@lru_cache(maxsize=1 << 16)
def with_switch(state: State, bit: int) -> State:
    """A living switch comes in sight, joined to nothing."""
    return tuple(sorted((*state[0], bit))), state[1]


@lru_cache(maxsize=1 << 16)
def with_link(state: State, both: int) -> State | None:
    """Two switches are joined; None if that changes nothing, since one is dead or they were connected before."""
    touched = [block for block in state[0] if block & both]
    alive = sum(touched) & both
    if alive != both or len(touched) == 1:
        return None
    blocks = merged(state[0], (both,))
    return blocks, grouped(blocks, state[1])


@lru_cache(maxsize=1 << 16)
def without(state: State, gone: int) -> State:
    """Switches go out of sight, with what hung on them alone."""
    blocks = tuple(sorted(left for block in state[0] if (left := block & ~gone)))
    return blocks, grouped(blocks, ((mask & ~gone, count) for mask, count in state[1]))


@lru_cache(maxsize=1 << 16)
def with_nodes(groups: Groups, blocks: Blocks, added: Groups) -> State:
    """More nodes, after blocks have been joined."""
    return blocks, grouped(blocks, (*groups, *added))


@lru_cache(maxsize=1 << 12)
def outcomes(bundle: Bundle) -> tuple[tuple[Outcome, float], ...]:
    """Everything that a bundle may come to while its rack has power, with probabilities; own switches have own bits."""
    fabrics: dict[tuple[int, ...], float] = {}
    ways = [list(_switch(LOCAL + at, *switch)) for at, switch in enumerate(bundle.switches)]
    for chosen in product(*ways):
        chance = 1.0
        for _, one in chosen:
            chance *= one
        _add(fabrics, tuple(mask for mask, _ in chosen if mask), chance)
    for one, other, fails in bundle.peers:
        fabrics = _joined(fabrics, 1 << LOCAL + one, 1 << LOCAL + other, fails)
    nodes: dict[tuple[int, ...], float] = {(): 1.0}
    for fails, links in bundle.servers:
        further: dict[tuple[int, ...], float] = {}
        for hung, chance in _server(fails, links):
            for before, so_far in nodes.items():
                _add(further, tuple(sorted((*before, hung))), so_far * chance)
        nodes = further
    found: dict[Outcome, float] = {}
    for (joined, chance), (hung_on, hanging_chance) in product(fabrics.items(), nodes.items()):
        alive = 0
        for some in joined:
            alive |= some & ~_SEEN
        hanging = Counter(mask & alive for mask in hung_on if mask & alive)
        _add(found, (joined, tuple(sorted(hanging.items()))), chance * hanging_chance)
    return tuple(found.items())


@lru_cache(maxsize=1 << 14)
def in_sight(bundle: Bundle, blocks: Blocks) -> tuple[tuple[Blocks, Groups, float], ...]:
    """What a bundle does to given blocks: the blocks as it leaves them, the nodes that it brings, the probability."""
    found: dict[tuple[Blocks, Groups], float] = {}
    for (joined, groups), chance in outcomes(bundle):
        _add(found, _landed(blocks, joined, groups), chance)
    return tuple((after, brought, chance) for (after, brought), chance in found.items())


@lru_cache(maxsize=1 << 18)
def _landed(blocks: Blocks, joined: tuple[int, ...], groups: Groups) -> State:
    """What one outcome of a bundle does to given blocks, whatever its probability."""
    # A dead switch in sight is not there: a link to it leads nowhere.
    return without(_seen(blocks, joined, groups, sum(blocks)), ~_SEEN)


@lru_cache(maxsize=1 << 16)
def failure(bundle: Bundle, itself: bool, needed: int, state: State) -> float:
    """The probability that the first server of a bundle is up and reaches fewer nodes than needed.

    Given all the rest and its rack's power. The first server is the instance; ``itself`` says whether it is a node of
    the cell too.
    """
    if state == LOST:
        return is_up(bundle)
    return sum(chance for way, chance in reached(bundle, state[0]) if misses(way, state, itself, needed))


@lru_cache(maxsize=1 << 14)
def reached(bundle: Bundle, blocks: Blocks) -> tuple[tuple[Way, float], ...]:
    """Where the first server of a bundle, if it is up, finds itself among given blocks, with probabilities."""
    alive = sum(blocks)
    instance, others = bundle.servers[0], Bundle(bundle.switches, bundle.peers, bundle.servers[1:])
    found: dict[Way, float] = {}
    for own, chance in _server(*instance):
        for (joined, brought), other in outcomes(others) if own else ():
            after, more = _seen(blocks, joined, brought, alive)
            near = sum(block for block in after if block & own)
            if near:
                _add(found, (near & _SEEN, sum(count for mask, count in more if mask & near)), chance * other)
    return tuple(found.items())


def misses(way: Way, state: State, itself: bool, needed: int) -> bool:
    """Whether fewer nodes than needed are reached: itself, those of the rack, and those on blocks that it joins."""
    near, own = way
    return itself + own + sum(count for mask, count in state[1] if mask & near) < needed


@lru_cache(maxsize=1 << 12)
def is_up(bundle: Bundle) -> float:
    """The probability that the first server of a bundle has a living link to a living switch, given power."""
    fails, links = bundle.servers[0]
    up, none = 0.0, 1.0
    for place, link_fails in links:
        switch_fails = bundle.switches[place][0]
        up += none * (1.0 - link_fails) * (1.0 - switch_fails)  # the first of its ways that carries
        none *= link_fails + (1.0 - link_fails) * switch_fails
    return (1.0 - fails) * up


def _seen(blocks: Blocks, joined: tuple[int, ...], groups: Groups, alive: int) -> tuple[Blocks, Groups]:
    real = alive | ~_SEEN
    after = merged(blocks, (mask & real for mask in joined))
    return after, grouped(after, groups)


def _switch(bit: int, fails: float, links: tuple[tuple[int, float], ...]) -> Iterable[tuple[int, float]]:
    """What a switch may come to: dead, or alive with the switches that it has living links to."""
    yield 0, fails
    for carry in product((True, False), repeat=len(links)):
        mask, chance = 1 << bit, 1.0 - fails
        for carries, (other, link_fails) in zip(carry, links, strict=True):
            mask |= other if carries else 0
            chance *= 1.0 - link_fails if carries else link_fails
        yield mask, chance


def _server(fails: float, links: tuple[tuple[int, float], ...]) -> list[tuple[int, float]]:
    """The switches of its bundle that a server has living links to, if it lives; none if not."""
    found: dict[int, float] = {0: fails}
    for carry in product((True, False), repeat=len(links)):
        mask, chance = 0, 1.0 - fails
        for carries, (place, link_fails) in zip(carry, links, strict=True):
            mask |= 1 << LOCAL + place if carries else 0
            chance *= 1.0 - link_fails if carries else link_fails
        _add(found, mask, chance)
    return list(found.items())


def _joined(fabrics: dict[tuple[int, ...], float], one: int, other: int, fails: float) -> dict[tuple[int, ...], float]:
    found: dict[tuple[int, ...], float] = {}
    for sets, chance in fabrics.items():
        both_live = any(mask & one for mask in sets) and any(mask & other for mask in sets)
        _add(found, sets, chance * (fails if both_live else 1.0))
        if both_live:
            _add(found, (*sets, one | other), chance * (1.0 - fails))
    return found


def _add(found: dict[Key, float], key: Key, chance: float) -> None:
    if chance:
        found[key] = found.get(key, 0.0) + chance

"""Who answers clients that know old lists of members. Mirrors `tla/Discovery.tla`.

A cell's members change, version after version; each version is in force until a majority of its members votes in its
last slot (R1). Cells tell caches where they are, in any order; clients remember for ever what they heard, and are sent
on by nodes that know better. A node that leads answers only if a majority of the version that it takes to be in force
does not know that it is over (R7). So a stale list costs a hop, and no jury that was deposed answers.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.commands import Node, Nodes
from spec.machine import Machine, action, invariant
from spec.values import Function, function, function_of, put

Version: TypeAlias = int
Cache: TypeAlias = int
Client: TypeAlias = int


class Answer(NamedTuple):
    """Client `client` was answered by the jury of version `by`, when version `at` was in force."""

    client: Client
    by: Version
    at: Version


class State(NamedTuple):
    """The variables."""

    chosen: Version
    """How many versions were decided."""
    inforce: Version
    knows: Function[Version]
    """The newest version that a node knows to be decided."""
    over: Function[Version]
    """The newest version that a node knows to be over."""
    lost: Nodes
    """Nodes that lost their disk."""
    news: frozenset[Version]
    """Versions that were told, to whichever cache."""
    cache: Function[Version]
    client: Function[Version]
    answers: frozenset[Answer]


@frozen(kw_only=True, slots=False, eq=False)
class Discovery(Machine[State]):
    """The constants, the steps, and what they are for."""

    max_node: int
    plan: Mapping[Version, Nodes]
    """The members of each version, if it is ever decided: a bound."""
    alpha: int
    max_cache: int
    max_client: int
    knowing: frozenset[Client] = frozenset()
    """Clients that know the first list from the beginning."""
    frail: Nodes = frozenset()
    """Nodes that may lose their disk: a bound."""

    @property
    def nodes(self) -> range:
        """Nodes, which are incarnations."""
        return range(1, self.max_node + 1)

    @property
    def versions(self) -> range:
        """Versions of the members."""
        return range(1, len(self.plan) + 1)

    @property
    def caches(self) -> range:
        """Caches."""
        return range(1, self.max_cache + 1)

    @property
    def clients(self) -> range:
        """Clients."""
        return range(1, self.max_client + 1)

    @property
    def groups(self) -> tuple[Nodes, ...]:
        """Every set of nodes."""
        return tuple(frozenset(some) for size in range(self.max_node + 1) for some in combinations(self.nodes, size))

    def is_jury(self, s: State, q: Nodes, v: Version) -> bool:
        """Whether `q` are members of `v` with their disks, and a majority."""
        return q <= self.plan[v] - s.lost and 2 * len(q) > len(self.plan[v])

    def leads(self, s: State, n: Node, v: Version) -> bool:
        """Whether `n` may lead under `v`: it knows that all before it are over."""
        return n in self.plan[v] - s.lost and s.over[n] == v - 1 and s.knows[n] >= v

    def init(self) -> Iterator[State]:
        """The one initial state."""
        yield State(
            chosen=1,
            inforce=1,
            knows=function_of(int(n in self.plan[1]) for n in self.nodes),
            over=function(self.nodes, 0),
            lost=frozenset(),
            news=frozenset(),
            cache=function(self.caches, 0),
            client=function_of(int(k in self.knowing) for k in self.clients),
            answers=frozenset(),
        )

    @action(n="nodes", q="groups")
    def change(self, s: State, n: Node, q: Nodes) -> State | None:
        """A jury decides the next change: it will be in force later."""
        if not (
            self.leads(s, n, s.inforce)
            and n in q
            and self.is_jury(s, q, s.inforce)
            and s.chosen + 1 in self.versions
            and s.chosen < s.inforce + self.alpha
            and s.knows[n] == s.chosen
        ):  # fmt: skip
            return None
        return s._replace(
            chosen=s.chosen + 1, knows=function_of(s.chosen + 1 if m in q else s.knows[m] for m in self.nodes)
        )

    @action(n="nodes", q="groups")
    def depose(self, s: State, n: Node, q: Nodes) -> State | None:
        """A jury votes in the last slot of the version in force: the next one begins."""
        if not (
            self.leads(s, n, s.inforce)
            and n in q
            and self.is_jury(s, q, s.inforce)
            and s.inforce < s.chosen
            and s.knows[n] > s.inforce
        ):  # fmt: skip
            return None
        over = function_of(max(s.over[m], s.inforce) if m in q else s.over[m] for m in self.nodes)
        return s._replace(inforce=s.inforce + 1, over=over)

    @action(n="nodes", m="nodes")
    def learn(self, s: State, n: Node, m: Node) -> State | None:
        """`n` learns from `m` what was decided."""
        if not (
            not {n, m} & s.lost
            and (s.knows[m] > s.knows[n] or s.over[m] > s.over[n])
        ):  # fmt: skip
            return None
        return s._replace(
            knows=put(s.knows, n, max(s.knows[n], s.knows[m])), over=put(s.over, n, max(s.over[n], s.over[m]))
        )

    @action(n="nodes")
    def forget(self, s: State, n: Node) -> State | None:
        """A disk is lost. What takes the node's place has another name."""
        if n not in self.frail - s.lost:  # fmt: skip
            return None
        return s._replace(lost=s.lost | {n}, knows=put(s.knows, n, 0), over=put(s.over, n, 0))

    @action(n="nodes")
    def push(self, s: State, n: Node) -> State | None:
        """`n` tells caches where the cell is (R14)."""
        if not (
            self.max_cache > 0
            and s.knows[n] > 0
            and s.knows[n] not in s.news
        ):  # fmt: skip
            return None
        return s._replace(news=s.news | {s.knows[n]})

    @action(c="caches", v="versions")
    def take(self, s: State, c: Cache, v: Version) -> State | None:
        """A cache hears of a version. The newer one stays."""
        if not (
            v in s.news
            and v > s.cache[c]
        ):  # fmt: skip
            return None
        return s._replace(cache=put(s.cache, c, v))

    @action(c="caches")
    def replace(self, s: State, c: Cache) -> State | None:
        """A cache is lost, with all that it knew, and an empty one takes its place."""
        if not (
            s.cache[c] > 0
        ):  # fmt: skip
            return None
        return s._replace(cache=put(s.cache, c, 0))

    @action(k="clients", c="caches")
    def find(self, s: State, k: Client, c: Cache) -> State | None:
        """A client asks a cache. It too keeps what is newer."""
        if not (
            s.cache[c] > s.client[k]
        ):  # fmt: skip
            return None
        return s._replace(client=put(s.client, k, s.cache[c]))

    @action(k="clients", n="nodes")
    def hop(self, s: State, k: Client, n: Node) -> State | None:
        """A client asks a member of its list, which points to the members that it knows."""
        if not (
            s.client[k] > 0
            and n in self.plan[s.client[k]] - s.lost
            and s.knows[n] > s.client[k]
        ):  # fmt: skip
            return None
        return s._replace(client=put(s.client, k, s.knows[n]))

    @action(k="clients", n="nodes", v="versions", q="groups")
    def serve(self, s: State, k: Client, n: Node, v: Version, q: Nodes) -> State | None:
        """A member of a client's list leads under `v` as far as it knows, and a jury confirms that `v` is not over."""
        if not (
            s.client[k] > 0
            and n in self.plan[s.client[k]]
            and self.leads(s, n, v)
            and self.is_jury(s, q, v)
            and all(s.over[m] < v for m in q)
            and Answer(k, v, s.inforce) not in s.answers
        ):  # fmt: skip
            return None
        return s._replace(answers=s.answers | {Answer(k, v, s.inforce)})

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        known = range(len(self.plan) + 1)
        return (
            s.chosen in self.versions
            and 1 <= s.inforce <= s.chosen
            and all(s.knows[n] in known and s.over[n] in known for n in self.nodes)
            and s.lost <= self.frail
            and s.news <= frozenset(self.versions)
            and all(s.cache[c] in known for c in self.caches)
            and all(s.client[k] in known for k in self.clients)
            and all(a.client in self.clients and a.by in self.versions and a.at in self.versions for a in s.answers)
        )

    @invariant
    def only_chosen_is_known(self, s: State) -> bool:
        """Nobody knows, or was told, what was not decided."""
        return (
            all(s.knows[n] <= s.chosen and s.over[n] < s.inforce for n in self.nodes)
            and all(v <= s.chosen for v in s.news)
            and all(s.cache[c] <= s.chosen for c in self.caches)
            and all(s.client[k] <= s.chosen for k in self.clients)
        )

    @invariant
    def current_jury_answers(self, s: State) -> bool:
        """No jury that was deposed answers, whatever list its client had."""
        return all(a.by == a.at for a in s.answers)

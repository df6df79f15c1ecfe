"""Which failures take a volume because of its configuration store alone? Mirrors `tla/BlastRadius.tla` and its claims.

A volume has an instance, two copies and a cell. Devices fail and return, the cell moves one node at a time, a copy goes
on alone and mirrors again, and what copies know of cell and record may be old; in any order.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import combinations
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action, invariant, pure
from spec.sites.site import Failure, Failures, Server, Site
from spec.values import Function, function, put

Copy: TypeAlias = int
Epoch: TypeAlias = int
Cell: TypeAlias = frozenset[Server]


class Record(NamedTuple):
    """Which copy is primary and which one replica, 0 for none."""

    primary: Copy
    replica: Copy


class State(NamedTuple):
    """The variables of `BlastRadius`."""

    good: frozenset[Cell]
    failed: Failures
    cell: Cell
    configs: tuple[Record, ...]
    epoch: Function[Epoch]
    hint: Function[Cell]
    holds: frozenset[Copy]


@frozen(kw_only=True, slots=False, eq=False)
class BlastRadius(Machine[State]):
    """Failures, moves and fail-overs, and what is claimed of all their states."""

    site: Site
    clients: Mapping[str, str]
    size: int
    rules: frozenset[str]
    fallible: Failures
    max_epoch: Epoch

    @cached_property
    def instance(self) -> Server:
        """The server of the instance."""
        return self.site.numbered(self.clients["instance"])

    @cached_property
    def at(self) -> tuple[Server, ...]:
        """The server of each copy."""
        return (0, *(self.site.numbered(self.clients[role]) for role in ("primary", "replica")))

    @property
    def copies(self) -> range:
        """The copies: 1 and 2."""
        return range(1, 3)

    @property
    def servers(self) -> range:
        """All servers."""
        return self.site.numbers

    @cached_property
    def others(self) -> tuple[Server, ...]:
        """The servers that are no clients."""
        return tuple(s for s in self.servers if s not in (self.instance, *self.at))

    def row(self, s: Server) -> str:
        """The row of a server."""
        return self.site.devices[self.site.standing(s).rack].row

    def is_majority(self, some: frozenset[Server]) -> bool:
        """Whether these are more than half of a cell."""
        return 2 * len(some) > self.size

    @pure
    def after(self, failed: Failures, client: Server) -> frozenset[Server]:
        """What a server reaches after a set of failures."""
        return self.site.reached_from(client, failed)

    @cached_property
    def harm(self) -> tuple[Failures, ...]:
        """The single failures that leave the instance up."""
        alone = (frozenset({failure}) for failure in self.site.single_failures)
        return tuple(one for one in alone if self.site.up(self.instance, one))

    def keeps(self, rule: str, c: Cell) -> bool:
        """Whether a placement keeps a rule."""
        if rule == "row":
            return all(self.row(s) == self.row(self.instance) for s in c)
        if rule == "instance":
            return all(self.is_majority(c & self.after(one, self.instance)) for one in self.harm)
        return all(
            self.is_majority(c & self.after(one, self.at[r]))
            for one in self.harm for r in self.copies if self.at[r] in self.after(one, self.instance)
        )  # fmt: skip

    @cached_property
    def placements(self) -> frozenset[Cell]:
        """The placements that keep every rule."""
        cells = map(frozenset, combinations(self.others, self.size))
        return frozenset(c for c in cells if all(self.keeps(rule, c) for rule in self.rules - {"still"}))

    @cached_property
    def home(self) -> Failures:
        """What is between clients and cell in their row."""
        site = self.site
        racks = {d for d, one in site.devices.items() if one.kind == "rack" and one.row == self.row(self.instance)}
        tops = {t for t, one in site.devices.items() if one.kind == "switch" and one.supplies & racks}
        above = {
            t for t, one in site.devices.items()
            if one.tier == "aggregation" and any(t in link and tops.intersection(link) for link in site.links)
        }  # fmt: skip
        servers = [s for s in self.servers if site.standing(s).rack in racks]
        powered = frozenset().union(*map(site.above, racks | tops | above))
        return (
            frozenset((d,) for d in powered)
            | frozenset(link for link in site.links if (tops | above).issuperset(link))
            | frozenset().union(*({site.named(s), *site.links_of(s)} for s in servers))
        )

    # The words.

    def present(self, s: State) -> tuple[Copy, ...]:
        """The copies that count."""
        return tuple(r for r in s.configs[-1] if r)

    def reaches(self, s: State, one: Server, other: Server) -> bool:
        """Whether a client reaches a server."""
        return other in self.after(s.failed, one)

    def asks(self, s: State) -> list[Copy]:
        """The copies that the instance reaches."""
        return [r for r in self.present(s) if self.reaches(s, self.instance, self.at[r])]

    def has_majority(self, s: State, r: Copy) -> bool:
        """Whether a copy reaches a majority of the cell."""
        return self.is_majority(s.cell & self.after(s.failed, self.at[r]))

    def served(self, s: State) -> bool:
        """Some copy that the instance reaches has a majority."""
        return any(self.has_majority(s, r) for r in self.asks(s))

    def unserved(self, s: State) -> bool:
        """The instance is up and reaches a copy, and the volume is not served."""
        return self.site.up(self.instance, s.failed) and bool(self.asks(s)) and not self.served(s)

    def finds(self, s: State, r: Copy) -> bool:
        """A cell is looked for where it was."""
        return bool(s.hint[r] & s.cell & self.after(s.failed, self.at[r]))

    def of(self, s: State, r: Copy) -> Record:
        """The record that a copy knows."""
        return s.configs[s.epoch[r] - 1]

    def alone(self, s: State, r: Copy) -> bool:
        """Whether that names no replica."""
        return self.of(s, r).replica == 0

    def acknowledges(self, s: State, p: Copy) -> bool:
        """A replica refuses whoever writes under another epoch than the one it noted."""
        replica = self.of(s, p).replica
        return self.of(s, p).primary == p and (replica == 0 or s.epoch[replica] == s.epoch[p])

    # The steps.

    def init(self) -> Iterator[State]:
        """Nothing has failed, and the cell has a good placement that everybody knows."""
        for c in sorted(self.placements, key=sorted):
            yield State(
                good=self.placements, failed=frozenset(), cell=c, configs=(Record(1, 2),),
                epoch=function(self.copies, 1), hint=function(self.copies, c), holds=frozenset(self.copies),
            )  # fmt: skip

    @action(d="fallible")
    def fail(self, s: State, d: Failure) -> State | None:
        """A device fails."""
        return None if d in s.failed else s._replace(failed=s.failed | {d})

    @action(d="fallible")
    def repair(self, s: State, d: Failure) -> State | None:
        """A device comes back."""
        return s._replace(failed=s.failed - {d}) if d in s.failed else None

    @action(s="servers", t="others")
    def move(self, state: State, s: Server, t: Server) -> State | None:
        """One node at a time, over placements that are all good, and never too far from what a copy knows."""
        after = (state.cell - {s}) | {t}
        if not (
            "still" not in self.rules
            and s in state.cell and t not in state.cell
            and after in state.good
            and all(self.is_majority(after & state.hint[r]) for r in self.copies)
        ):  # fmt: skip
            return None
        return state._replace(cell=after)

    @action(r="copies")
    def hear(self, s: State, r: Copy) -> State | None:
        """A copy that finds the cell hears where it is now."""
        if not (self.finds(s, r) and s.hint[r] != s.cell):
            return None
        return s._replace(hint=put(s.hint, r, s.cell))

    @action(r="copies")
    def shrink(self, s: State, r: Copy) -> State | None:
        """A copy goes on alone: the record changes if its epoch is the known one."""
        if not (
            self.has_majority(s, r) and self.finds(s, r)
            and s.epoch[r] == len(s.configs) and r in self.present(s) and not self.alone(s, r)
            and len(s.configs) < self.max_epoch
        ):  # fmt: skip
            return None
        return s._replace(configs=(*s.configs, Record(r, 0)))

    @action(r="copies")
    def install(self, s: State, r: Copy) -> State | None:
        """A copy that counts reads the record, and notes its epoch down."""
        if not (
            self.has_majority(s, r) and self.finds(s, r)
            and r in self.present(s) and s.epoch[r] < len(s.configs)
        ):  # fmt: skip
            return None
        return s._replace(epoch=put(s.epoch, r, len(s.configs)))

    @action(r="copies")
    def write(self, s: State, r: Copy) -> State | None:
        """A write is acknowledged: whoever has no part in it lacks it."""
        replica = self.of(s, r).replica
        held = s.holds & {r, replica}
        if not (
            self.acknowledges(s, r) and self.reaches(s, self.instance, self.at[r])
            and (replica == 0 or self.reaches(s, self.at[r], self.at[replica]))
            and held != s.holds
        ):  # fmt: skip
            return None
        return s._replace(holds=held)

    @action(p="copies", r="copies")
    def mirror(self, s: State, p: Copy, r: Copy) -> State | None:
        """A copy that is alone sends all it has to the other one, which joins."""
        last = len(s.configs)
        if not (
            self.has_majority(s, p) and self.finds(s, p)
            and s.epoch[p] == last and self.of(s, p).primary == p and self.alone(s, p)
            and last < self.max_epoch
            and r != p and self.reaches(s, self.at[p], self.at[r])
        ):  # fmt: skip
            return None
        return s._replace(
            configs=(*s.configs, Record(p, r)),
            epoch=put(put(s.epoch, p, last + 1), r, last),
            holds=s.holds | {r} if p in s.holds else s.holds - {r},
        )

    # What is claimed.

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            s.failed <= self.fallible
            and all(c.issubset(self.others) for c in s.good)
            and len(s.cell) == self.size and s.cell.issubset(self.others)
            and len(s.configs) <= self.max_epoch
            and all(1 <= s.epoch[r] <= len(s.configs) for r in self.copies)
            and s.holds <= frozenset(self.copies)
        )  # fmt: skip

    @invariant
    def nothing_by_one_failure(self, s: State) -> bool:
        """No single failure puts a volume into blast, nor would at its next need."""
        return len(s.failed) > 1 or not self.unserved(s)

    @invariant
    def locality(self, s: State) -> bool:
        """Whatever burns outside of the row of the clients: if nothing fails in it, the volume is served."""
        return bool(s.failed & self.home) or not self.unserved(s)

    @invariant
    def pieces_go_on(self, s: State) -> bool:
        """One piece of the network that instance, copy and a majority touch is enough."""
        if not self.site.lives(self.instance, s.failed):
            return True
        pieces = (self.site.around({t}, s.failed) for t in self.site.switches_at(self.instance, s.failed))
        return self.served(s) or not any(self.goes_on(s, piece, r) for piece in pieces for r in self.present(s))

    def goes_on(self, s: State, piece: frozenset[str], r: Copy) -> bool:
        """Whether a copy and a majority of the cell touch a piece of the network."""
        touching = frozenset(n for n in s.cell if self.touches(s, n, piece))
        return self.is_majority(touching) and self.touches(s, self.at[r], piece)

    def touches(self, s: State, server: Server, piece: frozenset[str]) -> bool:
        """Whether a server has a way into a piece of the network."""
        return self.site.lives(server, s.failed) and bool(self.site.switches_at(server, s.failed) & piece)

    @invariant
    def found_where_served(self, s: State) -> bool:
        """Where a copy could ask the cell, it finds it, by what it knows."""
        return all(self.finds(s, r) for r in self.copies if self.has_majority(s, r))

    @invariant
    def one_acknowledges(self, s: State) -> bool:
        """Two pieces may both have a majority; one copy goes on."""
        return sum(self.acknowledges(s, p) for p in self.copies) <= 1

    @invariant
    def nothing_lost(self, s: State) -> bool:
        """Whoever acknowledges holds every write that was acknowledged."""
        return all(p in s.holds for p in self.copies if self.acknowledges(s, p))

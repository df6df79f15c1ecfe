"""What there is in a site, what still lives when things fail, and who is then reached. Mirrors `tla/Sites.tla`.

Everything is said by definition and for a dozen servers. A thing that fails is a tuple, as in `tla/`: `("x1",)` for a
device or a server, `("ta", "x1")` for the link between two switches, or a server and a switch. Domains and hops, which
placement asks for, are mirrored in `conformance/placement/definition.py`.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TypeAlias

from attrs import frozen

Server: TypeAlias = int
Failure: TypeAlias = tuple[str, ...]
Failures: TypeAlias = frozenset[Failure]


@frozen
class Standing:
    """A server: its name, its rack, and the switches that it hangs on."""

    name: str
    rack: str
    switches: frozenset[str]


@frozen
class Device:
    """A rack, a switch or an element of power. Any one supply is enough; without any it lives until it fails."""

    kind: str
    supplies: frozenset[str] = frozenset()
    row: str = ""
    tier: str = ""


@frozen(slots=False, eq=False)
class Site:
    """Servers in a sequence, devices by name, links between switches."""

    servers: tuple[Standing, ...]
    devices: Mapping[str, Device]
    links: frozenset[tuple[str, str]]

    @cached_property
    def numbers(self) -> range:
        """`Server`: a server is known by its place in the sequence."""
        return range(1, len(self.servers) + 1)

    def standing(self, s: Server) -> Standing:
        """A server by its number."""
        return self.servers[s - 1]

    def numbered(self, name: str) -> Server:
        """A server by its name."""
        return next(s for s in self.numbers if self.standing(s).name == name)

    def named(self, s: Server) -> Failure:
        """The failure of a server."""
        return (self.standing(s).name,)

    def links_of(self, s: Server) -> frozenset[Failure]:
        """The links of a server to its switches."""
        return frozenset((self.standing(s).name, t) for t in self.standing(s).switches)

    @cached_property
    def single_failures(self) -> Failures:
        """What a placement has to survive: everything but servers."""
        own = frozenset().union(*map(self.links_of, self.numbers))
        return frozenset((name,) for name in self.devices) | self.links | own

    def living(self, failed: AbstractSet[Failure]) -> frozenset[str]:
        """The devices that live."""
        lives: dict[str, bool] = {}

        def judge(name: str) -> bool:
            if name not in lives:
                supplies = self.devices[name].supplies
                lives[name] = (name,) not in failed and (not supplies or any(judge(one) for one in supplies))
            return lives[name]

        return frozenset(name for name in self.devices if judge(name))

    def lives(self, s: Server, failed: AbstractSet[Failure]) -> bool:
        """Whether a server lives: it did not fail, and its rack has power."""
        return self.named(s) not in failed and self.standing(s).rack in self.living(failed)

    def switches_at(self, s: Server, failed: AbstractSet[Failure]) -> frozenset[str]:
        """The living switches at the near ends of a server's living links."""
        server, living = self.standing(s), self.living(failed)
        return frozenset(t for t in server.switches if (server.name, t) not in failed and t in living)

    def up(self, s: Server, failed: AbstractSet[Failure]) -> bool:
        """Power alone does not make an instance: it needs a way out."""
        return self.lives(s, failed) and bool(self.switches_at(s, failed))

    def around(self, start: AbstractSet[str], failed: AbstractSet[Failure]) -> frozenset[str]:
        """The switches that are joined with some others over links that carry."""
        living, found = self.living(failed), set(start)
        carrying = [link for link in self.links if link not in failed and living.issuperset(link)]
        while True:
            more = {end for link in carrying if found.intersection(link) for end in link} - found
            if not more:
                return frozenset(found)
            found |= more

    def reached_from(self, client: Server, failed: AbstractSet[Failure]) -> frozenset[Server]:
        """The servers that one reaches. Servers do not forward."""
        if not self.lives(client, failed):
            return frozenset()
        fabric = self.around(self.switches_at(client, failed), failed)
        return frozenset(
            s for s in self.numbers
            if self.lives(s, failed) and (s == client or self.switches_at(s, failed) & fabric)
        )  # fmt: skip

    def above(self, name: str) -> frozenset[str]:
        """A device, and all that supplies it, over whatever paths."""
        return frozenset({name}).union(*map(self.above, self.devices[name].supplies))

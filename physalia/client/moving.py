"""How a cell moves: one node at a time is added, taught, put in the place of a member, and that member leaves.

Every step may be taken again, by whoever has the plan, which is made before anybody is asked: a node is born once, a
change names the version that it expects, and who left has left (design rules R8 and R11). The first configuration and
the window of a cell are what its servers say of its founding.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import field, frozen

from physalia.client.asynchronous import AsyncClient
from physalia.client.errors import ClientError
from physalia.client.operator import Operator, minted
from physalia.model import CellId, Change, Exists, Founding, House, Join, Jury, Life, NodeId, Release, RequestId
from physalia.transport import OPERATOR

LOOK_EVERY_S = 0.1
ASK_S = 2.0
"""How long a server is given that may be gone, while others can be asked instead."""

NOTHING = Exists("nothing")
"""A condition that may hold or not: whoever asks for it takes a slot of the log, and changes nothing."""

Told = Callable[[str], None]
"""Who is told what happens, as a phrase."""


class CannotMove(Exception):
    """Nothing more can be done about a move now; the message is a sentence. To try again is safe."""


@frozen
class Plan:
    """A move of one cell: node `joins`, on server `to` with this disk; node `leaves`, which lives on `leaves_from`."""

    cell: CellId
    life: Life
    joins: NodeId
    to: int
    disk: str
    leaves: NodeId
    leaves_from: int


@frozen
class View:
    """A cell as its servers tell of it together: that of them which knows the newest members is believed.

    `nodes` has what each server says of its node, of those that have one and answer.
    """

    life: Life
    version: int
    members: frozenset[NodeId]
    homes: dict[NodeId, int]
    founding: Founding
    nodes: dict[int, dict[str, Any]] = field(repr=False)

    @property
    def alpha(self) -> int:
        """The window of the cell."""
        return self.founding.alpha

    @property
    def prefix(self) -> int:
        """The last slot that anybody says to know."""
        return max(int(one.get("prefix", 0)) for one in self.nodes.values())


async def look(operator: Operator, cell: CellId) -> View:
    """What the servers of the operator say of a cell. Raises `CannotMove` if none of them has a node of it."""
    servers = list(operator.addresses)
    said = await asyncio.gather(*(operator.inspect(server, cell, ASK_S) for server in servers))
    nodes = {
        server: one for server, one in zip(servers, said, strict=True) if isinstance(one, dict) and "life_state" in one
    }
    living = [one for one in nodes.values() if "founding" in one]
    if not living:
        raise CannotMove(f"no server that answers has a node of cell {cell}.")
    newest = max(living, key=lambda one: (one["version_of_members"], one["prefix"]))
    homes = {int(node): int(home) for one in living for node, home in one["homes"].items()}
    founded, life = newest["founding"], int(newest["life"])
    nodes_then = tuple(sorted((int(node), int(home)) for node, home in founded["nodes"].items()))
    first = frozenset(map(int, founded["members"]))
    founding = Founding(cell, life, int(founded["alpha"]), tuple(one for one in nodes_then if one[0] in first), first)
    members = frozenset(map(int, newest["next_members"]))
    return View(life, int(newest["version_of_members"]), members, homes, founding, nodes)


async def plan(operator: Operator, cell: CellId, leaves_from: int, to: int) -> Plan:
    """A plan: put a new node on server `to` in the place of the member on server `leaves_from`. Nothing is done yet.

    Raises `CannotMove`.
    """
    view = await look(operator, cell)
    leaving = [node for node in view.members if view.homes.get(node) == leaves_from]
    if not leaving:
        raise CannotMove(f"cell {cell} has no member on server {leaves_from}.")
    if to != leaves_from and any(view.homes.get(node) == to for node in view.members):
        raise CannotMove(f"cell {cell} has a member on server {to} already, and two of them would fail together.")
    told = await operator.inspect(to, cell, ASK_S)
    if isinstance(told, str):
        raise CannotMove(f"server {to} says nothing: {told}.")
    if told.get("node") == str(leaving[0]):
        raise CannotMove(
            f"node {leaving[0]} of cell {cell} lives on server {to}: only a node that lost its disk is replaced there."
        )
    return Plan(cell, view.life, minted(), to, told["disk"], leaving[0], leaves_from)


class Mover:
    """Carries out plans. `told` hears what happens."""

    def __init__(self, operator: Operator, told: Told = lambda _: None) -> None:
        self._operator, self._told = operator, told
        self._client = AsyncClient(operator.addresses.values(), operator.ring, operator.deadline_s, own=OPERATOR)

    async def move(self, plan: Plan, *, is_lost: bool = False) -> None:
        """All of it. Of a node that is lost nobody waits until it has left. Raises `CannotMove`."""
        try:
            async with asyncio.timeout(self._operator.deadline_s), self._client:
                if plan.joins not in (await self.view(plan.cell)).members:
                    await self.teach(plan)
                    await self.change(plan)
                await self.fill(plan.cell)
                if not is_lost:
                    await self.release(plan)
        except TimeoutError:
            raise CannotMove(f"cell {plan.cell} did not move within {self._operator.deadline_s} s.") from None
        except ClientError as error:
            raise CannotMove(str(error)) from None

    async def view(self, cell: CellId) -> View:
        """As `look`, as long as it takes until somebody answers."""
        while True:
            try:
                return await look(self._operator, cell)
            except CannotMove:
                await asyncio.sleep(LOOK_EVERY_S)

    async def teach(self, plan: Plan) -> None:
        """Let the new node be born, let the others know where it lives, and wait until it has caught up."""
        before = None
        is_housed = False
        while True:
            view = await self.view(plan.cell)
            homes = {node: view.homes[node] for node in view.members if node in view.homes}
            disk, others = bytes.fromhex(plan.disk), tuple(sorted(homes.items()))
            join = partial(Join, founding=view.founding, node=plan.joins, disk=disk, homes=others)
            why = await self._operator.ask(plan.to, join, ASK_S)
            if why and "did not answer" not in why:
                raise CannotMove(f"server {plan.to} has no node {plan.joins} of cell {plan.cell}: {why}.")
            is_housed = is_housed or await self._house(plan, view, homes)
            prefix = int(view.nodes.get(plan.to, {}).get("prefix", 0))
            if is_housed and before is not None and prefix >= before:
                self._told(f"node {plan.joins} has caught up with slot {before}")
                return
            before = view.prefix
            await asyncio.sleep(LOOK_EVERY_S)

    async def _house(self, plan: Plan, view: View, homes: dict[NodeId, int]) -> bool:
        """Let servers know where the new node lives; whether a majority of the members' servers do."""
        news = ((plan.joins, plan.to),)
        servers = sorted(set(homes.values()) - {plan.to})
        house = partial(House, cell=plan.cell, life=plan.life, homes=news)
        asking = (self._operator.ask(server, house, ASK_S) for server in servers)
        granted = sum(not why for why in await asyncio.gather(*asking))
        return 2 * granted > len(view.members)

    async def change(self, plan: Plan) -> Jury:
        """Put the new node in the place of the old one, on the condition that nobody changed the members meanwhile."""
        while True:
            view = await self.view(plan.cell)
            if plan.joins in view.members:
                return Jury(view.version, view.members)
            if plan.leaves not in view.members:
                raise CannotMove(
                    f"node {plan.leaves} is no member of cell {plan.cell} any more: somebody else moved it."
                )
            wanted = view.members - {plan.leaves} | {plan.joins}
            request = RequestId(f"move-{plan.joins}", view.version + 1)
            verdict = await self._client.submit(plan.cell, Change(request, view.version, wanted))
            assert isinstance(verdict.saw, Jury)
            if verdict.done:
                self._told(f"cell {plan.cell} has version {verdict.saw.version} of its members")
                return verdict.saw

    async def fill(self, cell: CellId) -> None:
        """Let as many slots be decided as the window has: the last change is in force then, whoever else is idle.

        With transactions that change nothing: their session remembers one reply, where a bare command leaves a verdict
        for ever (R6).
        """
        for _ in range((await self.view(cell)).alpha):
            await self._client.partition(cell).transact(NOTHING)

    async def release(self, plan: Plan) -> None:
        """Let the old node leave, which it does when enough others hold what it holds."""
        while True:
            let_go = partial(Release, cell=plan.cell, life=plan.life, node=plan.leaves)
            why = await self._operator.ask(plan.leaves_from, let_go)
            if not why:
                self._told(f"node {plan.leaves} has left server {plan.leaves_from}")
                return
            await self.fill(plan.cell)

"""Cells of a colony on the move while clients write and servers are broken: one member at a time goes elsewhere.

A move that a fault cut short goes on as it was planned, as whoever has the plan would do it.
"""

import asyncio
import random

from attrs import define

from physalia.client import Operator
from physalia.client.moving import CannotMove, Mover, Plan, View, look, plan
from physalia.colony.layout import Colony

TRY_S = 10.0
"""How long a move is tried before it is looked at again."""
PAUSE_S = 0.5


def operator_of(colony: Colony, deadline_s: float) -> Operator:
    """An operator who stands beside the machine: not through the network of the colony."""
    at = {number: str(one.listen) for number, one in colony.settings.items()}
    return Operator(at, colony.operator_ring, deadline_s)


@define
class Moves:
    """Moves the cells of a colony, at random; `made` counts the moves that were carried out to their ends."""

    colony: Colony
    rng: random.Random
    made: int = 0

    async def work(self, until: asyncio.Event) -> None:
        """Move one member after the other; a move that began is ended in any case, if that is possible at all."""
        while not until.is_set():
            await asyncio.sleep(self.rng.uniform(0.0, PAUSE_S))
            try:
                async with operator_of(self.colony, TRY_S) as operator:
                    the = await self._plan(operator, self.rng.choice(self.colony.cells))
            except CannotMove:
                continue
            if the is not None:
                await carry_out(self.colony, the)
                self.made += 1

    async def _plan(self, operator: Operator, cell: int) -> Plan | None:
        view = await look(operator, cell)
        taken = servers_of(view)
        free = sorted(self.colony.settings.keys() - taken)
        return await plan(operator, cell, self.rng.choice(sorted(taken)), self.rng.choice(free)) if free else None


async def carry_out(colony: Colony, the: Plan, *, is_lost: bool = False) -> None:
    """Carry out a plan to its end, however often a fault cuts it short. Of a node that is lost nobody waits for it."""
    while True:
        async with operator_of(colony, TRY_S) as operator:
            try:
                await Mover(operator).move(the, is_lost=is_lost)
            except CannotMove:
                continue
            return


def servers_of(view: View) -> set[int]:
    """On which servers the members of a cell are."""
    return {view.homes[node] for node in view.members if node in view.homes}


async def are_settled(operator: Operator, cells: list[int]) -> bool:
    """Whether all members of every cell are there, and know the same."""
    for cell in cells:
        try:
            view = await look(operator, cell)
        except CannotMove:
            return False
        members = {one["node"]: one for one in view.nodes.values() if one.get("in_memory")}
        known = {members[str(node)]["prefix"] if str(node) in members else None for node in view.members}
        if len(known) > 1 or None in known:
            return False
    return True

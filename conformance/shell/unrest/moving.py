"""Operators that replace nodes of cells while these are used, and who can be stopped and begin again at any moment."""

from collections.abc import Mapping
from pathlib import Path

from attrs import define, evolve

from physalia.client.moving import CannotMove, Mover, Plan, plan
from physalia.client.operator import Operator

PATIENT_S = 20.0


@define
class Move:
    """A node of a cell on one server is replaced by a new one, which is called `joins`, on another server.

    `servers` are the addresses of all, by number. `is_over` tells that it was done, or that it never began.
    """

    cell: int
    leaves_from: int
    to: int
    joins: int
    servers: Mapping[int, str]
    keys: Path
    plan: Plan | None = None
    is_over: bool = False
    tries: int = 0

    async def go_on(self) -> None:
        """All that is still to be done. Raises `CannotMove`; then it can be tried again."""
        async with Operator(self.servers, self.keys, PATIENT_S) as operator:
            if self.plan is None:
                try:
                    made = await plan(operator, self.cell, self.leaves_from, self.to)
                except CannotMove:
                    self.is_over = True  # nobody was asked for anything
                    raise
                self.plan = evolve(made, joins=self.joins)  # whom the judges know by a small number
            await Mover(operator).move(self.plan)
        self.is_over = True

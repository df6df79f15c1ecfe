"""What a placement costs, and the one sum of exact integers that stands for the order in which it counts."""

from attrs import frozen


@frozen(order=True)
class Cost:
    """What a placement costs, in the order in which it counts."""

    worst_hop: int
    spread: int
    hops: int
    fill: int


@frozen
class Weights:
    """The weights of the sum that stands for (spread, sum of hops, fill); a unit of fill weighs 1."""

    spread: int
    hops: int

    def total(self, cost: Cost) -> int:
        """The sum that stands for a cost, the worst hop aside."""
        return cost.spread * self.spread + cost.hops * self.hops + cost.fill

    def cost(self, worst_hop: int, total: int) -> Cost:
        """The cost for which a sum stands; of a lower bound, the lower bound in the same order."""
        spread, rest = divmod(total, self.spread)
        hops, fill = divmod(rest, self.hops)
        return Cost(worst_hop, spread, hops, fill)

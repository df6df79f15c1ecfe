"""A run that met a scenario, with all that it does not need left out: what is left is short enough to be read.

Events are left out in ever smaller runs of them, as long as every stage is still met and nothing is refuted. The budget
is a number of tries, so that the same run is made as short on any machine.
"""

from conformance.guided.scenario import Scenario, Sight, Watch
from conformance.guided.search import Found, Schedule, World


def shortened(
    world: World[Schedule, Sight, Found], scenario: Scenario[Sight], schedule: Schedule, tries: int
) -> Schedule:
    """The shortest run to which this one leads within so many tries; at worst the one given."""
    best, size = schedule, max(1, world.size(schedule) // 2)
    while tries > 0:
        before, start = world.size(best), 0
        while start < world.size(best) and tries > 0:
            tries -= 1
            watch = Watch(scenario)
            ran = world.play(world.without(best, start, size), (watch,))
            if ran.found is None and watch.is_complete and world.size(ran.schedule) < world.size(best):
                best = ran.schedule
            else:
                start += size
        if size == 1 and world.size(best) == before:
            break
        size = max(1, size // 2)
    return best

"""What is wrong with a scenario: one sentence that names the file and what in it."""

from physalia.placement.errors import PlacementError


class BadScenario(PlacementError):
    """A scenario contradicts itself or the site, or a file of results belongs to another one."""

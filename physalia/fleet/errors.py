"""What is wrong with a fleet, or with what is asked of it: one sentence that names the file and the object."""

from physalia.placement.errors import PlacementError


class BadFleet(PlacementError):
    """A fleet contradicts itself or its topology, or something is asked that it does not have."""

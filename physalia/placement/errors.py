"""What is wrong with what the user gave: always one sentence that names the file and the object."""


class PlacementError(ValueError):
    """Something that the user gave cannot be used; the command line ends with exit code 2.

    The sentence may quote what a file holds, so whatever in it cannot be printed is escaped.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(one if one.isprintable() else ascii(one)[1:-1] for one in sentence))


class BadTopology(PlacementError):
    """A topology, or the inventory that it was to be made from, contradicts itself or lacks something."""


class BadPolicy(PlacementError):
    """A policy names something that does not exist, or asks for something that makes no sense."""


class BadQuery(PlacementError):
    """A query names something that is not in the topology."""

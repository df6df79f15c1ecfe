"""How a refusal gets from where something is found wrong to who asked."""

from physalia.model import Refused


class Refusal(Exception):
    """It cannot be done, and why. Inside the store only: whoever asks is given `refused`."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused)
        self.refused = refused

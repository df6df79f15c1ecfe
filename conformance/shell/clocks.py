"""The clock of a machine: it starts somewhere, never goes back, and may run at a rate of its own."""

from attrs import define


@define
class Clock:
    """Shows `shown_s` at the true time `true_s`, and goes `rate` times as fast as that from there on."""

    shown_s: float = 0.0
    true_s: float = 0.0
    rate: float = 1.0

    def shows_s(self, true_s: float) -> float:
        """What it shows at a true time, in seconds."""
        return self.shown_s + (true_s - self.true_s) * self.rate

    def true_at_s(self, shown_s: float) -> float:
        """When it will show that, in seconds of true time."""
        return self.true_s + (shown_s - self.shown_s) / self.rate

    def go(self, true_s: float, rate: float) -> None:
        """From this true time on it goes so fast."""
        self.shown_s, self.true_s, self.rate = self.shows_s(true_s), true_s, rate

"""The best placement, or none, with the numbers that prove it."""

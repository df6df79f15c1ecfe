"""The link ``graph``: TLC's whole graph of a model and its mirror's are the same."""

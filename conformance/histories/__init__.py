"""The link histories: what clients saw is explained by some order of their operations, or it is refused."""

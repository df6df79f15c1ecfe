"""The link ``placement``: answers about placements are those of the definitions."""

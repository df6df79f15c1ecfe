"""What a single failure takes away, and whether a majority of a cell survives each one."""

"""How likely an instance that is up reaches a majority of its cell."""

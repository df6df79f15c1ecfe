"""``physalia fleet``: many cells on one site."""

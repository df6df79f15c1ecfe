"""``physalia place``: where a cell may live."""

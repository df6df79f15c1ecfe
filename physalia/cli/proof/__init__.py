"""``physalia prove``: the proof for any size."""

"""Physalia: a cell that stays consistent and available through crashes and partitions, as running code."""

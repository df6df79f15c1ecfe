"""Guided search in the world of the lockstep: its rare scenarios, and its runs as drawn, changed and played."""

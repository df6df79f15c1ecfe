"""The tests of the project; their folders mirror the rooms."""

PATIENCE_S = 3600.0
"""When a process that hangs is ended. Nothing here says how long a thing may take: machines are slow, and busy."""

"""The store beside its commands: what it refuses at the door, how requests are merged, and what scans read."""

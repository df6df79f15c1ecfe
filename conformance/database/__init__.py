"""The store beside its commands: its door, how requests are merged, what scans read, and snapshots as they come."""

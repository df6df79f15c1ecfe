"""The store beside its commands: what it refuses at the door, how requests are merged, scans, and snapshots as they come."""

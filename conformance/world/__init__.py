"""The simulated world: nodes, the bytes between them, disks and clocks, and events that hold every choice."""

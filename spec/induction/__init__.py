"""The cell's safety for any number of nodes, ballots, slots and configurations, and any alpha: inductive invariants."""

"""Crash points: the journal on a simulated disk under the real SQLite, killed and cut off wherever it stands."""

"""Attacks: broken rules, and the runs that go wrong because of it."""

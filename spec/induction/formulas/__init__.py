"""Formulas: systems of actions and invariants, their normal form, and what they say of a given state."""

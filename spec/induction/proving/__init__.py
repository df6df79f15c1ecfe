"""Proving: queries, solvers, counterexamples, and what each part of a proof is for."""

"""Placement: where a cell may live, which place is the best, and a proof that somebody else can check.

The package knows neither the specifications nor the judges. What is heavy (networkx, z3, highspy) is imported where it
is used, so that importing the package costs little.
"""

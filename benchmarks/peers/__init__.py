"""Whom benchmarks compare with."""

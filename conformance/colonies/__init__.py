"""Judges of a colony of real processes: what its clients saw, and what its disks say when all is over."""

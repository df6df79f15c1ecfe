"""Servers, clients and caches as they are, on a simulated event loop, network, disk and clock: one seed, one run."""

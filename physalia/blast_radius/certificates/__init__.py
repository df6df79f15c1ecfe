"""Certificates of a blast radius, and the checker that counts it again by other means."""

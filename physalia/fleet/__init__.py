"""Fleets: thousands to millions of cells on one site, placed online, refilled, improved and moved.

A placement of one cell is the business of ``physalia.placement``, which proves it best. Here a cell is a row of an
array, and what is asked of it are the same rules, counted over stands (``sites``) instead of by name.
"""

"""Mechanical faults: all that a tool can make of the code and the specification, a draw of which the links must refute.

The catalogue has the faults that somebody thought of. These are the ones that nobody did.
"""

"""The kill matrix: faults put in one at a time, each to be refuted by the link that guards it.

The folder ``catalogue`` lists them: faults that consensus systems really had, put into the terms of this design.
"""

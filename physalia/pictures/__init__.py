"""Pictures for people: charts as SVG, and pages that hold them; the same bytes for the same numbers.

A page is one file that asks for nothing: no script from elsewhere, no font, no image. It is light or dark as its reader
prefers, tells lines apart by shape and dash beside colour, and has a table behind every picture.
"""

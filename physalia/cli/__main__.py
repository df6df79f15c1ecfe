"""`python -m physalia.cli` is the program `physalia`."""

from physalia.cli import main

main()

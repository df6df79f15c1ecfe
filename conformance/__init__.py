"""Everything that judges: the specification by TLC, its Python mirror by graph equality, the code by lockstep."""

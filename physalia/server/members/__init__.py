"""How nodes come to a server and leave it: founded, brought into a cell, released, and found where they moved."""

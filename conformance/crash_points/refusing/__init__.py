"""What a journal must refuse, whatever the disk does: files that tell of two histories, and what nobody may ask of it.

Damage by chance is caught by the first of many checks. Here every check stands alone: all others find what they expect.
Beside it, what the simulated disk does not see: the real directory, and how SQLite is set.
"""

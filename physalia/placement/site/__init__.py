"""A site: what there is, in which file it stands, and what follows from it alone."""

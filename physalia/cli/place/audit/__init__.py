"""``physalia place audit``: what is wrong with the cells that a site has."""

"""Everything that judges: a room for each link of the chain, and on the floor what all links share."""

"""What the simulations came to: as data, as sentences, and as a page of pictures."""

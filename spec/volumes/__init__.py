"""A volume of two copies, and what its clients may see: the mirrors of `Register`, `Chain` and `Volume`."""

"""The commands about a colony: its servers, its trouble, its cells, and what is in them."""

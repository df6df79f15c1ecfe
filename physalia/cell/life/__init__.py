"""How a node leaves, until there is only a pointer left (design rule R11)."""

"""What a node shows of itself, from its birth on until there is only a pointer left."""

"""Room for a cell that must leave servers: by its own moves, by those of others, or none whatever moves."""

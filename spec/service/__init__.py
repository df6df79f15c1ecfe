"""What a cell is to its clients: reads without an entry in the log, sessions, leases."""

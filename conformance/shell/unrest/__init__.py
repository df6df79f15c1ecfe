"""What disturbs a run from within: the order of tasks, cancellation, operators that move nodes, holders of leases."""

"""Real contenders for one lock, on a real store, with clocks at different rates, beside the specification of leases."""

"""What the link shell tries by itself: what disturbs its runs, and who comes as somebody else. No run shows it."""

"""What recording costs servers, and how many traces a minute are judged."""

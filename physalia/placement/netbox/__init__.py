"""Sites from an inventory of NetBox."""

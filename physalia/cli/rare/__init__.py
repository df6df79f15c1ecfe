"""The command about rare scenarios."""

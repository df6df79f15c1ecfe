"""The cells that a site has already, judged as they stand."""

"""The link ``tlc``: TLC is run on every model, and what it prints is read."""

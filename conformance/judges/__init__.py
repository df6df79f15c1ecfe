"""The judges of the running code: each looks at the steps of a world in its own way."""

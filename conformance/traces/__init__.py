"""The link ``traces``: what running servers wrote down of their steps, replayed on the specification."""

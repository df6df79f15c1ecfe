"""The link ``exhaustive``: the real code through everything that can happen in small scopes, and the specification."""

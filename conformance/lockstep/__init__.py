"""The link ``lockstep``: the real cell, driven through a simulated world, beside the specification."""

"""A zone over time, simulated: devices fail and return, copies are made anew, cells are repaired and follow.

Beside it stand the figures that Physalia's authors gave of their own simulations, computed again and held against
closed forms: why seven nodes, what placement is worth, what failed routers ask of the configuration store, and the
storm of 2011. Nothing here is a proof; what is proved of the blast radius stands elsewhere.
"""

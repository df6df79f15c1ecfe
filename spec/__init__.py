"""The specification as executable Python: one module for each TLA+ module, and the kernel that explores them."""

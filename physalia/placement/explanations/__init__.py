"""Why a cell cannot be placed, and what would have to give."""

"""What may be said at all. What is beyond a limit is neither encoded nor decoded (design rule R17)."""

MAX_NATURAL = 2**63 - 1
"""The largest round, slot, version, node id and request number."""

MAX_TEXT_CHARACTERS = 255
"""The longest name of a client or a server."""

MAX_MEMBERS = 64
"""The largest configuration that a change may ask for."""

MAX_HOMES = 256
"""Of so many nodes of a cell a server knows where they live."""

MAX_ALPHA = 1024
"""The widest window of a cell."""

MAX_BUNDLED = 1024
"""How many messages between nodes one message between servers may hold."""

MAX_PUSHED = 256
"""Of how many cells a server tells a cache at a time."""

MAX_REPORTS = 65_536
"""How many votes a promise may report."""

MAX_ENCODED_BYTES = 1 << 24
"""The longest encoded message, record or command, in bytes."""

MAX_ROWS = 1 << 20
"""How many rows of a snapshot are said at once."""

MAX_WINDOW = MAX_ALPHA + 1
"""The widest window, and one slot more: of so many slots a snapshot has the members."""

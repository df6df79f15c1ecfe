"""How large anything on a connection may be. What is beyond is refused before room is made for it (rule R17)."""

from physalia.wire.limits import MAX_ENCODED_BYTES

MAX_BODY_BYTES = 1 << 16
"""The longest body of a frame: a message that does not fit travels in parts."""

MAX_WHOLE_BYTES = 1 << 13
"""The longest message that travels whole. Longer ones wait in a lane of their own, so that short ones overtake them."""

SHARED_BODY_BYTES = 1 << 15
"""How much of a body short messages may take while a long one waits: neither lane starves the other."""

MAX_MESSAGE_BYTES = MAX_ENCODED_BYTES
"""The longest message, whole or in parts."""

MAX_QUEUED_BYTES = 1 << 24
"""How many bytes of messages may wait in each lane of a connection."""

WRITE_BUFFER_BYTES = 1 << 17
"""How many bytes may wait in the operating system's queue and asyncio's before a connection makes no more frames."""

MAX_CONNECTIONS = 4096
"""How many connections a server accepts at a time."""

MAX_STRANGERS = 256
"""How many of them may not yet have said who they are; the oldest is closed for a new one."""

UNHEARD_S = 10.0
"""How long what was said may go without any sign that it came, before the other end counts as gone, in seconds."""

IDLE_S = 30.0
"""So long after the last word the system looks whether the other machine is there yet, in seconds."""

HANDSHAKE_S = 5.0
"""How long a handshake may take, in seconds."""

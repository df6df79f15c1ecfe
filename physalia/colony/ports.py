"""Ports of this machine at which servers may listen: free ones that no outgoing connection is given.

A system gives outgoing connections ports of a range of their own. A port of that range that is free when a colony is
laid out may be the near end of somebody's connection when its server starts, or is started again.
"""

import errno
import socket
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

LOCAL_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Where Linux says which ports outgoing connections are given: the first and the last."""

USUAL_RANGE = (32_768, 65_535)
"""Where a system does not say: every range that is usual is within this one."""

LEAST, MOST = 10_000, 65_535
"""Below are the ports of services that have names."""

MOST_TRIES = 2_000


def outgoing(said_in: Path = LOCAL_PORT_RANGE) -> tuple[int, int]:
    """The first and the last port that outgoing connections are given."""
    try:
        first, last = map(int, said_in.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return USUAL_RANGE
    return first, last


def free_ports(count: int, taken: Collection[int] = (), said_in: Path = LOCAL_PORT_RANGE) -> list[int]:
    """So many ports at which nobody listens now, apart from each other and from those that are taken.

    Where outgoing connections are given nearly every port, or hardly one is free, the system chooses. Raises OSError
    where it has none.
    """
    first, last = outgoing(said_in)
    possible = [*range(LEAST, first), *range(max(LEAST, last + 1), MOST + 1)]
    tries = iter(SystemRandom().sample(possible, min(MOST_TRIES, len(possible))))
    found = list[int]()
    with ExitStack() as stack:
        while len(found) < count:
            port = next(tries, 0)
            try:
                one = stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError as error:
                if port and error.errno in (errno.EADDRINUSE, errno.EACCES):
                    continue
                raise
            chosen = int(one.getsockname()[1])
            found += [chosen] if chosen not in taken else []
    return found

"""The data path of a volume: what a client, a primary and a replica do with one sector. Mirrors `tla/Chain.tla`.

The client writes to the primary, which writes to the replica, and is told once both hold it. Who is what stands in a
record, whose changes are in `spec/volumes/volume.py`.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from attrs import frozen

from spec.machine import Machine, action
from spec.values import Function, put
from spec.volumes.register import NO_READ, Reader, Reading, Write

Server: TypeAlias = int
Attachment: TypeAlias = int
Conn: TypeAlias = int
Epoch: TypeAlias = int
Place: TypeAlias = int


class Request(NamedTuple):
    """A client asks for a write on a connection."""

    write: Write
    conn: Conn


class Entry(NamedTuple):
    """A write that a server holds: by which request, and under which epoch."""

    write: Write
    conn: Conn
    epoch: Epoch


Held: TypeAlias = tuple[Entry, ...]


class Record(NamedTuple):
    """Who is primary and who replica, 0 for nobody, and whose attachment counts."""

    primary: Server
    replica: Server
    attached: Attachment


class Link(NamedTuple):
    """From a primary down the chain: the entry at a place."""

    epoch: Epoch
    place: Place
    entry: Entry


class Copied(NamedTuple):
    """From a primary to a new copy: all it has."""

    epoch: Epoch
    to: Server
    data: Held


class Ack(NamedTuple):
    """A server holds the first `upto` entries."""

    epoch: Epoch
    server: Server
    upto: int


class Question(NamedTuple):
    """A primary asks, for a read, what its replica holds."""

    epoch: Epoch
    reader: Reader


class Echoed(NamedTuple):
    """The replica holds the first `upto` entries."""

    epoch: Epoch
    reader: Reader
    upto: int


class State(NamedTuple):
    """The variables."""

    asked: frozenset[Write]
    told: frozenset[Write]
    reads: Function[Reading]
    conn: Function[Conn]
    requests: frozenset[Request]
    configs: tuple[Record, ...]
    epoch: Function[Epoch]
    data: Function[Held]
    chain: frozenset[Link]
    copies: frozenset[Copied]
    acks: frozenset[Ack]
    looks: frozenset[Question]
    echoes: frozenset[Echoed]


@frozen(kw_only=True, slots=False, eq=False)
class Chain(Machine[State]):
    """The constants, and the steps of clients and copies."""

    servers: range
    writes: range
    readers: range
    writer: Mapping[Write, Attachment]
    """The attachment that makes a write."""
    max_epoch: int
    max_conn: int
    gone: frozenset[Server] = frozenset()
    """Servers that take no step: a bound."""

    @property
    def attachments(self) -> range:
        """Attachments that write."""
        return range(1, max(self.writer.values()) + 1)

    @property
    def epochs(self) -> range:
        """Epochs."""
        return range(1, self.max_epoch + 1)

    @property
    def conns(self) -> range:
        """Connections of one attachment."""
        return range(1, self.max_conn + 1)

    @property
    def places(self) -> range:
        """Places in what a server holds."""
        return range(1, len(self.writes) * self.max_conn + 1)

    def of(self, s: State, server: Server) -> Record:
        """The record that a server knows."""
        return s.configs[s.epoch[server] - 1]

    def serves(self, s: State, server: Server) -> bool:
        """Whether a server is primary, as far as it knows."""
        return s.epoch[server] > 0 and self.of(s, server).primary == server

    def alone(self, s: State, server: Server) -> bool:
        """Whether there is one copy, as far as a server knows."""
        return self.of(s, server).replica == 0

    def served(self, s: State) -> Epoch:
        """The newest epoch that its primary has noted down: what is served by."""
        return max(e for e, c in enumerate(s.configs, start=1) if s.epoch[c.primary] >= e)

    def last_copy(self, s: State) -> Server:
        """The last copy of the chain: what it holds has taken effect."""
        record = s.configs[self.served(s) - 1]
        return record.replica or record.primary

    @staticmethod
    def written(held: Held) -> tuple[Write, ...]:
        """The writes among entries. One that was tried again stands there twice in a row, which is the same as once."""
        return tuple(
            entry.write for k, entry in enumerate(held) if k == 0 or held[k - 1].write != entry.write
        )  # fmt: skip

    def contents(self, s: State) -> tuple[Write, ...]:
        """The register: what has taken effect."""
        return self.written(s.data[self.last_copy(s)])

    @action(w="writes")
    def send(self, s: State, w: Write) -> State | None:
        """A client makes one write after the other, once it was told of the last one, or its connection is gone."""
        a = self.writer[w]
        if not (
            a <= s.configs[-1].attached
            and w not in s.told
            and Request(w, s.conn[a]) not in s.requests
            and all(u <= w for u in s.asked if self.writer[u] == a)
            and all(
                m.write in s.told or m.conn < s.conn[a]
                for m in s.requests if self.writer[m.write] == a and m.write != w
            )
        ):  # fmt: skip
            return None
        return s._replace(asked=s.asked | {w}, requests=s.requests | {Request(w, s.conn[a])})

    @action(a="attachments")
    def reconnect(self, s: State, a: Attachment) -> State | None:
        """A client gives its connection up, and opens another one."""
        if not (
            s.conn[a] < self.max_conn
        ):  # fmt: skip
            return None
        return s._replace(conn=put(s.conn, a, s.conn[a] + 1))

    @action(p="servers", w="writes", c="conns")
    def take(self, s: State, p: Server, w: Write, c: Conn) -> State | None:
        """The primary writes, and sends it down the chain."""
        if not (
            p not in self.gone and self.serves(s, p)
            and Request(w, c) in s.requests
            and c == s.conn[self.writer[w]]
            and self.writer[w] == self.of(s, p).attached
            and all(entry.write != w or entry.conn != c for entry in s.data[p])
        ):  # fmt: skip
            return None
        entry = Entry(w, c, s.epoch[p])
        held = (*s.data[p], entry)
        return s._replace(data=put(s.data, p, held), chain=s.chain | {Link(s.epoch[p], len(held), entry)})

    @action(p="servers", k="places")
    def forward(self, s: State, p: Server, k: Place) -> State | None:
        """Under a new epoch, what the replica may lack is sent anew."""
        if not (
            p not in self.gone and self.serves(s, p) and not self.alone(s, p)
            and k <= len(s.data[p]) and s.data[p][k - 1].epoch < s.epoch[p]
            and all(m.upto < k for m in s.acks if m.epoch == s.epoch[p])
        ):  # fmt: skip
            return None
        return s._replace(chain=s.chain | {Link(s.epoch[p], k, s.data[p][k - 1])})

    @action(r="servers", e="epochs", k="places")
    def hold(self, s: State, r: Server, e: Epoch, k: Place) -> State | None:
        """The replica, or a new copy, writes what comes down the chain, in order."""
        link = next((m for m in s.chain if m.epoch == e and m.place == k), None)
        if not (
            r not in self.gone and not self.serves(s, r)
            and e == s.epoch[r]
            and k == len(s.data[r]) + 1
            and link is not None
        ):  # fmt: skip
            return None
        return s._replace(data=put(s.data, r, (*s.data[r], link.entry)), acks=s.acks | {Ack(e, r, k)})

    def safe(self, s: State, p: Server, k: Place) -> bool:
        """Whether the client may be told: both copies hold it, or there is one."""
        return self.alone(s, p) or any(
            m.epoch == s.epoch[p] and m.server == self.of(s, p).replica and m.upto >= k for m in s.acks
        )

    @action(p="servers", w="writes")
    def tell(self, s: State, p: Server, w: Write) -> State | None:
        """The client is told. On a connection that is gone nobody listens."""
        if not (
            p not in self.gone and self.serves(s, p)
            and w not in s.told
            and any(
                entry.write == w and entry.conn == s.conn[self.writer[w]] and self.safe(s, p, k)
                for k, entry in enumerate(s.data[p], start=1)
            )
        ):  # fmt: skip
            return None
        return s._replace(told=s.told | {w})

    @action(q="readers")
    def look(self, s: State, q: Reader) -> State | None:
        """A read begins. What it returns must not be older than this."""
        if not (  # noqa: SIM201  # a guard says what must be
            s.reads[q] == NO_READ
        ):  # fmt: skip
            return None
        return s._replace(reads=put(s.reads, q, Reading("open", len(self.contents(s)), 0)))

    @action(p="servers", q="readers")
    def consult(self, s: State, p: Server, q: Reader) -> State | None:
        """The primary asks what the replica holds."""
        if not (
            p not in self.gone and self.serves(s, p) and not self.alone(s, p)
            and s.reads[q].stage == "open"
        ):  # fmt: skip
            return None
        return s._replace(looks=s.looks | {Question(s.epoch[p], q)})

    @action(r="servers", q="readers")
    def echo(self, s: State, r: Server, q: Reader) -> State | None:
        """The replica says what it holds."""
        if not (
            r not in self.gone and s.epoch[r] > 0 and self.of(s, r).replica == r
            and Question(s.epoch[r], q) in s.looks
            and all(m.epoch != s.epoch[r] or m.reader != q for m in s.echoes)
        ):  # fmt: skip
            return None
        return s._replace(echoes=s.echoes | {Echoed(s.epoch[r], q, len(s.data[r]))})

    @action(p="servers", q="readers")
    def finish(self, s: State, p: Server, q: Reader) -> State | None:
        """A read returns what both copies hold."""
        echo = next((m for m in s.echoes if m.epoch == s.epoch[p] and m.reader == q), None)
        if not (
            p not in self.gone and self.serves(s, p)
            and s.reads[q].stage == "open"
            and (self.alone(s, p) or echo is not None)
        ):  # fmt: skip
            return None
        held = s.data[p] if echo is None or self.alone(s, p) else s.data[p][: echo.upto]
        return s._replace(reads=put(s.reads, q, s.reads[q]._replace(stage="done", result=len(self.written(held)))))

"""A volume: two copies, and a record of who is primary and who replica. Mirrors `tla/Volume.tla`.

The record is changed by conditional writes, and each change is a new epoch. A server refuses what belongs to an older
epoch than its own, for ever. One copy is enough only after the record says so. A server serves an epoch once it has
noted it down. A request dies with its connection, an attachment with the next one. A new copy counts once it holds all
that the primary holds. A read returns what both copies hold.

Refines `Register`: what the last copy of the chain holds has taken effect.
"""

from collections.abc import Iterator

from attrs import frozen

from spec.machine import action, invariant
from spec.values import function, function_of, put
from spec.volumes import register
from spec.volumes.chain import Ack, Attachment, Chain, Copied, Epoch, Record, Server, State


@frozen(kw_only=True, slots=False, eq=False)
class Volume(Chain):
    """The changes of the record, and what holds."""

    def init(self) -> Iterator[State]:
        """The one initial state: two servers that hold nothing."""
        yield State(
            asked=frozenset(), told=frozenset(), reads=function(self.readers, register.NO_READ),
            conn=function(self.attachments, 1), requests=frozenset(),
            configs=(Record(primary=1, replica=2, attached=1),),
            epoch=function_of(1 if n in (1, 2) else 0 for n in self.servers), data=function(self.servers, ()),
            chain=frozenset(), copies=frozenset(), acks=frozenset(), looks=frozenset(), echoes=frozenset(),
        )  # fmt: skip

    @action(m="servers")
    def shrink(self, s: State, m: Server) -> State | None:
        """A copy that does not hear of the other one goes on alone."""
        if not (
            m not in self.gone and s.epoch[m] > 0
            and m in (self.of(s, m).primary, self.of(s, m).replica) and not self.alone(s, m)
            and s.epoch[m] == len(s.configs)
            and len(s.configs) < self.max_epoch
        ):  # fmt: skip
            return None
        return s._replace(configs=(*s.configs, Record(m, 0, self.of(s, m).attached)))

    @action(a="attachments")
    def attach(self, s: State, a: Attachment) -> State | None:
        """The volume is attached to the next client, without asking the last one."""
        if not (
            a == s.configs[-1].attached + 1
            and len(s.configs) < self.max_epoch
        ):  # fmt: skip
            return None
        return s._replace(configs=(*s.configs, s.configs[-1]._replace(attached=a)))

    @action(m="servers", e="epochs")
    def install(self, s: State, m: Server, e: Epoch) -> State | None:
        """A member reads the record, maybe an old one, and notes its epoch down."""
        if not (
            m not in self.gone
            and s.epoch[m] < e <= len(s.configs)
            and m in (s.configs[e - 1].primary, s.configs[e - 1].replica)
        ):  # fmt: skip
            return None
        heard = {Ack(e, m, len(s.data[m]))} if m == s.configs[e - 1].replica else set()
        return s._replace(epoch=put(s.epoch, m, e), acks=s.acks | heard)

    @action(p="servers", r="servers")
    def copy(self, s: State, p: Server, r: Server) -> State | None:
        """A primary that is alone sends all it has to a new copy, and what it writes from now on too."""
        if not (
            p not in self.gone and self.serves(s, p) and self.alone(s, p) and r != p
            and all(m.epoch != s.epoch[p] or m.to != r for m in s.copies)
        ):  # fmt: skip
            return None
        return s._replace(copies=s.copies | {Copied(s.epoch[p], r, s.data[p])})

    @action(r="servers", e="epochs")
    def adopt(self, s: State, r: Server, e: Epoch) -> State | None:
        """The new copy takes it, once: a copy that comes late would undo what was written meanwhile."""
        copied = next((m for m in s.copies if m.epoch == e and m.to == r), None)
        if not (
            r not in self.gone
            and s.epoch[r] < e
            and copied is not None
        ):  # fmt: skip
            return None
        return s._replace(
            data=put(s.data, r, copied.data),
            acks=s.acks | {Ack(e, r, len(copied.data))},
            epoch=put(s.epoch, r, e),
        )

    @action(p="servers", r="servers")
    def mirror(self, s: State, p: Server, r: Server) -> State | None:
        """The new copy holds everything, and joins."""
        if not (
            p not in self.gone and self.serves(s, p) and self.alone(s, p)
            and s.epoch[p] == len(s.configs)
            and any(ack.epoch == s.epoch[p] and ack.server == r and ack.upto >= len(s.data[p]) for ack in s.acks)
            and len(s.configs) < self.max_epoch
        ):  # fmt: skip
            return None
        return s._replace(
            configs=(*s.configs, Record(p, r, self.of(s, p).attached)),
            epoch=put(s.epoch, p, len(s.configs) + 1),
        )

    def above(self) -> register.Register:
        """The register."""
        return register.Register(writes=self.writes, readers=self.readers)

    def seen_from_above(self, s: State) -> register.State:
        """What the last copy of the chain holds has taken effect."""
        return register.State(s.asked, self.contents(s), s.told, s.reads)

    @invariant
    def type_ok(self, s: State) -> bool:
        """Every variable has values of its kind."""
        return (
            self.above().type_ok(self.seen_from_above(s))
            and all(m.write in s.asked and m.conn in self.conns for m in s.requests)
            and len(s.configs) <= self.max_epoch
            and all(s.epoch[n] <= self.max_epoch for n in self.servers)
            and all(len(s.data[n]) <= len(self.places) for n in self.servers)
        )

    @invariant
    def nothing_lost(self, s: State) -> bool:
        """What a client was told of is there."""
        return self.above().nothing_lost(self.seen_from_above(s))

    @invariant
    def at_most_once(self, s: State) -> bool:
        """Nothing takes effect twice."""
        return self.above().at_most_once(self.seen_from_above(s))

    @invariant
    def reads_fresh(self, s: State) -> bool:
        """A read returns nothing older than what was there when it began."""
        return self.above().reads_fresh(self.seen_from_above(s))

    @invariant
    def old_writes_no_more(self, s: State) -> bool:
        """What was written under a newer epoch, or by a later attachment, is never followed by what is older."""
        held = s.data[self.last_copy(s)]
        return all(
            held[j].epoch <= held[k].epoch and self.writer[held[j].write] <= self.writer[held[k].write]
            for k in range(len(held)) for j in range(k)
        )  # fmt: skip

    @invariant
    def copies_follow(self, s: State) -> bool:
        """Whoever knows the epoch of a primary holds a beginning of what that holds."""
        return all(
            s.data[p][: len(s.data[n])] == s.data[n]
            for p in self.servers if self.serves(s, p)
            for n in self.servers if s.epoch[n] == s.epoch[p]
        )  # fmt: skip

"""Whoever wants a lock: waits for it, holds it, renews it, gives it back. A machine without clock, network or store.

It is told what stands in the record and what its own clock shows, and says what to ask of the store. The steps are
those of `tla/Leases.tla`, under the same names. Each side errs to its own disadvantage (design rule R13):

- Whoever holds the lock counts from *before* it first sent its request, not from when it heard that it was granted.
- Whoever waits counts three times the length that stands in the record, from when it saw the record at a version; a
  record that changed is waited for from the beginning. So no clock may go more than three times as fast as another.
- Every request names the version that it takes the place of. So of several that wait, one gets it.
"""

from attrs import define

from physalia.lease.record import LONGEST_NS, Record, read_record
from physalia.model import HasVersion, Item, Put, Slot, Transaction

CLOCKS_DIFFER = 3
"""How many times as fast as another one a clock may go."""


@define
class Contender:
    """One process in one life, which wants the lock under `key` for `length_ns`. `holder` is its name, no one else's.

    `now_ns` is in all calls what its clock shows, which counts the time in suspend and never goes back.
    """

    key: str
    holder: str
    length_ns: int
    saw: Slot = 0
    """The version at which it saw the record last, 0 for none."""
    asked: Slot | None = None
    """The version that its open request expects, None if it has none."""
    _patience_ns: int = 0
    _saw_at_ns: int = 0
    _asked_at_ns: int = 0
    _held_until_ns: int | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 < self.length_ns <= LONGEST_NS:
            raise ValueError(f"a lease lasts longer than nothing, and at most {LONGEST_NS // 10**9} s")
        if not self.holder or " " in self.holder:
            raise ValueError("the holder of a lease has a name without spaces")

    # What it believes

    def left_ns(self, now_ns: int) -> int:
        """How long it still holds the lock, 0 if it does not."""
        return 0 if self._held_until_ns is None else max(0, self._held_until_ns - now_ns)

    def since_ns(self, now_ns: int) -> int:
        """How long its request is open, since before it was first sent; 0 if it has none."""
        return 0 if self.asked is None else now_ns - self._asked_at_ns

    def waited_ns(self, now_ns: int) -> int:
        """How long ago it saw the record at its version; 0 as long as it saw none."""
        return now_ns - self._saw_at_ns if self._patience_ns else 0

    def wait_ns(self, now_ns: int) -> int:
        """How long it must wait yet until it may ask; 0 for whoever holds the lock, and renews it."""
        return 0 if self.left_ns(now_ns) else max(0, self._patience_ns - self.waited_ns(now_ns))

    # What happens

    def see(self, item: Item | None, now_ns: int) -> None:
        """It hears what is under the key, or was lately: because it looked, or as the answer to its request.

        Raises `NotALease`, and remembers nothing of it.
        """
        if item is None:
            self._see_nothing(now_ns)
            return
        record = read_record(self.key, item)
        if self.asked is not None and (record.holder, record.expects) == (self.holder, self.asked):
            self._held_until_ns = self._asked_at_ns + record.length_ns
        elif item.version <= self.saw:
            return
        if self.asked is not None and item.version > self.asked:
            self.asked = None  # it was granted, or never will be: the record is not of that version any more
        self.saw, self._saw_at_ns, self._patience_ns = item.version, now_ns, CLOCKS_DIFFER * record.length_ns

    def _see_nothing(self, now_ns: int) -> None:
        """There is no record. If there was one, somebody deleted it, who knows nothing of who believes in it."""
        if self.saw:
            self.saw, self.asked, self._saw_at_ns = 0, None, now_ns

    # What it asks of the store

    def ask(self, now_ns: int) -> Transaction | None:
        """A request for the lock, or for more time; None while it may not ask. To be sent after this, never before."""
        if self.asked is not None or self.wait_ns(now_ns):
            return None
        self.asked, self._asked_at_ns = self.saw, now_ns
        return self.repeat()

    def repeat(self) -> Transaction | None:
        """The open request once more, the very same; None if there is none. It goes on counting from the first time."""
        return None if self.asked is None else self._change(self.asked, self.length_ns)

    def release(self, now_ns: int) -> Transaction | None:
        """What gives the lock back, which it holds no more from now on, whatever becomes of that.

        None if it does not hold it, or if a request of its own is under way; then it ends by itself.
        """
        if self.asked is not None or not self.left_ns(now_ns):
            return None
        self._held_until_ns = None
        return self._change(self.saw, 0)

    def _change(self, expects: Slot, length_ns: int) -> Transaction:
        record = Record(self.holder, expects, length_ns)
        return Transaction((HasVersion(self.key, expects),), (Put(self.key, record.data()),))

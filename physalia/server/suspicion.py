"""Who seems to be gone: servers that answered no ping for a while, or ended. Sans-I/O: it is told what time it is.

Suspicion is between servers, not between nodes: one of it serves the nodes of all cells (design rule R14). It may be
wrong; then a leader loses its place for nothing, and no more.
"""

from collections.abc import Iterable

UNABLE_FOR = 3
"""A server that could write nothing suspects itself for so many times as long as others take to suspect it."""


class Suspicion:
    """The peers of a server, and which of them are `suspected`. All are trusted for a while at first.

    A server suspects itself too while it can write nothing down: it leads nothing then, and answers no pings, so that
    others take over. After a while it tries again: whether there is room shows when there is something to write.
    """

    def __init__(self, peers: Iterable[int], after_s: float, now_s: float) -> None:
        self.suspected: set[int] = set()
        self._looked_s = now_s
        self._after_s = after_s
        self._unable: dict[int, float] = {}
        self._heard_s = dict.fromkeys(peers, now_s)

    def heard(self, peer: int, now_s: float) -> bool:
        """A ping was answered. Returns whether that ends a suspicion."""
        self._heard_s[peer] = now_s
        if peer not in self.suspected:
            return False
        self.suspected.discard(peer)
        return True

    def gone(self, peer: int) -> bool:
        """It has ended, and that is no guess. Returns whether it was trusted before."""
        was_trusted = peer not in self.suspected
        self.suspected.add(peer)
        return was_trusted

    def unable(self, own: int, now_s: float) -> bool:
        """Something could not be written down by this server itself. Returns whether it trusted itself before."""
        self._unable[own] = now_s + UNABLE_FOR * self._after_s
        was_trusted = own not in self.suspected
        self.suspected.add(own)
        return was_trusted

    def able(self, now_s: float) -> list[int]:
        """Whether this server may try again now: then its number, and it trusts itself from here on."""
        again = [own for own, until_s in self._unable.items() if until_s <= now_s]
        for own in again:
            del self._unable[own]
            self.suspected.discard(own)
        return again

    def fresh(self, now_s: float) -> list[int]:
        """The peers whose silence has just become too long; they are suspected from here on.

        If this server itself stood still for so long, nothing is known of the silence of others: it begins anew.
        """
        if now_s - self._looked_s > self._after_s:
            self._heard_s = dict.fromkeys(self._heard_s, now_s)
        self._looked_s = now_s
        silent = [peer for peer, heard_s in self._heard_s.items() if now_s - heard_s > self._after_s]
        fresh = [peer for peer in silent if peer not in self.suspected]
        self.suspected.update(fresh)
        return fresh

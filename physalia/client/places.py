"""Where to ask: what a client was told of its servers, its cells and its keys.

What a client knows of a cell it knows for ever, and uses as long as nobody tells it better: wrong knowledge costs a
hop, never a wrong answer, since the cell itself decides who speaks for it. A newer list of members replaces an older
one, never the other way round, in whatever order they come.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from attrs import Factory, define

from physalia.model import CellId, Whereabouts
from physalia.transport import Address, KeyFile, Ring, Role

SCHEME = "physalia://"
KEYS_VARIABLE = "PHYSALIA_KEYS"
Keys: TypeAlias = Ring | Path | str | None


def addresses_of(given: str | Iterable[str]) -> list[Address]:
    """The addresses in `physalia://host:port,host:port`, or in a list. Raises `ValueError` if one is none, or none."""
    if isinstance(given, str):
        given = given.removeprefix(SCHEME).rstrip("/").split(",")
    found = [Address.parse(text) for text in given]
    if not found:
        raise ValueError("a client needs the address of a server")
    return found


def ring_of(keys: Keys, role: Role) -> Ring:
    """The keys of who comes as a client or an operator. Raises `ValueError` if there is none for it, and `BadKeys`."""
    if keys is None:
        keys = os.environ.get(KEYS_VARIABLE)
    if keys is None:
        raise ValueError(f"a client needs keys: give it a file of keys, or name one in {KEYS_VARIABLE}")
    ring = KeyFile(Path(keys)) if isinstance(keys, str | Path) else keys
    if ring().preferred(role) is None:
        where = f"{ring.path} has" if isinstance(ring, KeyFile) else "there is"
        raise ValueError(f"{where} no key for {'an operator' if role == 'operator' else 'a client'}: name another file")
    return ring


@define
class _Known:
    """One cell: where it is, whom to ask next, and how many were asked in vain since somebody answered."""

    whereabouts: Whereabouts | None = None
    hint: Address | None = None
    next: int = 0
    in_vain: int = 0


@define
class Places:
    """The servers that the client was given, and what it learned of cells. `stale` counts news that was none."""

    given: list[Address]
    next: int = Factory(lambda self: secrets.randbelow(len(self.given)), takes_self=True)
    stale: int = 0
    _cells: dict[CellId, _Known] = Factory(dict)

    def address(self, cell: CellId) -> Address:
        """Whom to ask about a cell now: who answered last, or was named last; a member; anybody."""
        known = self._of(cell)
        if known.hint is not None:
            return known.hint
        members = _addresses(known)
        return members[known.next % len(members)] if members else self.given[self.next]

    def hinted(self, cell: CellId, leader: str) -> bool:
        """Somebody names an address as that of who may answer; False if it is none."""
        try:
            self._of(cell).hint = Address.parse(leader)
        except ValueError:
            return False
        return True

    def answered(self, cell: CellId, address: Address) -> None:
        """It is there that the cell answers."""
        known = self._of(cell)
        known.hint, known.in_vain = address, 0

    def turn_away(self, cell: CellId) -> None:
        """Try the next one: of the members in turn, and of all servers when every member was asked in vain."""
        known = self._of(cell)
        known.hint = None
        known.in_vain += 1
        members = _addresses(known)
        if members and known.in_vain % (len(members) + 1):
            known.next = (known.next + 1) % len(members)
            return
        self.next = (self.next + 1) % len(self.given)
        if members:
            known.hint = self.given[self.next]

    def everybody(self, cell: CellId) -> set[Address]:
        """All who could be asked about a cell."""
        return {*self.given, *_addresses(self._of(cell))}

    def is_lost(self, cell: CellId) -> bool:
        """Whether nobody knows where the cell is, or all that are known were asked in vain: time to ask a cache."""
        known = self._of(cell)
        members = len(_addresses(known)) or len(self.given)
        return known.hint is None and (known.whereabouts is None or known.in_vain >= members)

    def learn(self, news: Whereabouts) -> bool:
        """Somebody says where a cell is. Only what is newer is taken on, and only of the same life (R15)."""
        known = self._of(news.cell)
        before = known.whereabouts
        if before is not None and (before.life != news.life or before.version >= news.version):
            self.stale += before != news
            return False
        known.whereabouts, known.hint, known.next, known.in_vain = news, None, 0, 0
        return True

    def known(self, cell: CellId) -> Whereabouts | None:
        """What the client knows of a cell."""
        return self._of(cell).whereabouts

    def _of(self, cell: CellId) -> _Known:
        return self._cells.setdefault(cell, _Known())


def _addresses(known: _Known) -> list[Address]:
    """Where its members can be asked; what is no address of a server is nobody's."""
    found = []
    for _, text in () if known.whereabouts is None else known.whereabouts.members:
        try:
            found.append(Address.parse(text))
        except ValueError:
            continue
    return found

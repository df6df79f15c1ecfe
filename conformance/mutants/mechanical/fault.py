"""A mechanical fault: one place of one file, and what stands there instead."""

from collections import Counter
from collections.abc import Iterable

from attrs import evolve, frozen

_LONG = 90
_LONGEST = 160


@frozen(kw_only=True)
class Fault:
    """One substitution. ``start`` and ``end`` count bytes of the file, in UTF-8; ``line`` counts from 1.

    ``where`` is the function or the definition that holds it, ``operator`` what kind of slip it is, and ``what`` the
    slip in words. A ``statement`` is replaced whole, an expression otherwise. ``count`` tells apart what else would
    have one name.
    """

    file: str
    where: str
    operator: str
    line: int
    start: int
    end: int
    after: str
    what: str
    statement: bool = False
    count: int = 1

    @property
    def name(self) -> str:
        """What the fault is called: it stays the same when lines move."""
        again = "" if self.count == 1 else f" ({self.count})"
        what = self.what if len(self.what) <= _LONGEST else f"{self.what[:100]} .. {self.what[-50:]}"
        return f"{self.file} {self.where}: {what}{again}"

    def put_into(self, text: str) -> str:
        """The text of the file with the fault in it."""
        return self._with(text, self.after)

    def put_in_and_marked(self, text: str, mark: str) -> str:
        """The same, with the call ``mark``, which returns something false, made whenever Python comes there."""
        return self._with(text, mark if self.statement else f"({mark} or ({self.after}))")

    def _with(self, text: str, after: str) -> str:
        data = text.encode()
        return (data[: self.start] + after.encode() + data[self.end :]).decode()


def numbered(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The faults in the order of their places, each with a name of its own."""
    seen: Counter[str] = Counter()
    named = []
    for fault in sorted(faults, key=lambda one: (one.start, one.end, one.after)):
        seen[fault.name] += 1
        named.append(evolve(fault, count=seen[fault.name]))
    return tuple(named)


def words(before: str, after: str) -> str:
    """A slip in words: what becomes what, on one line, and without what both have at their ends if they are long."""
    before, after = " ".join(before.split()), " ".join(after.split())
    if max(len(before), len(after)) <= _LONG:
        return f"{before} => {after}"
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    end = 0
    while end < min(len(before), len(after)) - same and before[-1 - end] == after[-1 - end]:
        end += 1
    first, last = max(0, same - 20), max(0, end - 20)
    return f"..{before[first : len(before) - last]}.. => ..{after[first : len(after) - last]}.."

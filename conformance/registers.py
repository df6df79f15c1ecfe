"""A judge of what clients saw of registers with versions: cells whose only commands are conditional writes and reads.

Every successful write makes the next version, so the versions are the order in which things happened, and nothing has
to be searched for. A history is strictly serializable exactly if for each cell:

- somebody wrote every version up to the last that was seen, nobody wrote one twice, and it holds what was written;
- a write succeeded exactly where the version that it expected stood;
- what was answered before something was asked happened before it.

What was asked and never answered may have happened or not: it explains a version that nobody else explains, and is
never held against anybody.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from conformance.refutation import Refuted
from physalia.model import CellId, Read, Verdict, Volume, Write


@frozen
class Operation:
    """What one client asked of a cell, and what it was told; times are of one clock, in seconds.

    `verdict` is None, and `until_s` infinite, if nobody ever told it, or told it that this is unknown.
    """

    cell: CellId
    command: Write | Read
    since_s: float
    until_s: float
    verdict: Verdict | None

    def __str__(self) -> str:
        until = "never answered" if self.verdict is None else f"answered at {self.until_s:.6f} s: {self.verdict}"
        return f"cell {self.cell}, asked at {self.since_s:.6f} s: {self.command}; {until}"


def judge(history: Iterable[Operation], first: Volume) -> int:
    """Raise `Refuted` unless the history is strictly serializable; return how many answers were judged.

    `first` is what every cell holds at first.
    """
    of_cell: dict[CellId, list[Operation]] = {}
    for operation in history:
        of_cell.setdefault(operation.cell, []).append(operation)
    return sum(_judge_cell(operations, first) for operations in of_cell.values())


def _judge_cell(operations: Sequence[Operation], first: Volume) -> int:
    answered = [one for one in operations if one.verdict is not None]
    made: dict[int, Operation] = {}
    for one in answered:
        _judge_alone(one)
        if _version_made(one) is not None:
            earlier = made.setdefault(_seen(one).version, one)
            if earlier is not one:
                raise Refuted(f"two writes made version {_seen(one).version}", (str(earlier), str(one)))
    contents: dict[int, tuple[Volume, Operation | None]] = {first.version: (first, None)}
    for one in answered:
        known, teller = contents.setdefault(_seen(one).version, (_seen(one), one))
        if known != _seen(one):
            raise Refuted(f"version {known.version} is two things", (str(teller or first), str(one)))
    uncertain = [one for one in operations if one.verdict is None]
    unmade = (version for version in range(first.version + 1, max(contents) + 1) if version not in made)
    _judge_time([*answered, *(_maker(version, uncertain, contents) for version in unmade)])
    return len(answered)


def _maker(
    version: int, uncertain: Iterable[Operation], contents: Mapping[int, tuple[Volume, Operation | None]]
) -> Operation:
    """The first of the writes without an answer that may have made a version, as if it had been told at the end."""
    makers = []
    for one in uncertain:
        if isinstance(one.command, Write) and one.command.expects + 1 == version:
            volume = Volume(version, one.command.primary, one.command.replica)
            if version not in contents or contents[version][0] == volume:
                makers.append(evolve(one, verdict=Verdict(True, volume)))
    if not makers:
        raise Refuted(
            f"nobody wrote version {version} so", [str(one) for _, one in contents.values() if one is not None]
        )
    return min(makers, key=lambda one: one.since_s)


def _judge_alone(one: Operation) -> None:
    """Whether the answer can be the answer to this command at all."""
    verdict, command, seen = one.verdict, one.command, _seen(one)
    assert verdict is not None
    if isinstance(command, Read):
        fits = verdict.done
    elif verdict.done:
        fits = seen == Volume(command.expects + 1, command.primary, command.replica)
    else:
        fits = seen.version != command.expects
    if not fits:
        raise Refuted("an answer does not belong to what was asked", (str(one),))


def _judge_time(answered: Sequence[Operation]) -> None:
    """In the order of versions, nothing happens before something that was over when it was asked.

    Of the operations at one version its write is the first. So an operation may not be asked after the end of one that
    is later in this order.
    """
    highest: Operation | None = None
    ends = sorted(answered, key=lambda one: one.until_s)
    place = 0
    for one in sorted(answered, key=lambda one: one.since_s):
        while place < len(ends) and ends[place].until_s < one.since_s:
            highest = ends[place] if highest is None or _order(ends[place]) > _order(highest) else highest
            place += 1
        if highest is not None and _is_before(one, highest):
            raise Refuted("what was over when something was asked happened after it", (str(highest), str(one)))


def _order(one: Operation) -> int:
    return _seen(one).version


def _is_before(one: Operation, over: Operation) -> bool:
    """Whether `one`, asked after `over` ended, shows an older state, or makes the version that `over` saw."""
    if _order(one) < _order(over):
        return True
    return _order(one) == _order(over) and _version_made(one) is not None


def _version_made(one: Operation) -> int | None:
    """The version that a write made, if it was told so."""
    is_made = isinstance(one.command, Write) and one.verdict is not None and one.verdict.done
    return _seen(one).version if is_made else None


def _seen(one: Operation) -> Volume:
    assert one.verdict is not None
    if not isinstance(one.verdict.saw, Volume):
        raise Refuted("a volume was asked for, and something else was answered", (str(one),))
    return one.verdict.saw

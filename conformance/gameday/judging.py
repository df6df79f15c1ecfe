"""What is said of a day: its histories, its traces, its disks, and whether servers took more and more."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from conformance.colonies.verdict import Part, judge_disks, judge_histories, judge_looks, judge_moves
from conformance.gameday.day import Day
from conformance.gameday.faults import MIXED, MOVE, REPLACE
from conformance.links import Verdict
from conformance.traces.cell import cells_of, split
from conformance.traces.recorded import read_all
from conformance.traces.replay import Replay
from physalia.colony import Colony

MOST_TRACES = 100
FILES_MORE = 32
"""So many files and connections more than at its start are no leak: a server has one to each peer, cache and client,
and SQLite's own come and go."""
THREADS_MORE = 4
"""A thread for the journal, and one for each look at the disk that waits."""
TASKS_MORE = 4
"""A server that is dialled anew, and pages that somebody looks at meanwhile: at rest no request has a task."""
MEMORY_MORE_BYTES = 64 << 20
"""What caches and allocators keep at most, whoever asked for how much."""
MEMORY_AN_OPERATION_BYTES = 8 << 10
"""What three nodes remember of one operation, before they forget their logs: a command, its votes and its reply."""


def judge(day: Day, colony: Colony, folder: Path, least: int, seed: int) -> list[Part]:
    """Everything that can be judged. The servers have ended."""
    if day.died:
        return [judge_servers(day, colony)]
    parts = [judge_servers(day, colony)]
    parts += judge_histories(day.saw.write(folder), least)
    parts.append(judge_looks(day.saw.looks))
    parts.append(judge_disks(list(colony.settings.values()), settled=day.settled))
    parts.append(judge_traces(colony.folder / "traces", seed))
    parts.append(judge_leaks(day))
    parts += judge_changes(day)
    parts.append(judge_reach(day))
    return parts


def judge_servers(day: Day, colony: Colony) -> Part:
    """Whether each server ran as long as nobody ended it."""
    if not day.died:
        return Part("servers", Verdict.HOLDS, "none of them ended by itself", len(colony.settings))
    logs = [(colony.folder / f"server-{server}.log").read_text(encoding="utf-8") for server in day.died]
    lines = tuple(log.splitlines()[-1] for log in logs if log)
    return Part("servers", Verdict.REFUTED, f"ended by themselves: {', '.join(map(str, day.died))}", 0, lines)


def judge_traces(folder: Path, seed: int) -> Part:
    """Replay the traces of some cells, chosen by the seed: all, if there are not more than a hundred."""
    runs = read_all(folder)
    keys = cells_of(runs)
    Random(seed).shuffle(keys)  # noqa: S311  # repeatable, no secret
    taken: Counter[str] = Counter()
    inconclusive = ""
    traces = split(runs, keys[:MOST_TRACES])
    for key, trace in traces.items():
        judged = Replay(trace).judge()
        taken.update(judged.taken)
        if judged.verdict is Verdict.REFUTED:
            return Part("traces", Verdict.REFUTED, judged.title, taken.total(), judged.lines)
        if judged.verdict is not Verdict.HOLDS:
            inconclusive = inconclusive or f"cell {key[0]}: {judged.title}"
    if inconclusive or not traces:
        return Part("traces", Verdict.INCONCLUSIVE, inconclusive or "there are none", taken.total())
    logs = f"{taken['truncate']} logs became shorter, {taken['crash']} nodes crashed"
    why = f"{taken.total():,} events of {len(traces)} cells are steps: {logs}"
    return Part("traces", Verdict.HOLDS, why, taken.total())


def judge_leaks(day: Day) -> Part:
    """Whether a server holds more, when all is calm, than its work explains."""
    if not day.after:
        return Part("leaks", Verdict.INCONCLUSIVE, "nobody looked at what servers take", 0)
    allowed_bytes = MEMORY_MORE_BYTES + MEMORY_AN_OPERATION_BYTES * day.operations
    lines = []
    for server, after in day.after.items():
        before = day.before.get(server)
        if before is None or before.pid != after.pid:
            continue
        if after.files > before.files + FILES_MORE:
            lines.append(f"server {server} holds {after.files} files, and held {before.files}")
        if after.threads > before.threads + THREADS_MORE:
            lines.append(f"server {server} has {after.threads} threads, and had {before.threads}")
        if after.tasks is not None and before.tasks is not None and after.tasks > before.tasks + TASKS_MORE:
            lines.append(f"server {server} has {after.tasks} tasks, and had {before.tasks}")
        if after.memory_bytes > before.memory_bytes + allowed_bytes:
            more = (after.memory_bytes - before.memory_bytes) >> 20
            lines.append(f"server {server} holds {more} MiB more, and {allowed_bytes >> 20} are explained")
    if lines:
        return Part("leaks", Verdict.REFUTED, lines[0], len(day.after), tuple(lines))
    same = [
        after for server, after in day.after.items() if day.before.get(server) and day.before[server].pid == after.pid
    ]
    if not same:
        return Part("leaks", Verdict.INCONCLUSIVE, "no server that was looked at twice is the same process", 0)
    if silent := [server for server, after in day.after.items() if after.tasks is None]:
        why = f"server {silent[0]} did not say how many tasks it has"
        return Part("leaks", Verdict.INCONCLUSIVE, why, len(same))
    most = max(
        after.memory_bytes - day.before[server].memory_bytes
        for server, after in day.after.items()
        if server in day.before and day.before[server].pid == after.pid
    )
    return Part("leaks", Verdict.HOLDS, f"no server holds more than {most >> 20} MiB more than at its start", len(same))


def judge_changes(day: Day) -> list[Part]:
    """Whether the colony changed as it was to; that it went well the other parts say."""
    parts = []
    wanted = day.wanted - day.left_out.keys()
    if MOVE in wanted:
        moves = judge_moves(day.moved)
        if day.unfinished:
            moves = Part("moves", Verdict.INCONCLUSIVE, "a move did not come to its end when all was calm", day.moved)
        parts.append(moves)
    if REPLACE in wanted:
        why = f"{day.replaced} nodes came in the place of those on {day.lost} disks that were lost"
        parts.append(Part("replaced", _if(day.replaced), why if day.replaced else "no node was lost", day.replaced))
    if MIXED in wanted:
        pairs = day.spoken.total()
        old = ", ".join(map(str, sorted(+day.spoken)))
        why = f"{pairs} pairs of servers spoke an older version of the protocol: {old}"
        parts.append(Part("versions", _if(pairs), why if pairs else "no two versions were mixed", pairs))
    return parts


def _if(happened: int) -> Verdict:
    return Verdict.HOLDS if happened else Verdict.INCONCLUSIVE


def judge_reach(day: Day) -> Part:
    """Whether everything happened that was to, and somebody was answered."""
    answered = sum(probe.is_answered for probe in day.probes)
    if day.missing:
        return Part("reach", Verdict.INCONCLUSIVE, f"this did not come: {', '.join(day.missing)}", len(day.bands))
    if not day.bands or not answered:
        why = "no fault was had" if not day.bands else "no probe was answered"
        return Part("reach", Verdict.INCONCLUSIVE, why, len(day.bands))
    share = 100 * answered / len(day.probes)
    return Part(
        "reach", Verdict.HOLDS, f"{len(day.bands)} faults; {share:.1f} % of probes were answered", len(day.bands)
    )


def worst(parts: Sequence[Part]) -> Part | None:
    """The first part that does not hold."""
    return next((part for part in parts if part.verdict is not Verdict.HOLDS), None)

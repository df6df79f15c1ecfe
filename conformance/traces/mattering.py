"""Which events of a trace matter: those without which the rest of it cannot be explained.

An event matters if what came of it was heard by somebody, who can have it from nothing else; or if its own node goes on
from it, or is found to have it later. A flush matters if what waited for it was heard too early to have waited for the
next one, or if what its node says next would leave before it. Whoever hears a vote that it does not need goes on as if
it had not: so stutters do not matter, nor does a last step that nobody saw.

All of this is told from the lines alone, by the order in which they must have come: a node's lines in theirs, and a
message after what let it out. It is not exact, but errs on one side: what is said to matter does.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from attrs import Factory, define

from conformance.traces.cell import CellTrace, Event
from conformance.traces.origins import key_of, origins_of
from conformance.traces.steps import AT_ONCE
from physalia import model
from physalia.model import NodeId

STORES = ("prepare", "promise", "vote", "truncate", "install")
"""What has a record, and waits for it."""
SAYS = ("propose", "decide", "learn")
"""What has none, and waits only behind what has one."""
STEPS = (*STORES, *SAYS)

Where = tuple[NodeId, int]
"""An event: whose it is, and at which place of all that this node did."""


@define
class Waits:
    """When what each step of a node has to say is let out: at this place, or never. `fits` says whether it adds up."""

    out: dict[int, int | None] = Factory(dict)
    fits: bool = True


def waits_of(events: Sequence[Event], without: int = -1) -> Waits:
    """When steps are let out, if one event were not there.

    What still waits at a crash may have been flushed before it: it is let out there at the latest.
    """
    found, waiting = Waits(), deque[int]()
    for place, event in enumerate(events):
        if place == without:
            continue
        if event.did == "start":
            found.out.update(dict.fromkeys(waiting, place))
            waiting.clear()
        elif event.did == "flush":
            found.fits = found.fits and event.steps <= len(waiting)
            for _ in range(min(event.steps, len(waiting))):
                found.out[waiting.popleft()] = place
        elif event.line.waits:
            waiting.append(place)
        else:
            found.out[place] = place
            if event.did in SAYS and any(events[each].did in STORES for each in waiting):
                found.fits = False
    found.out.update(dict.fromkeys(waiting))
    return found


class Mattering:
    """Says of each event of one cell whether it matters."""

    def __init__(self, trace: CellTrace) -> None:
        self._trace = trace
        self._waits = {node: waits_of(events) for node, events in trace.events.items()}
        self._by_key: dict[NodeId, dict[tuple[object, ...], list[int]]] = {}
        for node, events in trace.events.items():
            keys = self._by_key[node] = defaultdict(list)
            for place, event in enumerate(events):
                if event.did in STEPS:
                    keys[(event.did, *key_of(trace, event))].append(place)
        self._reasons: dict[Where, tuple[int, ...]] = {}
        """Of each message that was heard: which steps of its sender it may have come of."""
        self._heard: dict[Where, list[Where]] = defaultdict(list)
        """Of each step: where something was heard that may have come of it."""
        self._remember()
        self._before = self._causes()

    def matters(self, node: NodeId, place: int) -> bool:
        """Whether nothing that comes after an event can be explained without it."""
        event = self._trace.events[node][place]
        if event.did == "flush":
            return self._flush_matters(node, place)
        if event.did == "serve":
            return self._is_due(node, place)
        if event.did not in STEPS:
            return False
        return (
            any(self._reasons[where] == (place,) for where in self._heard[node, place])
            or not waits_of(self._trace.events[node], place).fits
            or self._is_built_on(node, place)
        )

    def _is_due(self, node: NodeId, place: int) -> bool:
        """Whether an echo that came just before lets it answer the reads: then it must."""
        events = self._trace.events[node]
        before = next(each for each in reversed(events[:place]) if each.did not in AT_ONCE)
        if before.did != "recorded" or not isinstance(before.said, model.Echo):
            return False
        ballot = self._trace.names.ballot(before.said.ballot)
        then = next((each.did for each in events[place + 1 :] if each.did not in AT_ONCE), "start")
        return then != "start" and events[place].arguments == (ballot, before.said.nonce)

    def _remember(self) -> None:
        for node, events in self._trace.events.items():
            for place, event in enumerate(events):
                keys = None if event.said is None else origins_of(self._trace, event)
                if keys is None:
                    continue
                of = self._by_key.get(event.sender, {})
                reasons = tuple(sorted(one for key in keys for one in of.get(key, ())))
                self._reasons[node, place] = reasons
                for one in reasons:
                    self._heard[event.sender, one].append((node, place))

    def _let_out(self, where: Where, out: dict[int, int | None]) -> int | None:
        """When a message was in the network, at the earliest; None if never."""
        return min((at for one in self._reasons[where] if (at := out.get(one)) is not None), default=None)

    def _causes(self) -> dict[Where, dict[NodeId, int]]:
        """Of each event, how many events of each node must have come before it, itself included."""
        before: dict[Where, dict[NodeId, int]] = {}
        done = dict.fromkeys(self._trace.events, 0)
        progress = True
        while progress:
            progress = False
            for node, events in self._trace.events.items():
                so_far = dict(before.get((node, done[node] - 1), {}))
                while done[node] < len(events):
                    place = done[node]
                    where, sender = (node, place), events[place].sender
                    if where in self._reasons:
                        out = self._let_out(where, self._waits[sender].out)
                        if out is None or (sender != node and out >= done[sender]):
                            break
                        for other, count in before.get((sender, out), {}).items():
                            so_far[other] = max(so_far.get(other, 0), count)
                    so_far[node] = place + 1
                    before[where] = dict(so_far)
                    done[node] += 1
                    progress = True
        return before

    def _flush_matters(self, node: NodeId, place: int) -> bool:
        events, truly = self._trace.events[node], self._waits[node].out
        later = waits_of(events, place)
        if not later.fits:
            return True
        for step, out in later.out.items():
            if out == truly[step] or events[step].did not in STORES:
                continue
            for where in self._heard[node, step]:
                at = self._let_out(where, later.out)
                if at is None or self._before.get((node, at), {}).get(where[0], 0) > where[1]:
                    return True
        return False

    def _is_built_on(self, node: NodeId, place: int) -> bool:
        """Whether its node goes on from it, or is found to have it: told of what it learned, and of its votes."""
        event = self._trace.events[node][place]
        if event.did in ("decide", "learn"):
            slot = event.arguments[-1]
            assert isinstance(slot, int)
            return any(
                other.did in ("decide", "learn") if other.line.known is None else other.line.known >= slot
                for other in self._until_installed(node, place)
            )
        if event.did == "vote":
            key = ("vote", *key_of(self._trace, event))
            return self._by_key[node][key] == [place] and self._is_found(node, place)
        return False

    def _until_installed(self, node: NodeId, place: int) -> Iterator[Event]:
        """What a node did after an event, until it was taught a snapshot, or came back and was looked at."""
        for other in self._trace.events[node][place + 1 :]:
            if other.did == "install":
                return
            yield other
            if other.did == "start":
                return

    def _is_found(self, node: NodeId, place: int) -> bool:
        """Whether the node has a vote when it comes back."""
        event = self._trace.events[node][place]
        assert event.line.said is not None
        ballot, slot = event.line.said[1:3]
        back = next((each for each in self._trace.events[node][place + 1 :] if each.did == "start"), None)
        return back is not None and any(
            (at, tuple(of)) == (slot, tuple(ballot)) for at, of, _ in back.line.accepted or ()
        )

"""Attacks: for each broken rule the run from the initial state to the violation, found by the solver.

An attack names a layer of the proof, the rule that is broken in it, and the names of the actions of a run; sometimes a
ballot or a slot is given too, so that the story reads well. Who does it, with which values, quorums and configurations,
and what a crash keeps, the solver finds. With the rule in place there is no such run, which is checked as well.
"""

import time
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from spec.ballots import Ballots
from spec.commands import Change, Content, Name, Write
from spec.induction.attacks import replay
from spec.induction.attacks.breaking import forgetting, instead, term_of, without
from spec.induction.attacks.replay_leaving import OwnSlotsAlone, WordsAreNoMatter, on_leaving
from spec.induction.attacks.replay_reads import (
    ReadsByRefusals,
    ReadsDespiteReports,
    ReadsOfTheOldConfiguration,
    ReadsTooEarly,
    ReadsWithOldEchoes,
    ReadsWithoutEchoes,
    on_reads,
)
from spec.induction.attacks.replay_teaching import FloorsAreNoMatter, on_teaching
from spec.induction.attacks.scenario import Attack, Found
from spec.induction.formulas.kernel import Action, System
from spec.induction.formulas.structure import Juries, universe_of
from spec.induction.layers.leaving import belongs, opens_before
from spec.induction.layers.stack import system_of
from spec.induction.layers.vocabulary import And, Implies, Not, Or, below, bot, exists, forall, member, window
from spec.induction.proving.unroll import NoRun, Run, find_run

FOUNDERS = frozenset({1, 2, 3})
TWO_WRITES: Mapping[Name, Content] = {"swap": Write(0, "b", "a"), "move": Write(0, "c", "a")}
A_CHANGE: Mapping[Name, Content] = {"replace": Change(0, frozenset({2, 3, 4})), "swap": Write(0, "b", "a")}
TWO_CHANGES: Mapping[Name, Content] = {
    "out 1": Change(0, frozenset({2, 3, 4})),
    "out 4": Change(1, frozenset({2, 3, 5})),
}


def attack(name: str) -> Found:
    """Find the run of an attack, and replay it. KeyError if there is no such attack; NoRun if there is no such run."""
    chosen = ATTACKS[name]
    start = time.monotonic()
    run = _search(chosen, chosen.breaks(system_of(chosen.layer)))
    replayed = chosen.replays(chosen.bounds, run) if chosen.replays else None
    return Found(attack=chosen, run=run, replayed=replayed, seconds=time.monotonic() - start)


def is_prevented(name: str) -> bool:
    """Whether there is no such run when the rule is not broken."""
    chosen = ATTACKS[name]
    try:
        _search(evolve(chosen, and_so=()), system_of(chosen.layer))
    except NoRun as found:
        if not found.proved:
            raise
        return True
    return False


def _search(chosen: Attack, system: System) -> Run:
    m = chosen.bounds
    universe = universe_of(
        Juries(m), nodes=m.nodes, max_ballot=m.max_ballot, max_slot=m.max_slot, values=m.commands
    )  # fmt: skip
    s, claims = system.state(), {**system.invariants, **system.safety}
    violates = {chosen.violates: claims[chosen.violates](s)}
    return find_run(system, universe, chosen.plan, violates, [claims[name](s) for name in chosen.and_so])


# Rules that are broken by another formula.


def _any_vote(system: System, act: Action) -> Any:
    """Somebody of the majority voted for the value, or nobody voted: not that no vote is higher."""
    s = system.state()
    b, i, v, q, c = (term_of(act, name) for name in "bivqc")
    nobody = forall(lambda n, d, w: Implies(And(member(n, q), below(d, b)), Not(s.votes(n, d, i, w))))
    return Or(And(c == bot, nobody), exists(lambda n: And(member(n, q), s.votes(n, c, i, v))))


def _own_slots_alone(system: System, act: Action) -> Any:
    """The majority learned durably each slot that n was a member for, and not what n held for others."""
    s = system.state()
    n, j, q = (term_of(act, name) for name in "njq")

    def own(i: Any) -> Any:
        return exists(lambda k, x: And(window(k, i), s.configuration(k, x), belongs(n, x)))

    return forall(lambda m, i: Implies(And(member(m, q), opens_before(i, j), own(i)), s.said(m, i)))


# The attacks.


def _bounds(content: Mapping[Name, Content], *, nodes: int, ballots: int, slots: int, alpha: int = 1) -> Ballots:
    return Ballots(
        content=content, first=FOUNDERS, alpha=alpha, early=frozenset(content),
        nodes=range(1, nodes + 1), max_ballot=ballots, max_slot=slots,
    )  # fmt: skip


def _promise(b: int) -> tuple[str, ...]:
    """Two nodes promise."""
    return (f"write_promise b={b}", f"promise b={b}") * 2


def _vote(b: int, i: int) -> tuple[str, ...]:
    """Two nodes vote, and the value is chosen."""
    return (*(f"write_vote b={b} i={i}", f"vote b={b} i={i}") * 2, f"choose i={i} b={b}")


def _contest(between: str) -> tuple[str, ...]:
    """One ballot gets a value chosen; something happens; and then another one does."""
    return (*_promise(1), "propose b=1 i=1", *_vote(1, 1), between, *_promise(2), "propose b=2 i=1", *_vote(2, 1))


def _leave_and_choose(b: int, i: int) -> tuple[str, ...]:
    return (f"leave b={b}", f"leave b={b}", f"propose b={b} i={i}", f"vote b={b} i={i}", f"vote b={b} i={i}")


_ONE_SLOT = _bounds(TWO_WRITES, nodes=3, ballots=2, slots=1)
_PIPELINE = _bounds(TWO_WRITES, nodes=3, ballots=2, slots=2, alpha=2)
_A_CHANGE = _bounds(A_CHANGE, nodes=4, ballots=2, slots=2)


def _over_a_change(proposes: tuple[str, str], chooses: tuple[str, str]) -> tuple[str, ...]:
    """A change is chosen in slot 1; then each of two ballots chooses in slot 2, by what these prefixes lead to."""
    first, second = (
        (f"propose b={b} i=2 j={j}", f"vote b={b} i=2", f"vote b={b} i=2", f"choose i=2 b={b} j={k}")
        for b, j, k in zip("12", proposes, chooses, strict=True)
    )
    return (*_leave_and_choose(1, 1), "choose i=1", "extend", *first, "leave b=2", "leave b=2", *second)


def _decided_by(proposer: int, other: int, b: int) -> tuple[str, ...]:
    """Two nodes promise a ballot, decide slot 1 under it, and the proposer says so."""
    votes = _votes_of(proposer, other, b=b, i=1)
    counts = (f"choose i=1 b={b} n={proposer}", f"believe n={proposer}", "acknowledge i=1")
    return (*_promised_by(proposer, other, b), f"propose b={b} i=1 n={proposer}", *votes, *counts)


def _votes_of(*nodes: int, i: int, b: int = 1) -> tuple[str, ...]:
    return tuple(f"{act} b={b} i={i} n={n}" for n in nodes for act in ("write_vote", "vote"))


def _promised_by(proposer: int, other: int, b: int) -> tuple[str, ...]:
    return tuple(f"{act} b={b} n={n}" for n in (proposer, other) for act in ("write_promise", "promise"))


_ALL = (
    Attack(
        name="promise-before-durable", rule="R2",
        what="a promise is sent before it is durable, a crash loses it, and the node votes below what it promised",
        layer="disk", broken="a crash may lose promises that were sent: crash without promise_sent",
        breaks=without("crash", "promise_sent"),
        bounds=_ONE_SLOT, violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_cell(replay.CellLosesPromises),
        plan=(
            *_promise(1), "propose b=1 i=1", *_promise(2), "crash", *_vote(1, 1), "propose b=2 i=1", *_vote(2, 1),
        ),
    ),
    Attack(
        name="vote-before-durable", rule="R2, R4",
        what="a vote is sent before it is durable, a crash loses it, and the node's promise reply leaves it out",
        layer="disk", broken="a crash may lose votes that were sent: crash without votes_sent",
        breaks=without("crash", "votes_sent"),
        bounds=_ONE_SLOT, violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_cell(replay.CellLosesVotes),
        plan=_contest("crash"),
    ),
    Attack(
        name="lost-disk-stays", rule="R8",
        what="a node that lost its disk stays a member under its old name, and reports that it never voted",
        layer="disk", broken="a node without its disk goes on: lose does not set lost",
        breaks=forgetting("lose", "lost"),
        bounds=_ONE_SLOT, violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_cell(replay.CellLosesDisks),
        plan=_contest("lose"),
    ),
    Attack(
        name="stale-jury", rule="R1",
        what="members of an old configuration decide a slot that belongs to their successors",
        layer="ballots", broken="votes are counted by any configuration that was in force: choose without window",
        breaks=without("choose", "window"),
        bounds=_A_CHANGE, violates="agreement", replays=replay.on_ballots(replay.BallotsOfStaleJuries),
        plan=_over_a_change(proposes=("1", "1"), chooses=("0", "1")),
    ),
    Attack(
        name="phase-1-of-the-wrong-configuration", rule="R3",
        what="a proposer asks a majority of an old configuration for promises, and misses the votes of the new one",
        layer="ballots", broken="any configuration that was in force will do: propose without window",
        breaks=without("propose", "window"),
        bounds=_A_CHANGE, violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_ballots(replay.BallotsOfAnyPhase1),
        plan=_over_a_change(proposes=("1", "0"), chooses=("1", "1")),
    ),
    Attack(
        name="truncated-read-as-free", rule="R3, R10",
        what="a node that truncated a slot reports no vote there, and the proposer takes the slot to be free",
        layer="truncation", broken="replies count whatever their floor is: propose without floors_below",
        breaks=without("propose", "floors_below"),
        bounds=_ONE_SLOT, violates="agreement", and_so=("one_value_chosen",),
        replays=on_teaching(FloorsAreNoMatter),
        plan=(
            *_promise(1), "propose b=1 i=1", *_vote(1, 1), "believe", "truncate",
            *_promise(2), "propose b=2 i=1", *_vote(2, 1),
        ),
    ),
    Attack(
        name="erased-when-effective", rule="R11",
        what="a removed node is erased as soon as the change is effective, one more disk is lost, and the slot with it",
        layer="leaving", broken="nobody needs to have learned anything: erase without learned",
        breaks=without("erase", "learned"),
        bounds=_A_CHANGE, violates="recoverable", replays=on_leaving(WordsAreNoMatter),
        plan=(*_promise(1), "propose b=1 i=1", *_vote(1, 1), "believe", "erase", "lose"),
    ),
    Attack(
        name="leaving-by-membership", rule="R11",
        what="a removed node waits for the slots that it was a member for, and takes along what it held for another",
        layer="leaving", broken="only its own slots count: learned asks for them alone in erase",
        breaks=instead("erase", "learned", _own_slots_alone),
        bounds=_bounds(TWO_CHANGES, nodes=5, ballots=1, slots=2), violates="recoverable",
        replays=on_leaving(OwnSlotsAlone),
        plan=(  # node 3 votes in slot 2 and hears of it, and never has slot 1
            *_promised_by(2, 3, 1), "propose b=1 i=1 n=2", *_votes_of(1, 2, i=1), "choose i=1 b=1 n=2", "believe n=2",
            "store n=2 i=1", "learn n=1 i=1", "believe n=1", "learn n=4 i=1", "store n=4 i=1", "believe n=4",
            "erase n=1",
            "propose b=1 i=2 n=2", *_votes_of(2, 3, i=2), "choose i=2 b=1 n=2", "store n=2 i=2",
            "learn n=3 i=2", "store n=3 i=2", "learn n=4 i=2", "believe n=4", "erase n=4",
            "lose n=2",
        ),
    ),
    Attack(
        name="read-by-the-wrong-configuration", rule="R7",
        what="a read is confirmed by members of an old configuration, while the new one goes on without them",
        layer="reads", broken="any configuration that the reader knows will do: serve without window",
        breaks=without("serve", "window"),
        bounds=_A_CHANGE, violates="served_after_acknowledged",
        replays=on_reads(ReadsOfTheOldConfiguration),
        plan=(
            *_promise(1), "propose b=1 i=1 n=1", *_vote(1, 1), "believe n=1",
            *_promise(2), "learn n=3 i=1", "believe n=3", "propose b=2 i=2 v=swap n=3", *_vote(2, 2), "believe n=3",
            "acknowledge i=2", "ask n=1 b=1", "echo", "echo", "serve n=1",
        ),
    ),
    Attack(
        name="read-without-a-round", rule="R7",
        what="a proposer answers from what it knows, since it once had a majority, while another one goes on",
        layer="reads", broken="nobody need confirm anything: serve without echoed",
        breaks=without("serve", "echoed"),
        bounds=_ONE_SLOT, violates="served_after_acknowledged",
        replays=on_reads(ReadsWithoutEchoes),
        plan=(*_promised_by(1, 3, b=1), *_decided_by(2, 3, b=2), "ask n=1 b=1", "serve n=1"),
    ),
    Attack(
        name="echo-older-than-the-read", rule="R7",
        what="what nodes said before the read arrived counts for it, and since then they follow another proposer",
        layer="reads", broken="an echo needs no read that has arrived: echo without arrived",
        breaks=without("echo", "arrived"),
        bounds=_ONE_SLOT, violates="served_after_acknowledged",
        replays=on_reads(ReadsWithOldEchoes),
        plan=(
            *_promised_by(1, 3, b=1), "echo n=1 b=1", "echo n=3 b=1", *_decided_by(2, 3, b=2),
            "ask n=1 b=1", "serve n=1",
        ),
    ),
    Attack(
        name="refusal-taken-for-an-echo", rule="R7",
        what="a node that follows a higher ballot answers the round, and counts",
        layer="reads", broken="a promise need not stand: echo without stands",
        breaks=without("echo", "stands"),
        bounds=_ONE_SLOT, violates="served_after_acknowledged",
        replays=on_reads(ReadsByRefusals),
        plan=(
            *_promised_by(1, 3, b=1), *_decided_by(2, 3, b=2),
            "ask n=1 b=1", "echo n=1 b=1", "echo n=3 b=1", "serve n=1",
        ),
    ),
    Attack(
        name="reported-vote-no-matter", rule="R7",
        what="a proposer answers although promises told it of a vote in the next slot, which others have decided",
        layer="reads", broken="what was reported is no matter: serve without no_vote",
        breaks=without("serve", "no_vote"),
        bounds=_ONE_SLOT, violates="served_after_acknowledged",
        replays=on_reads(ReadsDespiteReports),
        plan=(
            *_decided_by(2, 3, b=1), *_promised_by(1, 3, b=2),
            "ask n=1 b=2", "echo n=1 b=2", "echo n=3 b=2", "serve n=1",
        ),
    ),
    Attack(
        name="read-before-it-is-applied", rule="R7",
        what="a new proposer has proposed again what others decided, and answers before it has applied it",
        layer="reads", broken="an answer may come from an earlier state: serve without at_least",
        breaks=without("serve", "at_least"),
        bounds=_PIPELINE, violates="served_after_acknowledged",
        replays=on_reads(ReadsTooEarly),
        plan=(
            *_decided_by(2, 3, b=1), *_promised_by(1, 3, b=2), "propose b=2 i=1 n=1",
            "ask n=1 b=2 i=1", "echo n=1 b=2", "echo n=3 b=2", "serve n=1",
        ),
    ),
    Attack(
        name="vote-below-the-promise", rule="R4",
        what="a node votes under a ballot that it has left",
        layer="ballots", broken="vote without not_left",
        breaks=without("vote", "not_left"),
        bounds=_ONE_SLOT, violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_ballots(replay.BallotsThatForgetPromises),
        plan=(
            "leave b=1", "leave b=1", "propose b=1 i=1", "leave b=2", "leave b=2", "propose b=2 i=1",
            "vote b=1 i=1", "vote b=1 i=1", "choose b=1", "vote b=2 i=1", "vote b=2 i=1", "choose b=2",
        ),
    ),
    Attack(
        name="any-vote-not-the-highest", rule="R3",
        what="a proposer adopts any vote that was reported, not the one under the highest ballot",
        layer="ballots", broken="propose asks that somebody voted for the value, not that no vote is higher",
        breaks=instead("propose", "highest", _any_vote),
        bounds=_bounds(TWO_WRITES, nodes=3, ballots=3, slots=1), violates="agreement", and_so=("one_value_chosen",),
        replays=replay.on_ballots(replay.BallotsThatTakeAnyVote),
        plan=(
            "leave b=1", "leave b=1", "propose b=1 i=1", "vote b=1 i=1", *_leave_and_choose(2, 1), "choose b=2",
            *_leave_and_choose(3, 1), "choose b=3",
        ),
    ),
)  # fmt: skip

ATTACKS: Mapping[str, Attack] = {one.name: one for one in _ALL}
"""Every attack by its name."""

"""Every model of `tla/`, by its name there: the constants of `MC*.tla` and `MC*.cfg`, written down a second time."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, fields

from spec.ballots import Ballots
from spec.cell_properties import CellProperties
from spec.commands import Change, Content, Name, Node, Nodes, Read, Write
from spec.leaving import Leaving
from spec.lives import Lives
from spec.log import Log
from spec.machine import Machine
from spec.service.clients import Client, Clients
from spec.service.discovery import Discovery
from spec.service.leases import Duration, Leases, Process
from spec.service.peeks import Peeks
from spec.service.reads import Reads
from spec.service.versions import Versions
from spec.sites.examples import BLAST_RADIUS_MODELS, BLAST_RADIUS_PROGRESS
from spec.store import Store
from spec.teaching import Teaching
from spec.volumes.register import Register
from spec.volumes.volume import Volume
from spec.window import Window

FOUNDERS = frozenset({1, 2, 3})

SWAP: dict[Name, Content] = {"swap": Write(expects=0, primary="b", replica="a")}
MOVE: dict[Name, Content] = {"move": Write(expects=0, primary="c", replica="a")}
HEAL: dict[Name, Content] = {"heal": Write(expects=1, primary="b", replica="c")}
LOOK: dict[Name, Content] = {"look": Read()}
REPLACE: dict[Name, Content] = {"replace": Change(expects=0, members=frozenset({2, 3, 4}))}
LATE: dict[Name, Content] = {"late": Change(expects=0, members=frozenset({1, 2, 4}))}
DROP: dict[Name, Content] = {"drop": Change(expects=0, members=frozenset({2, 3}))}
AGAIN: dict[Name, Content] = {"again": Change(expects=1, members=frozenset({1, 3, 4}))}
SECOND: dict[Name, Content] = {"second": Change(expects=1, members=frozenset({2, 3, 5}))}
FURTHER: dict[Name, Content] = {"further": Change(expects=1, members=frozenset({3, 4, 5}))}
STALE: dict[Name, Content] = {"stale": Change(expects=1, members=frozenset({2, 3, 4}))}


def cell(
    content: Mapping[Name, Content],
    *,
    nodes: int,
    max_slot: int,
    owners: tuple[Node, ...],
    audience: tuple[set[Node], ...],
    alpha: int = 1,
    strays: Nodes | set[Node] = frozenset(),
    learners: Nodes | set[Node] = frozenset(),
    mortals: Nodes | set[Node] = frozenset(),
    issued: bool = False,
) -> CellProperties:
    """A cell whose ballots have these owners and audiences, in order; commands are early unless they are `issued`."""
    return CellProperties(
        content=content, first=FOUNDERS, alpha=alpha,
        nodes=range(1, nodes + 1), max_ballot=len(owners), max_slot=max_slot,
        owner=dict(enumerate(owners, start=1)),
        audience={b: frozenset(heard) for b, heard in enumerate(audience, start=1)},
        strays=frozenset(strays), learners=frozenset(learners), mortals=frozenset(mortals),
        early=frozenset() if issued else frozenset(content),
    )  # fmt: skip


def reads(*max_reads: int, cell: CellProperties) -> Reads:
    """A cell that reads: so many rounds under each ballot, in order."""
    constants = {field.name: getattr(cell, field.name) for field in fields(type(cell))}
    return Reads(**constants, max_reads=dict(enumerate(max_reads, start=1)))


def peeks(*max_looks: int, cell: CellProperties) -> Peeks:
    """A cell at which clients look: so many times each, in order."""
    constants = {field.name: getattr(cell, field.name) for field in fields(type(cell))}
    return Peeks(**constants, max_looks=dict(enumerate(max_looks, start=1)))


def teaching(cell: CellProperties, *, truncators: set[Node], students: set[Node]) -> Teaching:
    """A cell in which some may truncate, and some may be taught by snapshots."""
    constants = {field.name: getattr(cell, field.name) for field in fields(type(cell))}
    return Teaching(**constants, truncators=frozenset(truncators), students=frozenset(students))


def leaving(
    cell: CellProperties,
    *,
    leavers: set[Node],
    newcomers: Iterable[Node] = (),
    frail: Iterable[Node] = (),
    truncators: Iterable[Node] = (),
    students: Iterable[Node] = (),
) -> Leaving:
    """A cell whose nodes come and go."""
    constants = {field.name: getattr(cell, field.name) for field in fields(type(cell))}
    return Leaving(
        **constants, truncators=frozenset(truncators), students=frozenset(students), leavers=frozenset(leavers),
        newcomers=frozenset(newcomers), frail=frozenset(frail),
    )  # fmt: skip


def lives(law: str, cell: CellProperties, heir: Node = 1) -> Lives:
    """A cell in which the disk of node 1 may go back; `heir` may follow it, or nobody if that is 1 as well."""
    return Lives(law=law, cell=cell, frail=frozenset({1}), heir={n: heir if n == 1 else n for n in cell.nodes})


def discovery(*plan: set[Node], alpha: int = 1, caches: int = 0, frail: Iterable[Node] = ()) -> Discovery:
    """A cell whose members are these, version after version, and one client, which knows them first if nobody else."""
    return Discovery(
        max_node=max(max(members) for members in plan),
        plan={version: frozenset(members) for version, members in enumerate(plan, start=1)},
        alpha=alpha,
        max_cache=caches,
        max_client=1,
        knowing=frozenset() if caches else frozenset({1}),
        frail=frozenset(frail),
    )


def ballots(
    content: Mapping[Name, Content], *, nodes: int, max_ballot: int, max_slot: int, alpha: int = 1, issued: bool = False
) -> Ballots:
    """Ballots; commands are early unless they are `issued`."""
    return Ballots(
        content=content, first=FOUNDERS, alpha=alpha, early=frozenset() if issued else frozenset(content),
        nodes=range(1, nodes + 1), max_ballot=max_ballot, max_slot=max_slot,
    )  # fmt: skip


def volume(
    *writer: int,
    max_epoch: int,
    max_conn: int = 1,
    reads: int = 0,
    servers: int = 2,
    gone: Nodes | set[Node] = frozenset(),
) -> Volume:
    """A volume whose writes are made by these attachments, in order."""
    return Volume(
        servers=range(1, servers + 1), writes=range(1, len(writer) + 1), readers=range(1, reads + 1),
        writer=dict(enumerate(writer, start=1)), max_epoch=max_epoch, max_conn=max_conn, gone=frozenset(gone),
    )  # fmt: skip


def leases(
    *length: Duration, max_version: int, generous: set[Process] | None = None, frail: set[Process] | None = None
) -> Leases:
    """Processes that want the lock so long, whose clocks go at one rate or at three times that."""
    return Leases(
        length=dict(enumerate(length, start=1)), rates=frozenset({1, 3}), max_version=max_version,
        generous=frozenset(generous or ()), frail=frozenset(frail or ()),
    )  # fmt: skip


def versions(needs: tuple[int, ...], first: tuple[int, ...], changes: tuple[int, ...], *, max_slot: int) -> Versions:
    """Nodes with software of these versions, which are started so often with another one."""
    return Versions(
        needs=dict(enumerate(needs, start=1)), first=dict(enumerate(first, start=1)),
        changes=dict(enumerate(changes, start=1)), max_slot=max_slot,
    )  # fmt: skip


def clients(
    *requests: int,
    max_attempts: int,
    max_slot: int,
    max_sessions: int,
    nodes: int = 1,
    careless: set[Client] | None = None,
) -> Clients:
    """Clients that make so many requests each."""
    return Clients(
        requests=dict(enumerate(requests, start=1)), max_attempts=max_attempts, max_slot=max_slot,
        max_sessions=max_sessions, nodes=range(1, nodes + 1), careless=frozenset(careless or ()),
    )  # fmt: skip


CONTEST = cell(SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}))
"""Two proposers that share only node 3."""

SHARED = cell(SWAP | MOVE, nodes=3, max_slot=1, owners=(2, 3), audience=({1, 2}, {1, 3}))
"""Two proposers that share only node 1, whose disk goes back in time."""

MODELS: Mapping[str, Machine[Any]] = {
    "MCStore": Store(content=SWAP | MOVE | LOOK | REPLACE | AGAIN, first=FOUNDERS, alpha=2),
    "MCStoreChanges": Store(content=REPLACE | LATE | AGAIN, first=FOUNDERS, alpha=2),
    "MCLog": Log(content=SWAP | MOVE | REPLACE, first=FOUNDERS, alpha=2, max_slot=3),
    "MCWindow": Window(content=SWAP | MOVE | REPLACE, first=FOUNDERS, alpha=2, max_slot=3),
    "MCWindowTwoChanges": Window(content=REPLACE | AGAIN, first=FOUNDERS, alpha=2, max_slot=4),
    "MCBallotsChange": ballots(SWAP | REPLACE, nodes=4, max_ballot=1, max_slot=2),
    "MCBallotsChangeRefines": ballots(DROP, nodes=3, max_ballot=1, max_slot=2),
    "MCBallotsTwoBallots": ballots(SWAP | MOVE, nodes=3, max_ballot=2, max_slot=1),
    "MCBallotsLate": ballots(SWAP, nodes=3, max_ballot=2, max_slot=1, issued=True),
    "MCBallotsSpare": ballots(SWAP, nodes=4, max_ballot=2, max_slot=1),
    "MCBallotsThreeBallots": ballots(SWAP | MOVE, nodes=3, max_ballot=3, max_slot=1),
    "MCBallotsIssued": ballots(SWAP | DROP, nodes=3, max_ballot=1, max_slot=2, issued=True),
    "MCBallotsAlpha2": ballots(DROP, nodes=3, max_ballot=1, max_slot=3, alpha=2),
    "MCBallotsChangeTwoBallots": ballots(DROP, nodes=3, max_ballot=2, max_slot=2),
    "MCBallotsChangeAlpha2": ballots(REPLACE, nodes=4, max_ballot=1, max_slot=3, alpha=2),
    "MCCellChange": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 3, 4},), strays={1, 2, 3, 4}, learners={2},
    ),
    "MCCellChangeIssued": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={2}, issued=True,
    ),
    "MCCellChangeRefines": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), strays={1, 4}, learners={2},
    ),
    "MCCellFailedChange": cell(
        SWAP | STALE, nodes=4, max_slot=2, owners=(2,), audience=({2, 3, 4},), strays={4}, learners={2},
    ),
    "MCCellNewcomer": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 4), audience=({1, 2, 4}, {2, 4}), learners={4},
    ),
    "MCCellNewcomerAlpha2": cell(
        SWAP | HEAL | REPLACE, nodes=4, alpha=2, max_slot=3, owners=(2, 4), audience=({1, 2}, {2, 4}), learners={4},
    ),
    "MCCellChangeCrash": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 2), audience=({1, 2}, {1, 2, 4}), strays={4}, mortals={2},
    ),
    "MCCellCrashAlpha2": cell(
        SWAP | REPLACE, nodes=4, alpha=2, max_slot=2, owners=(2, 2), audience=({1, 2}, {1, 2, 4}), mortals={2},
    ),
    "MCCellChangeAlpha2": cell(
        SWAP | HEAL | REPLACE, nodes=4, alpha=2, max_slot=3, owners=(2,), audience=({1, 2, 4},), strays={4},
        learners={2},
    ),
    "MCCellTwoChanges": cell(
        SWAP | REPLACE | AGAIN, nodes=4, alpha=2, max_slot=3, owners=(3,), audience=({2, 3, 4},),
    ),
    "MCCellTwoBallots": cell(
        SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 2, 3}, {1, 2, 3}), learners={1, 2},
    ),
    "MCCellTwoBallotsRefines": cell(
        SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}),
    ),
    "MCCellSpare": cell(
        SWAP | MOVE, nodes=4, max_slot=1, owners=(1, 3), audience=({1, 2, 4}, {2, 3}), strays={4},
    ),
    "MCCellLateAnswer": cell(SWAP, nodes=3, max_slot=1, owners=(2,), audience=({1, 2, 3},), mortals={1}),
    "MCCellThreeBallots": cell(
        SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2, 3), audience=({1, 3}, {2, 3}, {1, 2, 3}),
    ),
    "MCCellCrash": cell(
        SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 2, 3}, {1, 2, 3}), learners={1, 2}, mortals={1},
    ),
    "MCCellCrashBoth": cell(
        SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 2, 3}, {1, 2, 3}), learners={1, 2}, mortals={1, 2},
    ),
    "MCCellSharedCrash": cell(
        SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}), learners={1, 2}, mortals={1, 3},
    ),
    "MCCellSharedCrashRefines": cell(
        SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}), learners={1, 2}, mortals={1, 3},
    ),
    "MCCellPipeline": cell(
        SWAP | MOVE | HEAL, nodes=3, alpha=2, max_slot=2, owners=(1,), audience=({1, 2},), learners={1}, mortals={1},
    ),
    "MCCellHole": cell(
        SWAP | HEAL, nodes=3, alpha=2, max_slot=2, owners=(1, 2), audience=({1, 3}, {2, 3}),
    ),
    "MCCellContest": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 3), audience=({1, 2, 4}, {1, 3, 4}), learners={2, 3},
    ),
    "MCCellContestCrash": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 3), audience=({1, 2, 4}, {1, 3, 4}), learners={2, 3},
        mortals={2},
    ),
    "MCCellChangeTwoBallots": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 3), audience=({1, 2, 4}, {1, 2, 3, 4}),
    ),
    "MCTeachingFloor": teaching(
        cell(SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {1, 2, 3}), learners={2}),
        truncators={1}, students={2},
    ),
    "MCTeachingRefines": teaching(
        cell(SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {1, 2, 3}), issued=True),
        truncators={1}, students={2},
    ),
    "MCTeachingCrash": teaching(
        cell(
            SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {1, 2, 3}), learners={2}, mortals={1},
        ),
        truncators={1}, students={2},
    ),
    "MCTeachingJump": teaching(
        cell(SWAP | HEAL, nodes=3, alpha=2, max_slot=3, owners=(1,), audience=({1, 2, 3},)),
        truncators={1}, students={3},
    ),
    "MCTeachingStudent": teaching(
        cell(SWAP | HEAL, nodes=3, alpha=2, max_slot=2, owners=(1, 2), audience=({1, 3}, {2, 3}), mortals={3}),
        truncators={1}, students={3},
    ),
    "MCTeachingLeader": teaching(
        cell(SWAP | HEAL, nodes=3, max_slot=2, owners=(1, 2, 2), audience=({1, 3}, {2, 3}, {2, 3})),
        truncators={1, 3}, students={2},
    ),
    "MCTeachingChange": teaching(
        cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 4), audience=({1, 2, 4}, {2, 3, 4})),
        truncators={2}, students={4},
    ),
    "MCLeaving": leaving(
        cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1, 3, 4}),
        leavers={1, 4}, newcomers={4},
    ),
    "MCLeavingTrust": leaving(
        cell(REPLACE | SECOND, nodes=5, max_slot=2, owners=(2,), audience=({1, 2, 3},), learners={1, 4}),
        leavers={1, 4},
    ),
    "MCLeavingTwice": leaving(
        cell(
            REPLACE | SECOND, nodes=5, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1, 4, 5}, issued=True,
        ),
        leavers={1, 4},
    ),
    "MCLeavingContest": leaving(
        cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 3), audience=({1, 2, 4}, {1, 3, 4}), learners={1, 4}),
        leavers={1}, newcomers={4},
    ),
    "MCLeavingCrash": leaving(
        cell(
            SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1, 4}, mortals={2, 4},
        ),
        leavers={1}, newcomers={4},
    ),
    "MCLeavingLost": leaving(
        cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1, 4}, mortals={4}),
        leavers={1}, newcomers={4}, frail={3, 4},
    ),
    "MCLeavingFloor": leaving(
        cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1}),
        leavers={1}, newcomers={4}, truncators={1, 2}, students={4},
    ),
    "MCLeavingAlpha2": leaving(
        cell(
            SWAP | HEAL | REPLACE, nodes=4, alpha=2, max_slot=3, owners=(2,), audience=({1, 2, 4},), learners={1, 4},
        ),
        leavers={1}, newcomers={4},
    ),
    "MCLeavingAlpha3": leaving(
        cell(
            SWAP | HEAL | REPLACE, nodes=4, alpha=3, max_slot=3, owners=(2,), audience=({1, 2, 4},), learners={1, 4},
        ),
        leavers={1}, newcomers={4}, frail={3},
    ),
    "MCLeavingTwo": leaving(
        cell(
            SWAP | REPLACE | FURTHER, nodes=5, alpha=2, max_slot=3, owners=(3,), audience=({1, 3, 4},),
            learners={1, 4},
        ),
        leavers={1},
    ),
    "MCLivesTrust": lives("trust", SHARED),
    "MCLivesStop": lives("stop", SHARED),
    "MCLivesListen": lives(
        "listen", cell(SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 3), audience=({1, 2}, {1, 3})),
    ),
    "MCLivesRetire": lives(
        "retire", cell(SWAP | MOVE, nodes=3, max_slot=1, owners=(1, 3), audience=({1, 2}, {1, 2, 3})),
    ),
    "MCLivesRenew": lives(
        "retire", cell(SWAP | REPLACE, nodes=4, max_slot=2, owners=(2, 3), audience=({1, 2, 4}, {1, 3, 4})),
        heir=4,
    ),
    "MCRegister": Register(writes=range(1, 3), readers=range(1, 2)),
    "MCVolumeFailOver": volume(1, 1, max_epoch=2),
    "MCVolumeMirror": volume(1, 1, max_epoch=4),
    "MCVolumeStalled": volume(1, 1, max_epoch=2, max_conn=2),
    "MCVolumeAttach": volume(1, 2, max_epoch=3),
    "MCVolumeReads": volume(1, 1, max_epoch=2, reads=1),
    "MCReads": reads(1, 1, cell=CONTEST),
    "MCReadsTwice": reads(
        2, 0, cell=cell(SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}), issued=True),
    ),
    "MCReadsChange": reads(
        1, 1, cell=cell(
            SWAP | REPLACE, nodes=4, max_slot=2, owners=(1, 3), audience=({1, 2, 4}, {3, 4}), learners={3},
        ),
    ),
    "MCReadsPipeline": reads(
        0, 1, cell=cell(SWAP | HEAL, nodes=3, alpha=2, max_slot=2, owners=(1, 2), audience=({1, 3}, {2, 3})),
    ),
    "MCReadsCrash": reads(
        1, 1, cell=cell(SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}), mortals={1}),
    ),
    "MCPeeks": peeks(
        3, cell=cell(SWAP | HEAL, nodes=3, alpha=2, max_slot=2, owners=(1,), audience=({1, 2},), learners={2, 3}),
    ),
    "MCPeeksCrash": peeks(
        2, 2, cell=cell(SWAP, nodes=3, max_slot=1, owners=(1,), audience=({1, 2},), learners={2}, mortals={2}),
    ),
    "MCPeeksContest": peeks(
        2,
        cell=cell(SWAP, nodes=3, max_slot=1, owners=(1, 2), audience=({1, 3}, {2, 3}), mortals={1}, issued=True),
    ),
    "MCClients": clients(1, 1, max_attempts=2, max_slot=5, max_sessions=1),
    "MCClientsBoth": clients(1, 1, max_attempts=2, max_slot=5, max_sessions=2),
    "MCClientsNext": clients(2, max_attempts=2, max_slot=4, max_sessions=1),
    "MCClientsNodes": clients(1, 0, 0, max_attempts=1, max_slot=4, max_sessions=2, nodes=2),
    "MCClientsJump": clients(1, 0, max_attempts=2, max_slot=4, max_sessions=1, nodes=2),
    "MCDiscoveryWindow": discovery({1, 2, 3}, {2, 3, 4}, {1, 3, 4}, alpha=2),
    "MCDiscoveryLoss": discovery({1, 2, 3}, {2, 3, 4}, frail={1}),
    "MCDiscoveryCaches": discovery({1, 2}, {2}, caches=2),
    "MCClientsReused": clients(1, 0, max_attempts=2, max_slot=4, max_sessions=1, careless={1}),
    "MCLeases": leases(4, 1, max_version=2),
    "MCLeasesRenewal": leases(2, 1, max_version=3),
    "MCLeasesReturn": leases(1, 1, max_version=3, generous={1}),
    "MCLeasesRestart": leases(1, 1, max_version=2, frail={1}),
    "MCVersions": versions((1, 2), (2, 1, 1), (0, 1, 1), max_slot=2),
    "MCVersionsBack": versions((1, 2, 1), (2, 2, 2), (2, 0, 0), max_slot=3),
    **BLAST_RADIUS_MODELS,
}  # fmt: skip
"""Machines by the names of their models: all but those that are about progress."""

PROGRESS: Mapping[str, Machine[Any]] = {
    "MCCellLoneProposer": cell(
        SWAP, nodes=3, max_slot=1, owners=(2, 1), audience=({1, 2, 3}, {1, 2, 3}), issued=True,
    ),
    "MCCellPendingChange": cell(
        SWAP | HEAL | REPLACE, nodes=4, alpha=2, max_slot=3, owners=(2,), audience=({1, 2, 4},), strays={4},
    ),
    "MCCellInvitedChange": cell(
        SWAP | REPLACE, nodes=4, max_slot=2, owners=(2,), audience=({1, 2, 4},),
    ),
    "MCCellIdleWindow": cell(
        REPLACE, nodes=4, alpha=2, max_slot=3, owners=(2,), audience=({1, 2, 4},),
    ),
    "MCLeavingProgress": leaving(
        evolve(
            cell(
                LOOK | REPLACE, nodes=4, alpha=2, max_slot=2, owners=(2,), audience=({1, 2, 4},), learners={1, 4},
                mortals={4},
            ),
            early=frozenset(REPLACE),
        ),
        leavers={1}, newcomers={4},
    ),
    "MCVolumeProgress": volume(1, max_epoch=2, gone={1}),
    "MCVolumeProgressPrimary": volume(1, max_epoch=2, gone={2}),
    "MCBlastRadiusProgress": BLAST_RADIUS_PROGRESS,
}  # fmt: skip
"""Whether something happens at last is TLC's alone to say. These machines name the steps of its counterexamples."""

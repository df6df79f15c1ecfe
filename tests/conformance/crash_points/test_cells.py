"""Cells on journals: the same seed gives the same bytes, all is reached, and the witness can be shown a lie."""

from collections import Counter

import pytest

from conformance.crash_points import link, trouble
from conformance.crash_points.campaign import Broken
from conformance.crash_points.disk import Disk
from conformance.crash_points.ledger import Violation
from conformance.crash_points.servers import Server
from conformance.crash_points.tally import Tally
from conformance.crash_points.torture import run_cell, run_cells
from conformance.crash_points.trouble import survives
from conformance.crash_points.vfs import simulated_vfs
from conformance.crash_points.witness import Witness
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.refutation import How
from physalia.cell import Node, proposer
from physalia.host import Batch, Host
from physalia.host import host as hosts
from physalia.host.batch import Waiting
from physalia.journal import BatchRefused, Journal, NodeKey
from physalia.model import (
    Accepted,
    Answer,
    Ballot,
    DurableRecord,
    Known,
    Message,
    Prepare,
    Promise,
    Promised,
    Read,
    Receive,
    RequestId,
    UsedBallot,
    Volume,
    Vote,
    Write,
)
from physalia.model import (
    Verdict as Told,
)
from physalia.wire import is_homes

MEMBERS = frozenset({1, 2, 3})
READ = Read(RequestId("c", 0))
WRITE = Write(RequestId("c", 1), 0, "x", "y")
OTHERS, OWN = Ballot(2, 1), Ballot(1, 2)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    digests = []
    for seed in ("x", "x", "y"):
        tally = Tally()
        run_cells(seed, 100, tally)
        assert tally.points >= 100
        digests.append((tally.digest.hexdigest(), tally.points, tally.reached))
    assert digests[0] == digests[1] != digests[2]


def test_what_was_not_reached_is_inconclusive() -> None:
    missing = link.missing(Counter(dict.fromkeys(link.IN_CELLS[1:], 1)), link.IN_CELLS)
    assert [failure.title for failure in missing] == [f"the campaign never reached: {link.IN_CELLS[0]}"]
    assert missing[0].verdict is Verdict.INCONCLUSIVE


class TestBeyondTheLaw:
    """What a cell cannot survive is seen."""

    def test_a_disk_that_goes_back_in_time_unnoticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        end = Server.end

        def fall_back(self: Server, disk: Disk, operations: list[object], **what: object) -> None:
            older = self.older
            end(self, disk, operations, **what)  # type: ignore[arg-type]
            if older is not None:
                self.disk = older.copy()

        monkeypatch.setattr(Server, "end", fall_back)
        with pytest.raises(Broken, match=r"came back without|stops for good|forked|cannot start"):
            run_cells("back", 500, Tally())

    def test_a_majority_whose_disks_are_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trouble, "survives", lambda *_: True)
        with pytest.raises(Broken, match=r"nothing is decided any more|forked"):
            run_cells("lost", 2000, Tally())

    def test_a_cell_that_decides_without_a_majority(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proposer, "is_majority", lambda voters, members: bool(members & set(voters)))
        with pytest.raises(Broken, match="the cell forked"):
            run_cells("few", 3000, Tally())

    def test_a_link_that_sees_it_says_how_to_see_it_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forgetful(self: Host, key: object, charter: object) -> None:
            self._make(key, charter, self.journal.read(key)[:-1])  # type: ignore[arg-type]

        monkeypatch.setattr(Host, "start", forgetful)
        report = link.run(Settings(profile=Profile.QUICK, models=("cells",)), Silence())
        (failure,) = report.failures
        assert report.verdict is Verdict.REFUTED
        assert failure.title.startswith("a cell broke its word at 0/")
        assert [row.name for row in report.rows if row.verdict is not Verdict.HOLDS] == ["cells"]
        *_, option, name = failure.replay.split()
        assert option == "--cell"
        with pytest.raises(Broken) as again:
            run_cell(name, Tally())
        assert failure.title == f"a cell broke its word {again.value}"
        assert failure.events == again.value.events == int(failure.title.split("/")[2].split(":")[0])


@pytest.mark.parametrize(
    ("lost", "verdict"), [(set(), True), ({1}, True), ({1, 9}, True), ({1, 4}, True), ({1, 2}, False), ({3, 5}, False)]
)
def test_no_configuration_may_lose_more_than_f(lost: set[int], verdict: bool) -> None:
    assert survives([MEMBERS, frozenset({3, 5, 6})], lost) is verdict


class TestWitness:
    """What it holds nodes and clients to."""

    records: tuple[DurableRecord, ...] = (
        UsedBallot(OWN), Promised(OWN), Promised(OTHERS), Accepted(OTHERS, 1, READ),
    )  # fmt: skip
    said: tuple[Message, ...] = (Prepare(OWN, 0), Promise(OTHERS, 2, (), 0), Vote(OTHERS, 1, 2))

    def witness(self) -> Witness:
        made = Witness(MEMBERS, 3)
        for message in self.said:
            made.heard(2, message)
        return made

    def test_a_node_that_remembers_all_that_it_said_may_come_back(self) -> None:
        witness = self.witness()
        witness.back(Node(2, MEMBERS, 3, self.records))
        assert witness.log == []

    @pytest.mark.parametrize(
        ("kept", "what"), [(0, "its use of"), (2, "its promise of"), (3, "its vote in slot 1 under")]
    )
    def test_one_that_does_not_may_not(self, kept: int, what: str) -> None:
        with pytest.raises(Violation, match=f"node 2 came back without {what}"):
            self.witness().back(Node(2, MEMBERS, 3, self.records[:kept]))

    def test_a_fork(self) -> None:
        witness = Witness(MEMBERS, 3)
        witness.ask(READ)
        witness.ask(WRITE)
        witness.look(Node(1, MEMBERS, 3, [Known(1, READ), Known(2, WRITE)]))
        witness.look(Node(2, MEMBERS, 3, [Known(1, READ)]))
        with pytest.raises(Violation, match="the cell forked: in slot 1 node 3 knows write"):
            witness.look(Node(3, MEMBERS, 3, [Known(1, WRITE)]))

    def test_a_node_that_stops_for_good_on_an_honest_disk(self) -> None:
        node = Node(2, MEMBERS, 3)
        node.step(Receive(1, Vote(OTHERS, 1, 2)))
        with pytest.raises(Violation, match="nobody lost anything, but node 2 stops for good"):
            Witness(MEMBERS, 3).look(node)

    def test_answers_are_held_against_the_log(self) -> None:
        witness = Witness(MEMBERS, 3)
        witness.ask(WRITE)
        witness.answered(Answer(WRITE.request, Told(True, Volume(1, "x", "y"))))
        with pytest.raises(Violation, match="was never decided"):
            witness.judge()
        witness.look(Node(1, MEMBERS, 3, [Known(1, WRITE)]))
        witness.judge()
        with pytest.raises(Violation, match="is answered twice, and differently"):
            witness.answered(Answer(WRITE.request, Told(False, Volume(0, "a", "b"))))

    def test_an_answer_that_the_log_does_not_bear_out(self) -> None:
        witness = Witness(MEMBERS, 3)
        witness.ask(WRITE)
        witness.look(Node(1, MEMBERS, 3, [Known(1, WRITE)]))
        witness.answered(Answer(WRITE.request, Told(False, Volume(0, "a", "b"))))
        with pytest.raises(Violation, match="is not what the log amounts to"):
            witness.judge()


def test_a_journal_that_opens_although_its_file_is_empty_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated_vfs() as vfs:
        server = Server(vfs, 1, "a server")
        server.create()
        monkeypatch.setattr(Journal, "__init__", lambda *_: None)
        with pytest.raises(Violation, match="opens a journal whose file was emptied"):
            server.lose("damaged disk", "another disk")


class TestWhatAHostMustNot:
    """Each is seen by the cells, and told as what it is."""

    def test_let_go_of_a_node_of_which_something_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def drop(self: Host, key: NodeKey) -> bool:
            self._dropped.append(key)
            return self._hosted.pop(key, None) is not None

        monkeypatch.setattr(Host, "drop", drop)
        with pytest.raises(Broken, match="leaves memory, and something of it waits for the disk") as broken:
            run_cells("drop", 500, Tally())
        assert broken.value.how is How.JUDGED

    def test_say_what_rests_on_a_record_that_was_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def append(self: Batch, journal: Journal) -> list[Waiting]:
            appended = []
            for each in self.waiting:
                try:
                    journal.append([(each.key, record) for record in each.records])
                    appended.append(each)
                except BatchRefused:
                    self.behind.add(each.key)
            return appended

        monkeypatch.setattr(Batch, "_append", append)
        with pytest.raises(Broken, match="came back without"):
            run_cells("append", 2000, Tally())

    def test_forget_where_others_live(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def oldest(_: NodeKey, records: list[bytes]) -> list[bytes]:
            homes = [record for record in records if is_homes(record)]
            return [record for record in records if record not in homes[1:]]

        monkeypatch.setattr(hosts, "fewer", oldest)
        with pytest.raises(Broken, match=r"came back without where node 90[123] lives, which it noted"):
            run_cells("homes", 2000, Tally())

    def test_raise_what_nobody_expects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It refutes the host; what a judge raises is a defect of the judge's."""
        with monkeypatch.context() as broken_host:
            broken_host.setattr(hosts, "is_homes", None)
            with pytest.raises(Broken, match="it raises TypeError") as broken:
                run_cells("raises", 100, Tally())
            assert broken.value.how is How.RAISED
        monkeypatch.setattr(Witness, "look", None)
        with pytest.raises(TypeError):
            run_cells("raises", 100, Tally())

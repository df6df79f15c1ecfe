"""The link blast-radius: it holds here, sees what it should, and refutes whoever counts or proves otherwise."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import z3
from attrs import evolve

from conformance.blast_radius import judge as judging
from conformance.blast_radius import link as blast_link
from conformance.blast_radius import unbounded
from conformance.blast_radius.certified import judge_certified_triple
from conformance.blast_radius.every_set import Asked, EverySet
from conformance.blast_radius.judge import home_of, judge_claims, judge_counts, judge_every_set, survives
from conformance.blast_radius.sites import Case, four_planes, made_up, of_model
from conformance.blast_radius.unbounded import by_z3, is_about_something, is_proved, theorems, without
from conformance.links import Profile, Settings, Silence, Verdict
from conformance.placement.definition import World
from conformance.placement.sites import Seeded
from conformance.refutation import Refuted
from physalia.blast_radius.certificates import check
from physalia.blast_radius.fates import Fates, Seen, fates
from physalia.blast_radius.four import Four
from physalia.placement.site.topology import Link, Power, Rack, Server, Switch
from physalia.placement.site.validity import build
from spec.sites.examples import AS_THE_INSTANCE_SEES_IT, BLAST_RADIUS_MODELS


def edge_case() -> Case:
    """A cell that survives as its instance sees it, on a site where the primary is on one of two switches."""
    topology, volumes, devices = of_model(AS_THE_INSTANCE_SEES_IT)
    return Case(topology=topology, volumes=volumes[:2], devices=tuple(one for one in devices if one != "n2")[:10])


def test_fates_for_every_set_are_those_of_the_slow_definition() -> None:
    case = made_up(Seeded("blast radius 1"), 2)
    small = evolve(case, devices=case.devices[:6])
    every = EverySet(small.topology, small.devices)
    for asked in small.volumes:
        found = every.fates(asked)
        for number in range(1 << 6):
            world = World(small.topology, frozenset(every.names(number)))
            copies = [one for one in asked.copies if one in world.reached(asked.instance)]
            served = any(2 * len(world.reached(copy) & set(asked.cell)) > len(asked.cell) for copy in copies)
            assert found.served[number] == served
            assert found.unserved[number] == (world.is_up(asked.instance) and bool(copies) and not served)


def test_the_edge_case_is_found_and_the_claims_of_the_models_hold() -> None:
    marks = Counter(judge_claims(edge_case()))
    assert marks["in blast by one failure, though the cell survives as the instance sees it"]
    topology, volumes, devices = of_model(BLAST_RADIUS_MODELS["MCBlastRadiusDualHomed"])
    good = Case(topology=topology, volumes=volumes, devices=devices)
    assert {*judge_claims(good)} >= {"by one failure: the premise holds", "locality: the premise holds"}
    assert all(survives(topology, one, client) for one in volumes for client in ("instance", *one.copies))


def test_every_single_device_and_the_worst_pair_are_counted() -> None:
    assert {*judge_counts(made_up(Seeded("blast radius 0"), 3), pairs=True)} >= {"every single device"}


def test_whoever_counts_otherwise_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    case = edge_case()

    def one_less(seen: Seen) -> Fates:
        found = fates(seen)
        return Fates(found.blast & (np.arange(len(found.blast)) % 7 > 0), found.unserved)

    list(judge_every_set(case))
    with monkeypatch.context() as changed:
        changed.setattr(judging, "fates", one_less)
        with pytest.raises(Refuted, match="counted as in blast"):
            list(judge_every_set(case))
    with monkeypatch.context() as changed:
        changed.setattr(judging, "worst_group", lambda _: Four(servers=("n1", "n2"), cells=0))
        with pytest.raises(Refuted, match="leave"):
            list(judge_counts(case, pairs=False))


def test_a_claim_whose_premise_is_too_weak_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = judging.survives
    monkeypatch.setattr(judging, "survives", lambda topology, asked, _: real(topology, asked, "instance"))
    with pytest.raises(Refuted, match="by one failure"):
        list(judge_claims(edge_case()))


def two_networks() -> Case:
    """A row of two networks: the instance is on both, the primary on one of them, and the cell on the other."""
    racks = [Rack("home", "row", ("feed",)), Rack("other", "row", ("feed",))]
    switches = [Switch("tor-a", "rack", "home"), Switch("tor-b", "rack", "home"), Switch("tor-c", "rack", "other")]
    on = {"instance": ("tor-a", "tor-b"), "primary": ("tor-a",), "n1": ("tor-c",), "n2": ("tor-c",), "n3": ("tor-c",)}
    topology = build(
        name="two networks", rows=["row"], powers=[Power("feed", "feed")], racks=racks,
        switches=[*switches, Switch("up", "aggregation")],
        links=[Link("tor-b--up", ("tor-b", "up")), Link("tor-c--up", ("tor-c", "up"))],
        servers=[Server(name, "other" if name[0] == "n" else "home", ways, "any", 9) for name, ways in on.items()],
    )  # fmt: skip
    asked = Asked(instance="instance", primary="primary", replica=None, cell=("n1", "n2", "n3"))
    return Case(topology=topology, volumes=(asked,), devices=("tor-a", "up"))


def test_a_row_that_joins_the_instance_alone_is_no_premise_of_locality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the deep profile: the instance reaches all, its copy does not; the volume is unserved from the start."""
    case = two_networks()
    assert home_of(case.topology, case.volumes[0]) is None
    list(judge_claims(case))
    monkeypatch.setattr(judging, "home_of", judging.row_of)
    with pytest.raises(Refuted, match=r"locality.* is not served when nothing fails"):
        list(judge_claims(case))


@pytest.mark.parametrize("theorem", theorems(), ids=lambda theorem: theorem.name)
def test_theorems_are_proved_and_need_every_premise(theorem: unbounded.Theorem) -> None:
    check = by_z3(30_000, 0)
    assert is_proved(theorem, check) == "unsat"
    assert is_about_something(theorem, check) == "sat"
    assert {without(theorem, premise, check) for premise in theorem.premises} == {"sat"}


def test_a_proof_of_nothing_is_refuted() -> None:
    locality = theorems()[0]
    impossible = evolve(locality, premises={**locality.premises, "never": z3.BoolVal(val=False)})
    found = list(blast_link._judged(impossible, by_z3(30_000, 0)))
    assert any("about nothing" in one.title for one in found)
    idle = evolve(locality, claim=z3.BoolVal(val=True))
    assert sum("does not need" in one.title for one in blast_link._judged(idle, by_z3(30_000, 0))) == len(
        locality.premises
    )
    unknown = list(blast_link._judged(locality, lambda _: "unknown"))
    assert {one.verdict for one in unknown} == {Verdict.INCONCLUSIVE}


def test_what_never_happened_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(blast_link.AMOUNTS, Profile.QUICK, blast_link.Amount(seeded=0, drawn=1, crowded=0))
    monkeypatch.setattr(blast_link, "_models", lambda *_: None)
    report = blast_link.run(Settings(profile=Profile.QUICK), Silence())
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "never happened" in report.failures[0].title


def test_a_refutation_shows_the_site_that_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(blast_link.AMOUNTS, Profile.QUICK, blast_link.Amount(seeded=0, drawn=0, crowded=0))

    def wrong(tally: blast_link.Tally, _: object) -> None:
        tally.latest = edge_case()
        raise Refuted("a volume is counted otherwise")

    monkeypatch.setattr(blast_link, "_models", wrong)
    monkeypatch.setattr(blast_link, "_drawn", lambda *_: None)
    report = blast_link.run(Settings(profile=Profile.QUICK), Silence())
    assert report.verdict is Verdict.REFUTED
    assert any('"name": "model"' in line for line in report.failures[0].lines)


class Trusting:
    """A bound on three devices that leaves nothing open."""

    def __init__(self, *_: object) -> None:
        """Look at nothing."""

    def open(self) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
        """No three devices."""
        return iter(())


def test_a_checker_that_believes_bounds_on_three_devices_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it what the certificate says stands, and neither lie does."""
    seen = set(judge_certified_triple(four_planes()))
    assert seen == {"a certificate of three devices", "a lie about three unserved", "a lie about three in blast"}
    monkeypatch.setattr(check, "Threes", Trusting)
    with pytest.raises(Refuted, match="a certificate stands that no three devices leave 3 volumes unserved"):
        list(judge_certified_triple(four_planes()))

"""How answers about placement are printed: sentences for people, plain data for machines (schemas in ``docs/``)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

from physalia.placement.certificates.certificate import canonical
from physalia.placement.explanations.explain import Explanation
from physalia.placement.explanations.loosen import Relaxation
from physalia.placement.rules.costs import Cost
from physalia.placement.solver.answer import Answer
from physalia.placement.solver.problem import ANY_COLOR
from physalia.placement.survival.by_cuts import Survival


def answer_json(
    answer: Answer,
    made: Mapping[str, Any] | None,
    missing: str,
    written: Path | None,
    explained: Explanation | None,
    survived: Sequence[Survival] | None,
    measured: Mapping[str, Any],
) -> dict[str, Any]:
    """An answer as plain data: what `place query --json` and `place prove --json` print beside the schema's version."""
    stated = answer.problem
    proof = None
    if made is not None and "evidence" in made:
        proof = {"claim": made["claim"], "evidence_bytes": len(canonical(made["evidence"]))}
    told: dict[str, Any] = {
        "verdict": answer.verdict,
        "topology": stated.topology.name,
        "query": stated.query.to_document(),
        "color": answer.color or None,
        "servers": list(answer.servers),
        "cost": None if answer.cost is None else asdict(answer.cost),
        "bound": None if answer.bound is None else asdict(answer.bound),
        **measured,
        "proof": proof,
        "refuted_by_z3": None if answer.refuted is None else answer.refuted.queries,
        "certificate": None if written is None else str(written),
        "note": missing or (made or {}).get("note", ""),
        "seconds": round(answer.seconds, 4),
    }
    if explained is not None:
        told["explanation"] = explanation_json(explained)
    if survived is not None:
        told["survival"] = survival_json(survived)
    return told


def explanation_json(explained: Explanation) -> dict[str, Any]:
    """An explanation as plain data."""
    return {
        "verdict": explained.verdict,
        "placeable": explained.placeable,
        "conflicts": [
            {"color": one.color or None, "rules": list(one.rules), "sentences": list(one.sentences)}
            for one in explained.conflicts
        ],
        "relaxations": [{**asdict(one.changes[0]), **_given(one)} for one in explained.relaxations],
        "pair": None
        if explained.pair is None
        else {
            "amount": explained.pair.amount,
            "changes": [asdict(change) for change in explained.pair.changes],
            **_given(explained.pair),
        },
        "complete": explained.complete,
        "seconds": round(explained.seconds, 4),
    }


def _given(one: Relaxation) -> dict[str, Any]:
    return {"color": one.color or None, "servers": list(one.servers), "cost": asdict(one.cost)}


def survival_json(survived: Sequence[Survival]) -> list[dict[str, Any]]:
    """What each way found of survival, as plain data."""
    return [{**asdict(one), "lost": list(one.lost), "sentence": one.sentence} for one in survived]


def answer_lines(
    answer: Answer,
    told: Mapping[str, Any],
    topology: Path,
    explained: Explanation | None,
    survived: Sequence[Survival] | None,
) -> Iterator[str]:
    """An answer for people."""
    if answer.verdict == "impossible":
        yield "impossible: there is no placement that keeps every rule."
    elif answer.cost is None:
        yield "inconclusive: no placement was found in the time allowed."
    else:
        best = "the best there is" if answer.verdict == "placed" else "the best found"
        color = "" if answer.color == ANY_COLOR else f" {answer.color},"
        yield f"{answer.verdict}:{color} {best}: {cost_words(answer.cost)}"
        yield from (f"  {_server(answer, name)}" for name in answer.servers)
    if answer.verdict == "inconclusive" and answer.bound is not None:
        yield f"proven so far: none is better than {cost_words(answer.bound)}"
    if told["unavailability"] is not None:
        yield f"unavailable while the instance is up: {told['unavailability']:.3g}"
    if "availability_unknown" in told:
        yield f"availability: {told['availability_unknown']}"
    for one in told.get("devices", ()):
        yield f"  {one['kind']} {one['device']} is down in {one['share']:.0%} of that time"
    if told["refuted_by_z3"] is not None:
        yield f"z3 refuted whatever would be better, in {told['refuted_by_z3']} queries."
    if told["proof"] is not None:
        yield f"proof of {told['proof']['claim']}: {told['proof']['evidence_bytes']:,} bytes."
    if told["note"]:
        yield f"note: {told['note']}"
    if told["certificate"] is not None:
        yield f"certificate: {told['certificate']}; check it: physalia place check {told['certificate']} {topology}"
    if explained is not None:
        yield from explanation_lines(explained)
    yield from (one.sentence for one in survived or ())


def explanation_lines(explained: Explanation) -> Iterator[str]:
    """An explanation for people: what the colours have in common is said once."""
    if explained.placeable:
        yield "there is a placement: nothing to explain."
        return
    if explained.verdict == "inconclusive":
        yield "inconclusive: neither a placement was found, nor a proof that there is none."
        return
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in explained.conflicts:
        words = tuple(sentence.replace(f"{one.color} servers", "servers") for sentence in one.sentences)
        alike.setdefault((" and ".join(one.rules), words), []).append(one.color)
    for (rules, words), colors in alike.items():
        which = "" if colors == [ANY_COLOR] else f"{', '.join(colors)}: "
        yield f"{which}{rules} cannot be kept:" if rules else f"{which}there are too few servers:"
        yield from (f"  {sentence}" for sentence in words)
    if explained.relaxations:
        yield "any one of these changes would do, the least first:"
    for change in explained.relaxations:
        yield f"  {_change(change)}"
    if not explained.complete:
        yield "time ran out: there may be more conflicts, and more changes that would do."
    elif not explained.relaxations and explained.pair is None:
        yield "no single change of a rule would do, and no two together."
    if explained.pair is not None:
        yield "no single change of a rule would do; of any two together this is the least:"
        yield f"  {_change(explained.pair)}"


def _change(one: Relaxation) -> str:
    return f"{one.change}: {one.color + ', ' if one.color else ''}{cost_words(one.cost)}"


def cost_words(cost: Cost) -> str:
    """A cost for people."""
    return f"worst hop {cost.worst_hop}, spread {cost.spread}, hops {cost.hops}, fill {cost.fill}"


def _server(answer: Answer, name: str) -> str:
    topology = answer.problem.topology
    rack = topology.servers[name].rack
    power = "; ".join("+".join(sorted(one)) for one in topology.powers_above(rack).values() if one)
    return f"{name}  rack {rack}, row {topology.row_of(rack)}, power {power}"

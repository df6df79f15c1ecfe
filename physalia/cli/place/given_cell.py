"""``physalia place prove --survives --servers ..``: judge a cell that somebody else chose."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from physalia.cli.place.availability import measured, nearly_one
from physalia.cli.place.printing import cost_words, survival_json
from physalia.cli.place.told import REFUTED, Told, brief, survival_code, write_certificate
from physalia.placement.rules.judge import Judge
from physalia.placement.survival.by_cuts import check_names
from physalia.placement.survival.prove import prove

if TYPE_CHECKING:
    from physalia.placement.effort import Effort
    from physalia.placement.rules.judge import Broken
    from physalia.placement.rules.policy import Policy
    from physalia.placement.rules.queries import Query
    from physalia.placement.site.topology import Topology

NAMED = "this cell was named: nothing is said of whether there is a better one."


def judged(
    site: "Topology",
    policy: "Policy | None",
    asked: "Query",
    servers: tuple[str, ...],
    cert: Path | None,
    devices: int,
    effort: "Effort",
) -> Told:
    """Whether a cell survives every single failure; under a policy also whether it keeps the rules, and what it costs.

    The certificate is written if the rules are kept. With ``devices`` the availability is told too.
    """
    asked.judge(site)
    check_names(site, asked.instance, servers)
    told: dict[str, Any] = {"query": asked.to_document(), "servers": list(servers)}
    lines: list[str] = []
    code = 0
    if policy is not None:
        broken = _of_rules(site, policy, asked, servers, told, lines)
        code = REFUTED if broken else 0
        if cert is not None:
            _certify(site, policy, asked, servers, cert, broken, told, lines)
    if devices:
        told |= brief(measured(site, asked.instance, servers, devices, effort))
        lines += _available(told)
    found = prove(site, asked.instance, servers, effort)
    told["survival"] = survival_json(found)
    lines += [one.sentence for one in found]
    return Told(told, tuple(lines), code or survival_code(found))


def _of_rules(
    site: "Topology",
    policy: "Policy",
    asked: "Query",
    servers: tuple[str, ...],
    told: dict[str, Any],
    lines: list[str],
) -> "list[Broken]":
    judge = Judge.of(site, policy, asked)
    broken, cost = judge.broken(servers), judge.cost(servers)
    told["broken"] = [{"rule": one.rule, "sentence": one.sentence} for one in broken]
    told["cost"] = None if cost is None else {
        "worst_hop": cost.worst_hop, "spread": cost.spread, "hops": cost.hops, "fill": cost.fill
    }  # fmt: skip
    lines += [f"rule {one.rule} is broken: {one.sentence}" for one in broken]
    if not broken and cost is not None:
        lines.append(f"every rule is kept: {cost_words(cost)}")
    return broken


def _certify(
    site: "Topology",
    policy: "Policy",
    asked: "Query",
    servers: tuple[str, ...],
    cert: Path,
    broken: "list[Broken]",
    told: dict[str, Any],
    lines: list[str],
) -> None:
    """Write what can be claimed of a cell that was named: that it keeps every rule, at its cost."""
    from physalia.placement.certificates.certificate import certificate  # noqa: PLC0415
    from physalia.placement.solver.answer import Answer  # noqa: PLC0415  # brings numpy and highspy
    from physalia.placement.solver.problem import problem  # noqa: PLC0415

    told["certificate"] = None
    if broken:
        lines.append("no certificate: a rule is broken.")
        return
    cost = Judge.of(site, policy, asked).cost(servers)
    stated = Answer(
        verdict="inconclusive", problem=problem(site, policy, asked), servers=tuple(sorted(servers)), cost=cost
    )
    write_certificate({**certificate(stated), "note": NAMED}, cert)
    told["certificate"] = str(cert)
    lines.append(f"certificate that every rule is kept: {cert}")


def _available(told: dict[str, Any]) -> list[str]:
    if told["unavailability"] is None:
        return [f"availability: {told['availability_unknown']}"]
    value = told["unavailability"]
    lines = [f"availability {nearly_one(value)}, unavailability {value:.3g}"]
    return lines + [
        f"  {one['kind']} {one['device']} is down in {one['share']:.0%} of that time" for one in told.get("devices", ())
    ]

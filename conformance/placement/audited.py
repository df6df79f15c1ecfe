"""Audits against the definitions: a cell that the site lists already is judged as if it did not.

Cells of the table are put on the site, their servers fuller by one node, and the audit must take them away again: find
the rules that they break by definition, their value, the failures that they do not survive, and the best cell.
"""

from attrs import astuple, evolve

from conformance.placement.definition import Cell, Question, breaking
from conformance.placement.judge import Table
from conformance.refutation import Refuted
from physalia.placement.audit.cells import Finding, audit
from physalia.placement.rules.policy import HopLimit
from physalia.placement.site.topology import Cell as Listed
from physalia.placement.site.topology import Topology

NAME = "audited"
ALWAYS = frozenset({"drained", "capacity", "color", "size", "reachable"})
"""What always holds, and the definitions call ``always``."""


def judge_audit(question: Question, table: Table) -> set[str]:
    """Audit some cells of the table; marks of what was seen. Refuted names the first difference."""
    marks: set[str] = set()
    for cell in _chosen(question, table) if question.color is None else ():
        site = _with_cell(question, cell)
        (found,) = audit(site, question.policy, [NAME]).findings
        kept = [name for name in cell if question.topology.servers[name].drained]
        _judge_rules(_undrained(question, cell), cell, found, marks)
        _judge_failures(question, cell, found, marks)
        if kept:
            marks.add("an audit lets a node stay on a drained server")
        else:
            _judge_best(table, cell, found, marks)
    return marks


def _chosen(question: Question, table: Table) -> list[Cell]:
    """A best cell, the worst legal one, one that is not legal, and one with a drained server, where there are any."""
    servers = question.topology.servers
    ranked = sorted(table.legal, key=lambda cell: (table.legal[cell], sorted(cell)))
    illegal = [cell for cell in table.cells if cell not in table.legal]
    drained = [cell for cell in illegal if any(servers[name].drained for name in cell)]
    return list(dict.fromkeys([*ranked[:1], *ranked[-1:], *illegal[:1], *drained[:1]]))


def _with_cell(question: Question, cell: Cell) -> Topology:
    servers = dict(question.topology.servers)
    for name in cell:
        servers[name] = evolve(servers[name], nodes=servers[name].nodes + 1)
    listed = Listed(NAME, tuple(sorted(cell)), question.instance, question.primary, question.replica)
    return evolve(question.topology, servers=servers, cells={**question.topology.cells, NAME: listed})


def _undrained(question: Question, cell: Cell) -> Question:
    """The question on the site where the cell may stay on its own servers."""
    servers = {
        name: evolve(one, drained=one.drained and name not in cell) for name, one in question.topology.servers.items()
    }
    return evolve(question, topology=evolve(question.topology, servers=servers))


def _judge_rules(question: Question, cell: Cell, found: Finding, marks: set[str]) -> None:
    reached = all(cell <= distances.keys() for distances in question.distances.values())
    by_definition = question.broken(cell)
    said = {"always" if one.rule in ALWAYS else one.rule for one in found.broken}
    if not reached:  # how far a node is that nobody reaches is a matter of taste
        limits = {rule.id for rule in question.policy.rules if isinstance(rule, HopLimit)}
        by_definition, said = by_definition - limits, said - limits
    if said != by_definition:
        raise Refuted(f"the audit of {_told(cell)} finds {_told(said)} broken; by definition {_told(by_definition)} is")
    value = question.value(cell) if reached else None
    if value != (None if found.cost is None else astuple(found.cost)):
        raise Refuted(f"the audit of {_told(cell)} says that it costs {found.cost}; by definition it costs {value}")
    marks.add("an audit finds a broken rule" if said else "an audit finds every rule kept")


def _judge_failures(question: Question, cell: Cell, found: Finding, marks: set[str]) -> None:
    by_definition = {device: set(cell) - question.harms[device] for device in breaking(question.harms, cell)}
    said = {loss.device: set(loss.lost) for loss in found.failures or ()}
    if said != by_definition:
        raise Refuted(
            f"the audit of {_told(cell)} says that {_told(said)} break it; by definition {_told(by_definition)} do"
        )
    if said:
        marks.add("an audit finds a failure that is not survived")


def _judge_best(table: Table, cell: Cell, found: Finding, marks: set[str]) -> None:
    best = None if found.best is None else astuple(found.best)
    if best != table.best or (best is not None and table.legal.get(frozenset(found.best_servers)) != best):
        raise Refuted(f"the audit of {_told(cell)} says that the best costs {found.best}; it costs {table.best}")
    better = best is not None and (cell not in table.legal or best < table.legal[cell])
    if found.could_be_better != better:
        raise Refuted(f"the audit of {_told(cell)} is wrong about whether there is a better place")
    marks.add("an audit finds a better place" if better else "an audit finds a cell at its best")


def _told(names: object) -> str:
    return ", ".join(sorted(names)) or "nothing"  # type: ignore[call-overload]

"""The graph of sorts: what is on a cycle is listed, not hidden."""

import pytest
import z3

from spec.induction.layers.stack import LAYERS, system_of
from spec.induction.layers.vocabulary import And, Implies, Not, Or, below, exists, forall, member, window
from spec.induction.proving.queries import Kind, Query, queries_of
from spec.induction.proving.sorts import edges_of, sort_graph

LEFT, RIGHT = z3.Bools("left right")


@pytest.mark.parametrize(
    ("formula", "edges"),
    [
        (forall(lambda n: exists(lambda q: member(n, q))), {("Node", "Quorum")}),
        (exists(lambda q: forall(lambda n: member(n, q))), set()),
        (Not(exists(lambda q: forall(lambda n: member(n, q)))), {("Quorum", "Node")}),
        (forall(lambda q: Implies(forall(lambda n: member(n, q)), LEFT)), {("Quorum", "Node")}),
        # A variable that does not occur in what there is has no part in it.
        (forall(lambda b, q: Or(below(b, b), exists(lambda n: member(n, q)))), {("Quorum", "Node")}),
        (forall(lambda i: And(LEFT, exists(lambda j: window(j, i)))), {("Slot", "Slot")}),
        # An equivalence says both directions.
        (forall(lambda n: exists(lambda q: member(n, q)) == LEFT), {("Node", "Quorum")}),
        (forall(lambda n: forall(lambda q: member(n, q)) == LEFT), {("Node", "Quorum")}),
        (RIGHT, set()),
    ],
)
def test_what_is_made_from_what(formula: z3.BoolRef, edges: set[tuple[str, str]]) -> None:
    assert edges_of(formula) == edges


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_in_the_decidable_fragment(name: str) -> None:
    on = LAYERS[name].on
    graph = sort_graph(queries_of(system_of(name), system_of(on) if on else None))
    assert graph.exceptions == ()
    # A graph without edges has no cycle either: only the volume, which speaks of no quorum, may have none.
    assert ("Node" in graph.successors.get("Quorum", ())) == (name != "volume")
    assert bool(graph.edges) == (name != "volume")


def test_a_cycle_is_an_exception_with_its_formula() -> None:
    premises = {"axiom endless": forall(lambda i: exists(lambda j: window(j, i)))}
    graph = sort_graph([Query("toy", Kind.SAFETY, ("nothing",), premises, LEFT)])
    assert graph.exceptions == ("Slot -> Slot lies on a cycle: axiom endless",)


def test_a_cycle_may_go_through_a_claim() -> None:
    premises = {"axiom led": forall(lambda q: exists(lambda n: member(n, q)))}
    claim = exists(lambda n: forall(lambda q: member(n, q)))
    graph = sort_graph([Query("toy", Kind.SAFETY, ("nothing",), premises, claim)])
    assert [sentence.split(" lies")[0] for sentence in graph.exceptions] == ["Node -> Quorum", "Quorum -> Node"]
    assert graph.exceptions[0].endswith("the claim of toy/safety/nothing")

"""Histories that Hypothesis makes up."""

from random import Random

from hypothesis import strategies as st

from conformance.histories.generate import small
from conformance.histories.history import Operation
from conformance.histories.known import MODELS

BRUTE_OPERATIONS = 8


@st.composite
def histories(draw: st.DrawFn, model: str, most: int = BRUTE_OPERATIONS) -> list[Operation]:
    """A history of a few operations, right or wrong."""
    random = Random(draw(st.integers(0, 2**64)))
    return [MODELS[model].admit(one) for one in small(model, random, draw(st.integers(1, most)))]

"""Random facts and conditions, small enough to meet often (hypothesis strategies)."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from expert.observation import Scalar, Value

FACTS = ("a", "b", "c.d", "c_d", "per.layer")

numbers: st.SearchStrategy[Scalar] = st.sampled_from([-1, 0, 1, 2, 0.5, 1.0, -0.0, math.inf])
scalars: st.SearchStrategy[Scalar] = numbers | st.sampled_from([True, False, "x", "y", math.nan])
layers = st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), max_size=4) | st.lists(
    scalars, max_size=3
)
values: st.SearchStrategy[Value] = scalars | layers.map(tuple)
facts = st.dictionaries(st.sampled_from(FACTS), values)
fact_names = st.sampled_from(FACTS)

fact_values = st.fixed_dictionaries({"fact": fact_names})
bounds = st.sampled_from([-1, 0, 0.5, 1]) | fact_values
comparisons = st.one_of(
    st.fixed_dictionaries({"above": bounds}),
    st.fixed_dictionaries({"below": bounds}),
    st.fixed_dictionaries({"at_least": bounds, "at_most": bounds}),
    st.fixed_dictionaries({"is": st.sampled_from([True, 1, "x"])}),
    st.fixed_dictionaries({"is_not": st.sampled_from([True, 1, "x"])}),
    st.fixed_dictionaries({"in": st.just([0, "x"]), "above": bounds}),
    st.fixed_dictionaries({"not_in": st.just([0, "x"])}),
)
quantifiers = st.sampled_from(["any", "all", "most", "none", "first", "last", {"share": 0.5}])


@st.composite
def on_fact(draw: st.DrawFn) -> dict[str, Any]:
    quantifier = {"for": draw(quantifiers)} if draw(st.booleans()) else {}
    return {"fact": draw(fact_names), **quantifier, **draw(comparisons)}


@st.composite
def on_value(draw: st.DrawFn) -> dict[str, Any]:
    operation = draw(st.sampled_from(["times", "plus", "minus", "over"]))
    operand = fact_values | st.sampled_from([0, 2])
    return {"value": {operation: [draw(operand), draw(operand)]}, **draw(comparisons)}


leaf = st.one_of(
    on_fact(),
    on_fact(),
    on_value(),
    st.fixed_dictionaries({"known": fact_names}),
    st.fixed_dictionaries({"unknown": fact_names}),
)


def combined(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return conditions over `parts`, one level deeper."""
    return st.one_of(
        *(
            st.fixed_dictionaries({kind: st.lists(parts, min_size=1, max_size=3)})
            for kind in ("all", "any", "none")
        )
    )


conditions = leaf | combined(leaf) | combined(leaf | combined(leaf))

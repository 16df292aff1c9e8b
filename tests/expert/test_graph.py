"""The picture of the knowledge: what is in it, and text that Graphviz and Mermaid can read."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.graph import Edge, graph_of, to_dot, to_mermaid
from expert.knowledge.loader import built_in_knowledge
from expert.knowledge.schema import Bilingual
from tests.expert.making import cause, knowledge, loaded, rule, symptom, text
from tests.expert.test_loader import BASE

# Graphviz' grammar, as far as `to_dot` uses it.
_ID = r'(?:"(?:[^"\\]|\\.)*"|[a-zA-Z_]\w*|\d+)'
_LIST = rf"\[\s*{_ID}\s*=\s*{_ID}(?:\s*,\s*{_ID}\s*=\s*{_ID})*\s*\]"
_LINE = re.compile(rf"  (?:{_ID}=\w+|(?:{_ID})(?: -> {_ID})?(?: {_LIST})?);")
_NODE = re.compile(r'  n\d+(?:\["[^"]*"\]|\(\["[^"]*"\]\)|\("[^"]*"\))')
_ARROW = re.compile(r"  n\d+ (?:-->|-\.->\|against\||==>) n\d+")


def test_edges_say_what_speaks_for_what() -> None:
    edges = graph_of(loaded(BASE)).edges
    assert edges == (
        Edge("fact:loss.initial", "symptom:loss-high", "for"),
        Edge("fact:loss.initial", "cause:too-high", "for"),
        Edge("symptom:loss-high", "cause:too-high", "for"),
        Edge("fact:loss.initial", "cause:too-low", "for"),
        Edge("cause:too-high", "cause:too-low", "produces"),
    )


def test_evidence_against_is_told_apart() -> None:
    known = knowledge(
        cause("c", rule("r", {"symptom": "s"}, -0.5)),
        symptom("s", rule("q", {"fact": "f", "above": 1})),
    )
    assert Edge("symptom:s", "cause:c", "against") in graph_of(known).edges
    assert "color" in to_dot(graph_of(known))


def test_one_id_shows_what_leads_to_it_and_what_it_produces() -> None:
    graph = graph_of(loaded(BASE), "too-high")
    assert set(graph.nodes) == {
        "fact:loss.initial",
        "symptom:loss-high",
        "cause:too-high",
        "cause:too-low",
    }
    assert Edge("fact:loss.initial", "cause:too-low", "for") not in graph.edges
    assert set(graph_of(loaded(BASE), "loss-high").nodes) == {
        "fact:loss.initial",
        "symptom:loss-high",
        "cause:too-high",
    }


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        graph_of(loaded(BASE), "loss-low")


def lines_of_dot(written: str) -> list[str]:
    first, *lines, last = written.splitlines()
    assert (first, last) == ("digraph knowledge {", "}")
    return lines


def test_the_built_in_graph_is_in_the_languages_of_graphviz_and_mermaid() -> None:
    graph = graph_of(built_in_knowledge(), language="zh")
    assert all(_LINE.fullmatch(line) for line in lines_of_dot(to_dot(graph)))
    first, *lines = to_mermaid(graph).splitlines()
    assert first == "flowchart LR"
    assert all(_NODE.fullmatch(line) or _ARROW.fullmatch(line) for line in lines)
    assert len(lines) == len(graph.nodes) + len(graph.edges)


@given(st.text(min_size=1).filter(str.strip))
def test_any_title_stays_inside_its_quotes(title: str) -> None:
    pair = [
        cause(id_, rule("r", {"cause": "d"} if id_ == "c" else {"fact": "f", "above": 1}))
        for id_ in ("c", "d")
    ]
    titled = [each.model_copy(update={"title": _titled(title)}) for each in pair]
    graph = graph_of(knowledge(*titled))
    assert all(_LINE.fullmatch(line) for line in to_dot(graph).split("\n")[1:-2])
    for line in to_mermaid(graph).split("\n")[1:-1]:
        assert _NODE.fullmatch(line) or _ARROW.fullmatch(line)


def _titled(title: str) -> Bilingual:
    return Bilingual.model_validate(text(title))


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("title", ['a "quoted" \\ one', "ends in \\", "<b>html</b>", "{x|y}", "多"])
def test_graphviz_itself_reads_it(title: str) -> None:
    known = knowledge(
        cause("c", rule("r", {"symptom": "s"})).model_copy(update={"title": _titled(title)}),
        symptom("s", rule("q", {"fact": "f", "above": 1})),
    )
    shown = subprocess.run(
        ["dot", "-Tplain"],
        input=to_dot(graph_of(known)),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert "node" in shown.stdout
    assert not shown.stderr

"""Knowledge as a picture: facts -> symptoms -> causes -> causes, as Graphviz or Mermaid text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from expert.knowledge.base import Knowledge
from expert.knowledge.conditions import conclusions_in, facts_in
from expert.language import Language

Says = Literal["for", "against", "produces"]


@dataclass(frozen=True, slots=True)
class Edge:
    """What one thing says about another; both are named "KIND:ID"."""

    start: str
    end: str
    says: Says


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes, with their titles, and the edges."""

    nodes: dict[str, str]
    edges: tuple[Edge, ...]


def graph_of(knowledge: Knowledge, only: str | None = None, language: Language = "en") -> Graph:
    """Return the graph of all knowledge, or of what the cause, symptom or fact `only` touches.

    For a cause or symptom: all that it rests on, what rests on it, and what it produces. For a
    fact: all that rests on it. Raises `KeyError` when there is no such id.
    """
    edges = tuple(dict.fromkeys(_edges(knowledge)))
    titles = _titles(knowledge, language)
    if only is not None:
        centre = next(name for name in (*titles, None) if name is None or _id(name) == only)
        if centre is None:
            raise KeyError(only)
        edges = tuple(_touching(centre, edges))
        used = {centre, *(name for edge in edges for name in (edge.start, edge.end))}
    else:
        used = {name for edge in edges for name in (edge.start, edge.end)}
    names = (name for name in dict.fromkeys([*titles, *sorted(used)]) if name in used)
    return Graph({name: titles.get(name, _id(name)) for name in names}, edges)


def _id(name: str) -> str:
    return name.partition(":")[2]


def _edges(knowledge: Knowledge) -> Iterator[Edge]:
    for owner, document in knowledge.conclusions():
        for rule in document.evidence:
            says: Says = "against" if rule.certainty < 0 else "for"
            facts = (f"fact:{name}" for name in facts_in(rule.when))
            known = (name for name in conclusions_in(rule.when) if _exists(knowledge, name))
            yield from (Edge(name, owner, says) for name in (*facts, *known))
    for cause in knowledge.causes.values():
        yield from (Edge(f"cause:{cause.id}", f"cause:{n.cause}", "produces") for n in cause.links)


def _exists(knowledge: Knowledge, name: str) -> bool:
    return _id(name) in (knowledge.causes if name.startswith("cause:") else knowledge.symptoms)


def _titles(knowledge: Knowledge, language: Language) -> dict[str, str]:
    """Return the text of every node: facts by their name, conclusions by their title."""
    facts = {f"fact:{name}": name for name in knowledge.facts}
    conclusions = {name: d.title.text.get(language) for name, d in knowledge.conclusions()}
    return facts | conclusions


def _touching(centre: str, edges: Iterable[Edge]) -> Iterator[Edge]:
    """Yield the edges that lead to the centre, by any number of steps, and those that leave it."""
    evidence = [edge for edge in edges if edge.says != "produces"]
    behind = _reached(centre, {(edge.end, edge.start) for edge in evidence})
    for edge in edges:
        direct = centre in (edge.start, edge.end)
        if direct or (edge.says != "produces" and edge.end in behind):
            yield edge


def _reached(start: str, steps: set[tuple[str, str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        new = {end for begin, end in steps if begin == here} - found
        found |= new
        waiting += new
    return found


# ---------------------------------------------------------------------------------- writing
_SHAPES = {"fact": "shape=plain", "symptom": "shape=ellipse", "cause": "shape=box, style=rounded"}
_STYLES = {
    "for": "",
    "against": ' [color="#b03030", style=dashed, arrowhead=tee]',
    "produces": ' [color="#305090", penwidth=2]',
}


def to_dot(graph: Graph) -> str:
    """Return the graph in Graphviz' language."""
    lines = ["digraph knowledge {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for name, title in graph.nodes.items():
        shape = _SHAPES[name.partition(":")[0]]
        lines.append(f"  {_quoted(name)} [label={_quoted(title)}, {shape}];")
    for edge in graph.edges:
        lines.append(f"  {_quoted(edge.start)} -> {_quoted(edge.end)}{_STYLES[edge.says]};")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{" ".join(escaped.split())}"'


_BRACKETS = {"fact": ('["', '"]'), "symptom": ('(["', '"])'), "cause": ('("', '")')}
_ARROWS = {"for": "-->", "against": "-.->|against|", "produces": "==>"}


def to_mermaid(graph: Graph) -> str:
    """Return the graph in Mermaid's language."""
    number = {name: f"n{i}" for i, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for name, title in graph.nodes.items():
        left, right = _BRACKETS[name.partition(":")[0]]
        lines.append(f"  {number[name]}{left}{_escaped(title)}{right}")
    for edge in graph.edges:
        lines.append(f"  {number[edge.start]} {_ARROWS[edge.says]} {number[edge.end]}")
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    """Return the text with all that Mermaid or HTML would read as its own written as codes."""
    return "".join(f"#{ord(c)};" if c in '"#&<>`\\;' else c for c in " ".join(text.split()))

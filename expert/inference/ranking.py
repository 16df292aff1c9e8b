"""The order in which findings are told: root causes first, each consequence after its cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def root_causes_first(
    certainty: Mapping[str, float], links: Iterable[tuple[str, str]]
) -> list[str]:
    """Return the causes in the order to tell them.

    `links` are (cause, consequence) pairs. Causes that nothing present explains come first, ordered
    by the certainty of what they explain together with their own; then consequences, by certainty,
    never before what they follow from (circles are broken at the most certain cause).
    """
    present = list(certainty)
    children: dict[str, list[str]] = {id_: [] for id_ in present}
    parents: dict[str, set[str]] = {id_: set() for id_ in present}
    for cause, consequence in links:
        if cause in children and consequence in parents and cause != consequence:
            children[cause].append(consequence)
            parents[consequence].add(cause)
    weight = {id_: _explained(id_, children, certainty) for id_ in present}
    ordered: list[str] = []
    while len(ordered) < len(present):
        waiting = [id_ for id_ in present if id_ not in ordered]
        ready = [id_ for id_ in waiting if parents[id_] <= set(ordered)] or waiting
        roots = [id_ for id_ in ready if not parents[id_]] or ready
        ordered.append(max(roots, key=lambda id_: (weight[id_], certainty[id_])))
    return ordered


def _explained(
    root: str, children: Mapping[str, list[str]], certainty: Mapping[str, float]
) -> float:
    """Return the highest certainty among a cause and everything that follows from it."""
    seen, todo = {root}, [root]
    while todo:
        for child in children[todo.pop()]:
            if child not in seen:
                seen.add(child)
                todo.append(child)
    return max(certainty[id_] for id_ in seen)

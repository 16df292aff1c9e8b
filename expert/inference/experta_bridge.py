"""The only module that imports experta; it hides the traps of experta 1.9.4.

- Its pinned frozendict 1.2 needs `collections.Mapping`, gone since Python 3.10: lent while
  frozendict is imported, taken away again.
- Its package swallows an ImportError inside it (a `schema.py` of the user's in the way, say).
- It calls `logging.basicConfig()`: the handler that this adds to the root logger is removed.
- `1`, `True` and `1.0` are the same fact to it and values must be hashable: we declare only facts
  of the form (name, reading), where a reading is compared by identity.
- Firing order differs between runs: `TotalOrder` is a strategy whose order is total.
- Stock matching visits every pattern for every fact: see `expert.inference.matcher`.
"""

from __future__ import annotations

import collections
import collections.abc
import importlib
import logging
from bisect import insort
from typing import Any


def _import_frozendict() -> None:
    if hasattr(collections, "Mapping"):
        return
    collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]
    try:
        # Its class statement, which needs the name, runs once, here.
        import frozendict  # type: ignore[import-untyped] # noqa: F401
    finally:
        del collections.Mapping  # type: ignore[attr-defined]


def _import_experta() -> None:
    """Import experta's parts by name: its package hides why an import inside it failed."""
    before = list(logging.root.handlers)
    try:
        _import_frozendict()
        importlib.import_module("experta.engine")
    finally:
        for handler in [h for h in logging.root.handlers if h not in before]:
            logging.root.removeHandler(handler)


_import_experta()
from experta.abstract import Matcher, Strategy  # noqa: E402
from experta.activation import Activation  # noqa: E402
from experta.conditionalelement import AND, NOT, OR, TEST  # noqa: E402
from experta.engine import KnowledgeEngine  # noqa: E402
from experta.fact import Fact, InitialFact  # noqa: E402
from experta.fieldconstraint import P  # noqa: E402
from experta.rule import Rule  # noqa: E402
from experta.shortcuts import AS  # noqa: E402

__all__ = [
    "AND",
    "AS",
    "NOT",
    "OR",
    "TEST",
    "ActionRule",
    "Activation",
    "Concluded",
    "Fact",
    "InitialFact",
    "KnowledgeEngine",
    "Matcher",
    "Observed",
    "P",
    "Rule",
    "Strategy",
    "TotalOrder",
]


class _Named(Fact):  # type: ignore[misc]
    """A fact (name, reading), made without experta's freezing: both are hashable by design."""

    def __init__(self, **fields: Any) -> None:
        dict.update(self, fields)


class Observed(_Named):
    """`Observed(name="loss.initial", reading=Reading)`: something measured or answered."""


class Concluded(_Named):
    """`Concluded(name="symptom:loss-flat", reading=Reading)`: something inferred."""


class ActionRule(Rule):  # type: ignore[misc]
    """A rule whose action takes the engine and nothing else.

    Spares the inspection of the action's signature, a third of the cost of building a rule.
    """

    _wrapped: Any

    def __call__(self, *args: Any, **bound: Any) -> Any:
        """Take the action (as a decorator does), then, when the rule fires, perform it."""
        if self._wrapped is None:
            self._wrapped = args[0]
            self.__name__ = args[0].__name__
            return self
        return self._wrapped(args[0])


class TotalOrder(Strategy):  # type: ignore[misc]
    """Highest salience first, then the rules in the order in which they were given."""

    def _update_agenda(self, agenda: Any, added: list[Any], removed: list[Any]) -> None:
        if removed:
            gone = {id(activation) for activation in removed}
            agenda.activations = [a for a in agenda.activations if id(a) not in gone]
        for activation in added:
            activation.key = (activation.rule.salience, -activation.context["__order__"])
        if len(added) == 1:
            insort(agenda.activations, added[0], key=_key)
        elif added:
            agenda.activations = sorted([*agenda.activations, *added], key=_key)


def _key(activation: Any) -> tuple[int, int]:
    key: tuple[int, int] = activation.key
    return key

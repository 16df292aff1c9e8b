"""An experta matcher whose cost follows what changed, not how many rules there are.

Stock experta shows every fact to every pattern and visits every rule after every change. Here
rules are indexed by the (fact type, name) of their patterns, and a change wakes only the rules that
mention it. There is at most one fact per (type, name), so a rule needs no joins: it is a formula
over facts, and it fires when it becomes true.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from expert.inference.experta_bridge import (
    AND,
    NOT,
    OR,
    TEST,
    Activation,
    Fact,
    InitialFact,
    Matcher,
)

Key = tuple[type, Any]
Facts = Mapping[Key, Any]
Context = dict[str, Any]
#: Finds the facts that satisfy a conditional element and adds what it binds to the context.
Check = Callable[[Facts, Context], bool]


_START: Key = (InitialFact, None)


def key_of(fact: Any) -> Key:
    """Return what facts and patterns are indexed by."""
    return type(fact), fact.get("name")


class RuleIndex:
    """The rules of an engine, compiled and indexed once; shared by all engines that run them."""

    def __init__(self, rules: Iterable[Any]) -> None:
        self.rules = list(rules)
        self.checks = [_all_of(list(rule)) for rule in self.rules]
        self.by_key: dict[Key, list[int]] = {}
        for number, rule in enumerate(self.rules):
            for key in dict.fromkeys(_keys(rule)):
                self.by_key.setdefault(key, []).append(number)

    def woken_by(self, facts: Iterable[Any]) -> list[int]:
        """Return the rules that mention any of `facts`, in the order of the rules."""
        woken: set[int] = set()
        for fact in facts:
            woken.update(self.by_key.get(key_of(fact), ()))
        return sorted(woken)


class IndexedMatcher(Matcher):  # type: ignore[misc]
    """The matcher of engines that have an `index: RuleIndex`."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.index: RuleIndex = engine.index
        self.facts: dict[Key, Any] = {}
        self.active: dict[int, Any] = {}

    def reset(self) -> None:
        """Forget all facts and activations."""
        self.facts.clear()
        self.active.clear()

    def changes(
        self, adding: Iterable[Any] | None = None, deleting: Iterable[Any] | None = None
    ) -> tuple[list[Any], list[Any]]:
        """Take in facts and return (activations to add, activations to remove)."""
        deleted, added = list(deleting or ()), list(adding or ())
        for fact in deleted:
            if self.facts.get(key_of(fact)) is fact:  # not yet replaced by a newer one
                del self.facts[key_of(fact)]
        for fact in added:
            self.facts[key_of(fact)] = fact
        new: list[Any] = []
        gone: list[Any] = []
        for number in self.index.woken_by([*deleted, *added]):
            self._update(number, new, gone)
        return new, gone

    def _update(self, number: int, new: list[Any], gone: list[Any]) -> None:
        context: Context = {}
        matches = self.index.checks[number](self.facts, context)
        active = self.active.get(number)
        if matches and active is None:
            context["__order__"] = number
            activation = Activation(self.index.rules[number], (), context)
            self.active[number] = activation
            new.append(activation)
        elif not matches and active is not None:
            gone.append(self.active.pop(number))


# ----------------------------------------------------------- conditional elements to checks
def _keys(element: Any) -> Iterator[Key]:
    """Yield the keys of all facts whose coming or going may change a conditional element."""
    if isinstance(element, Fact):
        yield key_of(element)
    elif not isinstance(element, TEST):
        if isinstance(element, NOT):
            yield _START  # true from the beginning, when nothing else has been declared
        for part in element:
            yield from _keys(part)


def _check(element: Any) -> Check:
    match element:
        case Fact():
            return _pattern(element)
        case TEST():
            return _test(element[0])
        case NOT():
            inner = _all_of(list(element))
            return lambda facts, context: not inner(facts, dict(context))
        case AND():
            return _all_of(list(element))
        case OR():
            return _any_of([_check(part) for part in element])
    raise TypeError(f"rules may use AND, OR, NOT, TEST and patterns, not {type(element).__name__}")


def _all_of(elements: list[Any]) -> Check:
    if not elements:
        return _check(InitialFact())
    if len(elements) == 1:
        return _check(elements[0])
    # A TEST reads what the patterns bind: it comes after them, wherever it was written.
    checks = [_check(e) for e in sorted(elements, key=lambda e: isinstance(e, TEST))]
    return lambda facts, context: all(check(facts, context) for check in checks)


def _any_of(checks: list[Check]) -> Check:
    return lambda facts, context: any(check(facts, context) for check in checks)


def _pattern(pattern: Any) -> Check:
    key, bind, constraint = key_of(pattern), pattern.__bind__, pattern.get("reading")
    match = constraint.match if constraint is not None else _anything

    def check(facts: Facts, context: Context) -> bool:
        fact = facts.get(key)
        if fact is None or not match(fact.get("reading")):
            return False
        if bind:
            context[bind] = fact
        return True

    return check


def _anything(reading: Any) -> bool:
    return True


def _test(test: Callable[..., bool]) -> Check:
    names = tuple(inspect.signature(test).parameters)
    return lambda facts, context: test(**{name: context.get(name) for name in names})

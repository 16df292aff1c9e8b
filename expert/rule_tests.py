"""The tests that rule authors write beside their rules, run through the real engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from expert.inference.diagnose import diagnose
from expert.knowledge.loader import Knowledge
from expert.knowledge.reader import Place
from expert.knowledge.schema import RuleTest
from expert.observation import Observation, Scalar, Value


@dataclass(frozen=True, slots=True)
class Result:
    """How one rule test went; `failures` is empty when it passed."""

    owner: str  # "cause:ID" or "symptom:ID"
    name: str
    place: Place
    failures: tuple[str, ...]
    todo: bool

    @property
    def passed(self) -> bool:
        """Whether the test held, or failed as a `todo` that is expected to."""
        return not self.failures or self.todo


def run_rule_tests(knowledge: Knowledge, owners: Iterable[str] = ()) -> Iterator[Result]:
    """Run the rule tests of all conclusions, or only those of the ids in `owners`."""
    wanted = set(owners)
    for owner, document in knowledge.conclusions():
        kind, _, id_ = owner.partition(":")
        if wanted and id_ not in wanted:
            continue
        for i, test in enumerate(document.tests):
            place = knowledge.place(kind, id_, ("tests", i))
            yield Result(owner, test.name, place, tuple(_failures(test, knowledge)), test.todo)


def _failures(test: RuleTest, knowledge: Knowledge) -> Iterator[str]:
    try:
        observations = [_observation(name, value) for name, value in test.given.items()]
    except ValueError as error:
        yield str(error)
        return
    diagnosis = diagnose(observations, knowledge)
    found = [finding.cause for finding in diagnosis.findings]
    present = {*found, *(symptom.id for symptom in diagnosis.symptoms)}
    for id_ in test.expect:
        if id_ not in present:
            yield f"expected {id_}, found {', '.join(found) or 'nothing'}"
    for id_ in test.silent:
        if id_ in present:
            yield f"{id_} was concluded and should not be"
    if test.first and (not found or found[0] != test.first):
        yield f"expected {test.first} first, found {', '.join(found) or 'nothing'}"


def _observation(name: str, given: Any) -> Observation:
    """Return an observation from YAML: a value, a list of values, or values by layer name."""
    if isinstance(given, dict):
        return Observation(name, _checked(name, list(given.values())), tuple(given))
    if isinstance(given, list):
        return Observation(name, _checked(name, given), tuple(map(str, range(len(given)))))
    return Observation(name, _scalar(name, given))


def _checked(name: str, values: list[Any]) -> Value:
    return tuple(_scalar(name, value) for value in values)


def _scalar(name: str, value: Any) -> Scalar:
    if isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"{name}: '{value}' is not a value (number, text, true or false)")

"""The tests that rule authors write beside their rules, run through the real engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from expert.inference.diagnose import diagnose, program_for
from expert.knowledge.in_words import FaultyError
from expert.knowledge.loader import Knowledge
from expert.knowledge.reader import Place
from expert.knowledge.schema import RuleTest
from expert.language import Text
from expert.observation import Observation, Scalar, Value


@dataclass(frozen=True, slots=True)
class Result:
    """How one rule test went; `failures` is empty when it passed."""

    owner: str  # "cause:ID" or "symptom:ID"
    name: str
    place: Place
    failures: tuple[Text, ...]
    todo: bool
    #: Which rules of the conclusion the test belongs to have fired in it, "OWNER/RULE".
    fired: frozenset[str] = frozenset()

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
            yield _result(owner, test, place, knowledge)


def never_fired(knowledge: Knowledge, results: Iterable[Result]) -> list[tuple[str, Place]]:
    """Return the rules, with their places, that no test beside them makes fire.

    Looked at are the conclusions that `results` are about. A rule that only fires in the tests of
    another conclusion counts as never fired: nothing there says what it should lead to.
    """
    fired: dict[str, set[str]] = {}
    for result in results:
        fired.setdefault(result.owner, set()).update(result.fired)
    found = []
    for owner, document in knowledge.conclusions():
        kind, _, id_ = owner.partition(":")
        for i, rule in enumerate(document.evidence if owner in fired else ()):
            name = f"{id_}/{rule.rule}"
            if name not in fired[owner] and rule.status != "deprecated":
                found.append((name, knowledge.place(kind, id_, ("evidence", i))))
    return found


def _result(owner: str, test: RuleTest, place: Place, knowledge: Knowledge) -> Result:
    try:
        observations = [_observation(name, value) for name, value in test.given.items()]
    except FaultyError as error:
        return Result(owner, test.name, place, (error.text,), test.todo)
    firings = program_for(knowledge).run(observations).firings
    fired = frozenset(f.rule.id for f in firings if f.rule.owner == owner)
    failures = tuple(_failures(test, observations, knowledge))
    return Result(owner, test.name, place, failures, test.todo, fired)


def _failures(
    test: RuleTest, observations: list[Observation], knowledge: Knowledge
) -> Iterator[Text]:
    diagnosis = diagnose(observations, knowledge)
    found = [finding.cause for finding in diagnosis.findings]
    present = {*found, *(symptom.id for symptom in diagnosis.symptoms)}
    told = Text(en=", ".join(found) or "nothing", zh="、".join(found) or "什么也没有")
    for id_ in test.expect:
        if id_ not in present:
            yield Text(en=f"expected {id_}, found {told.en}", zh=f"应得出 {id_}，实得 {told.zh}")
    for id_ in test.silent:
        if id_ in present:
            yield Text(
                en=f"{id_} was concluded and should not be", zh=f"得出了 {id_}，但本不应得出"
            )
    if test.first and (not found or found[0] != test.first):
        yield Text(
            en=f"expected {test.first} first, found {told.en}",
            zh=f"应首先得出 {test.first}，实得 {told.zh}",
        )


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
    raise FaultyError(
        en=f"{name}: '{value}' is not a value (number, text, true or false)",
        zh=f"{name}：“{value}”不是取值（数字、文本、true 或 false）",
    )

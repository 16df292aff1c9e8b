"""`torchmedic rules lint` and `test`: what is probably wrong, and what certainly is."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text as Styled

from expert.cli.rules.providers import read_providers
from expert.errors import UsageError
from expert.knowledge.base import Knowledge
from expert.language import Language, Text
from expert.lint import CODES, all_remarks
from expert.rule_tests import Result, never_fired, run_rule_tests
from expert.spelling import did_you_mean


def lint(knowledge: Knowledge, console: Console, language: Language, *, notes: bool) -> int:
    """Print the remarks, with `notes` also what is merely worth knowing; 1 if there are any."""
    remarks = all_remarks(knowledge, read_providers())
    warnings = [remark for remark in remarks if remark.code.level == "warning"]
    for remark in remarks if notes else warnings:
        console.print(Styled(remark.say(language)))
    noted = Counter(remark.code.id for remark in remarks if remark.code.level == "note")
    told = ", ".join(f"{id_} {count}" for id_, count in sorted(noted.items()))
    causes, symptoms = len(knowledge.causes), len(knowledge.symptoms)
    summed = Text(
        en=f"{causes} causes, {symptoms} symptoms: {len(warnings)} remarks"
        + (f"; notes (--notes): {told}" if told else ""),
        zh=f"{causes} 个原因，{symptoms} 个现象：{len(warnings)} 条意见"
        + (f"；备注（--notes）：{told}" if told else ""),
    )
    console.print(Styled(summed.get(language)))
    return 1 if warnings else 0


def list_codes(console: Console, language: Language) -> int:
    """Print what lint looks for."""
    width = max(len(code.id) for code in CODES.values())
    for code in CODES.values():
        console.print(Styled(f"{code.id:<{width}}  {code.level:<7}  {code.meaning.get(language)}"))
    return 0


def test(ids: list[str], knowledge: Knowledge, console: Console, language: Language) -> int:
    """Run the rule tests; print the failures and what no test reaches; 1 if there is a failure.

    Without any test the answer is 1 as well.
    """
    _check_known(ids, knowledge)
    results = list(run_rule_tests(knowledge, ids))
    failed = [result for result in results if not result.passed]
    for result in failed:
        _print_failed(result, console, language)
    for name, place in never_fired(knowledge, results):
        told = Text(
            en=f"{place}: {name} fires in none of the tests beside it",
            zh=f"{place}：{name} 在其旁边的测试中从未触发",
        )
        console.print(Styled(told.get(language)))
    passed = len(results) - len(failed)
    summed = Text(
        en=f"{passed} passed, {len(failed)} failed",
        zh=f"{passed} 项通过，{len(failed)} 项失败",
    )
    console.print(Styled(summed.get(language)))
    return 1 if failed or not results else 0


def _check_known(ids: list[str], knowledge: Knowledge) -> None:
    known = {*knowledge.causes, *knowledge.symptoms}
    for id_ in ids:
        if id_ not in known:
            hint = did_you_mean(id_, known)
            raise UsageError(
                en=f"there is no cause or symptom '{id_}'" + (f"; {hint.en}" if hint else ""),
                zh=f"没有名为“{id_}”的原因或现象" + (f"；{hint.zh}" if hint else ""),
            )


def _print_failed(result: Result, console: Console, language: Language) -> None:
    head = f"{result.place}: {result.owner.partition(':')[2]}, {result.name}"
    console.print(Styled(head, style="bold red"))
    for failure in result.failures:
        console.print(Styled(f"    {failure.get(language)}"))

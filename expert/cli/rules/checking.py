"""`torchmedic rules lint` and `test`: what is probably wrong, and what certainly is."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.text import Text as Styled

from expert.cli.rules.probes import read_probes
from expert.errors import UsageError
from expert.knowledge.base import Knowledge
from expert.knowledge.validation import suggest
from expert.language import Language
from expert.lint import CODES, all_remarks
from expert.rule_tests import run_rule_tests


def lint(knowledge: Knowledge, console: Console, *, notes: bool) -> int:
    """Print the remarks, with `notes` also what is merely worth knowing; 1 if there are any."""
    remarks = all_remarks(knowledge, read_probes())
    warnings = [remark for remark in remarks if remark.code.level == "warning"]
    for remark in remarks if notes else warnings:
        console.print(Styled(str(remark)))
    counted = f"{len(knowledge.causes)} causes, {len(knowledge.symptoms)} symptoms"
    noted = Counter(remark.code.id for remark in remarks if remark.code.level == "note")
    told = ", ".join(f"{id_} {count}" for id_, count in sorted(noted.items()))
    more = f"; notes (--notes): {told}" if told else ""
    console.print(Styled(f"{counted}: {len(warnings)} remarks{more}"))
    return 1 if warnings else 0


def list_codes(console: Console, language: Language) -> int:
    """Print what lint looks for."""
    width = max(len(code.id) for code in CODES.values())
    for code in CODES.values():
        console.print(Styled(f"{code.id:<{width}}  {code.level:<7}  {code.meaning.get(language)}"))
    return 0


def test(ids: list[str], knowledge: Knowledge, console: Console) -> int:
    """Run the rule tests and print the failures; 1 if there are any, or no test at all."""
    known = {*knowledge.causes, *knowledge.symptoms}
    for id_ in ids:
        if id_ not in known:
            hint = suggest(id_, known) or ""
            raise UsageError(
                en=f"there is no cause or symptom '{id_}'; {hint}",
                zh=f"没有名为“{id_}”的原因或现象；{hint}",
            )
    results = list(run_rule_tests(knowledge, ids))
    failed = [result for result in results if not result.passed]
    for result in failed:
        head = f"{result.place}: {result.owner.partition(':')[2]}, {result.name}"
        console.print(Styled(head, style="bold red"))
        for failure in result.failures:
            console.print(Styled(f"    {failure}"))
    console.print(Styled(f"{len(results) - len(failed)} passed, {len(failed)} failed"))
    return 1 if failed or not results else 0

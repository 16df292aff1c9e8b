"""pytest: a fixture that fails a test on findings, and `--torchmedic FILE.py:FUNC`.

    def test_model_can_learn(torchmedic):
        torchmedic.check({"model": model, "loss_fn": loss_fn, "train_loader": loader})

Loaded in every pytest run of an environment with torchmedic, so nothing heavy is imported here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from expert.errors import TorchmedicError, UserCodeError
from expert.language import preferred_language

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis
    from probes.case.case import Case

_BUDGET_S = 60.0
_WIDTH = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--torchmedic` and its options."""
    group = parser.getgroup("torchmedic", "diagnosis of networks that do not train")
    group.addoption(
        "--torchmedic",
        action="append",
        default=[],
        metavar="FILE.py:FUNC",
        help="examine the case that FUNC returns, as a test that fails on findings (repeatable)",
    )
    group.addoption(
        "--torchmedic-budget",
        type=float,
        default=_BUDGET_S,
        metavar="SECONDS",
        help="time for each examination (default 60)",
    )


class Torchmedic:
    """What the fixture `torchmedic` gives."""

    def __init__(self, budget: float) -> None:
        self._budget = budget

    def check(
        self,
        case: Case | Mapping[str, Any],
        *,
        budget: float | None = None,
        ignore: Iterable[str] = (),
    ) -> Diagnosis:
        """Examine a case and fail the test on findings, except of the causes in `ignore`.

        `budget` in seconds, by default that of `--torchmedic-budget`. Returns the diagnosis.
        """
        __tracebackhide__ = True
        from torchmedic.checking import check

        diagnosis = check(case, budget=self._budget if budget is None else budget)
        if {finding.cause for finding in diagnosis.findings} - set(ignore):
            pytest.fail(told(diagnosis), pytrace=False)
        return diagnosis


@pytest.fixture
def torchmedic(request: pytest.FixtureRequest) -> Torchmedic:
    """Examine models in tests: `torchmedic.check(case)` fails with the diagnosis."""
    return Torchmedic(request.config.getoption("torchmedic_budget"))


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for every `--torchmedic FILE.py:FUNC`."""
    for spec in config.getoption("torchmedic"):
        items.append(CaseItem.from_parent(session, name=f"torchmedic[{spec}]", spec=spec))


class _FindingsError(Exception):
    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__()
        self.diagnosis = diagnosis


class CaseItem(pytest.Item):
    """The examination of one case, in a process of its own."""

    def __init__(self, *, spec: str, **options: Any) -> None:
        super().__init__(**options)
        self.spec = spec

    def runtest(self) -> None:
        """Examine the case; raise on findings."""
        from expert.consultation import consult
        from expert.knowledge.found import load_found

        budget = self.config.getoption("torchmedic_budget")
        diagnosis = consult(self.spec, load_found(), budget=budget).diagnosis
        if diagnosis.findings:
            raise _FindingsError(diagnosis)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the diagnosis, or what could not be done, instead of our frames."""
        error = excinfo.value
        if isinstance(error, _FindingsError):
            return told(error.diagnosis)
        if isinstance(error, TorchmedicError):
            trace = error.traceback if isinstance(error, UserCodeError) else ""
            return f"{trace}\n{error.say(preferred_language())}".lstrip()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Return what the test is called in a report."""
        return self.spec.rpartition(":")[0], None, self.name


def told(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as the text of a failure."""
    from rich.console import Console

    from expert.report.text_report import print_diagnosis

    stream = io.StringIO()
    console = Console(file=stream, width=_WIDTH, color_system=None, highlight=False)
    print_diagnosis(diagnosis, console, preferred_language())
    return stream.getvalue()

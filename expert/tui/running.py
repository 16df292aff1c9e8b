"""The real services of the app: child processes, the knowledge on the disk, the saved sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from expert.observation import Observation
from expert.tui.examining import (
    KnowledgeSource,
    OnEvent,
    OnOutput,
    RunningExamination,
    RunningTrials,
)
from expert.tui.patients import built_in_patients
from expert.tui.services import Services

if TYPE_CHECKING:
    from expert.knowledge.base import Knowledge
    from expert.tui.watching import RunningScript

_TRIAL_SECONDS = 120.0  # at most for one trial with its baselines


def real_services(
    *, rules: Sequence[str], budget: float, min_certainty: float, device: str | None
) -> Services:
    """Return the services that `run_tui` works with."""

    def load() -> KnowledgeSource:
        from expert.knowledge.found import LiveKnowledge

        return LiveKnowledge(*rules)

    def examine(
        spec: str,
        *,
        on_event: OnEvent,
        on_output: OnOutput,
        only: Sequence[str] = (),
        treated: Sequence[str] = (),
        given: Sequence[Observation] = (),
        knowledge: Knowledge | None = None,
    ) -> RunningExamination:
        from expert.examination import ExaminationProcess  # not before the first frame
        from expert.trial_inquiries import useful

        return ExaminationProcess(
            spec,
            budget=budget,
            device=device,
            only=only,
            treated=treated,
            given=useful(given) if treated else (),
            knowledge=knowledge,
            on_event=on_event,
            on_output=on_output,
        )

    def try_fixes(
        spec: str,
        trials: Sequence[str],
        *,
        given: Sequence[Observation],
        treated: Sequence[str],
        on_event: OnEvent,
        on_output: OnOutput,
    ) -> RunningTrials:
        from expert.trial_inquiries import useful
        from expert.trying import TrialRun

        return TrialRun(
            spec,
            trials,
            given=useful(given),
            treated=treated,
            budget=_TRIAL_SECONDS,
            device=device,
            on_event=on_event,
            on_output=on_output,
        )

    def watch(command: Sequence[str], *, on_event: OnEvent, on_output: OnOutput) -> RunningScript:
        from expert.tui.watching import WatchProcess

        return WatchProcess(command, on_event=on_event, on_output=on_output)

    return Services(
        load_knowledge=load,
        examine=examine,
        try_fixes=try_fixes,
        watch=watch,
        patients=built_in_patients(),
        budget=budget,
        min_certainty=min_certainty,
    )

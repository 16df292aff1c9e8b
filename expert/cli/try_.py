"""`torchmedic try FILE.py:FUNC`: try the fixes of the top findings on copies, and show the cure."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Final

from rich.console import Console

from expert.cli.check import tell_refusal
from expert.cli.knowledge import knowledge_for
from expert.cli.output import refuse_unwritable, write_others
from expert.cli.progress import ProgressDisplay
from expert.diagnosis import Diagnosis, Remedy
from expert.errors import UserCodeError
from expert.examination import examine
from expert.examined import Examined
from expert.inference.diagnose import diagnose
from expert.knowledge.base import Knowledge
from expert.language import Text
from expert.observation import Observation
from expert.report.json_report import to_json
from expert.report.trial_report import TrialRow, cure_report, print_trials
from expert.trial_inquiries import useful
from expert.tried import Tried
from expert.trying import try_fixes

MOST_CHANGES: Final = 3  # that together heal
MOST_TRIALS: Final = 8  # in one round
MOST_GUESSES: Final = 2  # changes that showed nothing alone and may yet be one half of a cure
INTERRUPTED: Final = 130  # exit status after Ctrl-C, as shells have it
_EXAMINING: Final = 0.75  # of what is left of the budget, at most
_LEAST: Final = 5.0  # seconds: less is not worth another round


def try_(options: argparse.Namespace) -> int:
    """Examine, diagnose, try the fixes, report; returns the exit status."""
    knowledge = knowledge_for(options)
    refuse_unwritable(options)
    with ProgressDisplay(Console(stderr=True), options.lang) as display:
        session = _Session(options, knowledge, display)
        session.run()
    diagnosis = session.diagnosis
    if session.refusal is not None:
        if not diagnosis.findings:
            raise session.refusal
        tell_refusal(session.refusal, options.lang)
    _report(session, diagnosis, options)
    if session.interrupted:
        return INTERRUPTED
    return 1 if diagnosis.findings else 0


@dataclass
class _Session:
    """Rounds of examining, diagnosing and trying, each with the changes found to help so far."""

    options: argparse.Namespace
    knowledge: Knowledge
    display: ProgressDisplay
    diagnosis: Diagnosis = field(init=False)
    refusal: UserCodeError | None = None
    changes: list[str] = field(default_factory=list)  # applied in the present round
    proven: list[str] = field(default_factory=list)  # those that were seen to help
    guesses: list[str] = field(default_factory=list)  # to begin with where nothing helped alone
    cured: bool = False
    interrupted: bool = False
    rows: list[TrialRow] = field(default_factory=list)
    remedies: dict[str, Remedy] = field(default_factory=dict)  # by trial, of all rounds

    def run(self) -> None:
        """Do the first round, whose diagnosis is the one reported, and further ones as needed."""
        self._end = time.monotonic() + self.options.budget
        examined = first = self._examine(())
        self.refusal = examined.refusal
        seen = self._diagnose(examined.observations, examined)
        tried = alone = self._try(seen, examined.observations)
        facts = (*examined.observations, *tried.observations)
        self.diagnosis = self._diagnose(facts, examined, tried)
        self.guesses = _guesses(seen, tried)  # as it was seen before: trials that failed speak
        sick = self.diagnosis  # against the very faults that hide each other's cure
        try:
            while self._goes_on(tried, sick):
                examined = self._examine(self.changes, examined.observations)
                sick = self._diagnose(examined.observations, examined)
                tried = self._try(sick, examined.observations)
        except KeyboardInterrupt:  # what the rounds before have shown is still worth telling
            self.interrupted = True
        if len(self.proven) > 1:
            together = _together(alone, self.proven, self.rows)
            facts = (*first.observations, *together.observations)
            self.diagnosis = self._diagnose(facts, first, alone)

    def _goes_on(self, tried: Tried, sick: Diagnosis) -> bool:
        """Take the best change; returns whether another one is wanted and there is time for it."""
        best = tried.best
        if tried.interrupted:
            self.interrupted = True
        if best is not None:
            self.changes += [best["id"], *best["also"]]
            self.proven, self.cured = list(self.changes), bool(best["cured"])
        elif self.proven or not self.guesses or self.options.trial:
            return False
        else:
            self.changes = [self.guesses.pop(0)]  # two faults may hide each other's cure
        healed = self.cured and (best is None or not _others(sick, best["id"]))
        enough = healed or self.interrupted or len(self.changes) >= MOST_CHANGES
        return not enough and self._end - time.monotonic() > _LEAST

    def _examine(self, treated: Sequence[str], given: Sequence[Observation] = ()) -> Examined:
        left = self._end - time.monotonic()
        return examine(
            self.options.spec,
            budget=max(left * _EXAMINING, 1.0),
            device=self.options.device,
            treated=treated,
            given=useful(given),
            on_event=self.display.update,
            on_output=self.display.user_output,
        )

    def _diagnose(
        self, facts: Sequence[Observation], examined: Examined, tried: Tried | None = None
    ) -> Diagnosis:
        inquiries = (*examined.inquiries, *(tried.inquiries if tried else ()))
        certainty = self.options.min_certainty
        return diagnose(facts, self.knowledge, min_certainty=certainty, inquiries=inquiries)

    def _try(self, diagnosis: Diagnosis, facts: Sequence[Observation]) -> Tried:
        wanted: Sequence[str] = self.options.trial or ()
        found = _proposed(diagnosis, self.options.top)
        self.remedies = {trial: fix for trial, (_, fix) in found.items()} | self.remedies
        pairs = {trial: (cause, fix.title) for trial, (cause, fix) in found.items()}
        if wanted:
            pairs = {id_: pairs.get(id_, ("", Text(id_, id_))) for id_ in wanted}
        trials = [trial for trial in pairs if trial not in self.changes]
        if not trials:
            return Tried({})
        tried = try_fixes(
            self.options.spec,
            trials if wanted else trials[:MOST_TRIALS],
            given=useful(facts),
            treated=self.changes,
            budget=max(self._end - time.monotonic(), 1.0),
            device=self.options.device,
            jobs=self.options.jobs,
            on_ray=self.options.ray,
            on_event=self.display.update,
            on_output=self.display.user_output,
        )
        base = tuple(self.changes)
        self.rows += [TrialRow(base, *pairs[id_], tried.results[id_]) for id_ in tried.results]
        return tried


def _proposed(diagnosis: Diagnosis, top: int) -> dict[str, tuple[str, Remedy]]:
    """Return the trials of the top findings' fixes, with the (cause, fix) of each.

    The first fix of every finding comes before the second of any.
    """
    tried = [
        [(fix.trial, (finding.cause, fix)) for fix in finding.fixes if fix.trial]
        for finding in diagnosis.findings[:top]
    ]
    found: dict[str, tuple[str, Remedy]] = {}
    for row in zip_longest(*tried):
        for entry in row:
            if entry is not None:
                found.setdefault(*entry)
    return found


def _guesses(diagnosis: Diagnosis, tried: Tried) -> list[str]:
    """Return the first trial of each of the first findings."""
    made = {id_ for id_, result in tried.results.items() if result["tried"]}
    firsts = [
        next((fix.trial for fix in finding.fixes if fix.trial in made), None)
        for finding in diagnosis.findings
    ]
    return [trial for trial in dict.fromkeys(firsts) if trial is not None][:MOST_GUESSES]


def _together(alone: Tried, proven: Sequence[str], rows: Sequence[TrialRow]) -> Tried:
    """Return what trials showed, those that only helped with others by what they did with them."""
    last = next(row.result for row in reversed(rows) if row.changes == list(proven))
    both = {
        id_: {**last, "id": id_} if id_ in proven and not result["improved"] else result
        for id_, result in alone.results.items()
    }
    return Tried(both)


def _others(diagnosis: Diagnosis, trial: str) -> bool:
    """Return whether there are findings that do not just follow from what the trial healed."""
    healed = {f.cause for f in diagnosis.findings if any(fix.trial == trial for fix in f.fixes)}
    return any(
        f.cause not in healed and not healed.intersection(f.because_of) for f in diagnosis.findings
    )


def _report(session: _Session, diagnosis: Diagnosis, options: argparse.Namespace) -> None:
    write_others(diagnosis, options, "json")
    cure = cure_report(session.rows, session.proven, options.lang, cured=session.cured)
    if options.json == "-":
        sys.stdout.write(to_json(diagnosis, options.lang, cure=cure))
        sys.stdout.flush()
        return
    console = Console(highlight=False)
    print_trials(diagnosis, session.rows, cure, session.remedies, console, options.lang)
    if options.json:
        text = to_json(diagnosis, options.lang, cure=cure)
        Path(options.json).write_text(text, encoding="utf-8")

"""What an assistant can ask for: plain functions that take and return JSON.

They know nothing of the protocol; `expert.assistant.server` offers them over it. Each raises
TorchmedicError with one sentence that says what to do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expert.asking import Answered, Questionnaire
from expert.assistant.permissions import Permissions
from expert.cli.log import diagnosis_of_logs
from expert.consultation import consult
from expert.diagnosis import Diagnosis
from expert.errors import UsageError
from expert.inference.diagnose import diagnose
from expert.inference.explain import explain
from expert.knowledge.base import Knowledge
from expert.knowledge.schema import Question
from expert.language import Language
from expert.observation import Observation
from expert.report.explanation_report import explanation_data
from expert.report.json_report import diagnosis_report
from expert.rule_tests import run_rule_tests
from expert.spelling import did_you_mean

Json = dict[str, Any]

_WATCH_LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools over one knowledge, within what the user has allowed."""

    knowledge: Knowledge
    permissions: Permissions = field(default_factory=Permissions)
    language: Language = "en"

    def examine_case(self, spec: str, budget_seconds: float = 120.0) -> Json:
        """Measure the case that the function FUNC of FILE.py returns ("FILE.py:FUNC"); diagnose it.

        FUNC returns a dict with model, loss_fn, optimizer, train_loader and more. Runs the user's
        code in a process of its own; their model, data and random numbers stay as they were.
        """
        self.permissions.require_running()
        case = self.permissions.spec(spec)
        return self._report(consult(case, self.knowledge, budget=budget_seconds).diagnosis)

    def watch_script(self, script: str, arguments: Sequence[str] = ()) -> Json:
        """Run a training script as `python SCRIPT ARGUMENTS` would, watch it, and diagnose it."""
        self.permissions.require_running()
        path = self.permissions.path(script)
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "diagnosis.json"
            command = [sys.executable, "-m", "expert", "run", "--json", str(result)]
            command += ["--lang", self.language, str(path), *arguments]
            try:
                ended = subprocess.run(
                    command,
                    cwd=self.permissions.folder,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    stdin=subprocess.DEVNULL,
                    timeout=_WATCH_LIMIT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise UsageError(
                    en=f"{script} ran for more than an hour and was stopped; give it fewer epochs",
                    zh=f"{script} 运行超过一小时，已被停止；请减少训练轮数",
                ) from None
            if not result.is_file():
                tail = ended.stderr.strip()[-2000:]
                raise UsageError(
                    en=f"no training was seen in {script} (exit status {ended.returncode}): {tail}",
                    zh=f"在 {script} 中没有看到训练（退出状态 {ended.returncode}）：{tail}",
                )
            diagnosis: Json = json.loads(result.read_text(encoding="utf-8"))
        return diagnosis

    def read_log(
        self,
        files: Sequence[str],
        train_loss: str | None = None,
        val_loss: str | None = None,
    ) -> Json:
        """Diagnose from the curves in the logs of one run; runs nothing.

        CSV, JSON Lines, trainer_state.json, TensorBoard event files, or printed lines such as
        "loss: 0.12". `train_loss` and `val_loss` say which curve is which where that is unclear.
        """
        paths = [str(self.permissions.path(name)) for name in files]
        diagnosis, _ = diagnosis_of_logs(
            paths, self.knowledge, train_loss=train_loss, val_loss=val_loss
        )
        return self._report(diagnosis)

    def diagnose_facts(self, facts: Mapping[str, Any]) -> Json:
        """Diagnose from facts alone, as {"optimizer.learning_rate": 10}; `list_facts` names them.

        A value per layer is {"value": [..], "where": [..]}.
        """
        return self._told(self._observations(facts))

    def next_question(self, answers: Mapping[str, str | None] | None = None) -> Json:
        """Return the question whose answer would tell most now, and what is concluded so far.

        `answers` maps ids of questions asked before to the id of the choice, or null for "I don't
        know". "question" is null when nothing is worth asking.
        """
        given = answers or {}
        for id_, choice in given.items():
            self._check_answer(id_, choice)
        answered = [Answered(id_, choice) for id_, choice in given.items()]
        asking = Questionnaire(self.knowledge, answers=answered)
        question = asking.next()
        asked = self._question(question, asking) if question else None
        return {"question": asked, "diagnosis": self._told(asking.observations)}

    def explain_cause(self, facts: Mapping[str, Any], cause: str) -> Json:
        """Explain how a cause was concluded or why not: every rule, its condition, what it saw.

        `facts` is the "facts" of a diagnosis.
        """
        self._check_known(cause, [*self.knowledge.causes, *self.knowledge.symptoms])
        found = explain(self._observations(facts), self.knowledge, cause)
        return explanation_data(found, self.language)

    def list_causes(self) -> list[Json]:
        """List every cause that can be diagnosed."""
        return [
            {"id": id_, "title": cause.title.text.get(self.language)}
            for id_, cause in self.knowledge.causes.items()
        ]

    def list_facts(self) -> list[Json]:
        """List every fact that rules use, with its unit and meaning."""
        return [
            {"id": id_, **fact.model_dump(mode="json", exclude_none=True)}
            for id_, fact in self.knowledge.facts.items()
        ]

    def show_rule(self, id: str) -> Json:
        """Show a cause or symptom whole: evidence, certainties, fixes, sources."""
        self._check_known(id, [*self.knowledge.causes, *self.knowledge.symptoms])
        document = self.knowledge.causes.get(id) or self.knowledge.symptoms[id]
        return document.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def test_rules(self, ids: Sequence[str] = ()) -> Json:
        """Run the tests beside the rules: all, or those of some causes and symptoms."""
        for id_ in ids:
            self._check_known(id_, [*self.knowledge.causes, *self.knowledge.symptoms])
        results = list(run_rule_tests(self.knowledge, ids))
        failures = [
            {"of": r.owner, "test": r.name, "place": str(r.place), "failures": list(r.failures)}
            for r in results
            if not r.passed
        ]
        return {"passed": len(results) - len(failures), "failed": failures}

    def _told(self, observations: Sequence[Observation]) -> Json:
        return self._report(diagnose(observations, self.knowledge))

    def _report(self, diagnosis: Diagnosis) -> Json:
        return diagnosis_report(diagnosis, self.language).model_dump(mode="json", by_alias=True)

    def _question(self, question: Question, asking: Questionnaire) -> Json:
        return {
            "id": question.question,
            "text": question.text.text.get(self.language),
            "why": asking.why(question).get(self.language),
            "choices": [
                {"id": choice.answer, "text": choice.text.text.get(self.language)}
                for choice in question.choices
            ],
        }

    def _observations(self, facts: Mapping[str, Any]) -> list[Observation]:
        return [self._observation(name, value) for name, value in facts.items()]

    def _observation(self, name: str, value: Any) -> Observation:
        self._check_known(name, self.knowledge.facts)
        whole = value if isinstance(value, Mapping) else {"value": value}
        try:
            return Observation.from_json({"name": name, **whole})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                en=f"the value of {name} cannot be used: {error}",
                zh=f"{name} 的值无法使用：{error}",
            ) from None

    def _check_answer(self, id_: str, choice: str | None) -> None:
        self._check_known(id_, self.knowledge.questions)
        choices = [each.answer for each in self.knowledge.questions[id_].choices]
        if choice is not None:
            self._check_known(choice, choices)

    def _check_known(self, id_: str, known: Iterable[str]) -> None:
        ids = list(known)
        if id_ not in ids:
            hint = did_you_mean(id_, ids)
            raise UsageError(
                en=f"there is no '{id_}'" + (f"; {hint.en}" if hint else ""),
                zh=f"没有“{id_}”" + (f"；{hint.zh}" if hint else ""),
            )

"""An examination that is made up: the tests decide what it tells and when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from expert.diagnosis import Inquiry
from expert.errors import UserCodeError
from expert.knowledge.loader import Knowledge, load_knowledge
from expert.language import Language, Text
from expert.observation import Observation
from expert.tried import Tried
from expert.tui.app import TorchmedicApp
from expert.tui.examining import FixedKnowledge, KnowledgeSource, OnEvent, OnOutput
from expert.tui.outcome import Kind, Subject
from expert.tui.progress import Progress
from expert.tui.services import Services
from expert.tui.sessions.store import SessionStore
from expert.tui.watching import Watch, Watched

TITLES = {
    "data": Text("The input data", "输入数据"),
    "activations": Text("Activations of every layer", "各层的激活值"),
    "learning_rate": Text("Learning rate, by a sweep", "学习率扫描"),
    "own_rate": Text("A short run at your own settings", "按您的设置短时训练"),
}
START = {
    "event": "start",
    "probes": [{"id": id_, "title": title.to_json(), "cost": 10} for id_, title in TITLES.items()],
}
SICK = (
    Observation("input.mean_over_std", 3.2, origin="probe:data"),
    Observation(
        "activation.dead_share",
        (0.0, 0.75, 1.0),
        where=("net.0", "net.2", "net.4"),
        origin="probe:activations",
    ),
    Observation("learning_rate.over_largest_stable", 12.5, origin="probe:learning_rate"),
    Observation("run.diverged", True, origin="probe:own_rate"),
)
HEALTHY = (
    Observation("input.mean_over_std", 0.1, origin="probe:data"),
    Observation("activation.dead_share", (0.0,), where=("net.0",), origin="probe:activations"),
    Observation("learning_rate.over_largest_stable", 0.3, origin="probe:learning_rate"),
    Observation("run.diverged", False, origin="probe:own_rate"),
)


def running(id_: str, progress: float) -> dict[str, Any]:
    return {"event": "probe", "id": id_, "status": "running", "progress": progress}


def ended(
    id_: str, *seen: Observation, status: str = "done", reason: Text | None = None
) -> dict[str, Any]:
    return {
        "event": "probe",
        "id": id_,
        "status": status,
        "seconds": 1.25,
        "steps": 3,
        "reason": reason.to_json() if reason else None,
        "observations": [observation.to_json() for observation in seen],
    }


def script(observations: Iterable[Observation]) -> list[Mapping[str, Any]]:
    """Return the events of an examination in which each probe sees one of `observations`."""
    events: list[Mapping[str, Any]] = [START]
    for id_, observation in zip(TITLES, observations, strict=True):
        events += [running(id_, 0.5), ended(id_, observation)]
    return events


@dataclass
class Result:
    observations: tuple[Observation, ...]
    inquiries: tuple[Inquiry, ...]
    refusal: UserCodeError | None = None


@dataclass
class MadeUp:
    """Tells `events`, prints `output`, fails with `error`; with `waits` it ends when cancelled."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    output: str = ""
    error: Exception | None = None
    refusal: UserCodeError | None = None
    waits: bool = False
    specs: list[str] = field(default_factory=list)
    only: list[tuple[str, ...]] = field(default_factory=list)
    treated: list[tuple[str, ...]] = field(default_factory=list)
    skipped: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    running: int = 0

    def __call__(
        self,
        spec: str,
        *,
        on_event: OnEvent,
        on_output: OnOutput,
        only: Sequence[str] = (),
        treated: Sequence[str] = (),
        given: Sequence[Observation] = (),
        knowledge: Knowledge | None = None,
    ) -> _Run:
        self.specs.append(spec)
        self.only.append(tuple(only))
        self.treated.append(tuple(treated))
        return _Run(self, on_event, on_output)


@dataclass
class _Run:
    script: MadeUp
    on_event: OnEvent
    on_output: OnOutput

    def run(self) -> Result:
        self.script.running += 1
        try:
            return self._told()
        finally:
            self.script.running -= 1

    def _told(self) -> Result:
        if self.script.output:
            self.on_output(self.script.output)
        progress = Progress(0.0, 60.0)
        for event in self.script.events:
            progress.apply(event, 0.0)
            self.on_event(event)
        if self.script.waits:
            assert self.script.cancelled.wait(30.0), "nobody ended the examination"
        if self.script.error is not None:
            raise self.script.error
        return Result(tuple(progress.observations), progress.inquiries(), self.script.refusal)

    def cancel(self) -> None:
        self.script.cancelled.set()

    def skip(self) -> None:
        self.script.skipped += 1


@dataclass(frozen=True)
class MadeUpPatient:
    id: str
    title: Text
    story: Text
    spec: str


PATIENTS = (
    MadeUpPatient(
        "stuck",
        Text("The loss that never moves", "纹丝不动的损失"),
        Text("Three layers, and a loss of [bold]2.30[/] for ever.", "三层网络，损失始终为 2.30。"),
        "patients/stuck.py:case",
    ),
    MadeUpPatient(
        "explodes",
        Text("The loss that explodes", "爆炸的损失"),
        Text("After ten steps it is NaN.", "十步之后变成 NaN。"),
        "patients/explodes.py:case",
    ),
)


@cache
def small_knowledge() -> Knowledge:
    return load_knowledge(Path(__file__).with_name("rules.yaml"), built_in=False)


@dataclass
class MadeUpTrials:
    """Tells `events` of a trial and ends with `result`."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    error: Exception | None = None
    tried: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(
        self,
        spec: str,
        trials: Sequence[str],
        *,
        given: Sequence[Observation],
        treated: Sequence[str],
        on_event: OnEvent,
        on_output: OnOutput,
    ) -> _TrialRun:
        self.tried.append(tuple(trials))
        return _TrialRun(self, trials, on_event)


@dataclass
class _TrialRun:
    script: MadeUpTrials
    trials: Sequence[str]
    on_event: OnEvent

    def run(self) -> Tried:
        for event in self.script.events:
            self.on_event(event)
        if self.script.error is not None:
            raise self.script.error
        return Tried({id_: self.script.results[id_] for id_ in self.trials})

    def cancel(self) -> None: ...


def trial_result(id_: str, *, cured: bool = True) -> dict[str, Any]:
    return {
        "id": id_,
        "tried": True,
        "improved": cured,
        "cured": cured,
        "measure": "loss",
        "before": 2.3,
        "after": 0.1 if cured else 2.3,
        "baseline": 2.3,
        "steps": 40,
        "gain": 0.9 if cured else 0.0,
        "score": 0.9,
        "reason": None,
        "also": [],
        "curves": {
            "treated": {"train": [[i, 2.3 * 0.9**i] for i in range(40)]},
            "baseline": {"train": [[i, 2.3] for i in range(40)]},
        },
    }


@dataclass
class MadeUpScript:
    events: Sequence[Mapping[str, Any]] = ()
    watched: Watched = field(default_factory=lambda: Watched(0))
    commands: list[list[str]] = field(default_factory=list)
    looked_at: threading.Event = field(default_factory=threading.Event)  # it ends when set

    def __call__(
        self, command: Sequence[str], *, on_event: OnEvent, on_output: OnOutput
    ) -> MadeUpScript:
        self.commands.append(list(command))
        self.on_event, self.on_output = on_event, on_output
        return self

    def run(self) -> Watched:
        self.on_output("epoch [red]1\n")
        for event in self.events:
            self.on_event(event)
        assert self.looked_at.wait(60.0), "nobody looked"
        return self.watched

    def interrupt(self) -> None: ...

    def cancel(self) -> None: ...


CAUSE = {
    "cause": "learning-rate-too-high",
    "certainty": 0.9,
    "title": {"en": "The learning rate is too high", "zh": "学习率过高"},
    "locations": [{"file": "train.py", "line": 7}],
}


def app(
    examination: MadeUp,
    *,
    language: Language = "en",
    spec: str | None = None,
    kind: Kind = "demo",
    load: Callable[[], Knowledge] = small_knowledge,
    trials: MadeUpTrials | None = None,
    store: SessionStore | None = None,
    source: Callable[[], KnowledgeSource] | None = None,
    watch: Watch | None = None,
) -> TorchmedicApp:
    services = Services(
        load_knowledge=source or (lambda: FixedKnowledge(load())),
        examine=examination,
        try_fixes=trials,
        watch=watch,
        patients=PATIENTS,
        store=store or SessionStore(),
        budget=60.0,
    )
    subject = Subject(spec, kind=kind) if spec is not None else None
    return TorchmedicApp(services, language=language, subject=subject)

"""An examination that is made up: the tests decide what it tells and when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from expert.diagnosis import Inquiry
from expert.errors import UserCodeError
from expert.knowledge.loader import Knowledge, load_knowledge
from expert.language import Language, Text
from expert.observation import Observation
from expert.tui.app import TorchmedicApp
from expert.tui.examining import OnEvent, OnOutput
from expert.tui.outcome import Subject
from expert.tui.progress import Progress

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
    cancelled: threading.Event = field(default_factory=threading.Event)
    running: int = 0

    def __call__(self, spec: str, *, on_event: OnEvent, on_output: OnOutput) -> _Run:
        self.specs.append(spec)
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


def app(
    examination: MadeUp,
    *,
    language: Language = "en",
    spec: str | None = None,
    load: Callable[[], Knowledge] = small_knowledge,
) -> TorchmedicApp:
    return TorchmedicApp(
        language=language,
        load_knowledge=load,
        examine=examination,
        budget=60.0,
        patients=PATIENTS,
        subject=Subject(spec) if spec else None,
    )

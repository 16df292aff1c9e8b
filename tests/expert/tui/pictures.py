"""Pictures of every screen for the documentation, from a walk on real patients.

    python -m tests.expert.tui.pictures [FOLDER] [--only NAME]... [--lang zh] [--size 100x30]

It takes some minutes. The pictures hold no path of this machine: each walk runs in a folder of its
own, or in the checkout.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import os
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.cells import cell_len
from textual.pilot import Pilot

from expert.language import Language
from expert.tui.app import TorchmedicApp
from expert.tui.outcome import Subject
from expert.tui.patients import patient_called
from expert.tui.running import real_services
from expert.tui.screens.diagnosis import DiagnosisScreen
from expert.tui.screens.talking import TalkingScreen
from expert.tui.screens.trial import TrialScreen
from expert.tui.screens.watch import CURVE, WatchScreen
from expert.tui.themes import DARK, LIGHT

PLACE = Path(__file__).resolve().parents[3] / "docs" / "images"
LONG = 240.0  # seconds that an examination may take here
SCRIPT = """\
import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(2000, 20)
labels = (inputs[:, 0] + inputs[:, 1] * inputs[:, 2] > 0).long()
model = nn.Sequential(
    nn.Linear(20, 64), nn.Sigmoid(), nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 64),
    nn.Sigmoid(), nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 2),
)
data = torch.utils.data.DataLoader(list(zip(inputs, labels)), batch_size=32, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(400):
    for x, y in data:
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}  loss {loss.item():.3f}", flush=True)
"""
PATTERN = """\
fact: padding.share
type: number
unit: share
meaning: {en: "Share of padding.", zh: "填充所占比例。"}
inquiry: probe:padding
---
cause: mostly-padding
title: {en: "The sequences are mostly padding", zh: "序列大部分是填充"}
explanation: {en: "Most time steps hold no data.", zh: "大部分时间步没有数据。"}
sources: [orangeduck/6]
evidence:
  - rule: padded
    when: {fact: padding.shore, at_least: 0.8}
    certainty: 0.7
    reason: {en: "Most steps are padding.", zh: "大部分是填充。"}
"""


class Walk:
    """One app at work, and the pictures taken of it."""

    def __init__(self, pilot: Pilot[int], folder: Path, only: set[str]) -> None:
        self.pilot, self._folder, self._only = pilot, folder, only

    @property
    def screen(self) -> TalkingScreen[None]:
        assert isinstance(self.pilot.app.screen, TalkingScreen)
        return self.pilot.app.screen

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        for _ in range(int(LONG / 0.1)):
            if condition():
                await self.pilot.pause(0.3)
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"waited in vain for {what} on {self.pilot.app.screen}")

    async def on(self, screen: type[TalkingScreen[None]]) -> None:
        await self.until(lambda: isinstance(self.pilot.app.screen, screen), screen.__name__)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.2)

    async def take(self, name: str) -> None:
        await self.pilot.pause(0.6)
        if self._only and name not in self._only:
            return
        picture = self.pilot.app.export_screenshot(title="torchmedic")
        (self._folder / f"{name}.svg").write_text(_lasting(picture), encoding="utf-8")
        print(name, flush=True)


def _lasting(picture: str) -> str:
    """Return a picture whose names do not change from one run to the next."""
    picture = re.sub(r"terminal-\d+", "terminal", picture)
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _wide, picture)


def _wide(text: re.Match[str]) -> str:
    """Give Chinese text the two cells a character that the terminal gives it."""
    length, rest, shown = text.groups()
    shown_ = html.unescape(shown)
    cells = float(length) / max(len(shown_), 1) * cell_len(shown_)
    return f'textLength="{cells:.5g}"{rest}>{shown}<'


async def _demo(walk: Walk) -> None:
    """A demo patient from the start to the comparison after the cure."""
    app = walk.pilot.app
    assert isinstance(app, TorchmedicApp)
    await walk.until(lambda: app._source.done(), "the rules")
    await walk.take("start")
    patient = patient_called("loss-explodes", app.services.patients)
    app.begin(Subject(patient.spec, patient.title, "demo"))
    for _ in range(200):  # somewhere in the middle
        await asyncio.sleep(0.2)
        found = getattr(walk.screen, "_progress", None)
        if found is not None and sum(p.status == "done" for p in found.probes.values()) >= 8:
            break
    await walk.take("examination")
    await walk.on(DiagnosisScreen)
    await _diagnosed(walk)
    await walk.take("diagnosis")
    app.language, app.theme = "zh", LIGHT.name
    await walk.take("diagnosis-zh")
    app.language, app.theme = "en", DARK.name
    await walk.press("2")
    await walk.take("plots")
    await walk.press("1", "h")
    await walk.take("how")
    await walk.press("escape", "w")
    await walk.take("what-if")
    await walk.press("escape", "x")
    await walk.take("export")
    await walk.press("escape", "question_mark")
    await walk.take("help")
    await walk.press("escape", "t")
    screen = walk.pilot.app.screen
    assert isinstance(screen, TrialScreen)
    await walk.until(lambda: screen._state == "done", "the trial")
    await walk.take("trial")
    await walk.press("c")
    await walk.until(
        lambda: isinstance(app.screen, DiagnosisScreen) and app.screen.session.follows is not None,
        "the examination after the cure",
    )
    await _diagnosed(walk)
    await walk.press("c")
    await walk.take("compare")
    await walk.press("escape", "ctrl+k")
    await walk.take("knowledge")
    app.back_to_start()
    await walk.press("6")
    await walk.take("sessions")


async def _diagnosed(walk: Walk) -> None:
    screen = walk.pilot.app.screen
    assert isinstance(screen, DiagnosisScreen)
    await walk.until(lambda: screen.diagnosis is not None, "the diagnosis")
    await walk.pilot.pause(1.5)


async def _questions(walk: Walk) -> None:
    """Only symptoms: what is seen, and the first question."""
    app = walk.pilot.app
    assert isinstance(app, TorchmedicApp)
    app.begin(Subject("", kind="symptoms"))
    await walk.until(lambda: bool(walk.screen.query("#choices")), "the question")
    await walk.pilot.pause(2.0)
    await walk.take("symptoms")
    for answer in ("3", "1", "2"):
        await walk.press(answer)
        await walk.pilot.pause(1.5)
    await walk.take("questions")


async def _logs(walk: Walk) -> None:
    """Folders with logs."""
    now = time.time()
    for minutes, name in ((3, "resnet-lr-0.1"), (190, "resnet-lr-0.01"), (3000, "first")):
        folder = Path("runs", name)
        folder.mkdir(parents=True)
        for ending, size in (("metrics.csv", 400), ("console.log", 2500)):
            path = Path("runs", f"{name}-{ending}")
            path.write_text("step,loss\n" + "1,2.30\n" * size, encoding="utf-8")
            os.utime(path, (now - 60 * minutes, now - 60 * minutes))
    os.chdir("runs")
    await walk.pilot.pause(0.5)
    await walk.press("3", "down", "down", "down", "down", "down")
    await walk.take("logs")


async def _live(walk: Walk) -> None:
    """A script that is watched."""
    Path("train.py").write_text(SCRIPT, encoding="utf-8")
    app = walk.pilot.app
    assert isinstance(app, TorchmedicApp)
    app.begin(Subject("train.py", kind="script"))
    await walk.on(WatchScreen)
    screen = app.screen
    assert isinstance(screen, WatchScreen)
    await walk.until(lambda: len(screen.session.curves.get(CURVE, ())) > 24, "the curve")
    await walk.take("live")


async def _editor(walk: Walk) -> None:
    """A pack with a mistake, in the editor."""
    from expert.tui.screens.editor import EditorScreen

    app = walk.pilot.app
    assert isinstance(app, TorchmedicApp)
    await walk.until(lambda: app._source.done(), "the rules")
    app.source()
    Path("padding.yaml").write_text(PATTERN, encoding="utf-8")
    app.push_screen(EditorScreen("padding.yaml", 7, "mostly-padding"))
    await walk.on(EditorScreen)
    await walk.pilot.pause(0.5)
    await walk.press("ctrl+s")
    screen = walk.pilot.app.screen
    assert isinstance(screen, EditorScreen), screen
    await walk.until(lambda: screen._checked is not None, "the check")
    await walk.take("editor")


WALKS: dict[str, tuple[Callable[[Walk], Awaitable[None]], tuple[str, ...]]] = {
    "demo": (_demo, ()),
    "questions": (_questions, ()),
    "logs": (_logs, ()),
    "live": (_live, ()),
    "editor": (_editor, ("padding.yaml",)),
}


async def _walk(
    name: str, folder: Path, only: set[str], language: Language, size: tuple[int, int]
) -> None:
    steps, rules = WALKS[name]
    if rules:
        Path(rules[0]).write_text(PATTERN.replace("shore", "share"), encoding="utf-8")
    if name == "demo":  # the patients' files are named from here
        os.chdir(PLACE.parents[1])
    services = real_services(rules=rules, budget=120.0, min_certainty=0.5, device=None)
    app = TorchmedicApp(services, language=language)
    async with app.run_test(size=size) as pilot:
        await steps(Walk(pilot, folder, only))


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PLACE)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--walk", action="append", default=[], choices=list(WALKS))
    parser.add_argument("--lang", default="en", choices=("en", "zh"))
    parser.add_argument("--size", default="100x30")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        os.environ["XDG_STATE_HOME"] = os.environ["HOME"] = place
        for name in options.walk or WALKS:
            os.chdir(place)
            only = set(options.only)
            asyncio.run(_walk(name, folder, only, options.lang, (width, height)))


if __name__ == "__main__":
    main()

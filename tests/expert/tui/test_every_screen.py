"""Every screen in both languages and two sizes: as it is kept in `screens/`, in one language.

What is drawn is compared as text, once it stands still. After a wanted change of a screen

    UPDATE_SCREENS=1 python -m pytest tests/expert/tui/test_every_screen.py

writes the files anew; look at what changed before you commit it.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen

from expert.errors import UserCodeError
from expert.language import Language, Text
from expert.tui import strings
from expert.tui.app import TorchmedicApp
from expert.tui.outcome import Subject
from expert.tui.sessions.curves import BASELINE, TRIAL
from expert.tui.sessions.session import Session
from expert.tui.sessions.store import SessionStore
from expert.tui.texts import diagnosis, knowledge, sessions, start, trial, walk, watch
from expert.tui.watching import Watched
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, sees
from tests.expert.tui.made_up import (
    CAUSE,
    HEALTHY,
    PATIENTS,
    SICK,
    START,
    MadeUp,
    MadeUpScript,
    MadeUpTrials,
    script,
)

MODULES = (strings, diagnosis, knowledge, sessions, start, trial, walk, watch)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SCREENS = Path(__file__).with_name("screens")
PASSING = re.compile(r" [━─]+  \d+ %|.*  ·  \d+ (s|秒)$")  # what goes with the clock
DIALOGS = ("export", "help")
SIZES = [(80, 24), (120, 40)]
Way = Callable[[Pilot[int], Language], Awaitable[None]]


async def to_start(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, PATIENTS[0].title.get(language)[:12])


async def to_examination(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, strings.PROBES.get(language))


async def to_question(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, {"en": "It rises", "zh": "从一开始就上升"}[language])


async def to_diagnosis(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, {"en": "too high", "zh": "学习率过高"}[language])
    await sees(pilot, {"en": "almost certain", "zh": "几乎肯定"}[language])


def pressing(key: str, words: Text) -> Way:
    async def way(pilot: Pilot[int], language: Language) -> None:
        await to_diagnosis(pilot, language)
        await pilot.press(key)
        await sees(pilot, words.get(language)[:14])

    return way


WAYS: dict[str, tuple[str | None, str, Way]] = {
    "start": (None, "demo", to_start),
    "examination": ("spec", "waits", to_examination),
    "questions": ("", "symptoms", to_question),
    "diagnosis": ("spec", "demo", to_diagnosis),
    "plots": ("spec", "demo", pressing("2", diagnosis.DEAD)),
    "how": ("spec", "demo", pressing("h", diagnosis.EXPLANATION)),
    "what-if": ("spec", "demo", pressing("w", diagnosis.WHAT_IF)),
    "export": ("spec", "demo", pressing("x", diagnosis.EXPORT)),
    "trial": ("spec", "demo", pressing("t", trial.CURED)),
    "knowledge": ("spec", "demo", pressing("ctrl+k", knowledge.KNOWLEDGE)),
    "help": ("spec", "demo", pressing("question_mark", strings.HELP)),
}


async def as_kept(pilot: Pilot[int], kept: Path) -> str:
    """Wait until the screen looks as it is kept; returns it."""
    if os.environ.get("UPDATE_SCREENS"):
        await pilot.pause(2.0)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(drawn(pilot), encoding="utf-8")
    expected = kept.read_text(encoding="utf-8")
    for _ in range(1500):
        if drawn(pilot) == expected:
            return expected
        await asyncio.sleep(0.02)
    changes = difflib.unified_diff(
        expected.splitlines(), drawn(pilot).splitlines(), str(kept.name), "drawn", lineterm=""
    )
    raise AssertionError("\n".join(changes))


def drawn(pilot: Pilot[int]) -> str:
    """Return the screen without what the clock changes, and without spaces at the ends.

    Of a dialog only itself: what is behind it may be drawn or not.
    """
    screen = pilot.app.screen
    strips = screen._compositor.render_strips()
    if isinstance(screen, ModalScreen):
        box = screen.query_one(".dialog").region
        strips = [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]
    every = (strip.text.rstrip() for strip in strips)
    rows = ("…" if PASSING.match(row) else row for row in every)
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", WAYS)
def test_a_screen_speaks_one_language_and_shows_its_keys(
    name: str, language: Language, size: tuple[int, int], tmp_path: Path
) -> None:
    spec, kind, way = WAYS[name]
    waits = kind == "waits"
    examination = MadeUp([START] if waits else script(SICK), waits=waits)
    trials = MadeUpTrials(results={"rate-tenth": made_up.trial_result("rate-tenth")})

    async def steps(pilot: Pilot[int]) -> None:
        await way(pilot, language)
        kept = SCREENS / f"{name}-{language}-{size[0]}x{size[1]}.txt"
        text = await as_kept(pilot, kept)
        assert len(text.splitlines()) == size[1] or name in DIALOGS
        foreign = list(strangers(text, language))
        assert not foreign, f"{foreign}\n{text}"
        if name not in DIALOGS:
            key = strings.key_description("Quit", language)
            assert key in text.splitlines()[-1], f"the footer is cut off\n{text}"

    app = made_up.app(
        examination,
        spec=spec,
        kind="symptoms" if kind == "symptoms" else "demo",
        language=language,
        trials=trials,
        store=SessionStore(tmp_path / "sessions"),
    )
    drive(app, steps, size)


# ------------------------------------------------------------------- screens off the walk
def log_files(place: Path) -> TorchmedicApp:
    (place / "runs").mkdir()
    (place / "metrics.csv").write_text("step,loss\n0,2.3\n", encoding="utf-8")
    os.utime(place / "metrics.csv", (time.time() + 10_000,) * 2)  # just now, however long it takes
    return made_up.app(MadeUp(), store=SessionStore(place / "sessions"))


async def to_logs(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, PATIENTS[0].title.get(language)[:12])
    await pilot.press("3")
    await sees(pilot, "metrics.csv")


def saved(place: Path) -> TorchmedicApp:
    store = SessionStore(place / "sessions")
    session = Session(Subject("train.py:case"), measured=SICK, complete=True)
    session.headline, session.certainty = Text("It is too high", "过高"), 0.9
    store.save(session)
    return made_up.app(MadeUp(), store=store)


async def to_sessions(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, PATIENTS[0].title.get(language)[:12])
    await pilot.press("6")
    await sees(pilot, "train.py:case")


def plain_app(place: Path) -> TorchmedicApp:
    return made_up.app(MadeUp(), store=SessionStore(place / "sessions"))


async def to_comparison(pilot: Pilot[int], language: Language) -> None:
    from expert.tui.screens.compare import CompareScreen

    before = Session(Subject("train.py:case"), measured=SICK, complete=True)
    before.curves = {
        BASELINE: [(float(i), 2.3) for i in range(40)],
        f"{TRIAL}rate-tenth": [(float(i), 2.3 - 0.05 * i) for i in range(40)],
    }
    after = before.successor(("rate-tenth",))
    after.measured = HEALTHY
    await pilot.app.push_screen(CompareScreen(before, after))
    await sees(pilot, sessions.CURED.get(language)[:8])


async def to_editor(pilot: Pilot[int], language: Language) -> None:
    from expert.tui.screens.editor import EditorScreen

    Path("mine.yaml").write_text("cause: mine\ntitle: {en: Mine, zh: 我的}\n", encoding="utf-8")
    await pilot.app.push_screen(EditorScreen("mine.yaml", 1, "mine"))
    await sees(pilot, "cause: mine")


async def to_problem(pilot: Pilot[int], language: Language) -> None:
    error = UserCodeError(en="It raised.", zh="运行出错。", traceback="line 1\nValueError: no")
    await sees(pilot, PATIENTS[0].title.get(language)[:12])
    pilot.app.explain(error, Subject("train.py:case"))  # type: ignore[attr-defined]
    await sees(pilot, "ValueError: no")


def training(place: Path) -> TorchmedicApp:
    events = [{"event": "progress", "step": n, "loss": 2.0 + n} for n in range(30)]
    layers = {"activation.dead_share": {"net.0": 0.0, "net.2": 0.75}}
    told = [{"event": "suspicion", "causes": [CAUSE]}, {"event": "layers", "facts": layers}]
    run = MadeUpScript([*events, *told], Watched(0, SICK))
    store = SessionStore(place / "sessions")
    return made_up.app(MadeUp(), spec="train.py", kind="script", watch=run, store=store)


async def to_training(pilot: Pilot[int], language: Language) -> None:
    await sees(pilot, "net.2")
    await sees(pilot, "train.py:7")


OFF: dict[str, tuple[Callable[[Path], TorchmedicApp], Way]] = {
    "logs": (log_files, to_logs),
    "sessions": (saved, to_sessions),
    "comparison": (plain_app, to_comparison),
    "editor": (plain_app, to_editor),
    "problem": (plain_app, to_problem),
    "live": (training, to_training),
}


@pytest.mark.parametrize(("language", "size"), [("en", SIZES[0]), ("zh", SIZES[1])], ids=str)
@pytest.mark.parametrize("name", OFF)
def test_a_screen_off_the_walk_looks_as_it_is_kept(
    name: str,
    language: Language,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("HOME", os.getcwd())  # the screens say ~, however long its path is
    made, way = OFF[name]
    app = made(tmp_path / "home")
    app.set_reactive(TorchmedicApp.language, language)

    async def steps(pilot: Pilot[int]) -> None:
        await way(pilot, language)
        text = await as_kept(pilot, SCREENS / f"{name}-{language}-{size[0]}x{size[1]}.txt")
        foreign = list(strangers(text.replace("我的", ""), language))
        assert not foreign, f"{foreign}\n{text}"
        if name == "live":
            app.services.watch.looked_at.set()  # type: ignore[union-attr]

    drive(app, steps, size)


def strangers(text: str, language: Language) -> Iterator[str]:
    """Yield what stands there in the other language."""
    if language == "en":
        for line in text.split("\n"):
            if CHINESE.search(line.replace(strings.OTHER_LANGUAGE.en, "")):
                yield line.strip()
        return
    for said in every_text():
        own, other = plain_part(said.zh), plain_part(said.en)
        if len(other) > 9 and other != own and other in text:
            yield other


def plain_part(text: str) -> str:
    """Return the longest part without a placeholder."""
    return max(re.split(r"\{[^}]*\}", text), key=len).strip()


def every_text() -> Iterator[Text]:
    for module in MODULES:
        yield from _texts(module)


def _texts(module: ModuleType) -> Iterator[Text]:
    for value in vars(module).values():
        if isinstance(value, Text):
            yield value
        elif isinstance(value, dict):
            yield from (item for item in value.values() if isinstance(item, Text))


def test_every_sentence_exists_in_both_languages_with_the_same_blanks() -> None:
    for said in every_text():
        blanks = [sorted(re.findall(r"\{(\w*)\}", text)) for text in (said.en, said.zh)]
        assert blanks[0] == blanks[1], said
        assert said.en.strip()
        assert said.zh.strip()


def test_a_session_without_a_name_or_place_still_has_a_title() -> None:
    assert Session(Subject("", kind="symptoms")).subject.title("zh")

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
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from textual.pilot import Pilot

from expert.language import Language, Text
from expert.tui import strings
from expert.tui.sessions.session import Session
from expert.tui.sessions.store import SessionStore
from expert.tui.texts import diagnosis, knowledge, sessions, start, trial, walk, watch
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, seen, sees
from tests.expert.tui.made_up import PATIENTS, SICK, START, MadeUp, MadeUpTrials, script

MODULES = (strings, diagnosis, knowledge, sessions, start, trial, walk, watch)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SCREENS = Path(__file__).with_name("screens")
PASSING = re.compile(r" [━─]+  \d+ %")  # the progress of an examination, with its seconds
NO_FOOTER = ("export", "help")  # dialogs
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
    """Return the screen without what the clock changes, and without spaces at the ends."""
    rows = ("…" if PASSING.match(row) else row.rstrip() for row in seen(pilot).split("\n"))
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
        assert len(text.splitlines()) == size[1]
        foreign = list(strangers(text, language))
        assert not foreign, f"{foreign}\n{text}"
        if name not in NO_FOOTER:
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
    from expert.tui.outcome import Subject

    assert Session(Subject("", kind="symptoms")).subject.title("zh")

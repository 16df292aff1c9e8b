"""Browsing for logs: folders, what looks like a log, and back up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from expert.tui.screens.reading import ReadingScreen
from expert.tui.sessions.store import SessionStore
from expert.tui.widgets.log_browser import FileList, LogBrowser, _size
from tests.expert.tui import made_up
from tests.expert.tui.driving import drive, wait_for
from tests.expert.tui.made_up import MadeUp


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "p"
    (place / "runs" / "the first").mkdir(parents=True)
    (place / "notes.txt").write_text("buy milk\n", encoding="utf-8")
    (place / "runs" / "[b]old.csv").write_text("step,loss\n0,2.3\n1,2.2\n", encoding="utf-8")
    (place / "runs" / "the first" / "log.txt").write_text("step 1 loss 2.3\n", encoding="utf-8")
    monkeypatch.chdir(place)
    return place


def names(pilot: Pilot[int]) -> list[str]:
    options = pilot.app.screen.query_one(FileList).options
    return [str(option.prompt).split("  ")[0] for option in options]


async def lists(pilot: Pilot[int], *wanted: str) -> None:
    await wait_for(pilot, lambda: names(pilot) == list(wanted), str(wanted))


def test_a_log_is_found_by_going_through_folders(folder: Path) -> None:
    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("3")
        await lists(pilot, "../", "runs/")
        heading = str(pilot.app.screen.query_one(LogBrowser).query_one(Static).content)
        assert heading.startswith("No logs in")
        await pilot.press("down", "enter")
        await lists(pilot, "../", "the first/", "[b]old.csv")
        await pilot.press("enter")
        await lists(pilot, "../", "log.txt")
        await pilot.press("backspace")
        await lists(pilot, "../", "the first/", "[b]old.csv")
        assert pilot.app.screen.query_one(FileList).highlighted == 1  # where one comes from
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: "old.csv" in read_place(pilot), "the reading")
        assert read_place(pilot) == "'runs/[b]old.csv'"

    drive(made_up.app(MadeUp(), store=SessionStore(folder.parent / "sessions")), steps)


def read_place(pilot: Pilot[int]) -> str:
    stack = pilot.app.screen_stack
    found = [screen.session.subject.spec for screen in stack if isinstance(screen, ReadingScreen)]
    shown = getattr(pilot.app.screen, "session", None)
    return found[0] if found else (shown.subject.spec if shown is not None else "")


def test_a_folder_that_cannot_be_read_is_told_and_the_old_one_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probes.logs import finding

    real = finding.entries_of

    def refusing(place: str) -> list[finding.Entry]:
        if place.endswith("runs"):
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(finding, "entries_of", refusing)

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("3")
        await lists(pilot, "../", "runs/")
        await pilot.press("down", "enter")
        told = pilot.app._notifications
        await wait_for(pilot, lambda: any("cannot be" in n.message for n in told), "the reason")
        assert names(pilot) == ["../", "runs/"]

    drive(
        made_up.app(MadeUp(), store=SessionStore(folder.parent / "sessions")), steps, size=(100, 30)
    )


@pytest.mark.parametrize(
    ("size", "said"), [(12, "12 B"), (1_500, "1.5 kB"), (48_000, "48 kB"), (3e15, "3000 TB")]
)
def test_sizes_are_told_in_few_digits(size: float, said: str) -> None:
    assert _size(size) == said

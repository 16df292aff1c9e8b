"""Driving the app as a person would: press, wait until it is seen, read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot
from textual.widgets import Input, Static

from expert.tui.screens.talking import TalkingScreen
from expert.tui.widgets.finding_detail import FindingDetail
from expert.tui.widgets.prose import Prose
from expert.tui.widgets.ranking import Ranking

Steps = Callable[[Pilot[int]], Awaitable[None]]


def drive(app: object, steps: Steps, size: tuple[int, int] = (80, 24)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:  # type: ignore[attr-defined]
            await steps(pilot)

    asyncio.run(run())


async def wait_for(pilot: Pilot[int], condition: Callable[[], bool], what: str) -> None:
    for _ in range(1500):
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}\n{pilot.app.screen}\n{seen(pilot)}")


async def on(pilot: Pilot[int], screen: type[TalkingScreen[None]]) -> None:
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, screen), screen.__name__)


def seen(pilot: Pilot[int]) -> str:
    """Return all that stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


async def search(pilot: Pilot[int], *keys: str) -> None:
    """Go to the field of the screen, wait until it takes what is typed, and press `keys`."""
    await pilot.press("slash")
    await wait_for(pilot, lambda: isinstance(pilot.app.focused, Input), "the field")
    await pilot.press(*keys)


async def sees(pilot: Pilot[int], words: str) -> None:
    """Wait until `words` stand on the screen: a screen that is pushed is drawn a little later."""
    await wait_for(pilot, lambda: words in seen(pilot), words)


def shown_ranking(pilot: Pilot[int]) -> str:
    return str(pilot.app.screen.query_one(Ranking).query_one(Static).content)


async def ranks(pilot: Pilot[int], words: str) -> None:
    await wait_for(pilot, lambda: words in shown_ranking(pilot), words)


def prose(pilot: Pilot[int], selector: str) -> str:
    return pilot.app.screen.query_one(selector, Prose).plain


async def reads(pilot: Pilot[int], selector: str, words: str) -> None:
    await wait_for(pilot, lambda: words in prose(pilot, selector), words)


def details(pilot: Pilot[int]) -> str:
    parts = pilot.app.screen.query_one(FindingDetail).query(Prose)
    return "\n".join(part.plain for part in parts)

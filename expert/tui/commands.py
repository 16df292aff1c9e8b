"""The command palette: every key binding of the screen in view, then the commands of the app."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

from expert.tui import strings
from expert.tui.screens.talking import TalkingScreen

if TYPE_CHECKING:
    from expert.tui.app import TorchmedicApp

_OWN = {"Down", "Up", "Go to tab", "Focus Next", "Focus Previous", "Complete", "Palette"}


def commands(app: TorchmedicApp, screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield the commands that make sense on `screen`."""
    language = app.language
    key = strings.key_description
    of_app = (
        ("Help", strings.COMMAND_HELP, app.action_help),
        ("Knowledge", strings.COMMAND_KNOWLEDGE, app.action_knowledge),
        ("Language", strings.COMMAND_LANGUAGE, app.action_switch_language),
        ("Light/dark", strings.COMMAND_LIGHT, app.action_switch_light),
        ("Theme", strings.COMMAND_THEME, app.search_themes),
        ("Screenshot", strings.COMMAND_SCREENSHOT, app.deliver_screenshot),
        ("Quit", strings.COMMAND_QUIT, app.action_quit),
    )
    known = {title for title, _, _ in of_app}
    yield from _of_screen(app, screen, known)
    for title, help_, action in of_app:
        yield SystemCommand(key(title, language), help_.get(language), action)


def _of_screen(
    app: TorchmedicApp, screen: Screen[object], known: set[str]
) -> Iterator[SystemCommand]:
    if not isinstance(screen, TalkingScreen):
        return
    seen = set(known) | _OWN
    for active in screen.keys.values():
        description = active.binding.description
        if description in seen or not active.enabled or description not in strings.KEY_DESCRIPTIONS:
            continue
        seen.add(description)
        title = strings.key_description(description, app.language)
        pressed = strings.COMMAND_KEY.get(app.language).format(
            key=app.get_key_display(active.binding)
        )
        run = partial(app.run_action, active.binding.action, active.node)
        yield SystemCommand(title, pressed, partial(app.call_later, run))

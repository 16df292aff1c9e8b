"""What all screens share: they speak the chosen language and can explain themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.screen import ModalScreen, Screen

from expert.language import Language, Text
from expert.tui import strings

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from expert.tui.app import TorchmedicApp


ResultT = TypeVar("ResultT")


class TalkingScreen(Screen[ResultT], Generic[ResultT]):
    """A screen; `speak` puts every text on it into a language, at any time."""

    NAME: ClassVar[Text]
    EXPLANATION: ClassVar[Text]

    @property
    def medic(self) -> TorchmedicApp:
        """The app, with its own type."""
        return cast("TorchmedicApp", self.app)

    def on_mount(self) -> None:
        """Speak the language of the app. (Textual calls this after a subclass's `on_mount`.)"""
        self.speak(self.medic.language)

    def speak(self, language: Language) -> None:
        """Write every text of the screen in `language`."""
        raise NotImplementedError

    def reason_again(self) -> None:
        """Draw the conclusions again, because the rules have changed; most screens show none."""

    def fired(self) -> dict[str, float]:
        """Return the rules that fired for what is shown, with their certainty."""
        return {}

    @property
    def keys(self) -> dict[str, ActiveBinding]:
        """The key bindings as the code describes them, in English."""
        return super().active_bindings

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The key bindings, as the footer shows them."""
        language = self.medic.language

        def translated(active: ActiveBinding) -> ActiveBinding:
            description = strings.key_description(active.binding.description, language)
            return active._replace(binding=replace(active.binding, description=description))

        return {key: translated(active) for key, active in self.keys.items()}


class TalkingDialog(ModalScreen[ResultT], TalkingScreen[ResultT], Generic[ResultT]):
    """A dialog over a screen."""

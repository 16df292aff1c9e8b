"""The two themes of torchmedic; every theme of Textual can be chosen as well."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="torchmedic-dark",
    primary="#5fb3b3",
    secondary="#8fb8de",
    accent="#e5b567",
    warning="#e5b567",
    error="#ef8275",
    success="#8cc38a",
    foreground="#d8dee4",
    background="#12181d",
    surface="#171f25",
    panel="#202a32",
    dark=True,
)
LIGHT: Final = Theme(
    name="torchmedic-light",
    primary="#1f7a7a",
    secondary="#2a5f93",
    accent="#99610a",
    warning="#99610a",
    error="#b3372a",
    success="#33703a",
    foreground="#22282d",
    background="#f8f7f3",
    surface="#f1efe9",
    panel="#e4e1d8",
    dark=False,
)

"""Pieces of styled text that several screens show: bars, values, pieces of evidence.

Nothing here interprets markup: paths, names and what the user's code prints are shown as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from expert.language import Language, Text
from expert.observation import Observation, Scalar
from expert.template import number
from expert.tui import strings
from expert.tui.wrapping import Row

if TYPE_CHECKING:
    from expert.diagnosis import Diagnosis, Evidence

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_VALUES_SHOWN = 4
_MUTED = "$foreground 60%"

ICONS: Mapping[str, tuple[str, str]] = {  # (sign, style); the sign alone tells them apart
    "waiting": ("·", _MUTED),
    "running": ("▸", "bold $accent"),
    "done": ("✓", "$success"),
    "skipped": ("–", _MUTED),
    "failed": ("✗", "bold $error"),
    "stopped": ("·", _MUTED),
}


def plain(text: str) -> str:
    """Return `text` without the control characters that could disturb the screen."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def bar(fraction: float, width: int, style: str = "$primary") -> Content:
    """Return a horizontal bar; full and empty parts differ in shape, not only in colour."""
    full = round(max(0.0, min(1.0, fraction)) * width)
    return Content.assemble(("━" * full, style), ("─" * (width - full), "$foreground 25%"))


def certainty_style(certainty: float) -> str:
    """Return the colour of a certainty: the surer, the louder."""
    if certainty >= 0.75:
        return "$error"
    return "$warning" if certainty >= 0.5 else _MUTED


def heading(text: str) -> Content:
    """Return the heading of a section."""
    return Content.styled(text, "bold $secondary")


def code(text: str) -> Content:
    """Return Python code in colours; the highlighter is loaded when it is first needed."""
    from textual.highlight import highlight

    return highlight(plain(text.rstrip()), language="python")


def fit(content: Content, width: int) -> Content:
    """Return `content` cut or padded to exactly `width` cells."""
    if content.cell_length > width:
        content = content.truncate(width, ellipsis=True)
    return content.pad_right(max(0, width - content.cell_length))


def lines(parts: Iterable[Content]) -> Content:
    """Return the parts on lines of their own."""
    return Content("\n").join(parts)


def value_text(observation: Observation) -> str:
    """Return a value as a person reads it, layers by name and not more than a few of them."""
    if not isinstance(observation.value, tuple):
        return plain(_scalar(observation.value) + _unit(observation))
    if len(observation.value) > 1 and len(set(map(repr, observation.value))) == 1:
        return plain(
            f"{_scalar(observation.value[0])}{_unit(observation)}  (×{len(observation.value)})"
        )
    pairs = zip(observation.where, observation.value, strict=True)
    shown = [f"{where or 'model'}: {_scalar(value)}" for where, value in pairs]
    more = len(shown) - _VALUES_SHOWN
    tail = f"  … (+{more})" if more > 0 else ""
    return plain("  ".join(shown[:_VALUES_SHOWN]) + tail)


def origin_text(origin: str, language: Language) -> str:
    """Return where a value comes from: "measured by gradients"."""
    kind, _, id_ = origin.partition(":")
    known = strings.ORIGINS.get(kind)
    return known.get(language).format(id=id_) if known else plain(origin)


def evidence(piece: Evidence, titles: Mapping[str, Text], language: Language) -> list[Row]:
    """Return one piece of evidence: its weight and reason, then the values that it rests on."""
    sign, style = ("+", "$error") if piece.certainty > 0 else ("−", "$success")
    weight = f"{sign}{abs(piece.certainty):.2f}  "
    hang = len(weight)
    rows = [Row(Content.assemble((weight, style), plain(piece.reason.get(language))), hang)]
    rows += [_fact(observation, hang) for observation in piece.facts]
    if piece.because:
        names = ", ".join(_title(id_, titles, language) for id_ in piece.because)
        said = strings.RESTS_ON.get(language).format(names=names)
        rows.append(Row(Content.styled(" " * hang + plain(said), _MUTED), hang))
    return rows


def _fact(observation: Observation, hang: int) -> Row:
    name = f"{' ' * hang}{plain(observation.name)} = "
    value = (value_text(observation), "$primary")
    return Row(Content.assemble((name, _MUTED), value), hang + 2)


def _title(id_: str, titles: Mapping[str, Text], language: Language) -> str:
    bare = id_.partition(":")[2] or id_
    return titles[bare].get(language) if bare in titles else bare


def _scalar(value: Scalar) -> str:
    if isinstance(value, (bool, str)):
        return str(value)
    return number(value)


def _unit(observation: Observation) -> str:
    return f" {observation.unit}" if observation.unit else ""


def verdict(diagnosis: Diagnosis, language: Language) -> Content:
    """Return the line for a case without findings: calm only when everything was looked at."""
    if diagnosis.is_incomplete:
        return Content.styled("? " + strings.NO_FAULT_INCOMPLETE.get(language), "bold $warning")
    return Content.styled("✓ " + strings.NO_FAULT.get(language), "bold $success")

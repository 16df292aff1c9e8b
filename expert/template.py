"""Texts with this case's numbers filled in.

    "the rate {optimizer.learning_rate} is {learning_rate.over_suggested} times the best one"

`{name}` is the value of a fact, `{name|percent}` a share as a percentage, `{name|integer}` a
rounded number, `{name|where}` the names (layers, features) at which the rule's condition matched. A
part in `[[ ... ]]` is left out when a fact in it is unknown. Nothing else is interpreted: no
attribute, no index, no call.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeGuard

from expert.language import Text
from expert.observation import Observation, Scalar

_FIELD = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_.]*")
_CODE_FIELD = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+):([^{}]*)\}")
_OPTIONAL = re.compile(r"\[\[((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)  # linear, whatever the text
_SHOWN = 3


class TemplateError(ValueError):
    """A text whose `{...}` cannot be understood."""

    def __init__(self, *, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, zh=zh)


def number(value: float) -> str:
    """Return a number as a person writes it: three significant digits, no needless exponent."""
    if isinstance(value, int) and abs(value) >= 1e300:  # beyond what a float can hold
        return "infinite" if value > 0 else "-infinite"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    whole = abs(value) < 1e6 and value == int(value)
    return str(int(value)) if whole else f"{value:.3g}"


def _percent(value: Scalar) -> str:
    if not _finite_number(value):
        return _plain(value)
    share = 100.0 * value
    return f"{share:.0f} %" if share == 0 or share >= 1 else f"{share:.2g} %"


def _plain(value: Scalar) -> str:
    if isinstance(value, (bool, str)):
        return str(value)
    return number(value)


def _integer(value: Scalar) -> str:
    return str(round(value)) if _finite_number(value) else _plain(value)


def _finite_number(value: Scalar) -> TypeGuard[int | float]:
    if isinstance(value, (bool, str)):
        return False
    return abs(value) < 1e300  # False for NaN


_FILTERS: dict[str, Callable[[Scalar], str]] = {
    "": _plain,
    "percent": _percent,
    "integer": _integer,
}


@lru_cache(maxsize=8192)
def _fields(text: str) -> tuple[tuple[str, str], ...]:
    fields = []
    for body in _FIELD.findall(text):
        name, _, how = body.partition("|")
        if not _NAME.fullmatch(name) or how not in (*_FILTERS, "where"):
            raise TemplateError(
                en=f"'{{{body}}}' is not a fact with one of |percent, |integer, |where",
                zh=f"“{{{body}}}”应为事实名，后面可加 |percent、|integer 或 |where",
            )
        fields.append((name, how))
    if _FIELD.sub("", text).count("{") or _FIELD.sub("", text).count("}"):
        raise TemplateError(en="a brace is not closed", zh="花括号没有闭合")
    return tuple(fields)


def names_in(text: str) -> list[str]:
    """Return the facts that `text` uses, in order. Raises `TemplateError` for a faulty text."""
    return [name for name, _ in _fields(text)]


def names_needed(text: str) -> list[str]:
    """Return the facts that `text` uses outside `[[ ]]`: unknown, they would be shown as "?"."""
    return names_in(_OPTIONAL.sub("", text))


def fill(
    text: str,
    facts: Mapping[str, Observation],
    matched: Mapping[str, tuple[int, ...]] | None = None,
) -> str:
    """Return `text` with its facts filled in; an unknown fact outside `[[ ]]` becomes "?".

    `matched` gives, per fact, the positions at which a quantified condition held; those values are
    shown instead of all.
    """
    matched = matched or {}

    def optional(match: re.Match[str]) -> str:
        inner = match.group(1)
        return inner if all(name in facts for name in names_in(inner)) else ""

    def one(match: re.Match[str]) -> str:
        name, _, how = match.group(1).partition("|")
        if name not in facts:
            return "?"
        return _show(facts[name], matched.get(name), how)

    return _FIELD.sub(one, _OPTIONAL.sub(optional, text))


def fill_code(code: str, facts: Mapping[str, Observation]) -> str:
    """Return a snippet with `{fact.name:default}` replaced by the fact, or the default if unknown.

    Only dotted names with a default are replaced, so the braces of Python code stay as they are.
    """

    def one(match: re.Match[str]) -> str:
        name, default = match.groups()
        return _show(facts[name], None, "") if name in facts else default

    return _CODE_FIELD.sub(one, code)


def names_in_code(code: str) -> list[str]:
    """Return the facts that a snippet uses, in order."""
    return [match.group(1) for match in _CODE_FIELD.finditer(code)]


def _show(observation: Observation, positions: tuple[int, ...] | None, how: str) -> str:
    if how == "where":
        names = observation.where
        if positions is not None and isinstance(observation.value, tuple):
            names = tuple(names[i] for i in positions)
        return _shortened([str(name) for name in names])
    if not isinstance(observation.value, tuple):
        return _FILTERS[how](observation.value)
    values = observation.value
    if positions is not None:
        values = tuple(values[i] for i in positions)
    return _shortened([_FILTERS[how](value) for value in values])


def _shortened(parts: list[str]) -> str:
    if len(parts) <= _SHOWN + 1:
        return ", ".join(parts)
    return ", ".join(parts[:_SHOWN]) + f", ... (+{len(parts) - _SHOWN})"

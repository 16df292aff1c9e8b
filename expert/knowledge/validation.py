"""One YAML document against its schema; what is wrong is told with place and suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from expert.knowledge import conditions, schema
from expert.knowledge.base import Written
from expert.knowledge.reader import KnowledgeError, Problem
from expert.knowledge.schema import KINDS, SCHEMA_VERSION, AnyDocument


def validate(raw: Written) -> tuple[str, AnyDocument]:
    """Return (kind, model) of one document.

    Raises `KnowledgeError` with a place and, where one can be guessed, a suggestion.
    """
    if not isinstance(raw.data, dict):
        raise KnowledgeError([Problem(raw.place(), "a document must be a mapping (key: value)")])
    kind = next((kind for kind in KINDS if kind in raw.data), None)
    if kind is None:
        message = f"a document begins with one of the keys {', '.join(KINDS)}"
        raise KnowledgeError([Problem(raw.place(), message, _suggest_any(raw.data, KINDS))])
    try:
        return kind, KINDS[kind].model_validate(raw.data)
    except ValidationError as error:
        problems = [_problem(raw, kind, item) for item in error.errors(include_url=False)]
        raise KnowledgeError(problems) from None


def future_version(documents: Iterable[Written]) -> Problem | None:
    """Return a problem when the head of a pack asks for a schema version that is yet to come."""
    for raw in documents:
        if not (isinstance(raw.data, dict) and "pack" in raw.data):
            continue
        version = raw.data.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            message = (
                f"the pack '{raw.data['pack']}' is written for schema version {version}, and this "
                f"torchmedic reads version {SCHEMA_VERSION}"
            )
            place = raw.place(("schema_version",))
            return Problem(place, message, "install a newer torchmedic or an older pack")
    return None


def suggest(wrong: str, known: Iterable[str]) -> str | None:
    """Return "did you mean 'x'?" when one of `known` is close to `wrong`."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None


def _problem(raw: Written, kind: str, error: Any) -> Problem:
    loc, type_ = error["loc"], error["type"]
    if type_ == "extra_forbidden":
        siblings = _known_keys(loc, kind)
        return Problem(
            raw.place(loc, key=True), f"unknown key '{loc[-1]}'", suggest(str(loc[-1]), siblings)
        )
    if type_ == "missing":
        return Problem(raw.place(loc), f"the key '{loc[-1]}' is missing")
    message = error["msg"].removeprefix("Value error, ")
    spellable = set(_keys(raw.data))  # pydantic's own tags are not among them
    path = ".".join(str(step) for step in loc if isinstance(step, int) or step in spellable)
    return Problem(raw.place(loc), f"{path}: {message}" if path else message)


def _keys(data: Any) -> Iterator[str]:
    """Yield every key used anywhere in `data`."""
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from _keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from _keys(value)


def _known_keys(loc: Sequence[int | str], kind: str) -> Iterable[str]:
    return KINDS[kind].model_fields if len(loc) == 1 else _keys_of_all_models()


@cache
def _keys_of_all_models() -> tuple[str, ...]:
    models = [
        value
        for module in (schema, conditions)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel)
    ]
    return tuple(
        dict.fromkeys(
            info.alias or name for model in models for name, info in model.model_fields.items()
        )
    )


def _suggest_any(wrong: Iterable[str], known: Iterable[str]) -> str | None:
    known = list(known)
    return next((hint for key in wrong if (hint := suggest(str(key), known))), None)

"""One YAML document against its schema; what is wrong is told with place and suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from expert.knowledge import conditions, schema
from expert.knowledge.base import Written
from expert.knowledge.in_words import wrong_value
from expert.knowledge.reader import KnowledgeError, Problem
from expert.knowledge.schema import KINDS, SCHEMA_VERSION, AnyDocument
from expert.language import Text
from expert.spelling import did_you_mean

_NO_MAPPING = Text(en="a document must be a mapping (key: value)", zh="文档必须是映射（键: 值）")
_OTHER_VERSION = Text(
    en="install a newer torchmedic or an older pack",
    zh="请安装更新的 torchmedic，或较旧的规则包",
)


def validate(raw: Written) -> tuple[str, AnyDocument]:
    """Return (kind, model) of one document.

    Raises `KnowledgeError` with a place and, where one can be guessed, a suggestion.
    """
    if not isinstance(raw.data, dict):
        raise KnowledgeError([Problem(raw.place(), _NO_MAPPING)])
    kind = next((kind for kind in KINDS if kind in raw.data), None)
    if kind is None:
        message = Text(
            en=f"a document begins with one of the keys {', '.join(KINDS)}",
            zh=f"文档应以 {'、'.join(KINDS)} 之一作为键开头",
        )
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
            pack = raw.data["pack"]
            message = Text(
                en=f"the pack '{pack}' is written for schema version {version}, and this "
                f"torchmedic reads version {SCHEMA_VERSION}",
                zh=f"规则包“{pack}”按格式版本 {version} 编写，而此 torchmedic "
                f"只能读取版本 {SCHEMA_VERSION}",
            )
            return Problem(raw.place(("schema_version",)), message, _OTHER_VERSION)
    return None


def _problem(raw: Written, kind: str, error: Any) -> Problem:
    loc, type_ = error["loc"], error["type"]
    if type_ == "extra_forbidden":
        message = Text(en=f"unknown key '{loc[-1]}'", zh=f"未知的键“{loc[-1]}”")
        hint = did_you_mean(str(loc[-1]), _known_keys(loc, kind))
        return Problem(raw.place(loc, key=True), message, hint)
    if type_ == "missing":
        message = Text(en=f"the key '{loc[-1]}' is missing", zh=f"缺少键“{loc[-1]}”")
        return Problem(raw.place(loc), message)
    message = wrong_value(error)
    spellable = set(_keys(raw.data))  # pydantic's own tags are not among them
    path = ".".join(str(step) for step in loc if isinstance(step, int) or step in spellable)
    if path:
        message = Text(en=f"{path}: {message.en}", zh=f"{path}：{message.zh}")
    return Problem(raw.place(loc), message)


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


def _suggest_any(wrong: Iterable[str], known: Iterable[str]) -> Text | None:
    known = list(known)
    return next((hint for key in wrong if (hint := did_you_mean(str(key), known))), None)

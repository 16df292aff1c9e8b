"""What the YAML and pydantic libraries find wrong, said in both of our languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from expert.language import Text


class FaultyError(ValueError):
    """What a validator of ours refuses, in both languages."""

    def __init__(self, *, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, zh=zh)


#: By pydantic's type of error; `{ge}` and the like are what pydantic tells beside it.
_WRONG: Final[dict[str, tuple[str, str]]] = {
    "bool_type": ("must be true or false", "应为 true 或 false"),
    "int_type": ("must be a whole number", "应为整数"),
    "int_from_float": ("must be a whole number", "应为整数"),
    "float_type": ("must be a number", "应为数字"),
    "finite_number": ("must be a finite number", "应为有限的数字"),
    "string_type": ("must be text", "应为文本"),
    "list_type": ("must be a list", "应为列表"),
    "tuple_type": ("must be a list", "应为列表"),
    "dict_type": ("must be a mapping (key: value)", "应为映射（键: 值）"),
    "model_type": ("must be a mapping (key: value)", "应为映射（键: 值）"),
    "model_attributes_type": ("must be a mapping (key: value)", "应为映射（键: 值）"),
    "literal_error": ("must be {expected}", "应为 {expected_zh} 之一"),
    "string_too_short": ("must not be empty", "不能为空"),
    "greater_than": ("must be above {gt}", "应大于 {gt}"),
    "greater_than_equal": ("must be at least {ge}", "应不小于 {ge}"),
    "less_than": ("must be below {lt}", "应小于 {lt}"),
    "less_than_equal": ("must be at most {le}", "应不大于 {le}"),
    "too_short": ("needs at least {min_length} entries", "至少需要 {min_length} 项"),
    "too_long": ("takes at most {max_length} entries", "最多只能有 {max_length} 项"),
    "union_tag_not_found": ("says none of {names}", "没有写 {names_zh} 中的任何一个"),
    "recursion_loop": ("refers to itself", "引用了自身"),
}
#: The form that is wanted, by the beginning of its pattern; the first that fits.
_FORMS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "^[a-z0-9]+(-",
        "must be small letters and digits, joined by hyphens, such as our-cache",
        "应为小写字母和数字，用连字符连接，例如 our-cache",
    ),
    (
        "^[a-z][a-z0-9_]*(",
        "must be small letters, digits and underscores, joined by dots, such as loss.initial",
        "应为小写字母、数字和下划线，用点连接，例如 loss.initial",
    ),
    (
        "^[a-z0-9-]+(/",
        "must look like document/section, such as book/1",
        "应为“文档/章节”的形式，例如 book/1",
    ),
    (
        "^(probe|",
        "must look like kind:id with one of the kinds probe, question, trial, log, watch",
        "应为“种类:编号”的形式，种类为 probe、question、trial、log、watch 之一",
    ),
    ("", "must look like {pattern}", "应符合 {pattern} 的形式"),
)
_CONDITION: Final = "fact, value, known, unknown, symptom, cause, all, any, none"
_CONDITION_ZH: Final = _CONDITION.replace(", ", "、")

#: What libyaml says most often, by the words that tell.
_YAML: Final[tuple[tuple[str, str], ...]] = (
    ("did not find expected key", "此处应为“键: 值”（检查缩进）"),
    ("mapping values are not allowed", "此处不能出现冒号（文本中若含“: ”，请加引号）"),
    ("could not find expected ':'", "缺少冒号“:”"),
    ("cannot start any token", "此处的字符不能作为开头（若是制表符，请改用空格；文本请加引号）"),
    ("did not find expected ',' or ']'", "列表缺少“,”或“]”"),
    ("did not find expected ',' or '}'", "映射缺少“,”或“}”"),
    ("unexpected end of stream", "文件在此处意外结束（引号没有闭合）"),
    ("did not find expected '-' indicator", "列表项应以“-”开头（检查缩进）"),
    ("did not find expected <document start>", "文档应以“---”分隔"),
    ("unknown escape character", "引号内有无法识别的转义字符"),
    ("control characters are not allowed", "不允许出现控制字符"),
    ("undefined alias", "引用了未定义的别名"),
    ("undefined tag handle", "使用了未定义的标签"),
)


def wrong_value(error: Mapping[str, Any]) -> Text:
    """Return what pydantic's `error` says, without its place."""
    context = dict(error.get("ctx") or {})
    ours = context.get("error")
    if isinstance(ours, FaultyError):
        return ours.text
    known = _form(context) if "pattern" in context else _WRONG.get(error["type"])
    if known is None:
        said = str(error["msg"])
        return Text(en=said, zh=f"取值不合要求（{said}）")
    expected = str(context.get("expected", ""))
    context |= {"expected_zh": expected.replace(" or ", "、").replace(", ", "、")}
    context |= {"names": _CONDITION, "names_zh": _CONDITION_ZH}
    return Text(en=known[0].format(**context), zh=known[1].format(**context))


def _form(context: Mapping[str, Any]) -> tuple[str, str]:
    pattern = str(context["pattern"])
    return next((en, zh) for begins, en, zh in _FORMS if pattern.startswith(begins))


def not_yaml(said: str) -> Text:
    """Return what the YAML library says, with its own words where we have none for it."""
    ours = next((words for theirs, words in _YAML if theirs in said), said)
    return Text(en=f"not YAML: {said}", zh=f"不是合法的 YAML：{ours}")

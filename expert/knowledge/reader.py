"""YAML as people mean it, with the place of every node.

Differs from PyYAML's safe loader (YAML 1.1): `1e-3` is a number, only `true` and `false` are flags
(`no`, `on`, `yes` are text), dates are text, a key given twice is an error, and so are anchors that
repeat (a stranger's pack cannot expand to gigabytes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from expert.errors import UsageError
from expert.knowledge.in_words import not_yaml
from expert.language import LANGUAGES, Language, Text

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {
    _TAG + kind for kind in ("null", "bool", "int", "float", "timestamp", "str", "value", "merge")
}
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MAX_DEPTH = 60
OnShare = Callable[[float], None]
_SAFE_FOR_LIBYAML = 5_000  # its composer recurses on the C stack; 200,000 levels end the process


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, counted from one."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a knowledge file, and where."""

    place: Place
    message: Text
    hint: Text | None = None

    def say(self, language: Language) -> str:
        """Return place, message and hint in one line."""
        told = f"{self.place}: {self.message.get(language)}"
        if self.hint is None:
            return told
        return told + ("；" if language == "zh" else "; ") + self.hint.get(language)

    def __str__(self) -> str:
        return self.say("en")


class KnowledgeError(UsageError):
    """Knowledge that cannot be used; `problems` lists every fault with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        en, zh = ("\n".join(problem.say(each) for problem in problems) for each in LANGUAGES)
        super().__init__(en=en, zh=zh)


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One YAML document as plain data, with the nodes that it came from."""

    path: str
    data: Any
    node: yaml.Node

    def place(self, loc: Sequence[int | str] = (), *, key: bool = False) -> Place:
        """Return the place of the value (or the key) that a pydantic `loc` points at."""
        _, mark = _deepest(self.node, tuple(loc), self.node.start_mark, key, {})
        return Place(self.path, mark.line + 1, mark.column + 1)


def _deepest(
    node: Any,
    loc: tuple[int | str, ...],
    mark: Any,
    key: bool,
    known: dict[tuple[int, int], tuple[int, Any]],
) -> tuple[int, Any]:
    """Follow `loc` as deep as it goes: (elements matched, mark).

    pydantic puts the tags of unions between the keys, so an element may match nothing; the reading
    that matches most elements is the right one. `known` keeps nested conditions from being followed
    along exponentially many readings.
    """
    if not loc:
        return 0, mark
    at = (id(node), len(loc))
    if at not in known:
        best = _deepest(node, loc[1:], mark, key, known)
        for child, child_mark in _children(node, loc[0], key and len(loc) == 1):
            matched, found = _deepest(child, loc[1:], child_mark, key, known)
            if matched + 1 > best[0] or (matched + 1 == best[0] and len(loc) == 1):
                best = matched + 1, found
        known[at] = best
    return known[at]


def _children(node: Any, step: int | str, key: bool) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            if key_node.value == step:
                yield value, (key_node if key else value).start_mark
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        yield node.value[step], node.value[step].start_mark


def read_documents(
    path: Path, shown: str | None = None, on_share: OnShare | None = None
) -> list[RawDocument]:
    """Return the YAML documents of a file; `on_share` is told how much of it is read (0 to 1).

    Raises `KnowledgeError` with line and column for text that is not YAML as described above.
    """
    name = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = Text(en=f"not UTF-8 text ({error})", zh=f"不是 UTF-8 文本（{error}）")
        raise KnowledgeError([Problem(Place(name, 1, 1), message)]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        message = Text(en=f"cannot be read: {reason}", zh=f"无法读取：{reason}")
        raise KnowledgeError([Problem(Place(name, 1, 1), message)]) from None
    return parse_documents(text, name, on_share)


def parse_documents(text: str, name: str, on_share: OnShare | None = None) -> list[RawDocument]:
    """Return the YAML documents in `text`; `name` is used in error messages."""
    try:
        if _possible_depth(text) > _SAFE_FOR_LIBYAML:
            _refuse_deep_nesting(text, name)
        nodes = list(_nodes(text, on_share))
    except yaml.MarkedYAMLError as error:
        raise KnowledgeError([_syntax_problem(name, error)]) from None
    except (yaml.YAMLError, ValueError) as error:
        message = not_yaml(" ".join(str(error).split()))
        raise KnowledgeError([Problem(Place(name, 1, 1), message)]) from None
    return [_document(name, node) for node in nodes]


def _nodes(text: str, on_share: OnShare | None) -> Iterator[yaml.Node]:
    for node in yaml.compose_all(text, _Loader):
        if node is not None:
            yield node
            if on_share:
                on_share(node.end_mark.index / len(text))


def _possible_depth(text: str) -> int:
    """Return a cheap upper bound of the nesting: brackets open flows, columns open blocks."""
    longest = max(map(len, text.splitlines()), default=0)
    return longest + text.count("[") + text.count("{")


def _refuse_deep_nesting(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            place = _place(name, event.start_mark)
            raise KnowledgeError([Problem(place, _TOO_DEEP)])


def _place(name: str, mark: Any) -> Place:
    return Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)


def _syntax_problem(name: str, error: yaml.MarkedYAMLError) -> Problem:
    place = _place(name, error.problem_mark or error.context_mark)
    return Problem(place, not_yaml(" ".join(filter(None, (error.context, error.problem)))))


def _document(name: str, node: yaml.Node) -> RawDocument:
    builder = _Builder(name)
    data = builder.build(node, 0)
    if builder.problems:
        raise KnowledgeError(builder.problems)
    return RawDocument(name, data, node)


_TOO_DEEP = Text(en=f"nested more than {MAX_DEPTH} levels deep", zh=f"嵌套超过 {MAX_DEPTH} 层")
_NO_ALIASES = Text(
    en="aliases (*name) are not used in knowledge files", zh="知识文件中不使用别名（*name）"
)
_KEY_IS_TEXT = Text(en="a key must be plain text", zh="键必须是普通文本")


def _twice(key: str) -> Text:
    return Text(en=f"the key '{key}' is given twice", zh=f"键“{key}”出现了两次")


def _no_tags(tag: str) -> Text:
    return Text(
        en=f"tags such as {tag} are not used in knowledge files",
        zh=f"知识文件中不使用 {tag} 之类的标签",
    )


class _Builder:
    """Turns nodes into plain data and notes what YAML as we read it forbids."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def build(self, node: Any, depth: int) -> Any:
        if id(node) in self.seen:
            return self._problem(node, _NO_ALIASES)
        if depth > MAX_DEPTH:
            return self._problem(node, _TOO_DEEP)
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            return [self.build(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        self._check_tag(node, "map")
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, _KEY_IS_TEXT)
                continue
            if key_node.value in data:
                self._problem(key_node, _twice(key_node.value))
            data[key_node.value] = self.build(value_node, depth + 1)
        return data

    def _scalar(self, node: Any) -> Any:
        if node.style in ("'", '"', "|", ">"):
            self._check_tag(node, "str")
            return node.value
        if node.tag not in _PLAIN_TAGS:
            return self._problem(node, _no_tags(node.tag))
        return plain_scalar(node.value)

    def _check_tag(self, node: Any, kind: str) -> None:
        if node.tag != _TAG + kind:
            self._problem(node, _no_tags(node.tag))

    def _problem(self, node: Any, message: Text) -> None:
        self.problems.append(Problem(_place(self.name, node.start_mark), message))


def plain_scalar(text: str) -> bool | int | float | str | None:
    """Return what an unquoted YAML scalar means."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text) and len(text) <= 300:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text

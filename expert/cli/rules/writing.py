"""`torchmedic rules new`, `graph` and `schema`: text for a file, or for standard output."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from expert.errors import UsageError
from expert.graph import graph_of, to_dot, to_mermaid
from expert.knowledge.base import Knowledge
from expert.knowledge.json_schema import SCHEMA_ID, json_schema
from expert.report.json_report import SCHEMA, diagnosis_json_schema
from expert.scaffold import scaffold
from expert.spelling import did_you_mean

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def new(options: argparse.Namespace, knowledge: Knowledge) -> int:
    """Write the scaffold of a new cause."""
    id_ = options.id
    if not _ID.fullmatch(id_):
        raise UsageError(
            en=f"'{id_}' is no id: use small letters, digits and hyphens, as in 'loader-repeats'",
            zh=f"“{id_}”不能作为标识：请用小写字母、数字和连字符，例如“loader-repeats”",
        )
    if id_ in knowledge.causes or id_ in knowledge.symptoms or id_ in knowledge.disabled:
        raise UsageError(
            en=f"'{id_}' is there already (torchmedic rules show {id_}); "
            f"to add to it, begin a document with `extends: {id_}`",
            zh=f"“{id_}”已经存在（torchmedic rules show {id_}）；"
            f"若要补充，请以 `extends: {id_}` 开始一个文档",
        )
    _write(scaffold(id_), options.output, may_replace=None)
    return 0


def graph(options: argparse.Namespace, knowledge: Knowledge) -> int:
    """Write the graph of the knowledge, or of one id."""
    try:
        found = graph_of(knowledge, options.only, options.lang)
    except KeyError:
        known = [*knowledge.causes, *knowledge.symptoms, *knowledge.facts]
        hint = did_you_mean(options.only, known)
        raise UsageError(
            en=f"there is no cause, symptom or fact '{options.only}'"
            + (f"; {hint.en}" if hint else ""),
            zh=f"没有名为“{options.only}”的原因、现象或事实" + (f"；{hint.zh}" if hint else ""),
        ) from None
    sys.stdout.write(to_mermaid(found) if options.mermaid else to_dot(found))
    return 0


def schema(output: str | None, knowledge: Knowledge) -> int:
    """Write the JSON Schema of knowledge files; an older one is replaced."""
    written = json.dumps(json_schema(knowledge), ensure_ascii=False, indent=1) + "\n"
    _write(written, output, may_replace=SCHEMA_ID)
    return 0


def schema_of_diagnoses(output: str | None) -> int:
    """Write the JSON Schema of a diagnosis (`--json`); an older one is replaced."""
    text = json.dumps(diagnosis_json_schema(), ensure_ascii=False, indent=1) + "\n"
    _write(text, output, may_replace=SCHEMA)
    return 0


def _write(text: str, output: str | None, *, may_replace: str | None) -> None:
    """Write to standard output, or a new file, or one that holds the text `may_replace`."""
    if output is None:
        sys.stdout.write(text)
        return
    path = Path(output)
    try:
        if may_replace and path.is_file() and may_replace in path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            return
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            en=f"{output} is there already and is not overwritten",
            zh=f"{output} 已经存在，未被覆盖",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            en=f"cannot write {output}: {reason}", zh=f"无法写入 {output}：{reason}"
        ) from None

"""Markdown as GitHub renders it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from expert.report.markdown_report import code, escaped, to_markdown
from tests.expert.report.sample import HOSTILE, healthy, sick


def test_a_finding_has_its_heading_evidence_place_and_fix() -> None:
    text = to_markdown(sick())
    assert "### 1. Softmax is applied twice (`double-softmax`, certainty" in text
    assert "`train.py:12`" in text
    assert "`loss.input_last_op = softmax`" in text
    assert "```python\n" in text


def test_it_speaks_chinese() -> None:
    assert "## 问题所在" in to_markdown(sick(), "zh")


def test_health_is_said() -> None:
    assert "**No fault found.**" in to_markdown(healthy())


def test_what_failed_is_not_hidden() -> None:
    assert "updates: it raised" in to_markdown(sick())


def test_hostile_names_become_neither_html_nor_links() -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(
        to_markdown(sick(layer=HOSTILE))
    )
    assert "<script>" not in html
    assert "<a href" not in html


@given(st.text(alphabet=st.characters(exclude_characters="`\n\r\t", codec="utf-8"), max_size=40))
def test_escaped_text_renders_as_itself(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parseInline(escaped(text))
    children = tokens[0].children or []
    assert {token.type for token in children} <= {"text", "text_special", "html_entity"}


@given(st.text(alphabet="a` b", min_size=1, max_size=12).filter(lambda text: text.strip("` ")))
def test_a_code_span_holds_any_backticks(text: str) -> None:
    children = MarkdownIt().parseInline(code(text))[0].children or []
    assert [token.type for token in children] == ["code_inline"]

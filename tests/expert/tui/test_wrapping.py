"""Lines of English and Chinese text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from expert.tui.wrapping import wrapped

TEXTS = st.text(st.sampled_from("ab  学习率，。（）“”.ReLU-1\n"), max_size=60)


def plain(text: str, width: int, hang: int = 0) -> list[str]:
    return [line.plain for line in wrapped(Content(text), width, hang)]


def test_english_breaks_at_spaces() -> None:
    assert plain("the rate is too high", 11) == ["the rate is", "too high"]


def test_chinese_breaks_between_characters_and_fills_the_line() -> None:
    assert plain("ReLU 学习率过高", 11) == ["ReLU 学习率", "过高"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    assert plain("学习率过，高", 8) == ["学习率", "过，高"]
    assert plain("学习率（高）", 8) == ["学习率", "（高）"]


def test_the_lines_after_the_first_hang() -> None:
    assert plain("+0.90  aa bb cc", 12, 7) == ["+0.90  aa bb", "       cc"]


def test_a_word_longer_than_the_line_is_cut() -> None:
    assert plain("abcdefgh", 3) == ["abc", "def", "gh"]


def test_blank_lines_and_indents_stay() -> None:
    assert plain("a\n\n    b", 10) == ["a", "", "    b"]


def test_styles_stay_on_their_words() -> None:
    lines = wrapped(Content.assemble("plain ", ("bold", "bold")), 5)
    assert [(line.plain, [span.style for span in line.spans]) for line in lines] == [
        ("plain", []),
        ("bold", ["bold"]),
    ]


@given(text=TEXTS, width=st.integers(6, 30), hang=st.integers(0, 3))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int, hang: int) -> None:
    lines = plain(text, width, hang)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [0, 1])
def test_a_line_without_room_still_ends(width: int) -> None:
    assert "".join(plain("学习 ab", width)).replace(" ", "") == "学习ab"

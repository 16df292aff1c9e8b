"""One page, both languages, nothing from outside, nothing of the user's taken as markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert import Diagnosis, Observation
from expert.report.html_report import to_html, to_html_fragment
from expert.report.plots import picture
from tests.expert.report.sample import HOSTILE, healthy, sick

_VOID = {"meta", "input", "br"}


class _Outline(HTMLParser):
    """Checks that elements nest, and keeps their names and what is read from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.outside: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.outside += [str(v) for k, v in attrs if k in {"src", "href", "action"}]
        assert not any(key.startswith("on") for key, _ in attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("diagnosis", [sick(), healthy(), sick(layer=HOSTILE)])
def test_it_is_well_formed_and_needs_no_script_and_no_network(diagnosis: Diagnosis) -> None:
    text = to_html(diagnosis)
    outline = _Outline(text)
    assert "script" not in outline.seen
    assert outline.outside == []
    assert "url(" not in text
    assert "@import" not in text


def test_both_languages_are_on_the_page_and_the_chosen_one_shows() -> None:
    for language, other in (("en", "zh"), ("zh", "en")):
        text = to_html(sick(), language)
        assert "Softmax is applied twice" in text
        assert "问题所在" in text
        assert re.search(rf'class="language to-{language}"[^>]* checked>', text)
        assert not re.search(rf'class="language to-{other}"[^>]* checked>', text)


def test_layers_are_drawn_with_the_matched_ones_marked() -> None:
    text = to_html(sick(layer="encoder.block"))
    assert re.search(r"<title>encoder.block: 1</title>.*?class=\"marked\"", text)
    assert re.search(r"<title>net.2: 0.25</title>.*?class=\"plain\"", text)


def test_hostile_names_are_shown_as_they_are() -> None:
    assert "<script>alert" not in to_html(sick(layer=HOSTILE))
    assert "&lt;script&gt;alert" in to_html(sick(layer=HOSTILE))


def test_two_fragments_on_one_page_switch_language_on_their_own() -> None:
    ids = [re.findall(r'id="([^"]+)"', to_html_fragment(d)) for d in (sick(), healthy())]
    assert not set(ids[0]) & set(ids[1])


def test_rates_make_a_curve_and_classes_make_bars() -> None:
    sweep = Observation("s", (2.3, 1.1, 5.0), ("0.001", "0.01", "0.1"))
    classes = Observation("c", (0.5, 0.3, 0.2), ("0", "1", "2"))
    assert "<polyline" in picture(sweep)
    assert "<rect" in picture(classes)


def test_a_thousand_layers_are_drawn_in_part_with_the_marked_one_kept() -> None:
    names = tuple(f"layer{i}" for i in range(1000))
    drawn = picture(Observation("g", tuple([0.5] * 1000), names), marked={"layer777"})
    assert drawn.count("<rect") <= 50
    assert "layer777: 0.5" in drawn
    assert "+960" in drawn


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.floats(allow_nan=True, allow_infinity=True)), max_size=60
    )
)
def test_any_values_make_a_well_formed_picture_or_none(pairs: list[tuple[str, float]]) -> None:
    fact = Observation("x", tuple(v for _, v in pairs), tuple(k for k, _ in pairs))
    drawn = picture(fact)
    _Outline(drawn)
    assert "nan" not in re.sub(r">[^<]*<", "><", drawn)  # NaN may be written, never drawn

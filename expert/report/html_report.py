"""The diagnosis as one HTML file: both languages, pictures inside, no script and no network."""

from __future__ import annotations

import re
from functools import cache
from zlib import crc32

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from expert.diagnosis import Diagnosis, Finding
from expert.language import LANGUAGES, Language, Text
from expert.report import words
from expert.report.chart_picture import chart_picture
from expert.report.curves import drawn
from expert.report.plots import picture

_CODE_SPAN = re.compile(r"`([^`\n]+)`")


def to_html(diagnosis: Diagnosis, language: Language = "en") -> str:
    """Return a whole page; it opens in `language` and switches to the other one without script."""
    return _render("page.html.j2", diagnosis, language)


def to_html_fragment(diagnosis: Diagnosis, language: Language = "en") -> str:
    """Return the same for the inside of another page, such as a notebook's output."""
    return _render("fragment.html.j2", diagnosis, language)


def _render(template: str, diagnosis: Diagnosis, language: Language) -> str:
    facts = {fact.name: fact for fact in diagnosis.facts}

    def pictures(finding: Finding, position: int) -> list[Markup]:
        """What the rule at `position` saw, at all places, unless a rule before it showed that."""
        shown = {
            fact.name for rule in finding.evidence_that_counts[:position] for fact in rule.facts
        }
        return [
            picture(facts.get(fact.name, fact), marked=frozenset(fact.where))
            for fact in finding.evidence_that_counts[position].facts
            if fact.name not in shown
        ]

    return (
        _environment()
        .get_template(template)
        .render(
            diagnosis=diagnosis,
            language=language,
            not_checked=[
                Text(*pair)
                for pair in zip(
                    *(words.grouped_not_done(diagnosis, each) for each in LANGUAGES), strict=True
                )
            ],
            pictures=pictures,
            charts=list(drawn(facts)),
            page_id=f"torchmedic-{crc32(repr(diagnosis).encode()):08x}",
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("expert.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, verdict=words.verdict, joined=words.joined)
    environment.globals.update(picture=picture, chart_picture=chart_picture, Text=Text)
    environment.filters.update(said=_said, code=_with_code, measurement=words.measurement)
    environment.filters.update(
        tried=lambda outcome: Text(*(words.tried(outcome, language) for language in LANGUAGES)),
    )
    return environment


def _said(text: Text) -> Markup:
    """Both languages; the page shows one."""
    return Markup(
        '<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>'
    ).format(_with_code(text.en), _with_code(text.zh))


def _with_code(text: str) -> Markup:
    return Markup(_CODE_SPAN.sub(r"<code>\1</code>", str(escape(text))))

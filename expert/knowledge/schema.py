"""What knowledge files may say: the pydantic models of every YAML document.

All models are strict (`no` is not 0.0, "3" is not 3) and refuse unknown keys.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from expert.knowledge.conditions import Condition
from expert.knowledge.in_words import FaultyError
from expert.language import Text, without_stray_spaces

SCHEMA_VERSION = 1

KebabId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
SourceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(/[A-Za-z0-9.-]+)?$")]
Inquiry = Annotated[
    str, StringConstraints(pattern=r"^(probe|question|trial|log|watch):[a-z0-9_-]+$")
]
Status = Literal["stable", "experimental", "deprecated"]
Certainty = Annotated[float, Field(ge=-1.0, le=1.0)]
Plain = bool | int | float | str


class Document(BaseModel):
    """Base of everything read from YAML."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Bilingual(Document):
    """A text in English and Chinese; `{fact}` is replaced by the value of that fact."""

    en: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    zh: Annotated[
        str,
        StringConstraints(min_length=1, strip_whitespace=True),
        AfterValidator(without_stray_spaces),
    ]

    @property
    def text(self) -> Text:
        """The plain text pair, without pydantic."""
        return Text(en=self.en, zh=self.zh)


class Pack(Document):
    """The head of a folder of knowledge."""

    pack: KebabId
    """Name of the pack, shown wherever its causes are."""
    schema_version: Literal[1]
    """The version of this format for which the pack was written."""
    title: Bilingual
    disable: list[KebabId] = []
    """Causes of earlier packs that are switched off."""


class Source(Document):
    """A document, or one section of it, that knowledge cites."""

    source: SourceId
    """Id of the document ("karpathy-recipe") or of a section in it ("thirty-seven/17")."""
    title: str
    url: str | None = None


class FactType(Document):
    """One thing that can be known about a case."""

    fact: FactName
    """Name of the fact: what it is about, a dot, what is known about it."""
    type: Literal["number", "integer", "flag", "text"]
    per: (
        Literal[
            "layer",
            "feature",
            "parameter",
            "class",
            "module",
            "pair",
            "trial",
            "rate",
            "step",
            "epoch",
        ]
        | None
    ) = None
    """Given when there is one value per layer (feature, ...); conditions then say `for:`.
    What is known per rate, step or epoch is a curve, and is drawn."""
    unit: str | None = None
    """What a number counts; a `share` lies between 0 and 1."""
    values: list[str] | None = None
    """The values that a text can have."""
    meaning: Bilingual
    """What the fact says, in words."""
    inquiry: Inquiry
    """What provides it: `probe:ID` measures, `question:ID` asks, `trial:comparison` tries;
    `log:curves` reads it from the curves of a run, `watch:run` sees it while a script runs."""


class Answer(Document):
    """One choice of a question and the facts it sets."""

    answer: KebabId
    text: Bilingual
    sets: dict[FactName, Plain] = {}
    """Facts that this answer tells; left out for "I don't know"."""


class Question(Document):
    """What a person can tell and no probe can measure here."""

    question: KebabId
    text: Bilingual
    why: Bilingual
    """Why it is asked, shown to whoever is asked."""
    when: Condition | None = None
    """When the question is worth asking; always, if left out."""
    cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """What an answer takes, in glances at one's own code: an experiment costs more than one."""
    choices: Annotated[list[Answer], Field(min_length=2)]
    sources: list[SourceId] = []


class Rule(Document):
    """One piece of evidence: when the condition holds, it speaks for or against its owner."""

    rule: KebabId
    """Id within its owner; stays for ever."""
    when: Condition
    certainty: Certainty
    """From -1 (rules it out) to 1 (proves it); 0.6 to 0.8 is strong, 0.3 to 0.5 suggestive."""
    reason: Bilingual
    """Shown to the user as proof, with the measured numbers: "it is {loss.initial}"."""
    status: Status = "stable"
    group: KebabId | None = None
    """Rules of one group look at the same thing: only the strongest of them counts."""
    threshold: str | None = None
    """Where the number in the condition comes from."""
    sources: list[SourceId] = []


class Link(Document):
    """A cause that this one brings about, and under which condition it does."""

    cause: KebabId
    when: Condition | None = None


class Fix(Document):
    """What to change, with this case's numbers, and how to see that it worked."""

    fix: KebabId
    title: Bilingual
    instructions: Bilingual
    """What to do, with this case's numbers."""
    when: Condition | None = None
    """When the fix applies; always, if left out."""
    code: str | None = None
    """A snippet to paste; `{fact.name:default}` becomes this case's number."""
    trial: KebabId | None = None
    """The trial that tests the fix on a copy: an id of `torchmedic try`; its result is evidence."""
    verify: Bilingual
    """How to see that it worked."""
    sources: list[SourceId] = []


class RuleTest(Document):
    """Given facts, and what must and must not be concluded from them."""

    name: str
    given: dict[FactName, Any]
    """Facts: a value, a list of values, or values by layer name."""
    expect: list[KebabId] = []
    """Causes and symptoms that must be concluded."""
    first: KebabId | None = None
    """The cause that must come first."""
    silent: list[KebabId] = []
    """Causes and symptoms that must not be concluded."""
    todo: bool = False
    """True while the test is known to fail."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.expect or self.first or self.silent):
            raise FaultyError(
                en="a test needs `expect`, `first` or `silent`",
                zh="测试需要写 `expect`、`first` 或 `silent`",
            )
        return self


class Conclusion(Document):
    """What symptoms and causes have in common: rules conclude them."""

    title: Bilingual
    explanation: Bilingual
    evidence: Annotated[list[Rule], Field(min_length=1)]
    sources: list[SourceId] = []
    status: Status = "stable"
    tests: list[RuleTest] = []


class Symptom(Conclusion):
    """What is visibly wrong."""

    symptom: KebabId

    @property
    def id(self) -> str:
        """The symptom's id."""
        return self.symptom


class Cause(Conclusion):
    """A hypothesis that explains symptoms, with its fixes in order of preference."""

    cause: KebabId
    produces: list[KebabId | Link] = []
    locate: list[FactName] = []
    """Facts that hold the "FILE:LINE" to look at."""
    fixes: list[Fix] = []

    @property
    def id(self) -> str:
        """The cause's id."""
        return self.cause

    @property
    def links(self) -> list[Link]:
        """`produces` with every entry as a `Link`."""
        return [item if isinstance(item, Link) else Link(cause=item) for item in self.produces]


class Extension(Document):
    """What a pack adds to a cause or symptom of an earlier pack.

    A rule or fix with the id of one that is there replaces it; everything else is put after it.
    """

    extends: KebabId
    """The cause or symptom."""
    evidence: list[Rule] = []
    produces: list[KebabId | Link] = []
    locate: list[FactName] = []
    fixes: list[Fix] = []
    sources: list[SourceId] = []
    tests: list[RuleTest] = []

    @model_validator(mode="after")
    def _adds_something(self) -> Self:
        if not any(getattr(self, name) for name in EXTENDABLE):
            raise FaultyError(
                en=f"an extension needs one of {', '.join(EXTENDABLE)}",
                zh=f"扩展至少需要写 {'、'.join(EXTENDABLE)} 之一",
            )
        return self


#: What an extension may add to, in the order of a cause.
EXTENDABLE = ("sources", "produces", "evidence", "locate", "fixes", "tests")

AnyDocument = Pack | Source | FactType | Question | Symptom | Cause | Extension

#: The key that tells which kind of document a YAML mapping is.
KINDS: dict[str, type[AnyDocument]] = {
    "pack": Pack,
    "source": Source,
    "fact": FactType,
    "question": Question,
    "symptom": Symptom,
    "cause": Cause,
    "extends": Extension,
}

"""Conditions as data: what a rule's `when` may say.

    when:
      all:
        - {fact: loss.function, is: cross_entropy}
        - {fact: activation.dead_share, for: any, at_least: 0.9}
        - {value: {over: [{fact: run.loss_end}, {fact: loss.chance}]}, above: 0.9}

Truth is three-valued: a condition on a fact nobody knows is neither true nor false.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from expert.knowledge.in_words import FaultyError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Plain = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True
    )

    @model_validator(mode="after")
    def _no_empty_key(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                key = name.rstrip("_")
                raise FaultyError(en=f"'{key}' has no value", zh=f"“{key}”没有值")
        return self


# ------------------------------------------------------------------ expressions
class FactValue(_Part):
    """The value of another fact."""

    fact: Name


class Arithmetic(_Part):
    """Exactly one small operation on expressions."""

    times: list[Expression] | None = Field(None, min_length=2)
    plus: list[Expression] | None = Field(None, min_length=2)
    minus: tuple[Expression, Expression] | None = Field(None, strict=False)
    over: tuple[Expression, Expression] | None = Field(None, strict=False)
    log: Expression | None = None
    abs: Expression | None = None

    @model_validator(mode="after")
    def _one_operation(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise FaultyError(
                en="use exactly one of times, plus, minus, over, log, abs",
                zh="times、plus、minus、over、log、abs 必须且只能写一个",
            )
        return self

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return next(iter(self.model_fields_set))

    @property
    def operands(self) -> tuple[Expression, ...]:
        """What the operation works on."""
        value = getattr(self, self.operation)
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _expression_kind(value: Any) -> str:
    if isinstance(value, (FactValue, Arithmetic)):
        return "fact" if isinstance(value, FactValue) else "arithmetic"
    if isinstance(value, dict):
        return "fact" if "fact" in value else "arithmetic"
    return "number"


Expression = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[FactValue, Tag("fact")]
    | Annotated[Arithmetic, Tag("arithmetic")],
    Discriminator(_expression_kind),
]


# ------------------------------------------------------------------- comparisons
class AtLeastShare(_Part):
    """A quantifier: at least this share of the layers (features, ...)."""

    share: Annotated[float, Field(gt=0.0, le=1.0)]


Quantifier = Literal["any", "all", "most", "none", "first", "last"] | AtLeastShare


class Comparison(_Part):
    """The comparisons that a value must satisfy, all of them."""

    is_: Plain | None = Field(None, alias="is")
    is_not: Plain | None = None
    in_: list[Plain] | None = Field(None, alias="in", min_length=1)
    not_in: list[Plain] | None = Field(None, min_length=1)
    above: Expression | None = None
    below: Expression | None = None
    at_least: Expression | None = None
    at_most: Expression | None = None

    @property
    def comparisons(self) -> dict[str, Any]:
        """The comparisons given, by name."""
        given = self.model_fields_set
        return {name: getattr(self, name) for name in COMPARISONS if name in given}

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if not self.comparisons:
            raise FaultyError(
                en=f"compare the value with one of {', '.join(_SPELLED)}",
                zh=f"请用 {'、'.join(_SPELLED)} 之一比较取值",
            )
        return self


COMPARISONS = ("is_", "is_not", "in_", "not_in", "above", "below", "at_least", "at_most")
_SPELLED = tuple(name.rstrip("_") for name in COMPARISONS)


class OnFact(Comparison):
    """A comparison of one fact; `for` says over which of its layers (features, ...)."""

    fact: Name
    for_: Quantifier | None = Field(None, alias="for")


class OnValue(Comparison):
    """A comparison of a computed value."""

    value: Expression


class Known(_Part):
    """The fact has been observed, whatever its value."""

    known: Name


class Unknown(_Part):
    """Nobody has observed the fact."""

    unknown: Name


class OnSymptom(_Part):
    """The symptom has been concluded with at least this certainty."""

    symptom: Name
    at_least: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.2


class OnCause(_Part):
    """The cause has been concluded with at least this certainty."""

    cause: Name
    at_least: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.2


class All(_Part):
    """Every one of these holds."""

    all: list[Condition] = Field(min_length=1)


class Any_(_Part):  # noqa: N801
    """At least one of these holds."""

    any: list[Condition] = Field(min_length=1)


class None_(_Part):  # noqa: N801
    """Every one of these is known not to hold."""

    none: list[Condition] = Field(min_length=1)


_CONDITIONS: dict[str, type[_Part]] = {
    "fact": OnFact,
    "value": OnValue,
    "known": Known,
    "unknown": Unknown,
    "symptom": OnSymptom,
    "cause": OnCause,
    "all": All,
    "any": Any_,
    "none": None_,
}


def _condition_kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((kind for kind in _CONDITIONS if kind in value), None)
    return next((kind for kind, model in _CONDITIONS.items() if type(value) is model), None)


Condition = Annotated[
    Annotated[OnFact, Tag("fact")]
    | Annotated[OnValue, Tag("value")]
    | Annotated[Known, Tag("known")]
    | Annotated[Unknown, Tag("unknown")]
    | Annotated[OnSymptom, Tag("symptom")]
    | Annotated[OnCause, Tag("cause")]
    | Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[None_, Tag("none")],
    Discriminator(
        _condition_kind,
        custom_error_type="condition",
        custom_error_message="a condition needs one of the keys " + ", ".join(_CONDITIONS),
    ),
]

AnyCondition = OnFact | OnValue | Known | Unknown | OnSymptom | OnCause | All | Any_ | None_
AnyExpression = int | float | FactValue | Arithmetic

for _model in (Arithmetic, Comparison, OnFact, OnValue, All, Any_, None_):
    _model.model_rebuild()


def parts(condition: AnyCondition) -> tuple[AnyCondition, ...]:
    """Return the conditions directly inside `condition`."""
    match condition:
        case All():
            return tuple(condition.all)
        case Any_():
            return tuple(condition.any)
        case None_():
            return tuple(condition.none)
        case _:
            return ()


def leaves(condition: AnyCondition) -> Iterator[AnyCondition]:
    """Yield the conditions at the bottom of the tree, left to right."""
    inner = parts(condition)
    if not inner:
        yield condition
    for part in inner:
        yield from leaves(part)


def facts_in_expression(expression: AnyExpression) -> Iterator[str]:
    """Yield the names of the facts an expression reads."""
    match expression:
        case FactValue():
            yield expression.fact
        case Arithmetic():
            for operand in expression.operands:
                yield from facts_in_expression(operand)


def facts_in(condition: AnyCondition) -> Iterator[str]:
    """Yield the names of the facts a condition reads, in order, possibly repeated."""
    for leaf in leaves(condition):
        match leaf:
            case OnFact():
                yield leaf.fact
            case OnValue():
                yield from facts_in_expression(leaf.value)
            case Known():
                yield leaf.known
            case Unknown():
                yield leaf.unknown
        if isinstance(leaf, Comparison):
            for value in leaf.comparisons.values():
                yield from facts_in_expression(value)


def conclusions_in(condition: AnyCondition) -> Iterator[str]:
    """Yield "symptom:ID" and "cause:ID" for every conclusion a condition refers to."""
    for leaf in leaves(condition):
        match leaf:
            case OnSymptom():
                yield f"symptom:{leaf.symptom}"
            case OnCause():
                yield f"cause:{leaf.cause}"

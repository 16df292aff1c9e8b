"""The probes of installed packages, beside the built-in ones: entry points `torchmedic.probes`.

An entry point names a `Probe`, or a list or tuple of them. What is built in comes first: a probe
whose name, or one of whose facts, is taken already is left out, and its user is told so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, get_args

from expert.errors import UsageError
from expert.language import Text
from expert.observation import Observation
from probes.plug_ins import OnWarning, PlugIn, plug_ins
from probes.probe import Need, Probe
from probes.registry import PROBES

if TYPE_CHECKING:
    from probes.running.examination import Examination

GROUP: Final = "torchmedic.probes"


def all_probes(on_warning: OnWarning = lambda _: None) -> tuple[Probe, ...]:
    """Return the built-in probes, then those of installed packages in the order of their names.

    `on_warning` is told, in one sentence each, what was left out and why.
    """
    probes = list(PROBES)
    for plug_in in plug_ins(GROUP, on_warning):
        for given in _given(plug_in.value):
            fault = _fault(given) or _clash(given, probes)
            if fault is None:
                probes.append(dataclasses.replace(given, measure=_checked(given)))
            else:
                on_warning(plug_in.left_out(_called(given, plug_in), fault))
    return tuple(probes)


def _given(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _called(given: Any, plug_in: PlugIn) -> Text:
    name = given.id if isinstance(given, Probe) else plug_in.name
    return Text(en=f"the probe `{name}`", zh=f"探针 `{name}` ")


def _fault(given: Any) -> Text | None:
    """Return what is wrong with a probe as it was written."""
    if not isinstance(given, Probe):
        kind = type(given).__name__
        return Text(
            en=f"its entry point names a {kind}, not a probes.probe.Probe",
            zh=f"其入口点指向 {kind}，而不是 probes.probe.Probe",
        )
    for field in ("needs", "provides", "after"):
        names = getattr(given, field)
        if not (isinstance(names, tuple) and all(isinstance(name, str) for name in names)):
            return Text(
                en=f"its `{field}` is {names!r}; write a tuple of names",
                zh=f"其 `{field}` 是 {names!r}；请写成由名称组成的元组",
            )
    unknown = [need for need in given.needs if need not in get_args(Need)]
    if unknown:
        known = ", ".join(get_args(Need))
        return Text(
            en=f"it needs `{unknown[0]}`, but a probe can only need {known}",
            zh=f"它需要 `{unknown[0]}`，而探针只能需要 {known}",
        )
    return None


def _clash(given: Probe, probes: Iterable[Probe]) -> Text | None:
    """Return which name of a probe is taken by one of `probes`."""
    for other in probes:
        if given.id == other.id:
            return Text(
                en="another probe has that name already; rename it",
                zh="已有同名的探针；请改名",
            )
        for fact in given.provides:
            if fact in other.provides:
                return Text(
                    en=f"its fact `{fact}` is measured by the probe `{other.id}` already; "
                    "give it another name",
                    zh=f"其事实 `{fact}` 已由探针 `{other.id}` 测量；请换一个名称",
                )
    return None


def _checked(probe: Probe) -> Callable[[Examination], Iterator[Observation]]:
    """Return its `measure`, refusing what it does not list in `provides`."""

    def measure(exam: Examination) -> Iterator[Observation]:
        for seen in probe.measure(exam):
            if seen.name not in probe.provides:
                raise UsageError(
                    en=f"the probe gave `{seen.name}`, which its `provides` does not list",
                    zh=f"探针给出了 `{seen.name}`，但其 `provides` 中没有列出",
                )
            yield seen

    return measure

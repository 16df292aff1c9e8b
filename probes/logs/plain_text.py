"""Plain logs: what a script printed, by the patterns that people use.

Train Epoch: 1 [640/60000 (1%)]  Loss: 2.31       Test set: Average loss: 0.05, Accuracy: 98%
step 100: train loss 4.1, val loss 4.2            {'loss': 0.5, 'learning_rate': 5e-05}
Epoch 3/10 - loss: 0.52 - val_loss: 0.61          45%|###  | 90/200 [00:10<00:12, loss=0.52]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from probes.logs.names import Phase, meaning_of
from probes.logs.series import Record

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan\b|inf(?:inity)?\b)"
_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_KEY: Final = r"(?:loss|acc(?:uracy)?|acc@1|lr|learning[_ ]rate|grad(?:ient)?[_ ]?norm)"
_QUANTITY: Final = re.compile(
    rf"(?P<key>{_KEY}[\w/.]*)"
    r"(?:\s*\([^)]*\))?['\"]?\s*[:=]?\s*(?:is\s+)?(?:tensor\()?['\"\[(]?\s*"
    rf"(?P<value>{_NUMBER})(?P<tail>\s*%|\s*/\s*\d+)?(?![\w])",
    re.IGNORECASE,
)
_PREFIX: Final = re.compile(r"[A-Za-z][\w/.\-]*\Z")
_LONGEST_PREFIX: Final = 80  # characters of a name before its key
_EPOCH: Final = re.compile(
    r"\bepochs?\b['\"]?\s*[:=#]?\s*['\"\[(]?\s*(\d+(?:\.\d+)?)", re.IGNORECASE
)
_STEP: Final = re.compile(
    r"\b(?:global[_ ]?step|step|iter(?:ation)?|it|batch|update)s?\b['\"]?\s*[:=#]?\s*['\"\[(]?\s*"
    r"(\d+)(?![\d.]|\s*[a-z]?s\b)",
    re.IGNORECASE,
)
_PHASE: Final = re.compile(
    r"\b(train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?|eval(?:uation)?|dev)\b", re.IGNORECASE
)


def read_plain(lines: Iterable[str]) -> Iterator[Record]:
    """Yield a record for every line that holds a quantity; all others are no part of a curve.

    An epoch named on a line of its own counts for the lines after it.
    """
    epoch: float | None = None
    for line in lines:
        if "\x1b" in line:
            line = _COLOURS.sub("", line)
        named = _EPOCH.search(line)
        if named:
            epoch = float(named.group(1))
        record = _quantities(line)
        if not record:
            continue
        if epoch is not None:
            record["epoch"] = epoch
        step = _step(line)
        if step is not None:
            record["step"] = step
        yield record


def _step(line: str) -> float | None:
    """Return the step that a line names; "[640/60000]" may count samples and says nothing."""
    found = _STEP.search(line)
    return float(found.group(1)) if found else None


def _quantities(line: str) -> Record:
    record: Record = {}
    for match in _QUANTITY.finditer(line):
        name = _name(line, match)
        meaning = meaning_of(name)
        if meaning.kind != "quantity":
            continue
        if not meaning.phase and meaning.role.endswith(("_loss", "_accuracy")):
            phase = _phase_before(line, match.start())
            name = f"{phase} {name}" if phase else name
        record.setdefault(name, _value(match, name))
    return record


def _name(line: str, match: re.Match[str]) -> str:
    """Return the whole name, with what stands before its key: "train_" in "train_loss"."""
    before = _PREFIX.search(line[max(0, match.start() - _LONGEST_PREFIX) : match.start()])
    return (before.group() if before else "") + match.group("key")


def _phase_before(line: str, at: int) -> Phase:
    """Return the phase last named before a quantity: "Test set: Average loss: 0.05"."""
    found = [match.group(1) for match in _PHASE.finditer(line, 0, at)]
    return meaning_of(f"{found[-1]} loss").phase if found else ""


def _value(match: re.Match[str], name: str) -> float:
    value, tail = float(match.group("value")), (match.group("tail") or "").strip()
    if tail == "%":
        return value / 100
    if tail.startswith("/") and meaning_of(name).role.endswith("_accuracy"):
        return value / max(float(tail[1:]), 1.0)
    return value

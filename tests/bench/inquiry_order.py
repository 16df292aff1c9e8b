"""`python -m tests.bench.inquiry_order FOLDER`: what choosing the next inquiry saves.

First every probe is run on every patient once and what it saw is kept in FOLDER (a later call finds
it there); then orders are replayed from that: the fixed order of the registry, random orders, and
the chosen one, which stops by itself. Seconds are those of the processor. Questions are candidates
too, at the price of a person's time; nobody answers them here, so that each one asked is one too
many. The hindsight order makes only what the final first finding takes, which nobody can know.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from expert import Observation, built_in_knowledge, diagnose
from expert.agenda import Agenda
from expert.errors import TorchmedicError
from probes.case.case import Case
from probes.registry import PROBES
from probes.running.events import Event, ProbeEnded, ProbeRunning, Started
from probes.running.run import run_probes

if TYPE_CHECKING:
    from tests.clinic.patient import Patient

KNOWLEDGE: Final = built_in_knowledge()
BUDGET_S: Final = 120.0
SHUFFLES: Final = 20


@dataclass(frozen=True)
class Seen:
    """What one probe saw in one patient, and what that took."""

    id: str
    seconds: float
    steps: int
    observations: tuple[Observation, ...]


class Record:
    """One patient with everything that its probes saw; answers what any selection would tell."""

    def __init__(
        self, id_: str, true: Sequence[str], seen: Sequence[Seen], idle: Iterable[str] = ()
    ) -> None:
        self.id = id_
        self.true = frozenset(true)
        self.idle = frozenset(idle)  # probes for which the case has nothing to look at
        self.seen = {one.id: one for one in seen}
        self._findings: dict[frozenset[str], tuple[str, ...]] = {}

    def observations(self, probes: Iterable[str]) -> list[Observation]:
        """Return what these probes saw."""
        return [o for id_ in probes if id_ in self.seen for o in self.seen[id_].observations]

    def findings(self, probes: Iterable[str]) -> tuple[str, ...]:
        """Return the findings, best first, when these probes were run."""
        key = frozenset(probes)
        if key not in self._findings:
            ordered = [id_ for id_ in self.seen if id_ in key]
            found = diagnose(self.observations(ordered), KNOWLEDGE).findings
            self._findings[key] = tuple(finding.cause for finding in found)
        return self._findings[key]

    @cached_property
    def final(self) -> tuple[str, ...]:
        """The findings when all probes were run."""
        return self.findings(self.seen)

    def settled_after(self, order: Sequence[str]) -> int:
        """Return after how many probes the first finding is what it is at the end, and stays so."""
        top = self.final[:1]
        for done in range(len(order), 0, -1):
            if self.findings(order[: done - 1])[:1] != top:
                return done
        return 0

    def is_right(self, probes: Iterable[str]) -> bool:
        """Return whether the true cause comes first, or a healthy patient is told to be well."""
        found = self.findings(probes)
        return found[0] in self.true if found and self.true else not (found or self.true)

    def seconds(self, probes: Iterable[str]) -> float:
        """Return what these probes took."""
        return sum(self.seen[id_].seconds for id_ in probes if id_ in self.seen)

    def steps(self, probes: Iterable[str]) -> int:
        """Return the training steps' worth of work that these probes took."""
        return sum(self.seen[id_].steps for id_ in probes if id_ in self.seen)


# --------------------------------------------------------------------------------------- recording
def record(patient: Patient, folder: Path) -> Record:
    """Return a patient's record, from the folder or by running all probes."""
    path = folder / f"{patient.id.replace('/', '__')}.json"
    if not path.exists():
        ended: list[dict[str, Any]] = []
        began = 0.0

        def keep(event: Event) -> None:
            nonlocal began
            if isinstance(event, ProbeRunning) and event.progress == 0:
                began = time.process_time()
            elif isinstance(event, ProbeEnded):
                ended.append({**event.to_json(), "seconds": time.process_time() - began})
                began = time.process_time()

        try:
            run_probes(Case.of(patient.build(0)), budget_s=BUDGET_S, on_event=keep)
        except TorchmedicError as error:
            print(f"{patient.id}: {error}")
        true = [patient.cause, *patient.also_accept] if patient.cause else []
        idle = [probe.id for probe in PROBES if probe.is_idle(Case.of(patient.build(0)))]
        told = {"id": patient.id, "true": true, "idle": idle, "probes": ended}
        path.write_text(json.dumps(told), encoding="utf-8")
    return read(path)


def read(path: Path) -> Record:
    """Return the record kept in a file."""
    told = json.loads(path.read_text(encoding="utf-8"))
    seen = [_seen(event) for event in told["probes"]]
    return Record(told["id"], told["true"], seen, told["idle"])


def _seen(event: dict[str, Any]) -> Seen:
    seen = tuple(Observation.from_json(entry) for entry in event["observations"])
    return Seen(event["id"], event["seconds"], event["steps"], seen)


# --------------------------------------------------------------------------------------- replaying
def fixed(record_: Record) -> list[str]:
    """Return the probes in the order of the registry."""
    return [probe.id for probe in PROBES if probe.id in record_.seen]


def chosen(record_: Record, *, asks: bool = False) -> tuple[list[str], int]:
    """Return the probes as they are chosen, until it stops, and how many questions it asks."""
    probes = [probe for probe in PROBES if probe.id in record_.seen]
    agenda = Agenda(KNOWLEDGE, Started(probes, record_.idle).to_json()["probes"], asks=asks)
    order, asked = [], 0
    while (wanted := agenda.next()) is not None:
        (id_,) = wanted.ids
        if wanted.kind == "question":
            asked += 1
            agenda.learn_answer(id_, ())
        else:
            order.append(id_)
            one = record_.seen[id_]
            agenda.learn_probe(id_, one.observations, seconds=one.seconds, steps=one.steps)
    return order, asked


def hindsight(record_: Record) -> list[str]:
    """Return the probes without which the first finding would be another; the dearest go first."""
    kept = fixed(record_)
    for id_ in sorted(kept, key=lambda id_: -record_.seen[id_].seconds):
        without = [other for other in kept if other != id_]
        if record_.findings(without)[:1] == record_.final[:1]:
            kept = without
    return kept


@dataclass(frozen=True)
class Cost:
    """What an order took."""

    inquiries: int
    seconds: float
    steps: int

    @classmethod
    def of(cls, record_: Record, probes: Sequence[str]) -> Cost:
        """Return what these probes took."""
        return cls(len(probes), record_.seconds(probes), record_.steps(probes))


def _until_settled(record_: Record, order: Sequence[str]) -> Cost:
    return Cost.of(record_, order[: record_.settled_after(order)])


def _line(name: str, costs: Sequence[Cost]) -> str:
    inquiries, seconds, steps = (
        [getattr(cost, kind) for cost in costs] for kind in ("inquiries", "seconds", "steps")
    )
    return (
        f"  {name:24s} inquiries {statistics.median(inquiries):5.1f}"
        f"   seconds {sum(seconds):8.1f} (median {statistics.median(seconds):6.3f})"
        f"   steps {sum(steps):7d} (median {statistics.median(steps):6.1f})"
    )


def compare(records: Sequence[Record], shuffles: int) -> None:
    """Print what the orders take until the first finding is final, and where one stops itself."""
    own = {r.id: chosen(r)[0] for r in records}
    ill = [r for r in records if r.final]
    print(f"until the first finding is the final one, {len(ill)} patients with findings (sums):")
    print(_line("fixed order", [_until_settled(r, fixed(r)) for r in ill]))
    print(_line("chosen order", [_until_settled(r, _completed(r, own[r.id])) for r in ill]))
    _print_random(ill, shuffles)
    print(_line("hindsight", [Cost.of(r, hindsight(r)) for r in ill]))
    for name, group in (("with findings", ill), ("silent", [r for r in records if not r.final])):
        print(f"in all, {len(group)} patients {name}:")
        print(_line("every probe", [Cost.of(r, fixed(r)) for r in group]))
        print(_line("chosen, until it stops", [Cost.of(r, own[r.id]) for r in group]))
    ends = {r.id: own[r.id] for r in records}
    asking = [chosen(r, asks=True) for r in records]
    costs = [Cost.of(r, order) for r, (order, _) in zip(records, asking, strict=True)]
    print(f"where it may ask, it asks {sum(asked for _, asked in asking)} questions, and in all:")
    print(_line("chosen, until it stops", costs))
    print(f"right with every probe: {sum(r.is_right(r.seen) for r in records)} of {len(records)}")
    print(f"right when it stops: {sum(r.is_right(ends[r.id]) for r in records)}")
    print(f"same first finding: {sum(r.findings(ends[r.id])[:1] == r.final[:1] for r in records)}")
    for r in records:
        if r.findings(ends[r.id])[:1] != r.final[:1]:
            print(f"  {r.id}: {r.final[:3]} became {r.findings(ends[r.id])[:3]}")


def _completed(record_: Record, order: list[str]) -> list[str]:
    return [*order, *(id_ for id_ in fixed(record_) if id_ not in order)]


def _print_random(records: Sequence[Record], shuffles: int) -> None:
    """Print the shuffle of median and that of greatest cost, over all patients."""
    runs = []
    for seed in range(shuffles):
        source = random.Random(seed)
        runs.append([_until_settled(r, source.sample(fixed(r), len(r.seen))) for r in records])
    runs.sort(key=lambda costs: sum(cost.seconds for cost in costs))
    print(_line("random order, median", runs[len(runs) // 2]))
    print(_line("random order, worst", runs[-1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Record the patients that are not yet recorded, and compare the orders."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.inquiry_order", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where what the probes saw is kept")
    parser.add_argument("--only", default="", metavar="ID", help="patients whose id contains ID")
    parser.add_argument("--shuffles", type=int, default=SHUFFLES, help=f"default: {SHUFFLES}")
    options = parser.parse_args(arguments)
    from tests.clinic.patients import PATIENTS

    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    patients = [patient for patient in PATIENTS if options.only in patient.id]
    records = [record(patient, options.folder) for patient in patients]
    compare([r for r in records if r.seen], options.shuffles)


if __name__ == "__main__":
    main()

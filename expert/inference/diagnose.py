"""`diagnose`: observations and knowledge in, a ranked and explained diagnosis out."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence

from expert.diagnosis import (
    Diagnosis,
    Evidence,
    Finding,
    Inquiry,
    Remedy,
    RuledOut,
    SymptomFinding,
)
from expert.inference.locations import locations
from expert.inference.program import Firing, Program, Run, that_count
from expert.inference.ranking import root_causes_first
from expert.inference.reading import Reading
from expert.inference.trials import outcomes, proven_first
from expert.knowledge.loader import Knowledge
from expert.knowledge.schema import Bilingual, Cause, Fix, Link, Rule
from expert.language import Text
from expert.observation import Observation
from expert.template import fill, fill_code

FINDING = 0.5  # DESIGN section 9
SUSPECT = 0.2  # EMYCIN treats weaker certainties as nothing
RULED_OUT = -0.2

_programs: weakref.WeakKeyDictionary[Knowledge, Program] = weakref.WeakKeyDictionary()


def program_for(knowledge: Knowledge) -> Program:
    """Return the compiled rules of `knowledge`, compiling them the first time."""
    program = _programs.get(knowledge)
    if program is None:
        program = _programs[knowledge] = Program(knowledge)
    return program


def diagnose(
    observations: Iterable[Observation],
    knowledge: Knowledge,
    *,
    min_certainty: float = FINDING,
    inquiries: Iterable[Inquiry] = (),
) -> Diagnosis:
    """Return the diagnosis that follows from `observations`.

    A pure function: the same input gives the same output in the same order. Of several observations
    of one name the last counts. Causes of at least `min_certainty` are findings.
    """
    latest = {observation.name: observation for observation in observations}
    program = program_for(knowledge)
    run = program.run(list(latest.values()))
    return _Report(knowledge, program, run, latest).diagnosis(min_certainty, tuple(inquiries))


class _Report:
    """Turns a run of the rules into what a person reads."""

    def __init__(
        self, knowledge: Knowledge, program: Program, run: Run, facts: Mapping[str, Observation]
    ) -> None:
        self.knowledge = knowledge
        self.program = program
        self.run = run
        self.facts = facts
        self.tried = outcomes(facts)
        self.firings: dict[str, list[Firing]] = {}
        for firing in run.firings:
            self.firings.setdefault(firing.rule.owner, []).append(firing)

    def diagnosis(self, min_certainty: float, inquiries: tuple[Inquiry, ...]) -> Diagnosis:
        certainty = {
            cause.id: self.run.certainties[f"cause:{cause.id}"]
            for cause in self.knowledge.causes.values()
            if f"cause:{cause.id}" in self.run.certainties
        }
        found = [id_ for id_, c in certainty.items() if c >= min_certainty]
        suspected = [id_ for id_, c in certainty.items() if SUSPECT <= c < min_certainty]
        links = self._links([*found, *suspected])
        return Diagnosis(
            findings=self._ranked(found, certainty, links),
            suspects=self._ranked(suspected, certainty, links),
            symptoms=self._symptoms(),
            ruled_out=self._ruled_out(certainty),
            unknown=tuple(id_ for id_ in self.knowledge.causes if id_ not in certainty),
            facts=tuple(self.facts.values()),
            inquiries=inquiries,
        )

    def _links(self, present: Sequence[str]) -> list[tuple[str, str]]:
        """Return (cause, consequence) for the links that apply here."""
        chosen = set(present)
        return [
            (id_, link.cause)
            for id_ in present
            for link in self.knowledge.causes[id_].links
            if link.cause in chosen and self._applies(link)
        ]

    def _ranked(
        self, ids: Sequence[str], certainty: Mapping[str, float], links: list[tuple[str, str]]
    ) -> tuple[Finding, ...]:
        ordered = root_causes_first({id_: certainty[id_] for id_ in ids}, links)
        return tuple(self._finding(id_, certainty[id_], links) for id_ in ordered)

    def _finding(self, id_: str, certainty: float, links: list[tuple[str, str]]) -> Finding:
        cause, evidence = self.knowledge.causes[id_], self._evidence(f"cause:{id_}")
        fired = [firing.rule.rule for firing in self.firings.get(f"cause:{id_}", ())]
        return Finding(
            cause=id_,
            certainty=certainty,
            title=self._filled(cause.title),
            why=self._filled(cause.explanation),
            evidence=evidence,
            because_of=tuple(dict.fromkeys(a for a, b in links if b == id_)),
            leads_to=tuple(dict.fromkeys(b for a, b in links if a == id_)),
            locations=locations(cause.locate, self.facts, evidence),
            fixes=self._fixes(cause),
            sources=_sources(cause, fired),
        )

    def _fixes(self, cause: Cause) -> tuple[Remedy, ...]:
        remedies = [self._remedy(fix) for fix in cause.fixes if self._applies(fix)]
        return tuple(sorted(remedies, key=lambda remedy: proven_first(remedy.tried)))

    def _applies(self, part: Fix | Link) -> bool:
        premise = self.program.premises.get(id(part.when))
        return premise is None or premise.evaluate(self.run.readings).truth is True

    def _remedy(self, fix: Fix) -> Remedy:
        return Remedy(
            id=fix.fix,
            title=self._filled(fix.title),
            instructions=self._filled(fix.instructions),
            code=fill_code(fix.code, self.facts) if fix.code else None,
            trial=fix.trial,
            verify=self._filled(fix.verify),
            sources=tuple(fix.sources),
            tried=self.tried.get(fix.trial) if fix.trial else None,
        )

    def _symptoms(self) -> tuple[SymptomFinding, ...]:
        present = [
            (self.run.certainties.get(f"symptom:{symptom.id}", 0.0), symptom)
            for symptom in self.knowledge.symptoms.values()
        ]
        present.sort(key=lambda pair: -pair[0])  # stable: knowledge order among equals
        return tuple(
            SymptomFinding(
                symptom.id, c, self._filled(symptom.title), self._evidence(f"symptom:{symptom.id}")
            )
            for c, symptom in present
            if c >= SUSPECT
        )

    def _ruled_out(self, certainty: Mapping[str, float]) -> tuple[RuledOut, ...]:
        against = sorted(
            ((c, id_) for id_, c in certainty.items() if c <= RULED_OUT), key=lambda pair: pair[0]
        )
        return tuple(
            RuledOut(
                id_,
                c,
                self._filled(self.knowledge.causes[id_].title),
                self._evidence(f"cause:{id_}"),
            )
            for c, id_ in against
        )

    def _evidence(self, owner: str) -> tuple[Evidence, ...]:
        firings = self.firings.get(owner, [])
        counted = {firing.rule.id for firing in that_count(firings)}
        pieces = [self._piece(firing, firing.rule.id in counted) for firing in firings]
        return tuple(sorted(pieces, key=lambda piece: -abs(piece.certainty)))

    def _piece(self, firing: Firing, counts: bool) -> Evidence:
        outcome, readings = firing.outcome, self.run.readings
        seen = [name for name in outcome.facts if isinstance(readings.get(name), Reading)]
        return Evidence(
            rule=firing.rule.id,
            certainty=firing.certainty,
            reason=self._filled(firing.rule.rule.reason, outcome.matched),
            facts=tuple(_matching(self.facts[n], outcome.matched.get(n)) for n in seen),
            because=tuple(name for name in outcome.facts if name not in seen),
            counts=counts,
        )

    def _filled(
        self, text: Bilingual, matched: Mapping[str, tuple[int, ...]] | None = None
    ) -> Text:
        return Text(en=fill(text.en, self.facts, matched), zh=fill(text.zh, self.facts, matched))


def _matching(observation: Observation, positions: tuple[int, ...] | None) -> Observation:
    """Return the observation, cut down to the layers (features, ...) that matched."""
    if positions is None or not isinstance(observation.value, tuple):
        return observation
    return Observation(
        name=observation.name,
        value=tuple(observation.value[i] for i in positions),
        where=tuple(observation.where[i] for i in positions),
        origin=observation.origin,
        unit=observation.unit,
    )


def _sources(cause: Cause, fired: Iterable[Rule]) -> tuple[str, ...]:
    """Return what the cause and the rules that fired for it rest on."""
    parts = [cause.sources, *(rule.sources for rule in fired)]
    return tuple(dict.fromkeys(id_ for part in parts for id_ in part))

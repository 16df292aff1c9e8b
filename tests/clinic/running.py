"""Examining many patients: each in a process of its own, so that no crash ends the round."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from expert.cli.knowledge import knowledge_for
from expert.errors import TorchmedicError
from expert.examined import death_of

from .patients import patient_called
from .visit import Visit, examine

_PATIENCE = 5.0  # times the budget: a visit that takes longer has hung
_PRELOADED = ["torch", "sklearn.datasets", "expert.cli.knowledge", "probes.running.run"]


@dataclass(frozen=True, slots=True)
class Appointment:
    """A patient to be seen."""

    patient: str
    seed: int


@dataclass(frozen=True, slots=True)
class Round:
    """How patients are to be examined: seconds each, with trials of the fixes, with which rules."""

    budget_s: float = 60.0
    trials: bool = False
    rules: tuple[str, ...] = ()
    lang: str = "en"


@dataclass
class _Running:
    appointment: Appointment
    process: BaseProcess
    began: float


def visits(appointments: Sequence[Appointment], how: Round, jobs: int = 1) -> Iterator[Visit]:
    """Examine the patients, `jobs` at a time; yields visits as they end, failed ones included."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the processes
    context = _context()
    waiting, running = list(appointments), dict[Connection, _Running]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                receiver, one = _start(context, waiting.pop(0), how)
                running[receiver] = one
            for receiver in wait(list(running), timeout=1.0):
                assert isinstance(receiver, Connection)
                yield _end(receiver, running.pop(receiver))
            for receiver in [r for r, one in running.items() if _hangs(one, how)]:
                one = running.pop(receiver)
                one.process.kill()
                yield _failed(one, f"no answer in {_PATIENCE:g} times the budget")
    finally:
        for one in running.values():
            one.process.kill()


def _context() -> Any:
    methods = multiprocessing.get_all_start_methods()
    if "forkserver" not in methods:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _start(context: Any, appointment: Appointment, how: Round) -> tuple[Connection, _Running]:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, appointment, how), daemon=False)
    process.start()
    sender.close()  # so that the process's death ends the pipe
    return receiver, _Running(appointment, process, time.perf_counter())


def _work(sender: Connection, appointment: Appointment, how: Round) -> None:
    options = argparse.Namespace(rules=list(how.rules), lang=how.lang)
    try:
        patient, knowledge = patient_called(appointment.patient), knowledge_for(options)
        visit = examine(patient, appointment.seed, knowledge, how.budget_s, how.trials)
    except TorchmedicError as error:
        visit = Visit(appointment.patient, appointment.seed, (), (), 0.0, error.say("en"))
    sender.send(visit.to_json())


def _end(receiver: Connection, one: _Running) -> Visit:
    try:
        visit = Visit.from_json(receiver.recv())
    except EOFError:
        one.process.join()
        return _failed(one, f"its process {death_of(one.process.exitcode or 0).en}")
    finally:
        receiver.close()
    one.process.join()
    return visit


def _hangs(one: _Running, how: Round) -> bool:
    return time.perf_counter() - one.began > _PATIENCE * how.budget_s


def _failed(one: _Running, why: str) -> Visit:
    seconds = time.perf_counter() - one.began
    return Visit(one.appointment.patient, one.appointment.seed, (), (), seconds, why)

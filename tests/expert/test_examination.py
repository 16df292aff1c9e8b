"""The child process: its events, its crashes, its printing, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from expert import Observation, built_in_knowledge, diagnose
from expert.asking import Answered
from expert.errors import UsageError, UserCodeError
from expert.examination import ExaminationProcess, examine
from expert.examined import Examined
from expert.tried import Tried
from tests.expert.making import loaded

GOOD = """
import os, signal, sys, time
import torch
from torch import nn

torch.set_num_threads(1)

def case():
    torch.manual_seed(0)
    model = Model()
    return dict(
        model=model,
        train_loader=[(torch.randn(8, 4), torch.randint(3, (8,))) for _ in range(3)],
        loss_fn=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
    )

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.calls = 0
    def forward(self, x):
        at_forward(self)
        return self.layer(x)

def at_forward(model):
    pass
"""
IN_UPDATES = """
def in_updates():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith("updates.py"):
            return True
        frame = frame.f_back
"""
CHEAP = ("optimizer", "structure", "initialisation")


def write(folder: Path, source: str = GOOD) -> str:
    file = folder / "training.py"
    file.write_text(source, encoding="utf-8")
    return f"{file}:case"


def statuses(examined: Examined) -> dict[str, str]:
    return {inquiry.id: inquiry.status for inquiry in examined.inquiries}


def test_the_handle_imports_neither_torch_nor_the_probes() -> None:
    code = (
        "import sys, expert.examination;"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "sys.exit(bool(loaded & {'torch', 'probes', 'textual'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_observations_events_and_output_arrive(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    output: list[str] = []
    # Code that reads the command line finds the script's name and nothing else.
    parse = "import argparse; argparse.ArgumentParser().parse_args()\n"
    prints = "\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nos.system('echo sub')"
    source = parse + GOOD + prints
    examined = examine(
        write(tmp_path, source),
        only=("structure", "optimizer"),
        on_event=events.append,
        on_output=output.append,
    )
    assert statuses(examined) == {"optimizer": "done", "structure": "done"}
    seen = {observation.name: observation for observation in examined.observations}
    assert seen["optimizer.kind"].value == "SGD"
    assert seen["optimizer.kind"].origin == "probe:optimizer"
    assert events[0]["event"] == "start"
    assert [probe["id"] for probe in events[0]["probes"]] == ["optimizer", "structure"]
    assert events[-1]["event"] == "end"
    printed = "".join(output)
    assert "to stdout" in printed
    assert "to stderr" in printed
    assert "sub" in printed
    assert not examined.cancelled


START = "torch.manual_seed(0)"


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("def case", "def cases", UsageError, "did you mean `cases`?"),
        ("Linear(4, 3)", "Linear(5, 3)", UserCodeError, "A training step of your case failed"),
        (START, "input('Go on?')", UserCodeError, "EOFError"),
        (START, "os._exit(7)", UserCodeError, "with exit status 7"),
        (START, "os.kill(os.getpid(), signal.SIGKILL)", UserCodeError, "memory ran out"),
    ],
)
def test_what_goes_wrong_before_the_probes_is_told(
    tmp_path: Path, old: str, new: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        examine(write(tmp_path, GOOD.replace(old, new)), only=CHEAP)
    assert message in str(caught.value)


def test_the_users_traceback_comes_along(tmp_path: Path) -> None:
    with pytest.raises(UserCodeError) as caught:
        examine(write(tmp_path, GOOD.replace("pass", "raise ValueError('mine')")), only=CHEAP)
    assert "ValueError: mine" in caught.value.traceback
    assert "at_forward(self)" in caught.value.traceback
    assert "probes" not in caught.value.traceback


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="device `cuda:99` cannot be used here: there is cpu"):
        examine(write(tmp_path), device="cuda:99")


def test_a_probe_that_takes_the_process_down_is_blamed_and_the_others_go_on(tmp_path: Path) -> None:
    crash = "    if in_updates(): os.kill(os.getpid(), signal.SIGSEGV)"
    source = GOOD.replace("    pass", crash) + IN_UPDATES
    events: list[Mapping[str, Any]] = []
    only = ("optimizer", "updates", "gradients")
    examined = examine(write(tmp_path, source), only=only, on_event=events.append)
    assert statuses(examined) == {"optimizer": "done", "updates": "failed", "gradients": "done"}
    (updates,) = [inquiry for inquiry in examined.inquiries if inquiry.id == "updates"]
    assert updates.reason is not None
    assert "crashed (SIGSEGV)" in updates.reason.en
    assert [event["event"] for event in events].count("start") == 1
    assert "optimizer.kind" in {observation.name for observation in examined.observations}


def test_modules_beside_the_case_and_in_the_working_folder_are_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = ""
    for name in ("probes", "expert", "data", "case"):
        (tmp_path / f"{name}.py").write_text("WHOSE = 'the user'")
        late += f"    import {name}; assert {name}.WHOSE == 'the user'\n"
    monkeypatch.chdir(tmp_path)
    examined = examine(
        write(tmp_path, GOOD.replace("    pass", late)), only=("optimizer", "updates")
    )
    assert statuses(examined) == {"optimizer": "done", "updates": "done"}


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until(condition: Any, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A case whose function starts a process, writes both ids down, and never returns."""
    pids = tmp_path / "pids"
    hang = f"""
    import subprocess
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    part = {str(pids) + ".part"!r}
    open(part, "w").write(f"{{os.getpid()}} {{worker.pid}}")
    os.rename(part, {str(pids)!r})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(300)
"""
    yield write(tmp_path, GOOD.replace("    torch.manual_seed(0)\n", hang)), pids
    for pid in pids.read_text().split() if pids.exists() else ():
        if alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


def test_cancelling_ends_the_process_and_all_it_started(hanging: tuple[str, Path]) -> None:
    spec, file = hanging
    process = ExaminationProcess(spec)
    results: list[Examined] = []
    thread = threading.Thread(target=lambda: results.append(process.run()))
    thread.start()
    assert wait_until(file.exists)
    process.cancel()
    thread.join(10)
    assert results == [Examined((), (), cancelled=True)]
    pids = [int(pid) for pid in file.read_text().split()]
    assert wait_until(lambda: not any(map(alive, pids)), 5)
    process.cancel()  # once more does no harm


def test_a_cancelled_examination_keeps_what_it_had(tmp_path: Path) -> None:
    source = GOOD.replace("    pass", "    model.calls += 1; time.sleep(0.05 * (model.calls > 3))")

    def stop(event: Mapping[str, Any]) -> None:
        if event.get("id") == "learning_rate":
            process.cancel()

    only = ("optimizer", "learning_rate", "overfit")
    process = ExaminationProcess(write(tmp_path, source), only=only, on_event=stop)
    examined = process.run()
    assert examined.cancelled
    assert statuses(examined) == {
        "optimizer": "done",
        "learning_rate": "skipped",
        "overfit": "skipped",
    }
    assert "optimizer.kind" in {observation.name for observation in examined.observations}


def test_the_process_ends_when_its_parent_dies(hanging: tuple[str, Path]) -> None:
    spec, file = hanging
    code = f"from expert.examination import examine; examine({spec!r})"
    parent = subprocess.Popen([sys.executable, "-c", code])
    assert wait_until(file.exists)
    parent.kill()
    parent.wait()
    pids = [int(pid) for pid in file.read_text().split()]
    assert wait_until(lambda: not any(map(alive, pids)), 5)


def test_an_error_in_a_listener_ends_the_process(tmp_path: Path) -> None:
    def listener(event: Mapping[str, Any]) -> None:
        raise LookupError

    before = _children()
    with pytest.raises(LookupError):
        examine(write(tmp_path), on_event=listener)
    assert _children() <= before  # there is none left of it, not even as a zombie


def _children() -> set[int]:
    """Return the ids of the child processes of this one, zombies among them."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            parent = status.read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.add(int(status.parent.name))
    return found


def test_a_child_process_is_seen_by_the_look_for_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in _children()


def test_a_probe_that_gives_no_sign_of_life_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expert.examination._PATIENCE", 1.0)
    source = GOOD.replace("    pass", "    if in_updates(): time.sleep(300)") + IN_UPDATES
    examined = examine(write(tmp_path, source), budget=0.1, only=("optimizer", "updates"))
    assert statuses(examined) == {"optimizer": "done", "updates": "failed"}
    assert examined.inquiries[1].reason is not None
    assert "no sign of life" in examined.inquiries[1].reason.en


def test_run_by_hand_it_writes_json_lines_and_ends_on_sigterm(hanging: tuple[str, Path]) -> None:
    spec, file = hanging
    program = Path(__file__).resolve().parents[2] / "probes" / "__main__.py"
    by_hand = subprocess.Popen(
        [sys.executable, str(program), spec], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert wait_until(file.exists)  # a closed standard input that is no pipe does not end it
    by_hand.terminate()
    assert by_hand.communicate(timeout=10)[0] == b""
    assert by_hand.returncode == -signal.SIGTERM


ALL_ONES = GOOD.replace("torch.randn(8, 4)", "torch.ones(8, 4)")


def test_with_knowledge_each_next_probe_is_chosen_and_the_rest_is_left_out(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    only = (*CHEAP, "data", "places", "loss_at_start", "modes", "gradient_flow")
    base = built_in_knowledge()
    examined = examine(write(tmp_path, ALL_ONES), only=only, knowledge=base, on_event=events.append)
    told = [(event["id"], event["status"]) for event in events if event["event"] == "probe"]
    done = [id_ for id_, status in told if status == "done"]
    assert set(statuses(examined)) == set(only)
    assert "data" in done
    assert "places" in done  # where to look is told with a finding
    assert done.index("data") < done.index("places")
    assert events[-1]["event"] == "end"
    left_out = [inquiry for inquiry in examined.inquiries if inquiry.status == "skipped"]
    assert left_out
    assert all(inquiry.reason and not inquiry.cut_short for inquiry in left_out)
    findings = diagnose(examined.observations, base).findings
    assert findings[0].cause == "constant-or-zero-input"


def test_a_chosen_probe_that_takes_the_process_down_does_not_end_the_choosing(
    tmp_path: Path,
) -> None:
    crash = "if in_updates(): os.kill(os.getpid(), signal.SIGSEGV)"
    source = GOOD.replace("    pass", f"    {crash}") + IN_UPDATES
    only = ("optimizer", "updates", "data", "labels", "loop")
    examined = examine(write(tmp_path, source), only=only, knowledge=built_in_knowledge())
    assert set(statuses(examined)) == set(only)
    assert statuses(examined)["updates"] in ("failed", "skipped")
    assert statuses(examined)["data"] == "done"


class Someone:
    """A person who says yes once and wants no more questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, question: str, known: Sequence[Observation]) -> Answered | None:
        self.asked.append(question)
        return Answered(question, "yes") if len(self.asked) == 1 else None


HINTED = """
fact: optimizer.learning_rate
meaning: {en: rate, zh: 学习率}
type: number
inquiry: probe:optimizer
---
fact: mine.odd
meaning: {en: odd, zh: 奇怪}
type: flag
inquiry: question:is-it-odd
---
question: is-it-odd
text: {en: Is it odd?, zh: 奇怪吗？}
why: {en: To know., zh: 为了了解。}
choices:
  - {answer: "yes", text: {en: "yes", zh: 是}, sets: {mine.odd: true}}
  - {answer: "no", text: {en: "no", zh: 否}, sets: {mine.odd: false}}
---
cause: oddity
title: {en: oddity, zh: 奇怪}
explanation: {en: It is odd., zh: 很奇怪。}
evidence:
  - rule: hint
    when: {fact: optimizer.learning_rate, at_least: 0.05}
    certainty: 0.4
    reason: {en: a hint, zh: 线索}
  - rule: said
    when: {fact: mine.odd, is: true}
    certainty: 0.3
    reason: {en: said so, zh: 您说的}
fixes:
  - fix: cure
    title: {en: cure, zh: 治疗}
    instructions: {en: Do it., zh: 去做。}
    verify: {en: Look., zh: 看看。}
    trial: rate-tenth
"""


def test_a_person_and_trials_are_part_of_what_is_chosen(tmp_path: Path) -> None:
    person = Someone()
    tries: list[tuple[tuple[str, ...], set[str], float]] = []

    def try_fixes(trials: Sequence[str], given: Sequence[Observation], seconds: float) -> Tried:
        tries.append((tuple(trials), {fact.name for fact in given}, seconds))
        time.sleep(0.1)
        told = {"id": "rate-tenth", "tried": True, "improved": True, "cured": True}
        numbers = {"before": 2.0, "after": 0.5, "baseline": 2.0, "gain": 0.8, "score": 1.0}
        more = {"measure": "loss", "goal": "training", "steps": 9, "seconds": 0.1, "reason": None}
        return Tried({"rate-tenth": told | numbers | more})

    base = loaded(HINTED)
    examined = examine(
        write(tmp_path), only=CHEAP, knowledge=base, person=person, try_fixes=try_fixes, budget=30
    )
    assert person.asked == ["is-it-odd"]
    ((trials, given, seconds),) = tries
    assert trials == ("rate-tenth",)
    assert "mine.odd" in given
    assert 0 < seconds <= 31
    made = [
        (inquiry.kind, inquiry.id) for inquiry in examined.inquiries if inquiry.status == "done"
    ]
    assert made == [("probe", "optimizer"), ("question", "is-it-odd"), ("trial", "rate-tenth")]
    finding = diagnose(examined.observations, base).findings[0]
    assert finding.fixes[0].tried is not None
    assert finding.fixes[0].tried.cured
    assert finding.certainty > 0.7

"""Building and running rule bases of growing size: torchmedic, stock experta and CLIPS.

    python -m tests.bench.rule_bases [--sizes 100 800] [--repeats 3]

All engines run the same logic in one process, taking turns; medians are shown, and ratios to ours.
What fired and what was concluded is checked to be the same. Each starts from its own source form:
torchmedic from validated documents (reading them from YAML is shown apart), experta from Python
functions, CLIPS from text, built construct by construct (`env.build`) or loaded as a file.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from expert.inference.diagnose import diagnose
from expert.knowledge.loader import Knowledge, load_knowledge
from expert.observation import Observation
from tests.bench.engines import (
    CLIPS,
    CLIPS_FILE,
    EXPERTA,
    TORCHMEDIC,
    Engine,
    Result,
    documents,
    knowledge,
)
from tests.bench.synthetic import RuleBase, rule_base

BOUND_S = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one turn."""

    build: float
    run: float

    @property
    def total(self) -> float:
        """Building and one run."""
        return self.build + self.run


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return (seconds, result)."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def turn(engine: Engine, base: RuleBase) -> tuple[Timing, Result]:
    """Build and run once; what other engines left behind does not burden this one's collector."""
    gc.collect()
    gc.freeze()
    source = engine.source(base)
    build, program = timed(lambda: engine.build(source))
    run, result = timed(lambda: engine.run(program, base.facts))
    return Timing(build, run), result


def turns(base: RuleBase, repeats: int, engines: Sequence[Engine]) -> dict[str, list[Timing]]:
    """Let the engines take turns, each for at most `BOUND_S` seconds.

    Raises AssertionError when their results differ.
    """
    timings: dict[str, list[Timing]] = {engine.name: [] for engine in engines}
    for _ in range(repeats):
        results = []
        for engine in engines:
            own = timings[engine.name]
            if own and sum(t.total for t in own) + own[-1].total > BOUND_S:
                continue
            timing, result = turn(engine, base)
            own.append(timing)
            results.append(result)
        if not all(result.agrees(results[0]) for result in results):
            raise AssertionError("the engines disagree")
    return timings


def median(timings: Sequence[Timing]) -> Timing:
    """Return the median of building and of running."""
    return Timing(
        statistics.median(timing.build for timing in timings),
        statistics.median(timing.run for timing in timings),
    )


# ------------------------------------------------------------------- reading YAML, diagnosing
def yaml_loading(base: RuleBase) -> float:
    """Return the seconds it takes to read and check the rule base as YAML."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(yaml.safe_dump_all(documents(base), sort_keys=False), encoding="utf-8")
        gc.collect()
        gc.freeze()
        seconds, _ = timed(lambda: load_knowledge(path, built_in=False))
    return seconds


def inference_seconds(known: Knowledge, observations: list[Observation], repeats: int) -> float:
    """Return the median seconds of `diagnose` on knowledge that is already compiled."""
    diagnose(observations, known)
    return statistics.median(
        timed(lambda: diagnose(observations, known))[0] for _ in range(repeats)
    )


# ------------------------------------------------------------------------------------ report
def report(size: int, repeats: int) -> None:
    """Measure one size and print its lines of the table."""
    base = rule_base(size)
    engines = [TORCHMEDIC, CLIPS, CLIPS_FILE]
    if _experta_estimate(size) < BOUND_S:
        engines.append(EXPERTA)
    timings = turns(base, repeats, engines)
    ours = median(timings[TORCHMEDIC.name])
    for name, own in timings.items():
        time_ = median(own)
        print(
            f"{size:>6} {name:<14} {1e3 * time_.build:>9.1f} {1e3 * time_.run:>9.1f}"
            f" {1e3 * time_.total:>9.1f} {1e6 * time_.total / size:>9.1f}"
            f" {time_.total / ours.total:>8.2f}"
        )
    print(f"{size:>6} {'(YAML read)':<14} {1e3 * yaml_loading(base):>9.1f}")


def _experta_estimate(size: int) -> float:
    """Return roughly the seconds of one turn of stock experta: quadratic, 0.8 s at 800 rules."""
    return 0.8 * (size / 800) ** 2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 800, 3_200, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{'rules':>6} {'engine':<14} {'build ms':>9} {'run ms':>9} {'total ms':>9}", end="")
    print(f" {'us/rule':>9} {'x ours':>8}")
    for size in options.sizes:
        report(size, options.repeats if size < 3_200 else min(3, options.repeats))
    base = rule_base(300)  # 60 causes, 30 symptoms
    observations = [Observation(name, value) for name, value in base.facts.items()]
    seconds = inference_seconds(knowledge(base), observations, 50)
    print(f"diagnose(), {len(base.facts)} facts, 60 causes: {1e3 * seconds:.1f} ms")


if __name__ == "__main__":
    main()

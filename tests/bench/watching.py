"""`python -m tests.bench.watching`: what watching costs, beside what people use otherwise.

One script trains a model, bare and under each way of looking at it, each run a process of its own,
in turn and again (bare, A, B, ..., bare, A, B, ...). A ratio compares a run with the two bare runs
around it; the table gives the median ratio over the rounds, the lowest and the highest, of the
processor time per step (all threads), and the median ratio of wall time.

Two things made earlier figures worthless. glibc gives freed memory back to the system and takes it
anew at every step, or does not, depending on what happens to lie at the top of the heap: the same
bare script took 77,000 or 820,000 page faults, 21 or 30 ms a step, and whoever allocated a little
beside it looked faster than nothing. All runs here therefore keep freed memory
(MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_). And others may be at work on the machine: then
processor time is what counts; wall time is told for a quiet one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAUNCHER = "from expert.cli import main\nraise SystemExit(main())\n"
WARM_UP = 20  # steps that are not counted: torchmedic looks at the first ones closely
KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "OMP_NUM_THREADS": "1",
}
SCRIPT = Path(__file__).with_name("watched_script.py")

#: name -> what stands before the script on the command line, and its last argument
WAYS: dict[str, tuple[list[str], str]] = {
    "torchmedic": (["torchmedic", "run"], "bare"),
    "histograms (wandb-style)": ([], "histograms"),
    "TensorBoard histograms": ([], "tensorboard"),
    "anomaly mode": ([], "anomaly"),
    "torch-audit": ([], "torch-audit"),
    "torchmortem": ([], "torchmortem"),
}


@dataclass(frozen=True)
class Timing:
    """Seconds per step; `whole` with the first steps and everything between the steps."""

    processor: float
    wall: float
    whole: float
    faults: int


def timing(folder: Path, model: str, way: tuple[list[str], str], device: str, steps: int) -> Timing:
    """Run the script once; raises RuntimeError with the last line that it wrote when it fails."""
    before, looking = way
    command = [sys.executable, *before, str(SCRIPT), model, str(steps), device, looking]
    done = subprocess.run(
        [*command, str(WARM_UP)],
        cwd=folder,
        env={
            **os.environ,
            **KEEP_MEMORY,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["?"])[-1])
    return Timing(**json.loads(done.stdout.strip().splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line per model and way of looking."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of training in each run")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", default="mlp-s,mlp,mlp-l,cnn-s,cnn,transformer-s,transformer")
    parser.add_argument("--ways", default=",".join(WAYS), help=f"of: {', '.join(WAYS)}")
    options = parser.parse_args(arguments)
    print(f"{'model':15s}{'bare ms':>8s}  {'way':26s}{'CPU':>7s}{'low':>7s}{'high':>7s}", end="")
    print(f"{'whole':>7s}{'wall':>7s}{'faults':>8s}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "torchmedic").write_text(LAUNCHER)
        for model in options.models.split(","):
            ways = {way: WAYS[way] for way in options.ways.split(",")}
            compare(folder, model, ways, options)


def compare(
    folder: Path,
    model: str,
    ways: dict[str, tuple[list[str], str]],
    options: argparse.Namespace,
) -> None:
    """Run one model bare and in all ways, and print the ratios."""
    device, bare = options.device, ([], "bare")
    step = timing(folder, model, bare, device, 2 * WARM_UP).wall
    steps = 2 * WARM_UP + max(60, int(options.seconds / step))
    bares = [timing(folder, model, bare, device, steps)]
    found: dict[str, list[tuple[Timing, int]]] = {way: [] for way in ways}
    failed: dict[str, str] = {}
    for _ in range(options.repeats):
        for way, given in ways.items():
            if way in failed:
                continue
            try:
                found[way].append((timing(folder, model, given, device, steps), len(bares) - 1))
            except RuntimeError as error:
                failed[way] = str(error)
            if len(ways) == 1:
                bares.append(timing(folder, model, bare, device, steps))
        if len(ways) > 1:
            bares.append(timing(folder, model, bare, device, steps))
    for way, runs in found.items():
        start = f"{model:15s}{1e3 * statistics.median(b.processor for b in bares):8.2f}  {way:26s}"
        if way in failed:
            print(f"{start}  {failed[way][:90]}", flush=True)
            continue
        ratios = sorted(ratio(run, bares, at, "processor") for run, at in runs)
        row = [statistics.median(ratios), ratios[0], ratios[-1]]
        row += [
            statistics.median(ratio(run, bares, at, kind) for run, at in runs)
            for kind in ("whole", "wall", "faults")
        ]
        print(start + "".join(f"{value:7.3f}" for value in row), flush=True)


def ratio(run: Timing, bares: list[Timing], at: int, kind: str) -> float:
    """Return a run over the mean of the bare runs before and after it."""
    around = [getattr(one, kind) for one in bares[at : at + 2]]
    value: float = getattr(run, kind) / statistics.fmean(around)
    return value


if __name__ == "__main__":
    main()

"""Distributed runs: every rank keeps its own record, and a reader of all of them finds more."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from expert.observation import Observation
from probes.watching import ranks
from probes.watching.combining import combined
from tests.probes.watching.running import ROOT

SCRIPT = Path(__file__).with_name("ranks_script.py")


def launched(fault: str, cwd: Path, *, watched: bool) -> subprocess.CompletedProcess[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", str(port)]
    command += ["-m", "torchmedic", "run", "--json", "found.json"] if watched else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, str(SCRIPT), fault],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def findings(cwd: Path) -> list[str]:
    found: dict[str, Any] = json.loads((cwd / "found.json").read_text())
    return [finding["cause"] for finding in found["findings"]]


@pytest.mark.slow
def test_a_healthy_run_has_the_same_numbers_on_both_ranks_and_no_finding(tmp_path: Path) -> None:
    bare = launched("none", tmp_path, watched=False)
    watched = launched("none", tmp_path, watched=True)
    assert sorted(watched.stdout.splitlines()) == sorted(bare.stdout.splitlines())
    assert bare.stdout.count("0.") == 2
    assert watched.stderr.count("torchmedic:") == 2  # one rank speaks: at start and at the end
    assert findings(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("same shard", "ranks-read-same-data"),
        ("past", "module-called-past-ddp"),
        ("nan", "nonfinite-on-one-rank"),
        ("batch norm", "batchnorm-not-synchronised"),
        ("uneven", "uneven-batches-across-ranks"),
        ("killed", "rank-lost"),
    ],
)
def test_what_only_several_ranks_show_is_found(fault: str, cause: str, tmp_path: Path) -> None:
    launched(fault, tmp_path, watched=True)
    assert findings(tmp_path)[:1] == [cause]


def rank_of(folder: Path, number: int = 0) -> ranks.Rank:
    return ranks.Rank(number, 2, "key", folder)


def test_ranks_of_one_launch_agree_on_a_folder_and_others_do_not() -> None:
    given = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    one = ranks.this_rank(None, given | {"RANK": "0"})
    other = ranks.this_rank(None, given | {"RANK": "1"})
    third = ranks.this_rank(None, given | {"RANK": "0", "MASTER_PORT": "29501"})
    assert one is not None
    assert other is not None
    assert third is not None
    assert one.folder == other.folder != third.folder
    assert ranks.this_rank(None, {"RANK": "0", "WORLD_SIZE": "1"}) is None
    assert ranks.this_rank(None, {}) is None


def test_a_dead_rank_is_reported_after_the_patience_and_not_waited_for(tmp_path: Path) -> None:
    ranks.write(rank_of(tmp_path), "record", {"state": "failed", "steps": 7, "error": "gone"})
    ranks.write(rank_of(tmp_path, 1), "beat", {"steps": 5, "backwards": 5})
    began = time.monotonic()
    records = ranks.gather(rank_of(tmp_path), 0.2)
    assert time.monotonic() - began < 2
    facts = {fact.name: fact.value for fact in combined(records, [])}
    assert facts["distributed.silent_rank"] == 1
    assert facts["distributed.silent_rank_steps"] == 5
    assert facts["distributed.failed_rank"] == 0


def test_only_the_first_rank_that_asks_tells_the_diagnosis(tmp_path: Path) -> None:
    assert ranks.take_floor(rank_of(tmp_path, 1))
    assert not ranks.take_floor(rank_of(tmp_path, 0))


def test_a_record_cut_short_or_of_no_rank_spoils_nothing(tmp_path: Path) -> None:
    (tmp_path / "record-0.json").write_text('{"state": "en')
    ranks.write(rank_of(tmp_path, 1), "record", {"state": "ended", "batches": "nonsense"})
    own = [Observation("loss.initial", 2.0)]
    facts = {fact.name for fact in combined(ranks.gather(rank_of(tmp_path), 0), own)}
    assert {"loss.initial", "distributed.silent_rank"} <= facts


def test_norms_of_sharded_parameters_are_those_of_the_whole() -> None:
    change, size = [0.3, 0.4, 1.2], [3.0, 4.0, 12.0]
    parts = [(change[:2], size[:2]), (change[2:], size[2:])]
    records = {
        r: {"state": "ended", "squares": {"weight": [[1, *(sum(v * v for v in p) for p in part)]]}}
        for r, part in enumerate(parts)
    }
    facts = {fact.name: fact.value for fact in combined(records, [])}
    assert facts["update.ratio"] == pytest.approx((math.hypot(*change) / math.hypot(*size),))


def test_the_rank_that_holds_the_others_up_is_named(tmp_path: Path) -> None:
    now = time.time()
    for number, (steps, at) in enumerate([(9, now - 30), (8, now - 40)]):
        beat = {"rank": number, "backwards": steps, "time": at}
        (tmp_path / f"beat-{number}.json").write_text(json.dumps(beat))
    assert list(ranks.behind(rank_of(tmp_path))) == [1]

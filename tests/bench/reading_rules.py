"""Starting with the real knowledge, and reading packs of growing size.

    python -m tests.bench.reading_rules [--sizes 1000 10000] [--repeats 7]

The first table splits a start: importing, reading YAML, validating, checking references; and the
same from the cache. Medians of fresh processes for imports, of repeats in one process for the rest.
The second table shows that time grows with the number of rules and no faster.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from expert.garbage import collection_paused
from expert.knowledge.cache import KnowledgeCache
from expert.knowledge.loader import load_packs
from expert.knowledge.merging import assemble
from expert.knowledge.packs import BUILT_IN, PackPlace, given_packs
from expert.knowledge.reader import RawDocument, read_documents
from expert.knowledge.references import reference_problems
from expert.knowledge.validation import validate
from tests.bench.engines import documents
from tests.bench.synthetic import rule_base

IMPORTS = {
    "python alone": "pass",
    "pydantic and yaml": "import pydantic, yaml; from pydantic import BaseModel, model_validator",
    "all that loading needs": "import expert.knowledge.found",
}


def median_ms(action: Callable[[], object], repeats: int) -> float:
    """Return the median milliseconds of `repeats` calls, after one that does not count."""
    action()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def read_all() -> list[RawDocument]:
    """Read the built-in YAML."""
    with collection_paused():
        return [raw for path in sorted(BUILT_IN.rglob("*.yaml")) for raw in read_documents(path)]


def validate_all(raw: list[RawDocument]) -> None:
    """Validate the documents, as each start does."""
    with collection_paused():
        for document in raw:
            validate(document)


def show_start(repeats: int) -> None:
    """Print where the time of a start goes, with and without the cache."""
    for what, code in IMPORTS.items():
        command = [sys.executable, "-c", code]
        taken = median_ms(lambda command=command: subprocess.run(command, check=True), repeats)
        print(f"{'process: ' + what:<40} {taken:>8.1f} ms")
    raw = read_all()
    known = assemble([raw])
    with tempfile.TemporaryDirectory() as folder:
        kept, places = KnowledgeCache(Path(folder)), given_packs()
        kept.write(places, kept.stamp(places), [raw])
        rows: dict[str, Callable[[], object]] = {
            "reading YAML": read_all,
            "validating (pydantic)": lambda: validate_all(raw),
            "checking references": lambda: reference_problems(known),
            "all, without the cache": lambda: load_packs(places),
            "reading the cache": lambda: kept.read(places),
            "all, from the cache": lambda: load_packs(places, kept=kept),
        }
        for what, action in rows.items():
            print(f"{what:<40} {median_ms(action, repeats):>8.1f} ms")
    rules = sum(len(document.evidence) for _, document in known.conclusions())
    print(f"({len(raw)} documents, {rules} rules)")


def show_growth(size: int, repeats: int) -> None:
    """Print a line for a pack of `size` rules."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(
            yaml.safe_dump_all(documents(rule_base(size)), sort_keys=False), encoding="utf-8"
        )
        places = [PackPlace(path, "given")]
        kept = KnowledgeCache(Path(folder) / "kept")
        plain = median_ms(lambda: load_packs(places), repeats)
        kept.write(places, kept.stamp(places), [read_documents(path)])
        time.sleep(2.1)  # what was edited just now is not kept
        load_packs(places, kept=kept)
        warm = median_ms(lambda: load_packs(places, kept=kept), repeats)
    print(f"{size:>7} {plain:>10.0f} {1e3 * plain / size:>10.0f} {warm:>12.0f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_200, 10_000])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    show_start(options.repeats)
    print(f"{'rules':>7} {'read ms':>10} {'us/rule':>10} {'cached ms':>12}")
    for size in options.sizes:
        show_growth(size, min(3, options.repeats))


if __name__ == "__main__":
    main()

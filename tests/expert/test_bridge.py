"""Importing experta through the bridge leaves no trace in the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""


def test_import_leaves_no_trace() -> None:
    run(
        "import collections, logging, warnings\n"
        "before = set(vars(collections))\n"
        "import expert.inference.experta_bridge\n"
        "assert not hasattr(collections, 'Mapping')\n"
        "assert set(vars(collections)) - before <= {'abc'}\n"
        "assert logging.root.handlers == []\n"
        "assert logging.root.level == logging.WARNING\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "assert len(logging.root.handlers) == 1\n"
    )


def test_keeps_the_log_handlers_and_the_mapping_of_others() -> None:
    run(
        "import collections, collections.abc, logging\n"
        "handler = logging.NullHandler()\n"
        "logging.root.addHandler(handler)\n"
        "collections.Mapping = collections.abc.Mapping\n"
        "import expert.inference.experta_bridge\n"
        "assert logging.root.handlers == [handler]\n"
        "assert collections.Mapping is collections.abc.Mapping\n"
    )


def test_works_after_someone_else_imported_frozendict() -> None:
    run(
        "import collections, collections.abc\n"
        "collections.Mapping = collections.abc.Mapping\n"
        "import frozendict\n"
        "del collections.Mapping\n"
        "import expert.inference.experta_bridge\n"
    )


@pytest.mark.parametrize("value", ["1", "True", "1.0", "float('nan')", "(1, 2)"])
def test_facts_of_equal_value_stay_two_facts(value: str) -> None:
    run(
        "from expert.inference.experta_bridge import KnowledgeEngine, Observed\n"
        "from expert.inference.reading import Reading\n"
        "from expert.observation import Observation\n"
        f"value = {value}\n"
        "where = ('a', 'b') if isinstance(value, tuple) else ()\n"
        "engine = KnowledgeEngine()\n"
        "engine.reset()\n"
        "for name in ('x', 'y'):\n"
        "    for _ in range(2):\n"
        "        reading = Reading(Observation(name, value, where))\n"
        "        assert engine.declare(Observed(name=name, reading=reading)) is not None\n"
    )

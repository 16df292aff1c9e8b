"""One compiled program in several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from expert.inference.diagnose import diagnose
from tests.bench.engines import TORCHMEDIC
from tests.bench.synthetic import rule_base
from tests.expert.making import observed


def test_threads_get_the_diagnosis_that_one_alone_gets() -> None:
    base = rule_base(200)
    known, facts = TORCHMEDIC.source(base), observed(dict(base.facts))
    fewer = facts[: len(facts) // 2]
    alone = [diagnose(given, TORCHMEDIC.source(base)) for given in (facts, fewer)]
    with ThreadPoolExecutor(8) as threads:  # compiling, too, happens in all of them at once
        together = list(threads.map(lambda i: diagnose((facts, fewer)[i % 2], known), range(32)))
    assert all(diagnosis == alone[i % 2] for i, diagnosis in enumerate(together))
    assert alone[0] != alone[1]

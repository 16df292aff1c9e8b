"""The command line of the child process; tests/expert/test_examination.py has its life."""

from __future__ import annotations

import pytest

from expert.errors import UsageError
from probes.registry import PROBES
from probes.running.child import _chosen, _options
from tests.probes.sentences import said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: FILE.py:FUNC"),
        (["a.py:f", "--budget", "soon"], "invalid float value: 'soon'"),
        (["a.py:f", "--budget", "nan"], "The budget is nan"),
        (["a.py:f", "--budget=-1"], "The budget is -1.0"),
        (["a.py:f", "--wrong"], "unrecognized arguments: --wrong"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        _options(arguments)
    assert message in said(caught.value)


def test_a_file_name_may_start_with_a_dash() -> None:
    assert _options(["--budget=3", "--", "-x.py:f"]).spec == "-x.py:f"


def test_probes_are_chosen_by_name_in_the_registrys_order() -> None:
    assert [probe.id for probe in _chosen("updates, optimizer")] == ["optimizer", "updates"]
    assert list(_chosen("")) == list(PROBES)
    with pytest.raises(UsageError) as caught:
        _chosen("optimiser")
    assert "did you mean optimizer?" in said(caught.value)

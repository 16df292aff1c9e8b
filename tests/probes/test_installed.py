"""Probes of installed packages: found, refused where they clash, and never the end of the rest."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from expert.cli import main
from expert.cli.rules.providers import read_probes
from expert.language import Text
from probes.case.case import Case
from probes.installed import all_probes
from probes.probe import Probe
from probes.registry import PROBES
from probes.running.events import Event, ProbeEnded, Warned
from probes.running.run import Chosen, run_probes

PROBE = """
from expert import Text
from probes import Probe

def measure(exam):
    yield exam.observe("{gives}", exam.batch.size)

PROBE = Probe("{id}", Text("Batch sizes", "批大小"), {needs}, ("{fact}",), 1, measure)
"""
Install = Callable[..., None]
CASE = Case(
    model=torch.nn.Linear(2, 2),
    loss_fn=torch.nn.CrossEntropyLoss(),
    train_loader=[(torch.ones(12, 2), torch.zeros(12, dtype=torch.long))],
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with one entry point where this process and its children find it."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def put(name: str, module: str, value: str = "PROBE") -> None:
        package = name.replace("-", "_")
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{package}.py").write_text(module, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[torchmedic.probes]\nown = {package}:{value}\n")
        monkeypatch.delitem(sys.modules, package, raising=False)  # of an earlier test
        importlib.invalidate_caches()

    return put


def probe(id_: str = "sizes", fact: str = "sizes.batch", needs: str = "()", gives: str = "") -> str:
    return PROBE.format(id=id_, fact=fact, needs=needs, gives=gives or fact)


def found() -> tuple[list[str], list[Text]]:
    """The ids of the probes beside the built-in ones, and what was said."""
    warnings: list[Text] = []
    probes = all_probes(warnings.append)
    assert probes[: len(PROBES)] == PROBES
    return [probe.id for probe in probes[len(PROBES) :]], warnings


def examined(*ids: str) -> list[Event]:
    """The events of an examination of a small case in which only these probes are run."""

    def choose(waiting: Sequence[Probe]) -> Chosen | None:
        return next((Chosen(probe) for probe in waiting if probe.id in ids), None)

    events: list[Event] = []
    run_probes(CASE, on_event=events.append, choose=choose)
    return events


def ended(events: Sequence[Event]) -> dict[str, ProbeEnded]:
    return {event.id: event for event in events if isinstance(event, ProbeEnded)}


def test_without_packages_there_are_the_built_in_probes() -> None:
    assert found() == ([], [])


def test_a_probe_of_a_package_measures_like_any_other(install: Install) -> None:
    install("acme-sizes", probe())
    (seen,) = ended(examined("sizes"))["sizes"].observations
    assert (seen.name, seen.value, seen.origin) == ("sizes.batch", 12, "probe:sizes")


def test_an_entry_point_may_name_several_probes(install: Install) -> None:
    two = "\nPROBES = [PROBE, Probe('more', PROBE.title, (), ('sizes.more',), 1, measure)]\n"
    install("acme-two", probe() + two, "PROBES")
    assert found() == (["sizes", "more"], [])


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (
            "import nowhere_to_be_found",
            "No module named 'nowhere_to_be_found'",
        ),
        ("raise SystemExit('licence expired')", "SystemExit: licence expired"),
        ("PROBE =", "SyntaxError"),
        ("OTHER = 1", "AttributeError"),
        ("PROBE = 'sizes'", "names a str, not a probes.probe.Probe"),
        (probe("modes"), "another probe has that name already"),
        (probe(fact="loss.initial"), "its fact `loss.initial` is measured by the probe"),
        (probe(needs="('weights',)"), "it needs `weights`, but a probe can only need targets"),
        (probe(needs="'loss'"), "its `needs` is 'loss'; write a tuple of names"),
    ],
)
def test_what_cannot_be_used_is_left_out_in_one_sentence(
    install: Install, module: str, reason: str
) -> None:
    install("acme-broken", module)
    install("acme-sizes", probe())
    ids, (warning,) = found()
    assert ids == ["sizes"]
    for said in (warning.en, warning.zh):
        assert "acme-broken" in said
        assert "\n" not in said
    assert reason in warning.en


def test_of_two_packages_with_one_name_the_first_by_name_is_used(install: Install) -> None:
    install("b-sizes", probe(fact="sizes.b"))
    install("a-sizes", probe(fact="sizes.a"))
    ids, (warning,) = found()
    assert ids == ["sizes"]
    assert "b-sizes" in warning.en


def test_a_fact_that_a_probe_does_not_list_fails_it_and_nothing_else(install: Install) -> None:
    install("acme-sizes", probe(gives="loss.initial"))
    by_id = ended(examined("sizes", "modes"))
    assert by_id["sizes"].status == "failed"
    assert by_id["sizes"].reason is not None
    assert "`loss.initial`" in by_id["sizes"].reason.en
    assert by_id["modes"].status == "done"


def test_a_broken_package_is_an_event_of_the_examination(install: Install) -> None:
    install("acme-broken", "1 / 0")
    (warning,) = (event for event in examined() if isinstance(event, Warned))
    assert "ZeroDivisionError" in warning.text.en


def test_lint_knows_what_packages_provide_without_importing_them(install: Install) -> None:
    install("acme-quiet", "raise SystemExit\n" + keywords())
    install("acme-odd", "PROBE = made_in_another_way()")
    assert read_probes()["sizes"].facts == {"sizes.batch"}


def keywords() -> str:
    return "PROBE = Probe(id='sizes', needs=('loss',), provides=('sizes.batch',))"


CASE_FILE = """
import torch

def case():
    model = torch.nn.Linear(2, 2)
    x, y = torch.randn(64, 2), torch.randint(2, (64,))
    return {"model": model, "loss_fn": torch.nn.CrossEntropyLoss(), "train_loader": [(x, y)]}
"""


@pytest.mark.slow
def test_the_command_line_uses_good_packages_and_tells_broken_ones(
    install: Install, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install("acme-broken", "import nowhere_to_be_found")
    install("acme-sizes", probe())
    (tmp_path / "case.py").write_text(CASE_FILE, encoding="utf-8")
    spec = f"{tmp_path / 'case.py'}:case"
    main(["check", spec, "--thorough", "--budget", "10", "--json", "-", "--lang", "en"])
    written = capfd.readouterr()
    assert '"sizes.batch"' in written.out
    assert written.err.count("of the installed package acme-broken is left out") == 1

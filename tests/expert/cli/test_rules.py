"""`torchmedic rules`: what rule authors use."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from expert.citations import citations
from expert.cli import knowledge as knowledge_module
from expert.cli import main
from expert.cli.knowledge import LoadingBar
from expert.cli.rules.providers import read_probes, read_providers
from expert.knowledge.found import load_found
from expert.knowledge.loader import built_in_knowledge
from expert.lint import CODES, Provider
from expert.rule_tests import never_fired, run_rule_tests
from expert.tried import Tried
from probes.logs.curves import observe_curves
from probes.logs.reading import read_logs
from probes.registry import PROBES
from tests.probes.watching.running import diagnosis
from tests.probes.watching.scripts import HEAD

LOGS = Path(__file__).parents[2] / "data" / "logs"
#: Evaluates with dropout in training mode now and then, steps a schedule, saves nothing.
WATCHED = (
    HEAD
    + """\
model = make(nn.Dropout(0.1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
held_out = DataLoader(TensorDataset(x[:64], y[:64]), batch_size=32)
for epoch in range(4):
    model.train(epoch < 3)
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        for xb, yb in held_out:
            F.cross_entropy(model(xb), yb)
"""
)
OVERFLOWING = (
    HEAD
    + """\
model = make()
optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
for epoch in range(4):
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()
"""
)
IDLE = (
    HEAD
    + """\
model = make()
idle = torch.optim.SGD(model[0].parameters(), lr=0.1)
optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
held_out = DataLoader(TensorDataset(torch.randn(256, 8), y[:256]), batch_size=4)
for epoch in range(8):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for xb, yb in held_out:
            F.cross_entropy(model(xb), yb)
"""
)

PACK = """\
cause: gremlins-in-the-loader
title: {en: Gremlins in the loader, zh: 加载器里有小妖精}
explanation: {en: They eat batches., zh: 它们会吃掉批次。}
evidence:
  - rule: batch-eaten
    when: {fact: input.repeated_batch, is: true}
    certainty: 0.9
    reason: {en: A batch came twice., zh: 同一批次出现了两次。}
tests:
  - name: found
    given: {input.repeated_batch: true}
    expect: [gremlins-in-the-loader]
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "gremlins.yaml"
    path.write_text(PACK, encoding="utf-8")
    return path


def test_list_names_every_cause(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(id_ in listed for id_ in built_in_knowledge().causes)


def test_list_of_sources_says_what_cites_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--sources"]) == 0
    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if line.startswith("thirty-seven/19 "))
    assert "loss-input-mismatch" in line


def test_show_prints_a_cause_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", "double-softmax", "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "\ncause: double-softmax" in shown
    assert "fact: loss.function\n" in shown
    assert shown.index("fact: loss.function") < shown.index("is: cross_entropy")
    assert built_in_knowledge().causes["double-softmax"].title.zh in shown


def test_show_of_an_unknown_id_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "show", "double-sofmax", "--lang", "en"]) == 2
    assert "did you mean 'double-softmax'?" in capsys.readouterr().err


def test_the_built_in_rules_pass_their_own_tests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test"]) == 0
    assert capsys.readouterr().out.endswith(" passed, 0 failed\n")


def test_the_built_in_rules_are_free_of_lint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "lint"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_pack_adds_a_cause_and_its_test_runs(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "--rules", str(pack), "test", "gremlins-in-the-loader"]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n"


def test_a_failing_rule_test_is_told_with_its_place(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack.write_text(PACK.replace("input.repeated_batch: true}", "input.repeated_batch: false}"))
    assert main(["rules", "--rules", str(pack), "test", "gremlins-in-the-loader"]) == 1
    out = capsys.readouterr().out
    assert "gremlins.yaml:10:" in out
    assert "expected gremlins-in-the-loader, found nothing" in out


def test_lint_remarks_on_what_a_pack_lacks(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--rules", str(pack), "lint"]) == 1
    out = capsys.readouterr().out
    for code in ("never-ruled-out", "no-fix", "no-source", "no-test"):
        assert f"[{code}]" in out


def test_a_misspelt_key_is_told_with_line_column_and_suggestion(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack.write_text(PACK.replace("certainty:", "certanty:"), encoding="utf-8")
    assert main(["rules", "--rules", str(pack), "lint", "--lang", "en"]) == 2
    err = capsys.readouterr().err
    assert "gremlins.yaml:7:5: unknown key 'certanty'; did you mean 'certainty'?" in err


# ---------------------------------------------------------------------------- probes and lint
def test_what_probes_provide_is_read_without_loading_torch_and_is_the_truth() -> None:
    assert read_probes() == {
        probe.id: Provider(frozenset(probe.provides), frozenset(probe.needs)) for probe in PROBES
    }


@pytest.mark.parametrize("inquiry", ["log:curves", "watch:run", "trial:comparison"])
def test_what_has_no_list_of_its_facts_names_in_its_code_what_the_catalogue_says(
    inquiry: str,
) -> None:
    provided = read_providers()[inquiry].facts
    declared = {f.fact for f in built_in_knowledge().facts.values() if f.inquiry == inquiry}
    assert declared
    assert declared - provided == set()


def test_logs_show_exactly_the_facts_that_are_declared_as_theirs() -> None:
    seen = {
        fact.name
        for path in sorted(LOGS.iterdir())
        if path.suffix in (".csv", ".json", ".jsonl", ".log")
        for fact in observe_curves(read_logs([str(path)]).series, classes=10)
    }
    facts = built_in_knowledge().facts
    assert {name for name in facts if facts[name].inquiry == "log:curves"} == seen


def test_trials_give_exactly_the_facts_that_are_declared_as_theirs() -> None:
    result = {
        **dict.fromkeys(("tried", "improved", "cured"), True),
        **dict.fromkeys(("gain", "before", "after", "baseline", "score"), 0.5),
        **{"id": "adam", "measure": "loss", "steps": 10},
    }
    seen = {fact.name for fact in Tried({"adam": result}).observations}
    facts = built_in_knowledge().facts
    assert {name for name in facts if facts[name].inquiry == "trial:comparison"} == seen


@pytest.mark.slow
def test_watched_runs_show_exactly_the_facts_that_are_declared_as_theirs(tmp_path: Path) -> None:
    seen: set[str] = set()
    for i, script in enumerate((WATCHED, OVERFLOWING, IDLE)):
        (tmp_path / str(i)).mkdir()
        seen |= set(diagnosis(script, tmp_path / str(i))["facts"])
    facts = built_in_knowledge().facts
    declared = {name for name in facts if facts[name].inquiry == "watch:run"}
    of_one_rank = {name for name in declared if not name.startswith("distributed.")}
    assert of_one_rank - seen == set()


def test_evidence_that_no_test_beside_it_reaches_is_told(
    pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    against = "  - {rule: whole, when: {fact: input.repeated_batch, is: false}, certainty: -0.5,"
    against += " reason: {en: It is whole., zh: 完好。}}\ntests:"
    pack.write_text(PACK.replace("tests:", against), encoding="utf-8")
    assert main(["rules", "--rules", str(pack), "test", "gremlins-in-the-loader"]) == 0
    told = capsys.readouterr().out
    assert "gremlins.yaml:9:5: gremlins-in-the-loader/whole fires in none of the tests" in told
    assert "batch-eaten" not in told


def test_all_built_in_evidence_fires_in_a_test_beside_it() -> None:
    knowledge = built_in_knowledge()
    assert never_fired(knowledge, run_rule_tests(knowledge)) == []


def test_lint_lists_its_codes_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rules", "lint", "--codes", "--lang", "zh"]) == 0
    listed = capsys.readouterr().out
    for code in CODES.values():
        assert f"{code.id} " in listed
        assert code.meaning.zh in listed


def test_notes_are_counted_and_told_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text("source: never-cited\ntitle: t\n", encoding="utf-8")
    main(["rules", "--rules", str(path), "lint"])
    quiet = capsys.readouterr().out
    assert "never-cited" not in quiet
    assert "notes (--notes): " in quiet
    assert "not-cited " in quiet
    main(["rules", "--rules", str(path), "lint", "--notes"])
    assert "sources.yaml:1:1: nothing cites never-cited [not-cited]" in capsys.readouterr().out


# ------------------------------------------------------------------------- new, schema, graph
def test_a_new_cause_loads_passes_its_tests_and_has_only_todos_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.yaml"
    assert main(["rules", "new", "gremlins", "--output", str(path)]) == 0
    assert main(["rules", "--rules", str(path), "test", "gremlins"]) == 0
    capsys.readouterr()
    main(["rules", "--rules", str(path), "lint", "--notes"])
    told = [line for line in capsys.readouterr().out.splitlines() if "new.yaml" in line]
    assert told
    assert [line for line in told if not line.endswith("[todo]")] == []
    todos = path.read_text(encoding="utf-8").count("TODO")
    assert todos > len(told)  # both languages, and what is no text for users


def test_a_new_cause_without_todos_is_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "new", "gremlins"]) == 0
    path = tmp_path / "new.yaml"
    path.write_text(capsys.readouterr().out.replace("TODO", "so"), encoding="utf-8")
    main(["rules", "--rules", str(path), "lint", "--notes"])
    assert "new.yaml" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("id_", "told"),
    [
        ("Gremlins", "is no id"),
        ("gremlins_in", "is no id"),
        ("double-softmax", "`extends: double-softmax`"),
        ("loss-flat", "is there already"),
    ],
)
def test_ids_that_cannot_be_new_are_refused(
    id_: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "new", id_, "--lang", "en"]) == 2
    assert told in capsys.readouterr().err


def test_a_file_that_is_there_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine", encoding="utf-8")
    for action in (["new", "gremlins"], ["schema"]):
        assert main(["rules", *action, "--output", str(path), "--lang", "en"]) == 2
        assert "is not overwritten" in capsys.readouterr().err
        assert path.read_text(encoding="utf-8") == "mine"


def test_an_old_schema_is_replaced_by_a_new_one(tmp_path: Path, pack: Path) -> None:
    path = tmp_path / "schema.json"
    assert main(["rules", "schema", "--output", str(path)]) == 0
    assert main(["rules", "--rules", str(pack), "schema", "--output", str(path)]) == 0
    causes = json.loads(path.read_text(encoding="utf-8"))["$defs"]["CauseId"]["anyOf"][0]
    assert "gremlins-in-the-loader" in causes["enum"]


def test_a_folder_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "schema", "--output", "no/such/folder.json", "--lang", "en"]) == 2
    assert "cannot write no/such/folder.json" in capsys.readouterr().err


def test_graph_writes_graphviz_or_mermaid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "graph", "--only", "double-softmax"]) == 0
    assert capsys.readouterr().out.startswith("digraph knowledge {")
    assert main(["rules", "graph", "--mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart LR\n")
    assert main(["rules", "graph", "--only", "double-sofmax", "--lang", "en"]) == 2
    assert "did you mean 'double-softmax'?" in capsys.readouterr().err


def test_sources_are_listed_in_full_with_the_share_cited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rules", "list", "--sources"]) == 0
    listed = capsys.readouterr().out
    lines = {line.split(" ")[0]: line for line in listed.splitlines() if line}
    for source, citing in citations(load_found()).items():
        assert ", ".join(citing) in lines[source]
    assert "of 37 sections cited" in listed


# ------------------------------------------------------------------------------------- progress
def test_reading_that_takes_long_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge_module, "_SHOWN_AFTER_S", 0.0)
    terminal = Console(file=StringIO(), force_terminal=True, width=60)
    with LoadingBar(terminal, "en") as bar:
        bar.drawn = 0.0
        bar.update(0.5)
    assert "Reading the rules" in terminal.file.getvalue()  # type: ignore[attr-defined]


def test_reading_that_is_quick_or_goes_to_a_file_shows_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = Console(file=StringIO(), force_terminal=True)
    with LoadingBar(quick, "en") as bar:
        bar.update(0.5)
    monkeypatch.setattr(knowledge_module, "_SHOWN_AFTER_S", 0.0)
    file = Console(file=StringIO(), force_terminal=False)
    with LoadingBar(file, "en") as bar:
        bar.drawn = 0.0
        bar.update(0.5)
    assert quick.file.getvalue() == file.file.getvalue() == ""  # type: ignore[attr-defined]

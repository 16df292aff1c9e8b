"""The command line as a user meets it: exit statuses, one-sentence errors, what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from expert.cli import main

CASE = """\
import torch
from torch import nn


def case():
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(dim=1))
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.Adam(model.parameters(), lr=0.01),
        "train_loader": [(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)],
    }


def labels_from_one():
    given = case()
    given["model"] = given["model"][:-1]
    given["train_loader"] = [(x, y + 1) for x, y in given["train_loader"]]
    return given


def loss_of_its_own():
    def refuse(output, target):
        raise RuntimeError("no loss today")

    return {**case(), "loss_fn": refuse}


def breaks():
    print("about to break")
    return {}["missing"]
"""


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CASE)
    return path


def torchmedic(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from expert.cli import main; raise SystemExit(main())"]
    return subprocess.run(
        [*command, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_check_prints_json_alone_on_standard_output_and_exits_with_1(case_file: Path) -> None:
    done = torchmedic("check", "mine.py:case", "--json", "-", cwd=case_file.parent)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["findings"][0]["cause"] == "double-softmax"


def test_check_writes_json_to_a_file_beside_the_report(case_file: Path) -> None:
    done = torchmedic("check", "mine.py:case", "--json", "out.json", cwd=case_file.parent)
    assert "double-softmax" in done.stdout
    written = json.loads((case_file.parent / "out.json").read_text(encoding="utf-8"))
    assert written["schema"] == "torchmedic.diagnosis/1"


def test_the_users_own_failure_keeps_its_traceback_and_exits_with_3(case_file: Path) -> None:
    done = torchmedic("check", "mine.py:breaks", "--lang", "en", cwd=case_file.parent)
    assert done.returncode == 3
    assert "KeyError: 'missing'" in done.stderr
    assert "mine.py" in done.stderr
    assert "expert/" not in done.stderr
    assert "about to break" in done.stderr
    assert done.stdout == ""


def test_a_loss_that_raises_because_of_a_known_fault_is_diagnosed(case_file: Path) -> None:
    done = torchmedic("check", "mine.py:labels_from_one", "--json", "-", cwd=case_file.parent)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["findings"][0]["cause"] == "labels-wrong-encoding"
    assert "IndexError: Target 2 is out of bounds" in done.stderr


def test_a_loss_that_raises_for_reasons_unknown_exits_with_3(case_file: Path) -> None:
    done = torchmedic("check", "mine.py:loss_of_its_own", cwd=case_file.parent)
    assert done.returncode == 3
    assert "RuntimeError: no loss today" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "nowhere.py:case"], "nowhere.py"),
        (["check", "mine.py:cas"], "case"),
        (["check", "mine.py:case", "--json", "no/such/folder/x.json"], "cannot write"),
        (["check", "mine.py:case", "--rules", "no-such-folder"], "no such file or folder"),
        (["demo", "nobody"], "nobody"),
    ],
)
def test_bad_input_gets_one_sentence_and_exits_with_2(
    arguments: list[str], sentence: str, case_file: Path
) -> None:
    done = torchmedic(*arguments, "--lang", "en", cwd=case_file.parent)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["check"],
        ["check", "mine.py:case", "--budget", "-1"],
        ["check", "mine.py:case", "--budget", "nan"],
        ["check", "mine.py:case", "--min-certainty", "2"],
        ["rules"],
    ],
)
def test_bad_usage_gets_one_line_and_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "--help" in err


def test_help_imports_neither_pydantic_nor_torch_nor_textual(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom expert.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'torch', 'textual', 'rich', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_demo_without_a_terminal_is_a_text_report(tmp_path: Path) -> None:
    done = torchmedic("demo", "loss-stuck-high", "--lang", "en", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "double-softmax" in done.stdout

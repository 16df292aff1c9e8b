"""A watched script does what it does unwatched: numbers, output, errors, exit status."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.probes.watching.running import LAUNCHER, ROOT, bare, watched, without_our_lines
from tests.probes.watching.scripts import HEALTHY

_NUMBERS = """
import random
import numpy
print(repr(torch.rand(3).tolist()), random.random(), repr(numpy.random.rand()))
"""
_PRINTING = [name for name, script in HEALTHY.items() if "print(" in script]


@pytest.mark.parametrize("name", _PRINTING)
def test_losses_and_random_numbers_are_the_same_to_the_last_bit(name: str, tmp_path: Path) -> None:
    start = "import numpy, random\nnumpy.random.seed(0)\nrandom.seed(0)\n"
    (tmp_path / "train.py").write_text(start + HEALTHY[name] + _NUMBERS)
    one, other = bare("train.py", cwd=tmp_path), watched("train.py", cwd=tmp_path)
    assert one.returncode == 0
    assert b"0." in one.stdout
    assert other.stdout == one.stdout
    assert without_our_lines(other.stderr) == without_our_lines(one.stderr)


@pytest.mark.parametrize(
    "script",
    {
        "arguments": "import sys; print(sys.argv, sys.path[0], __name__, __file__, __spec__)",
        "guard": "if __name__ == '__main__':\n    import __main__; print(__main__.__file__)",
        "exit status": "import sys; sys.exit(7)",
        "exit with a sentence": "import sys; print('out'); sys.exit('too bad')",
        "exit without anything": "raise SystemExit",
        "exception": "def f():\n    return {}['missing']\n\nprint('before')\nf()",
        "cause of an exception": "try:\n    1 / 0\n"
        "except Exception as e:\n    raise KeyError(3) from e",
        "syntax error": "print('never'",
        "import that fails": "import torch\nimport nothing_of_this_name",
        "own hook": "import sys\nsys.excepthook = lambda *e: print('mine', e[0])\nraise ValueError",
        "binary": "import os; os.write(1, bytes(range(256)))",
        "raising in torch": "import torch\ntorch.nn.functional.mse_loss(torch.ones(2), 'a')",
        "warning": "import torch, torch.nn.functional as F\n"
        "for i in range(2):\n    F.mse_loss(torch.ones(2, 1), torch.ones(2))\n"
        "torch.nn.MSELoss()(torch.ones(3, 1), torch.ones(3))",
        "empty": "",
        "thread": "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
        "pool left open": "from concurrent.futures import ThreadPoolExecutor as P\n"
        "pool = P(2)\nprint(pool.submit(max, 2, 3).result())",
        "at exit": "import atexit\natexit.register(print, 'last')\nprint('first')",
        "fork": "import os, sys\nif os.fork() == 0:\n    sys.exit(0)\nos.wait()\nprint('parent')",
        "multiprocessing": "import multiprocessing as m\n"
        "def f(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(1) as p: print(p.map(f, [1, 2]))",
        "workers": "import torch\nfrom torch.utils.data import DataLoader\n"
        "if __name__ == '__main__':\n"
        "    print([b.tolist() for b in DataLoader(range(8), batch_size=2, num_workers=2)])",
    }.items(),
    ids=lambda entry: entry[0],
)
def test_everything_else_is_as_with_python(script: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script[1])
    arguments = ("train.py", "--lr", "0.1", "--", "-m", "x")
    one, other = bare(*arguments, cwd=tmp_path), watched(*arguments, cwd=tmp_path)
    assert other.returncode == one.returncode
    assert other.stdout == one.stdout
    assert without_our_lines(other.stderr) == without_our_lines(one.stderr)


def test_a_module_runs_as_with_python_m(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "train.py").write_text(
        "import sys\nfrom . import train as me\nprint(sys.argv, sys.path[0], __spec__.name)"
    )
    one = bare("-m", "pack.train", "--lr", "1", cwd=tmp_path)
    other = watched("-m", "pack.train", "--lr", "1", cwd=tmp_path)
    assert one.returncode == 0
    assert (other.returncode, other.stdout) == (one.returncode, one.stdout)


def test_torch_is_imported_by_the_script_alone(tmp_path: Path) -> None:
    script = "import sys\nprint('torch' in sys.modules, 'pydantic' in sys.modules)"
    (tmp_path / "train.py").write_text(script)
    done = watched("train.py", cwd=tmp_path)
    assert done.stdout == b"False False\n"
    assert b"did not import torch" in done.stderr


def test_a_failing_script_gets_its_diagnosis_all_the_same(tmp_path: Path) -> None:
    script = (
        "import torch\nmodel = torch.nn.Linear(2, 1)\n"
        "model(torch.ones(4, 2)).detach().sum().backward()"
    )
    (tmp_path / "train.py").write_text(script)
    alone, done = bare("train.py", cwd=tmp_path), watched("train.py", cwd=tmp_path)
    assert done.returncode == 1
    assert b"does not require grad" in alone.stderr
    assert alone.stderr in done.stderr
    assert b"graph-detached" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.py"], "There is no script missing.py"),
        (["."], "folder without a __main__.py"),
        ([], "needs a script"),
        (["--json", "-", "train.py"], "standard output belongs"),
        (["--json", "no/such/folder.json", "train.py"], "a folder that exists"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_sentence(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('ran')")
    done = watched(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert done.stdout == b""
    assert len(done.stderr.decode().splitlines()) == 1


def test_findings_change_the_exit_status_only_on_request(tmp_path: Path) -> None:
    script = (
        "import torch\nw = torch.nn.Linear(2, 1)\no = torch.optim.SGD(w.parameters(), lr=0.01)\n"
        "for i in range(20):\n    w(torch.ones(4, 2)).square().mean().backward()\n    o.step()"
    )
    (tmp_path / "train.py").write_text(script)
    assert watched("train.py", cwd=tmp_path).returncode == 0
    assert watched("--exit-on-finding", "train.py", cwd=tmp_path).returncode == 1


def test_ctrl_c_ends_it_as_it_would_without_us_and_gives_the_diagnosis(tmp_path: Path) -> None:
    script = (
        "import time, torch\nw = torch.nn.Linear(2, 1)\n"
        "o = torch.optim.SGD(w.parameters(), lr=0.01)\n"
        "for i in range(20):\n    w(torch.ones(4, 2)).square().mean().backward()\n    o.step()\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    (tmp_path / "train.py").write_text(script)
    (tmp_path / "torchmedic").write_text(LAUNCHER)
    command = [sys.executable, "torchmedic", "run", "train.py"]
    with Popen(
        command, cwd=tmp_path, stdout=PIPE, stderr=PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in errors
    assert b"missing-zero-grad" in errors

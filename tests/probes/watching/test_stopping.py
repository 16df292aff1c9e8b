"""`--stop-on-finding` ends a script, whatever its threads and workers wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.probes.watching.running import watched

_START = """\
import queue, signal, threading, torch
from torch.utils.data import DataLoader
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e30)

def train(batches):
    for x in batches:
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

def ones():
    while True:
        yield torch.ones(8, 4)
"""
_SCRIPTS = {
    "the loop itself": "train(ones())",
    "a thread that the main one waits for": "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "done = threading.Event()\n"
    "threading.Thread(target=lambda: (train(ones()), done.set())).start()\n"
    "done.wait()",
    "a thread of a pool": "from concurrent.futures import ThreadPoolExecutor\n"
    "pool = ThreadPoolExecutor(2)\n"
    "pool.submit(train, ones()).result()",
    "a thread that gives batches for ever": "given = queue.Queue(maxsize=2)\n"
    "def give():\n"
    "    while True:\n"
    "        given.put(torch.ones(8, 4))\n"
    "threading.Thread(target=give).start()\n"
    "train(iter(given.get, None))",
    "workers of a loader": "loader = DataLoader(torch.ones(4096, 4), 8, num_workers=2,"
    " persistent_workers=True)\n"
    "batches = iter(loader)\n"
    "while True:\n"
    "    train(batches)\n"
    "    batches = iter(loader)",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_loss_that_is_not_finite_ends_the_script(name: str, tmp_path: Path) -> None:
    script = _START + "if __name__ == '__main__':\n"
    script += "".join(f"    {line}\n" for line in _SCRIPTS[name].splitlines())
    (tmp_path / "train.py").write_text(script + "    print('went on')\n")
    done = watched("--stop-on-finding", "train.py", cwd=tmp_path, timeout=120)
    errors = done.stderr.decode()
    assert done.returncode == 1
    assert "the loss is not finite (train.py:9)" in errors
    assert "What is wrong" in errors
    assert "Traceback" not in errors
    assert done.stdout == b""

"""Settings for all tests."""

from __future__ import annotations

import os
import site
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores must not fight
os.environ.setdefault("LANG", "C.UTF-8")
os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())  # which follows HOME

# Nobody's own rules, and no knowledge kept from elsewhere: neither read nor written by the tests.
_HOME = tempfile.TemporaryDirectory(prefix="torchmedic-tests-")
for _name, _folder in {
    "HOME": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}.items():
    os.environ[_name] = str(Path(_HOME.name, _folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the slow tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu and not _has_cuda():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="gpu: there is no CUDA device here"))


def _has_cuda() -> bool:
    import torch  # here, as most tests do without it

    return torch.cuda.is_available()

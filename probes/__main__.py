"""The examination as a child process: `python probes/__main__.py FILE.py:FUNC` (or `-m probes`).

Started by its path, so that no folder called probes where the user works can take its place.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _start() -> int:
    """Load the rest with our folder on the path only while loading, then run it."""
    if sys.path and Path(sys.path[0] or ".").resolve() == _HERE:
        del sys.path[0]  # or `import data` in the user's code would find ours
    root = str(_HERE.parent)
    sys.path.insert(0, root)
    try:
        from probes.running.child import main
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "numpy"):
            raise
        return _tell_missing(error.name)
    finally:
        sys.path.remove(root)
    return main(sys.argv[1:])


def _tell_missing(name: str) -> int:
    message = {
        "en": f"{name} is not installed in {sys.executable}: install torchmedic into the"
        " environment in which your training runs.",
        "zh": f"{sys.executable} 中没有安装 {name}：请把 torchmedic 安装到您训练所用的环境中。",
    }
    event = {"event": "error", "kind": "usage", "message": message, "traceback": None}
    print(json.dumps(event), flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(_start())

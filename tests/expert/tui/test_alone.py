"""What the interface must not need before its first frame."""

from __future__ import annotations

import subprocess
import sys


def test_the_first_screen_needs_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; import expert.tui, expert.tui.app, expert.examination;"
        "from expert.tui.patients import built_in_patients; assert built_in_patients();"
        "print([m for m in ('torch', 'pydantic', 'experta', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_itself_needs_no_textual() -> None:
    code = "import sys; import expert.tui; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

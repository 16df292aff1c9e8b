"""What the interface must not need before its first frame."""

from __future__ import annotations

import subprocess
import sys


def test_the_first_screen_needs_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; import expert.tui.app; from expert.tui.running import real_services;"
        "services = real_services(rules=(), budget=1.0, min_certainty=0.5, device=None);"
        "assert services.patients;"
        "print([m for m in ('torch', 'pydantic', 'experta', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_itself_needs_no_textual() -> None:
    code = "import sys; import expert.tui; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

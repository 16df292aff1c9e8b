"""Where a report goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_files_are_written_although_the_reader_of_the_text_goes_away(tmp_path: Path) -> None:
    rows = [f"{epoch},{0.7 / (epoch + 1):.3f},{0.4 + epoch / 20:.3f}" for epoch in range(12)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["epoch,train_loss,val_loss", *rows]), encoding="utf-8")
    command = [sys.executable, "-m", "expert", "log", str(log), "--json", str(tmp_path / "d.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
    assert '"overfitting"' in (tmp_path / "d.json").read_text(encoding="utf-8")

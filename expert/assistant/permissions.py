"""What an assistant may touch: by default it reads below one folder and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from expert.errors import UsageError


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the person who started the server has allowed.

    `run_code`: examine cases and watch scripts, that is: run them. `anywhere`: use files outside
    `folder`.
    """

    folder: Path = field(default_factory=Path.cwd)
    run_code: bool = False
    anywhere: bool = False

    def path(self, name: str) -> Path:
        """Return the file called `name`; raise UsageError when it is outside the folder.

        Links are followed first, so that none leads out.
        """
        folder = self.folder.resolve()
        path = (folder / name).resolve()
        if not self.anywhere and not path.is_relative_to(folder):
            raise UsageError(
                en=f"{name} is outside {folder}; the user can allow it with `torchmedic mcp "
                "--anywhere`",
                zh=f"{name} 在 {folder} 之外；用户可以用 `torchmedic mcp --anywhere` 允许访问",
            )
        return path

    def spec(self, spec: str) -> str:
        """Return "FILE.py:FUNC" with the file checked like any path."""
        file, colon, function = spec.rpartition(":")
        return f"{self.path(file)}:{function}" if colon else str(self.path(spec))

    def require_running(self) -> None:
        """Raise UsageError unless running the user's code is allowed."""
        if not self.run_code:
            raise UsageError(
                en="this would run code; the user can allow it with `torchmedic mcp --run-code`",
                zh="这会运行代码；用户可以用 `torchmedic mcp --run-code` 允许",
            )

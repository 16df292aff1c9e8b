"""`torchmedic mcp`: the engine as tools for an assistant."""

from __future__ import annotations

import argparse
from pathlib import Path

from expert.assistant.permissions import Permissions
from expert.assistant.tools import Tools
from expert.cli.knowledge import knowledge_for
from expert.errors import UsageError


def mcp(options: argparse.Namespace) -> int:
    """Serve on standard input and output until the assistant closes them."""
    try:
        from expert.assistant.server import build_server
    except ModuleNotFoundError as error:
        raise UsageError(
            en=f"torchmedic mcp needs the package {error.name}: pip install 'torchmedic[mcp]'",
            zh=f"torchmedic mcp 需要软件包 {error.name}：pip install 'torchmedic[mcp]'",
        ) from None
    allowed = Permissions(Path.cwd(), run_code=options.run_code, anywhere=options.anywhere)
    build_server(Tools(knowledge_for(options), allowed, options.lang)).run("stdio")
    return 0

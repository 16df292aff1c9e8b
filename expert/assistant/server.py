"""The tools over the Model Context Protocol (https://modelcontextprotocol.io), on stdio."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from expert.assistant.tools import Tools
from expert.errors import TorchmedicError, UserCodeError
from expert.knowledge.json_schema import json_schema
from expert.report.json_report import diagnosis_json_schema

INSTRUCTIONS = (
    "torchmedic finds out why a PyTorch network does not train. With code at hand use examine_case "
    "or watch_script, with logs only read_log, with neither ask the user what next_question "
    "returns. Report findings best first, with their evidence, and offer the first fix."
)


def build_server(tools: Tools) -> MCPServer:
    """Return a server that offers `tools`; `run()` speaks on standard input and output."""
    server = MCPServer("torchmedic", instructions=INSTRUCTIONS)
    for function in (
        tools.examine_case,
        tools.watch_script,
        tools.read_log,
        tools.diagnose_facts,
        tools.next_question,
        tools.explain_cause,
        tools.list_causes,
        tools.list_facts,
        tools.show_rule,
        tools.test_rules,
    ):
        server.tool()(_in_a_thread(function, tools))

    @server.resource("torchmedic://schema/diagnosis", mime_type="application/schema+json")
    def diagnosis_schema() -> dict[str, Any]:
        """The JSON Schema of every diagnosis that a tool returns."""
        return diagnosis_json_schema()

    @server.resource("torchmedic://schema/rules", mime_type="application/schema+json")
    def rules_schema() -> dict[str, Any]:
        """The JSON Schema of rule files."""
        return json_schema(tools.knowledge)

    return server


def _in_a_thread(function: Callable[..., Any], tools: Tools) -> Callable[..., Any]:
    """Return an async twin: an examination of a minute must not block the protocol's pings."""

    @functools.wraps(function)
    async def call(**arguments: Any) -> Any:
        try:
            return await anyio.to_thread.run_sync(functools.partial(function, **arguments))
        except UserCodeError as error:
            said = f"{error.say(tools.language)}\n{error.traceback}"
            raise ToolError(said.rstrip()) from None
        except TorchmedicError as error:
            raise ToolError(error.say(tools.language)) from None

    return call

"""The server, asked by the SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

CASE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def case():
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=1))
    return {
        "model": model,
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "train_loader": DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True),
    }
"""

Talk = Callable[[Client], Awaitable[None]]


def with_server(folder: Path, *options: str, talk: Talk) -> None:
    async def run() -> None:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "expert", "mcp", *options], cwd=folder
        )
        async with Client(stdio_client(server)) as client:
            await talk(client)

    asyncio.run(run())


async def asked(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)  # type: ignore[union-attr]


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]


def test_facts_are_diagnosed_and_the_conclusion_explained(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        diagnosis = await asked(client, "diagnose_facts", facts={"loss.has_graph": False})
        assert diagnosis["findings"][0]["cause"] == "graph-detached"
        explained = await asked(
            client, "explain_cause", facts=diagnosis["facts"], cause="graph-detached"
        )
        assert any(rule["fired"] for rule in explained["rules"])

    with_server(tmp_path, talk=talk)


def test_questions_lead_on_from_answer_to_answer(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        first = (await asked(client, "next_question"))["question"]
        choice = first["choices"][0]["id"]
        second = (await asked(client, "next_question", answers={first["id"]: choice}))["question"]
        assert second["id"] != first["id"]
        said = await refused(client, "next_question", answers={first["id"]: "no-such-choice"})
        assert "no-such-choice" in said

    with_server(tmp_path, talk=talk)


def test_a_log_is_read_but_only_below_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    curve = "".join(f"{step},{2.3 if step < 20 else 'nan'}\n" for step in range(40))
    for path in (folder / "log.csv", tmp_path / "secret.csv"):
        path.write_text(f"step,loss\n{curve}", encoding="utf-8")

    async def talk(client: Client) -> None:
        diagnosis = await asked(client, "read_log", files=["log.csv"])
        assert diagnosis["symptoms"][0]["id"] == "loss-not-finite"
        assert "--anywhere" in await refused(client, "read_log", files=["../secret.csv"])

    with_server(folder, talk=talk)


def test_nothing_is_run_unless_the_user_allows_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('was run')\n", encoding="utf-8")

    async def talk(client: Client) -> None:
        assert "--run-code" in await refused(client, "examine_case", spec="mine.py:case")
        assert "--run-code" in await refused(client, "watch_script", script="mine.py")

    with_server(tmp_path, talk=talk)


@pytest.mark.slow
def test_a_case_is_examined_when_allowed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CASE, encoding="utf-8")

    async def talk(client: Client) -> None:
        diagnosis = await asked(client, "examine_case", spec="mine.py:case")
        assert diagnosis["findings"][0]["cause"] == "double-softmax"

    with_server(tmp_path, "--run-code", talk=talk)


def test_rules_can_be_listed_shown_and_tested(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"list_causes", "show_rule", "test_rules"} <= tools
        shown = await asked(client, "show_rule", id="double-softmax")
        assert shown["cause"] == "double-softmax"
        tested = await asked(client, "test_rules", ids=["double-softmax"])
        assert tested["passed"] > 0
        assert tested["failed"] == []
        assert "double-softmax" in await refused(client, "show_rule", id="duble-softmax")

    with_server(tmp_path, talk=talk)

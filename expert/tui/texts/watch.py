"""Sentences of the live view and of reading logs."""

from __future__ import annotations

from expert.language import Text

WATCHING = Text("Watching", "观察中")
LOSS = Text("Loss", "损失")
SUSPICIONS = Text("Present suspicion", "目前的怀疑")
NO_SUSPICION = Text("Nothing suspicious so far.", "目前没有可疑之处。")
OUTPUT = Text("What the script prints", "脚本的输出")
STARTING = Text("The script is starting …", "脚本正在启动……")
RUNNING = Text(
    "step {step}  ·  loss {loss}  ·  {speed} steps/s  ·  {elapsed}",
    "第 {step} 步  ·  损失 {loss}  ·  每秒 {speed} 步  ·  {elapsed}",
)
STOPPING = Text("Stopping: the diagnosis is being made …", "正在停止：得出诊断……")
NO_TRAINING = Text(
    "{script} ended with status {status} before any training was seen. What it printed stands "
    "below.",
    "{script} 以状态 {status} 结束，没有看到任何训练。它的输出如下。",
)
WATCH_HELP = Text(
    "Your script runs as it would without us, in a process of its own. The chart shows its loss, "
    "the "
    "panel beside it the present suspicion with the line to look at. Stopping ends the script as "
    "Ctrl-C would, and the diagnosis is made from what was seen.",
    "脚本在单独的进程中照常运行。图中是它的损失，旁边是目前的怀疑以及相应的代码行。"
    "停止相当于按 Ctrl-C，随后根据已观察到的内容给出诊断。",
)
READING = Text("Reading the logs", "读取日志")
READING_HELP = Text(
    "The curves are read and what they show is concluded.", "读取曲线，并由此得出结论。"
)
NO_WATCHING = Text("Scripts cannot be watched here.", "此处无法观察脚本。")

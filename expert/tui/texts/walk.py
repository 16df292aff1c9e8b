"""Sentences of the walk: steps, ranking, questions, examination."""

from __future__ import annotations

from typing import Final

from expert.language import Text

RANKING = Text("Causes so far", "目前的原因排名")
NOTHING_RANKED = Text("No cause stands out yet.", "还没有突出的原因。")
THINKING = Text("Thinking …", "正在推理……")
LOADING_RULES = Text("Reading the rules …", "正在读取规则……")

# ------------------------------------------------------------------------------- questions
QUESTIONS = Text("Questions", "提问")
WHAT_YOU_SEE = Text("What you see", "您看到的现象")
DONT_KNOW = Text("I don't know", "不清楚")
SKIP_TO_EXAMINATION = Text("Skip this: measure first", "跳过，先测量")
QUESTION_NUMBER = Text("Question {n}", "问题 {n}")
PRESENT_ANSWER = Text("present answer", "当前回答")
ENOUGH_ASKED = Text(
    "Nothing more is worth asking: no answer would change the ranking.",
    "没有值得再问的问题：任何回答都不会改变排名。",
)
DIAGNOSE_NOW = Text("enter shows the diagnosis", "按 enter 查看诊断")
PICK_TO_CHANGE = Text("Choose the answer to change", "选择要修改的回答")
ASKING_HELP = Text(
    "Each question is asked because its answer can change the ranking beside it; the one that can "
    "change it most comes first. Choose with the arrows or the number. Going back undoes the last "
    "answer, and any earlier answer can be changed. Leave whenever you like: the diagnosis is made "
    "from what is known.",
    "每个问题的回答都可能改变旁边的排名，影响最大的先问。用方向键或数字选择。"
    "“上一题”撤销最近的回答，更早的回答也可以修改。随时可以离开：诊断根据已知的内容给出。",
)
COULD_STILL_ASK = Text(
    "Some answers of yours could still change this: a asks.",
    "您的某些回答仍可能改变结论：按 a 提问。",
)
# What can be done next with a diagnosis, in one line.
TRY_IT = Text(
    "t tries the fix on a copy; your model stays as it is.",
    "按 t 在模型的副本上试验修复；您的模型保持不变。",
)
OR_ASK = Text(" a asks what is open.", "按 a 回答未定的问题。")
HEALS = Text(
    "It helped on a copy. y copies the code; change yours, then r examines again.",
    "已在副本上见效。按 y 复制代码；改好自己的代码后，按 r 重新检查。",
)
CHANGE_IT = Text(
    "Change the code as the fix says (y copies it), then r examines it again.",
    "按修复说明修改代码（按 y 复制），然后按 r 重新检查。",
)

# ----------------------------------------------------------------------------- examination
SKIP_STARTS_AGAIN = Text(
    "Skipping {title}; the others go on in a new process.",
    "跳过“{title}”；其余检查在新进程中继续。",
)
STEPS: Final = {
    "see": WHAT_YOU_SEE,
    "examine": Text("Examination", "检查"),
    "ask": QUESTIONS,
    "diagnose": Text("Diagnosis", "诊断"),
    "cure": Text("Cure", "治疗"),
}

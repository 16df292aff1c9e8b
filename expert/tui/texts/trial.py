"""Sentences of the screen that tries fixes."""

from __future__ import annotations

from expert.language import Text

TRYING = Text("Try the fix", "试一试修复")
FIXES = Text("Fixes that can be tried", "可以试验的修复")
STARTING = Text(
    "Your model is copied and trained briefly, as it is and with the fix …",
    "正在复制您的模型，分别按原样和加上修复短暂训练……",
)
AS_IT_IS = Text("as it is", "按原样")
WITH_FIX = Text("with the fix", "加上修复")
BAND = Text(
    "Dotted: how far two runs as it is differ by chance alone.",
    "点状区域：按原样训练两次，仅因随机而产生的差异。",
)
STEP_AND_BAND = Text("step  ·  dotted: chance alone", "步  ·  点状区域：仅因随机")
CURED = Text("It heals.", "有效，已治愈。")
HELPED = Text("It helps, but does not heal.", "有帮助，但未治愈。")
FAILED = Text("It does not help.", "没有帮助。")
NOT_TRIED = Text("It could not be tried: {why}", "无法试验：{why}")
NUMBERS = Text(
    "After {steps} steps the {measure} is {after} with the fix and {baseline} without; "
    "it began at {before}.",
    "{steps} 步后，加上修复的{measure}为 {after}，不修复为 {baseline}；开始时为 {before}。",
)
MEASURES = {
    "loss": Text("loss", "损失"),
    "accuracy": Text("accuracy", "准确率"),
    "explained-variance": Text("explained variance", "解释方差"),
}
NEXT_CURED = Text(
    "c examines the copy again with this fix. Or change your code (y copies it), then examine "
    "again.",
    "按 c 对加上此修复的副本复查；或修改您的代码（按 y 复制）后重新检查。",
)
NEXT_OTHER = Text(
    "Choose another fix on the left and press enter.", "在左侧选择另一种修复并按 enter。"
)
NOTHING = Text(
    "No fix of these findings can be tried by a program.", "这些问题的修复都无法由程序试验。"
)
STOPPED = Text("Stopped.", "已停止。")
TRIAL_HELP = Text(
    "A copy of your model is trained for a few seconds, once as it is and once with the fix; "
    "nothing "
    "of yours is changed. Both losses grow in the chart as it happens. What is seen here becomes "
    "evidence in the diagnosis. The re-check examines the treated copy from top to bottom.",
    "用您模型的副本训练几秒钟，一次按原样，一次加上修复；不会改动您的任何东西。两条损失曲线实时画"
    "出。"
    "这里的结果会成为诊断的证据。“复查”会对修复后的副本做完整检查。",
)

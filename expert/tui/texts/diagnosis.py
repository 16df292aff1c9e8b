"""Sentences of the diagnosis, its explanations and its plots."""

from __future__ import annotations

from expert.language import Text

PLOTS = Text("Plots", "图表")
NO_PLOTS = Text(
    "There is nothing to draw: no layers were measured and no curves were seen.",
    "没有可画的内容：没有测量各层，也没有看到曲线。",
)
TRIED_FIXES = Text("Fixes tried on a copy", "在副本上试过的修复")
LOSS_CURVE = Text("Loss over the steps", "损失随步数的变化")
LOG_CURVE = Text("Curves of the log", "日志中的曲线")
STEP = Text("step", "步")
GRADIENTS = Text("Gradient per layer, relative to the weight", "各层梯度（相对于权重）")
WEIGHTS = Text("Weight scale per layer, 1 is the usual one", "各层权重尺度（1 为常规值）")
ACTIVATIONS = Text("Spread of the activations per layer", "各层激活值的离散程度")
DEAD = Text("Dead units per layer", "各层死亡单元占比")
SATURATED = Text("Saturated units per layer", "各层饱和单元占比")
UPDATES = Text("Update per step, relative to the weight", "每步更新量（相对于权重）")
CLASSES = Text("Samples per class", "各类样本占比")
LOGARITHMIC = Text("logarithmic", "对数刻度")
LAYERS_FOLDED = Text("{n} layers, {m} to a bar", "共 {n} 层，每条代表 {m} 层")

# ----------------------------------------------------------------------------- explanation
EXPLANATION = Text("How and why not", "依据与否定依据")
SEARCH_CAUSES = Text("Search causes and symptoms …", "搜索原因和症状……")
NOT_KNOWN = Text("nothing known either way", "尚无任何证据")
MISSING = Text("Worth knowing: {names}", "值得了解：{names}")
NO_RULE = Text("No rule bears on it.", "没有相关规则。")
WOULD_SAY = Text("would say", "可得")
EXPLANATION_HELP = Text(
    "Choose any cause or symptom on the left; on the right stand all rules that bear on it. ✓ "
    "marks "
    "a condition that holds, ✗ one that does not, ? one that nobody knows; the values seen stand "
    "beside them. So a finding shows how it was concluded, and anything else why it was not.",
    "在左侧选择任一原因或症状，右侧列出与它有关的所有规则。✓ 表示条件成立，✗ 表示不成立，"
    "? 表示未知；旁边是看到的数值。由此可以看出结论如何得出，或者为何没有得出。",
)
WHAT_IF = Text("What if", "假如")
WHAT_IF_HELP = Text(
    "Choose something that was measured or answered and give it another value: the ranking shows "
    "what would follow. Nothing of your session changes.",
    "选择一个测量值或回答，换成另一个值，排名会显示由此得出的结论。您的会话不会改变。",
)
SEARCH_FACTS = Text("Search facts and questions …", "搜索事实和问题……")
NEW_VALUE = Text("a number", "输入数值")
IS_NOW = Text("is {value}", "当前为 {value}")
IF_IT_WERE = Text("If it were {value}", "假如是 {value}")
NOTHING_MOVES = Text("Nothing would change.", "不会有任何变化。")
NOT_A_NUMBER = Text("{value} is not a number.", "{value} 不是数。")
UNKNOWN = Text("unknown", "未知")

# ---------------------------------------------------------------------------------- export
EXPORT = Text("Export the diagnosis", "导出诊断")
EXPORT_PATH = Text("Save as", "保存为")
FORMATS = {
    "markdown": Text("Markdown, for an issue or a chat", "Markdown，便于贴到 issue 或聊天"),
    "html": Text("HTML, one page with plots", "HTML，含图表的单页"),
    "json": Text("JSON, for tools", "JSON，供工具使用"),
    "text": Text("Text, as in the terminal", "文本，与终端报告相同"),
}
EXPORTED = Text("Saved as {path}", "已保存为 {path}")
NOT_EXPORTED = Text("{path} cannot be written: {why}.", "无法写入 {path}：{why}。")
EXPORT_HINT = Text("↑ ↓ choose the format, enter saves", "↑ ↓ 选择格式，enter 保存")
EXPORT_HELP = Text(
    "Choose the format and the place of the file. A file that is there already is replaced.",
    "选择格式和文件位置。已存在的文件会被替换。",
)

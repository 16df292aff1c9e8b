"""Every sentence of the interface, in both languages.

A constant per sentence, so that a misspelt name is found by the type checker. `{...}` is filled by
`str.format`.
"""

from __future__ import annotations

from typing import Final

from expert.language import Language, Text

# ------------------------------------------------------------------------------ everywhere
START = Text("Start", "开始")
EXAMINATION = Text("Examination", "检查")
DIAGNOSIS = Text("Diagnosis", "诊断")
HELP = Text("Help", "帮助")
KEYS = Text("Keys", "按键")
CLOSE_HINT = Text("esc closes", "esc 关闭")
OTHER_LANGUAGE = Text("中文", "English")
SEARCH_COMMANDS = Text("Search for commands…", "搜索命令…")
SEARCH_THEMES = Text("Search for themes…", "搜索主题…")
COPIED = Text("Copied to the clipboard.", "已复制到剪贴板。")
CAN_COMPARE = Text(
    "This follows an earlier examination: c compares the two.",
    "这是再次检查的结果：按 c 与之前比较。",
)
SESSION_UNREADABLE = Text(
    "The saved session cannot be read: {why}.", "无法读取已保存的会话：{why}。"
)
RULES_RELOADED = Text(
    "The rules were read again, and the diagnosis made anew.", "规则已重新读取，诊断已更新。"
)
RULES_BROKEN = Text(
    "The edited rules have a mistake; the last good ones stay in use. {first}",
    "修改后的规则有错误，仍沿用之前的规则。{first}",
)
NOTHING_TO_COPY = Text("There is no code to copy here.", "这里没有可复制的代码。")

# ----------------------------------------------------------------------------------- start
OWN_CASE_PLACEHOLDER = Text("FILE.py:FUNC, e.g. train.py:case", "FILE.py:FUNC，例如 train.py:case")
OWN_CASE_HINT = Text(
    "A function that builds your model, loader, loss and optimizer. Press / to type its place.",
    "一个函数，返回您的模型、数据加载器、损失和优化器。按 / 输入它的位置。",
)
PATIENTS = Text("Built-in patients", "内置病例")
NO_PATIENTS = Text("No built-in patients are installed.", "没有安装内置病例。")
CASE_EXPLAINED = Text(
    "Write a function that returns what you train with; then give its place here. The examination "
    "runs it in a process of its own and leaves everything of yours as it was.",
    "写一个函数，返回训练所用的各个部分，再在这里填上它的位置。"
    "检查在单独的进程中运行它，不会改动您的任何东西。",
)
CASE_OPTIONAL = Text(
    "Optional: val_loader, test_loader, task, num_classes, epochs, scheduler, scaler, metric, and "
    "step(model, batch) -> loss for an unusual training loop.",
    "可选：val_loader、test_loader、task、num_classes、epochs、scheduler、scaler、metric，"
    "以及用于特殊训练循环的 step(model, batch) -> loss。",
)
CASE_EXAMPLE: Final = """\
def case():
    return {
        "model": model,
        "train_loader": loader,
        "loss_fn": loss_fn,
        "optimizer": optimizer,
    }
"""

# ------------------------------------------------------------------- the place of a case
EMPTY_PLACE = Text(
    "Type a Python file and a function: FILE.py:FUNC.", "请输入 Python 文件和函数：FILE.py:FUNC。"
)
NO_SUCH_FILE = Text("There is no file {path}.", "没有文件 {path}。")
IS_A_FOLDER = Text(
    "{path} is a folder; name a Python file in it.", "{path} 是文件夹；请指明其中的 Python 文件。"
)
NOT_PYTHON = Text("{path} is not a Python file (.py).", "{path} 不是 Python 文件（.py）。")
UNREADABLE = Text("{path} cannot be read: {why}.", "无法读取 {path}：{why}。")
BAD_SYNTAX = Text(
    "{path} is not valid Python: line {line}: {why}.",
    "{path} 不是有效的 Python：第 {line} 行：{why}。",
)
NO_FUNCTION = Text("Add the function: {path}:FUNC.", "请加上函数名：{path}:FUNC。")
NO_FUNCTION_HAS = Text(
    "Add the function: {path}:FUNC. The file has {names}.",
    "请加上函数名：{path}:FUNC。该文件中有 {names}。",
)
NO_SUCH_FUNCTION = Text("{path} has no function {name}.", "{path} 中没有函数 {name}。")
DID_YOU_MEAN = Text(
    "{path} has no function {name}; did you mean {close}?",
    "{path} 中没有函数 {name}；是不是 {close}？",
)
UNKNOWN_PATIENT = Text(
    "There is no built-in patient '{name}'. There are: {names}.",
    "没有内置病例“{name}”。现有：{names}。",
)
UNKNOWN_PATIENT_CLOSE = Text(
    "There is no built-in patient '{name}'; did you mean '{close}'?",
    "没有内置病例“{name}”；是不是“{close}”？",
)

# ----------------------------------------------------------------------------- examination
PROBES = Text("Probes", "探针")
OUTPUT = Text("What your code prints", "您的代码的输出")
STARTING = Text("Starting: your case is being built …", "正在启动：构建您的案例……")
RUNNING = Text(
    "{percent} %  ·  {elapsed}  ·  about {left} left", "{percent} %  ·  {elapsed}  ·  约剩 {left}"
)
RUNNING_NO_ESTIMATE = Text(
    "{percent} %  ·  {elapsed}  ·  at most {left} left",
    "{percent} %  ·  {elapsed}  ·  最多还需 {left}",
)
STOPPING = Text("Stopping …", "正在停止……")
CONCLUDING = Text("Concluding …", "正在得出结论……")
SECONDS = Text("{n} s", "{n} 秒")
MINUTES = Text("{m} min {s} s", "{m} 分 {s} 秒")
EXAMINATION_HELP = Text(
    "Probes look at your model one after the other, in a process of its own; nothing of yours is "
    "changed. Findings appear as soon as there is evidence for them and may still change. Stop "
    "when you have seen enough: the diagnosis is then made from what is known.",
    "探针在单独的进程中逐项检查您的模型，不会改动您的任何东西。"
    "一有证据，发现就会显示出来，之后仍可能变化。看够了可以随时停止：诊断将基于已知的结果。",
)
STATUS = {
    "waiting": Text("waiting", "等待"),
    "running": Text("running", "进行中"),
    "done": Text("done", "完成"),
    "skipped": Text("skipped", "跳过"),
    "failed": Text("failed", "失败"),
    "stopped": Text("not reached", "未进行"),
}
NOT_REACHED = Text("the examination was stopped before", "检查在此之前已停止")

# ------------------------------------------------------------------------------- diagnosis
FINDINGS = Text("Findings", "发现")
SUSPECTS = Text("Suspected, not certain enough", "可疑，但不够确定")
SYMPTOMS = Text("Symptoms", "症状")
RULED_OUT = Text("Ruled out", "已排除")
MEASURED = Text("Measured", "测量值")
CHECKED = Text("Checked", "检查项")
PRINTED = Text("Output", "输出")
BECAUSE_OF = Text("because of: {title}", "起因：{title}")
LEADS_TO = Text("leads to: {titles}", "导致：{titles}")
WHY = Text("Why", "原因")
EVIDENCE_FOR = Text("What speaks for it", "支持的证据")
EVIDENCE_AGAINST = Text("What speaks against it", "反对的证据")
FIXES = Text("What to change", "如何修改")
FIX_NUMBER = Text("Fix {n}", "方案 {n}")
VERIFY = Text("It worked if: ", "有效的标志：")
COPY = Text(" y copy ", " y 复制 ")
SOURCES = Text("Sources", "出处")
PLACES = Text("Where", "位置")
RESTS_ON = Text("follows from {names}", "由 {names} 推出")
NO_FAULT = Text("No fault found", "未发现故障")
NO_FAULT_INCOMPLETE = Text(
    "No fault found, but some checks ran out of time or failed",
    "未发现故障，但有些检查因时间不足或出错而未完成",
)
NO_FAULT_SAID = Text(
    "Nothing that was measured points to a fault. These things were looked at:",
    "测得的结果都没有指向故障。检查过以下各项：",
)
NO_FAULT_KNOWN = Text(
    "Nothing that is known so far points to a fault.", "目前已知的内容都没有指向故障。"
)
NOTHING_SAID = Text(
    "No probe could be finished, so nothing can be said.", "没有探针完成，因此无法下结论。"
)
COLON = Text(": ", "：")
NOT_LOOKED_AT = Text("Not looked at:", "未检查：")
CAUSES_RULED_OUT = Text("Causes ruled out: {n}.", "已排除的原因：{n} 种。")
CAUSES_SUSPECTED = Text(
    "{n} remain faintly suspected; they are listed on the left.",
    "仍有 {n} 种略有可疑，见左侧列表。",
)
STOPPED_EARLY = Text(
    "Stopped early: {done} of {total} probes finished, so this is provisional.",
    "检查提前停止：{total} 个探针中完成了 {done} 个，以下结论只是暂时的。",
)
NO_SYMPTOMS = Text("No symptoms were seen.", "未见症状。")
NOTHING_RULED_OUT = Text("Nothing could be ruled out.", "没有可以排除的原因。")
NOTHING_KNOWN = Text("Nothing known either way", "尚无任何证据")
NAME = Text("Name", "名称")
VALUE = Text("Value", "值")
ORIGIN = Text("From", "来源")
DIAGNOSIS_HELP = Text(
    "On the left the causes that were found, most important first; a cause that follows from "
    "another stands indented below it. On the right why it is believed, what was measured, and "
    "what to change. The tabs above show everything else that was looked at.",
    "左侧是找到的原因，最重要的在前；由其他原因引起的缩进列在其下。"
    "右侧说明依据、测量值以及如何修改。上方的标签页列出其余检查过的内容。",
)
CERTAINTY_WORDS: Final = (
    (0.9, Text("almost certain", "几乎肯定")),
    (0.75, Text("very likely", "很可能")),
    (0.5, Text("likely", "较可能")),
    (0.2, Text("possible", "有可能")),
)
ORIGINS = {
    "given": Text("given", "给定"),
    "probe": Text("probe {id}", "探针 {id}"),
    "question": Text("answered", "回答得到"),
    "trial": Text("trial {id}", "试验 {id}"),
}

# --------------------------------------------------------------------------------- problems
PROBLEM = Text("Problem", "问题")
PROBLEM_USAGE = Text("This cannot be examined", "无法检查")
PROBLEM_USER_CODE = Text("Your own code failed", "您自己的代码出错了")
PROBLEM_KNOWLEDGE = Text("The knowledge cannot be used", "知识库无法使用")
PROBLEM_OURS = Text("torchmedic failed", "torchmedic 出错了")
KNOWLEDGE_SAID = Text(
    "The rules have mistakes; nothing can be concluded until they are mended.",
    "规则中有错误，修正之前无法下结论。",
)
OURS_SAID = Text(
    "This is a mistake in torchmedic, not in your code. Please report the text below.",
    "这是 torchmedic 自身的错误，不是您的代码的问题。请报告下面的内容。",
)
TRACEBACK = Text("Traceback of your code", "您的代码的回溯信息")
DETAILS = Text("Details", "详情")
PROBLEM_HELP = Text(
    "Scroll with the arrow keys; y copies the whole text.", "用方向键滚动；按 y 复制全文。"
)

# ------------------------------------------------------------------------------------ keys
#: The description of a key binding in the code -> how it is shown.
KEY_DESCRIPTIONS: Final = {
    "Help": Text("Help", "帮助"),
    "Language": Text("Language", "语言"),
    "Quit": Text("Quit", "退出"),
    "Palette": Text("Palette", "命令"),
    "Light/dark": Text("Light/dark", "明/暗"),
    "Back": Text("Back", "返回"),
    "Close": Text("Close", "关闭"),
    "Again": Text("Again", "再检查"),
    "Stop": Text("Stop", "停止"),
    "Own case": Text("Own case", "自己的案例"),
    "Complete": Text("Complete", "补全"),
    "Examine": Text("Examine", "检查"),
    "Open": Text("Open", "打开"),
    "Copy fix": Text("Copy fix", "复制代码"),
    "Copy": Text("Copy", "复制"),
    "Next": Text("Next", "下一项"),
    "Previous": Text("Previous", "上一项"),
    "Down": Text("Down", "向下"),
    "Up": Text("Up", "向上"),
    "Next tab": Text("Next tab", "下一标签"),
    "Previous tab": Text("Previous tab", "上一标签"),
    "Go to tab": Text("Go to tab", "跳到标签"),
    "Theme": Text("Theme", "主题"),
    "Screenshot": Text("Screenshot", "截图"),
    "Knowledge": Text("Knowledge", "知识库"),
    "Skip": Text("Skip probe", "跳过此项"),
    "Undo answer": Text("Back", "上一题"),
    "Change answer": Text("Change answer", "改答案"),
    "Diagnosis": Text("Diagnosis", "诊断"),
    "Choose": Text("Choose", "选择"),
    "Begin": Text("Begin", "开始"),
    "Watch": Text("Watch", "观察"),
    "Read": Text("Read", "读取"),
    "Continue": Text("Continue", "继续"),
    "Mark": Text("Mark", "标记"),
    "Delete": Text("Delete", "删除"),
    "Questions": Text("Questions", "提问"),
    "Try it": Text("Try it", "试一试"),
    "How": Text("How", "依据"),
    "What if": Text("What if", "假如"),
    "Export": Text("Export", "导出"),
    "Compare": Text("Compare", "比较"),
    "Search": Text("Search", "搜索"),
    "Edit": Text("Edit", "编辑"),
    "Save": Text("Save", "保存"),
    "Re-check": Text("Re-check", "复查"),
    "Set": Text("Set", "设定"),
    "Reset": Text("Reset", "还原"),
    "Focus Next": Text("Next part", "下一部分"),
    "Focus Previous": Text("Previous part", "上一部分"),
}
#: Title and help of the commands in the palette.
COMMAND_HELP = Text("Explain this screen and its keys", "说明本页及其按键")
COMMAND_LANGUAGE = Text("Switch the language to Chinese", "切换到英文")
COMMAND_THEME = Text("Choose the colours", "选择配色")
COMMAND_LIGHT = Text("Switch between light and dark", "切换明暗")
COMMAND_SCREENSHOT = Text("Save a picture (SVG) of this screen", "保存本页的图片（SVG）")
COMMAND_QUIT = Text("Leave torchmedic", "退出 torchmedic")
COMMAND_KNOWLEDGE = Text("Browse causes, rules, facts, questions", "浏览原因、规则、事实和问题")
COMMAND_KEY = Text("on this screen: {key}", "本页按键：{key}")


def key_description(english: str, language: Language) -> str:
    """Return the description of a key binding in `language`."""
    known = KEY_DESCRIPTIONS.get(english)
    return known.get(language) if known else english


def duration(seconds: float, language: Language) -> str:
    """Return a time as a person says it: "7 s", "2 min 5 s"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return SECONDS.get(language).format(n=whole)
    return MINUTES.get(language).format(m=whole // 60, s=whole % 60)


def certainty_word(certainty: float, language: Language) -> str:
    """Return the word for a certainty: "very likely"."""
    for least, word in CERTAINTY_WORDS:
        if abs(certainty) >= least:
            return word.get(language)
    return ""

"""Sentences of the start screen."""

from __future__ import annotations

from expert.language import Text

WELCOME = Text(
    "Why does the network not train? What is wrong, how we know, what to change.",
    "网络为什么训练不起来？哪里出了错、依据是什么、该怎么改。",
)
WHAT_DO_YOU_HAVE = Text("What do you have?", "您手头有什么？")
CASE = Text("A model in Python", "Python 模型")
SCRIPT = Text("A training script", "训练脚本")
LOG = Text("Log files", "日志文件")
SYMPTOMS = Text("Only what I have seen", "只有观察到的现象")
DEMO = Text("A demo patient", "示例病例")
SESSIONS = Text("A saved session", "已保存的会话")
RECENT = Text("Recent", "最近")

SCRIPT_PLACEHOLDER = Text("train.py --lr 0.1", "train.py --lr 0.1")
SCRIPT_HINT = Text(
    "The script and its arguments, as after `python`. Tab completes.",
    "脚本及其参数，与 `python` 之后的写法相同。按 tab 补全。",
)
SCRIPT_EXPLAINED = Text(
    "The script runs unchanged in a process of its own while torchmedic watches: the loss, the "
    "gradients and weights of every layer, the batches, the optimizer. Its results stay the same. "
    "Curves and suspicions show while it runs; the diagnosis comes when it ends or you stop it.",
    "脚本在单独的进程中原样运行，torchmedic 在旁观察：损失、各层梯度和权重、批次、优化器。"
    "脚本的结果不受影响。运行时即可看到曲线和可疑之处；结束或停止时给出诊断。",
)
LOG_PLACEHOLDER = Text("runs/  or  metrics.csv", "runs/  或  metrics.csv")
LOG_HINT = Text(
    "Type a path, drop a file here, or go down to choose one. Spaces separate several.",
    "输入路径，或把文件拖到这里，或向下选择。多个路径用空格分开。",
)
LOGS_IN = Text("Logs in {folder}", "{folder} 中的日志")
NO_LOGS_IN = Text("No logs in {folder}", "{folder} 中没有日志")
FOLDER_UNREADABLE = Text("{path} cannot be read.", "无法读取 {path}。")
LOG_EXPLAINED = Text(
    "CSV, JSON Lines, trainer_state.json, TensorBoard event files, or printed lines such as "
    '"loss: 0.12". The curves alone tell much; without the model some causes stay open, and '
    "questions follow.",
    "支持 CSV、JSON Lines、trainer_state.json、TensorBoard 事件文件，或类似 “loss: 0.12” 的打印输"
    "出。"
    "仅凭曲线就能看出很多；没有模型时，有些原因无法确定，之后会提问。",
)
SYMPTOMS_EXPLAINED = Text(
    "Tell what you have seen, by pictures of curves and a few questions. Nothing is run. Each "
    "answer moves the ranking of causes at once, and you always see why a question is asked.",
    "对照曲线图并回答几个问题，说出您看到的现象。不会运行任何代码。"
    "每个回答都会立刻改变原因排名，并且始终说明为什么这样问。",
)
BEGIN = Text("enter begins", "按 enter 开始")
DEMO_EXPLAINED = Text("enter examines this patient", "按 enter 检查这个病例")

EMPTY_SCRIPT = Text(
    "Type a script: train.py, then its arguments.", "请输入脚本：train.py 及其参数。"
)
EMPTY_LOG = Text("Type the path of a log file or folder.", "请输入日志文件或文件夹的路径。")
OPEN_QUOTE = Text("A quotation mark is not closed.", "引号没有闭合。")
NO_SUCH_PATH = Text("There is no {path}.", "没有 {path}。")
SCRIPT_IS_A_FOLDER = Text(
    "{path} is a folder without a __main__.py; name the script in it.",
    "{path} 是没有 __main__.py 的文件夹；请指明其中的脚本。",
)
START_HELP = Text(
    "Choose on the left what you have, and give it on the right. With a Python file, write FILE.py "
    "and the function that returns your model, data and loss; names are completed while you type, "
    "tab takes the suggestion. If you only want to see how it works, take a demo patient. Whatever "
    "you do is saved by itself and can be continued later.",
    "在左侧选择您手头有什么，在右侧填写。若是 Python 文件，请写 FILE.py 和返回模型、数据、损失的"
    "函数；"
    "输入时自动补全，按 tab 采用建议。只想看看怎么用，就选一个示例病例。所有过程都会自动保存，可"
    "随时继续。",
)

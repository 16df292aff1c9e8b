"""Sentences about saved sessions."""

from __future__ import annotations

from expert.language import Text

ONLY_SYMPTOMS = Text("Symptoms only", "仅凭症状")
SESSIONS = Text("Saved sessions", "已保存的会话")
NO_SESSIONS = Text(
    "Nothing is saved yet. Every examination is saved here by itself, step by step.",
    "还没有保存任何会话。每次检查都会逐步自动保存在这里。",
)
KINDS = {
    "case": Text("case", "案例"),
    "demo": Text("demo", "示例"),
    "script": Text("script", "脚本"),
    "log": Text("log", "日志"),
    "symptoms": Text("symptoms", "症状"),
}
NO_FINDING = Text("no fault found", "未发现故障")
UNFINISHED = Text("not finished", "未完成")
UNREADABLE = Text("cannot be read: {why}", "无法读取：{why}")
CONTINUE_HINT = Text(
    "enter continues  ·  space marks two to compare  ·  delete removes",
    "enter 继续  ·  空格标记两个以比较  ·  delete 删除",
)
MARKED = Text("Marked. Mark another one to compare the two.", "已标记。再标记一个即可比较两者。")
SAVING_FAILED = Text(
    "This session cannot be saved in {path}: {why}.", "无法将本次会话保存到 {path}：{why}。"
)
DELETED = Text("The session was deleted.", "会话已删除。")
JUST_NOW = Text("just now", "刚刚")
MINUTES_AGO = Text("{n} min ago", "{n} 分钟前")
HOURS_AGO = Text("{n} h ago", "{n} 小时前")
DAYS_AGO = Text("{n} d ago", "{n} 天前")
BEFORE_IS_GONE = Text("The session before it is no longer there.", "之前的会话已不存在。")
COMPARE = Text("Before and after", "前后比较")
BEFORE = Text("before", "之前")
AFTER = Text("after", "之后")
GONE = Text("Gone", "已消失")
BETTER = Text("Less certain", "已减轻")
SAME = Text("Still there", "仍存在")
NEW = Text("New", "新出现")
CURED = Text("Cured: no fault is found any more.", "已治愈：不再发现任何故障。")
HEALTHY_BOTH = Text("No fault is found in either.", "两者均未发现故障。")
LEFT_OVER = Text(
    "{gone} gone, {left} left, {new} new.", "消失 {gone} 个，剩余 {left} 个，新增 {new} 个。"
)
FACTS_CHANGED = Text("What was measured differently", "测量值的变化")
TREATED_WITH = Text("with: {names}", "已采用：{names}")
COMPARE_HELP = Text(
    "The same case twice: which findings are gone, which are left and how certain they are now, "
    "and "
    "what was measured differently.",
    "对比同一案例的两次检查：哪些发现已消失，哪些仍在、现在有多确定，以及哪些测量值变了。",
)

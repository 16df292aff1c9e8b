"""Sentences of the knowledge browser and its editor."""

from __future__ import annotations

from expert.language import Text

KNOWLEDGE = Text("Knowledge", "知识库")
SEARCH = Text("Search everything …", "搜索全部……")
KINDS = {
    "cause": Text("Causes", "原因"),
    "symptom": Text("Symptoms", "症状"),
    "fact": Text("Facts", "事实"),
    "question": Text("Questions", "问题"),
    "source": Text("Sources", "出处"),
    "fired": Text("Fired here", "本例触发"),
}
RULES = Text("Rules", "规则")
FIXES = Text("Fixes", "修复")
PRODUCES = Text("Brings about", "会导致")
WRITTEN_IN = Text("written in {place}", "写于 {place}")
FIRED = Text("fired in this case: {certainty}", "在本例中触发：{certainty}")
USED_BY = Text("Used by", "被引用于")
VALUES = Text("Values: {values}", "取值：{values}")
PROVIDED_BY = Text("Provided by {inquiry}", "由 {inquiry} 提供")
CHOICES = Text("Choices", "选项")
CITED_BY = Text("Cited by", "被以下引用")
TESTS = Text("{n} rule tests", "{n} 个规则测试")
WHY = Text("Why it is asked", "为什么问")
NOTHING_FOUND = Text("Nothing matches.", "没有匹配的内容。")
NOTHING_FIRED = Text(
    "No rule has fired: open the browser from a diagnosis to see those of that case.",
    "没有触发任何规则：请从诊断页打开知识库，查看该案例触发的规则。",
)
KNOWLEDGE_HELP = Text(
    "Everything the diagnosis is made from. Type to search in both languages; the tabs on top "
    "choose "
    "the kind. A rule that fired for the open case is marked. Edit opens the file at that place; "
    "on "
    "saving it is checked, its rule tests run, and the open diagnosis is made anew.",
    "诊断所依据的全部知识。直接输入即可用中英文搜索，上方选择类别。当前案例中触发的规则带有标记。"
    "“编辑”在相应位置打开文件；保存时检查文件、运行规则测试，并更新打开的诊断。",
)
EDITOR = Text("Editor", "编辑器")
EDIT_HINT = Text("ctrl+s saves and checks  ·  esc closes", "ctrl+s 保存并检查  ·  esc 关闭")
SAVED_WITH_REMARKS = Text(
    "Saved. {tests} rule tests pass. Worth a look: {remarks}.",
    "已保存。{tests} 个规则测试通过。值得检查：{remarks} 处。",
)
SAVED_CLEAN = Text("✓ Saved. {tests} rule tests pass.", "✓ 已保存。{tests} 个规则测试通过。")
SAVED_FAILING = Text("Saved, but rule tests fail:", "已保存，但有规则测试未通过：")
HAS_MISTAKES = Text(
    "Saved, but it cannot be used yet; the last good rules stay in use.",
    "已保存，但暂时无法使用；仍沿用之前的规则。",
)
NOT_SAVED = Text("{path} cannot be written: {why}.", "无法写入 {path}：{why}。")
UNSAVED = Text(
    "Not saved yet. esc again discards the changes.", "尚未保存。再按一次 esc 放弃修改。"
)
CHECKING = Text("Checking …", "正在检查……")
CHANGED_ON_DISK = Text(
    "The file was changed on the disk since it was opened; ctrl+s again overwrites it.",
    "文件打开后在磁盘上被修改过；再按一次 ctrl+s 将覆盖它。",
)
EDITOR_HELP = Text(
    "The YAML of a pack. On saving every mistake is told with its line and column; without "
    "mistakes "
    "the tests beside the rules run and the open diagnosis follows the new rules.",
    "规则包的 YAML。保存时会给出每处错误的行和列；没有错误时运行规则旁的测试，打开的诊断随之更新。",
)

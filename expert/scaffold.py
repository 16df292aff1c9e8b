"""A new cause to be filled in: it loads, and lint has nothing to say but that TODO is left."""

from __future__ import annotations

_TEMPLATE = """\
# A new cause. Replace every TODO and the numbers; then run `torchmedic rules lint` and `test`.
source: team-notes/{id}
title: "TODO: where this is known from (a document, a ticket, a person)"
---
cause: {id}
title:
  en: "TODO: what is wrong, in a few words"
  zh: "TODO：用几个字说明问题"
explanation:
  en: "TODO: the mechanism, in one to three sentences"
  zh: "TODO：用一到三句话说明机制"
status: experimental
evidence:
  # What speaks for it. `torchmedic rules list --facts` lists what can be measured or asked.
  - rule: seen
    when: {{fact: run.relative_drop, below: 0.05}}
    certainty: 0.6
    group: outcome
    threshold: "TODO: where the number comes from"
    reason:
      en: "TODO: in a short run the loss falls by only {{run.relative_drop|percent}}"
      zh: "TODO：短暂训练后损失只下降了 {{run.relative_drop|percent}}"
  # What speaks against it, so that it can be ruled out.
  - rule: not-seen
    when: {{fact: run.relative_drop, at_least: 0.2}}
    certainty: -0.6
    group: outcome
    threshold: "TODO: where the number comes from"
    reason:
      en: "TODO: in a short run the loss falls by {{run.relative_drop|percent}}"
      zh: "TODO：短暂训练后损失下降了 {{run.relative_drop|percent}}"
fixes:
  - fix: mend-it
    title:
      en: "TODO: what to change"
      zh: "TODO：要改什么"
    instructions:
      en: "TODO: how to change it"
      zh: "TODO：怎么改"
    verify:
      en: "TODO: how to see that it worked"
      zh: "TODO：如何确认已经改好"
sources: [team-notes/{id}]
tests:
  - name: the case in which it must be found
    given: {{run.relative_drop: 0.01}}
    expect: [{id}]
  - name: a near miss in which it must not
    given: {{run.relative_drop: 0.4}}
    silent: [{id}]
"""


def scaffold(id_: str) -> str:
    """Return the YAML of a new cause called `id_`."""
    return _TEMPLATE.format(id=id_)

"""Chinese texts as they come from YAML."""

from __future__ import annotations

import pytest

from expert.language import without_stray_spaces
from tests.expert.making import loaded
from tests.expert.test_loader import BASE


@pytest.mark.parametrize(
    ("joined", "meant"),
    [
        ("梯度变小， 损失停滞。 权重不变", "梯度变小，损失停滞。权重不变"),
        ("每一步都越过 极小值", "每一步都越过极小值"),
        ("用 ReLU 的网络， SGD 也行", "用 ReLU 的网络，SGD 也行"),
        ("下降 {drop|percent}[[（共 {steps} 步）]]", "下降 {drop|percent}[[（共 {steps} 步）]]"),
    ],
)
def test_spaces_stay_only_beside_letters_and_numbers(joined: str, meant: str) -> None:
    assert without_stray_spaces(joined) == meant


def test_lines_of_a_chinese_text_are_joined_without_a_space() -> None:
    folded = "title:\n  en: Base\n  zh: >-\n    第一行，\n    第二行\n"
    known = loaded(BASE.replace("title: {en: Base, zh: 基础}\n", folded, 1))
    assert "第一行，第二行" in [known.packs[0].title.zh]
